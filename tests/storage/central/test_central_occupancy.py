"""One central system on one database, on both kinds of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from postgresql_server import PASSWORD
from sqlalchemy import create_engine
from twisted.internet import reactor

from txocpp.errors import StoreError
from txocpp.storage.central import CentralStore
from txocpp.storage.central.occupancy import FileClaim
from txocpp.storage.central.versions import migrate

HOLDER = """
import sys
from txocpp.storage.central import CentralStore
store = CentralStore(sys.argv[1], exclusive=True)
failed = []
store.open().addErrback(lambda failure: failed.append(failure.getErrorMessage()))
print(failed[0] if failed else "open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(place: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database for itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.wait(20)
    process.stdin.close()
    process.stdout.close()


async def test_a_database_in_use_is_refused(place: str, holder: subprocess.Popen[str]) -> None:
    """With its name and the process that has it; the password is not said."""
    store = CentralStore(place, reactor=reactor, exclusive=True)
    with pytest.raises(StoreError, match=rf"central.* is in use by process {holder.pid}") as told:
        await store.open()
    assert PASSWORD not in str(told.value)
    await store.close()


async def test_a_killed_process_has_nothing_any_more(
    place: str, holder: subprocess.Popen[str]
) -> None:
    """Whoever comes next gets the database; nobody has to remove anything."""
    holder.kill()
    holder.wait(20)
    store = CentralStore(place, reactor=reactor, exclusive=True)
    for attempt in range(100):
        try:
            await store.open()
            break
        except StoreError:
            # A PostgreSQL server may take a moment to notice.
            assert attempt < 99
    await store.write(lambda records: records.tags.add("A"))
    await store.close()


async def test_a_database_is_free_after_closing(place: str) -> None:
    """For the next central system, in this process or another."""
    for _ in range(2):
        store = CentralStore(place, reactor=reactor, exclusive=True)
        await store.open()
        await store.close()


async def test_commands_work_beside_a_central_system(
    place: str, holder: subprocess.Popen[str]
) -> None:
    """They enter accounts and make backups while it runs."""
    beside = CentralStore(place)
    await beside.open()
    await beside.write(lambda records: records.tags.add("A"))
    assert await beside.read(lambda records: records.tags.any())
    await beside.close()
    assert holder.poll() is None


async def test_nobody_migrates_a_database_that_is_in_use(tmp_path: Path) -> None:
    """A command of a newer program would change it under the feet of an older central system."""
    place = tmp_path / "central.sqlite3"
    engine = create_engine(f"sqlite:///{place}")
    with engine.begin() as connection:
        migrate(connection, None, "0001")
    engine.dispose()
    claim = FileClaim(place)
    claim.take()
    command = CentralStore(place)
    with pytest.raises(StoreError, match=f"in use by process {os.getpid()}"):
        await command.open()
    await command.close()
    claim.release()
    with closing(CentralStore(place)) as later:
        await later.open()


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """There are password hashes in the database, and keys in what stations say."""
    store = CentralStore(tmp_path / "central.sqlite3", reactor=reactor, exclusive=True)
    await store.open()
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}
    await store.close()
