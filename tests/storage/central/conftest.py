"""Both databases: every story of the store is told on each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_twisted
from postgresql_server import PostgresServer
from twisted.internet import reactor

from txocpp.storage.central import CentralStore


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: the name of a file, or a URL."""
    if request.param == "sqlite":
        return str(tmp_path / "central.sqlite3")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest_twisted.async_yield_fixture
async def store(place: str) -> AsyncIterator[CentralStore]:
    """A store with its threads."""
    made = CentralStore(place, reactor=reactor)
    await made.open()
    yield made
    await made.close()


@pytest.fixture(params=["memory", "postgresql"])
def inline(request: pytest.FixtureRequest) -> Iterator[CentralStore]:
    """A store that does everything at once."""
    if request.param == "memory":
        made = CentralStore.in_memory()
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        made = CentralStore(server.new_database())
        made.open()
    yield made
    made.close()
