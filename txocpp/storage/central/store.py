"""The memory of a central system: provider of `ICentralStore` on SQLite or PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from txocpp.errors import StoreError
from txocpp.interfaces import ICentralStore
from txocpp.storage.central.database import Append, Database, writing
from txocpp.storage.central.records import Records
from txocpp.storage.central.versions import bring_up_to_date

T = TypeVar("T")


@implementer(ICentralStore)
class CentralStore:
    """A store behind a database URL or a file name.

    `url`: a path (SQLite), ``sqlite:///path`` or ``postgresql://user:password@host/name``.
    `reactor`: gives the store its threads; without one every call blocks until it is done.
    `synchronous`: SQLite only. ``full`` survives a power cut, ``normal`` a killed process only.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        reactor: IReactorFromThreads | None = None,
        synchronous: str = "full",
    ) -> None:
        self._database = Database(database_url(url), reactor=reactor, synchronous=synchronous)

    @classmethod
    def in_memory(cls) -> CentralStore:
        """A store that forgets everything with the process, for tests and trials.

        It is open, and every call is done when it returns.
        """
        store = cls("sqlite://")
        store.open()
        return store

    def __str__(self) -> str:
        return str(self._database)

    def open(self, first: Callable[[Records], T] | None = None) -> Deferred[T | None]:
        def prepare(engine: Engine) -> T | None:
            bring_up_to_date(engine)
            if first is None:
                return None
            with writing(engine).begin() as connection:
                return first(Records(connection))

        return self._database.open(prepare)

    def write(self, change: Callable[[Records], T]) -> Deferred[T]:
        return self._database.write(lambda connection: change(Records(connection)))

    def append(self, *rows: tuple[Append, tuple[Any, ...]]) -> Deferred[None]:
        return self._database.append(*rows)

    def read(self, question: Callable[[Records], T]) -> Deferred[T]:
        return self._database.read(lambda connection: question(Records(connection)))

    def backup(self, path: str) -> Deferred[None]:
        target = Path(path)
        if self._database.url.get_backend_name() != "sqlite":
            raise StoreError("use pg_dump to back up a PostgreSQL database")
        if target.exists():
            raise StoreError(f"{target} exists already; a backup never overwrites a file")
        return self._database.read(lambda connection: _copy_sqlite(connection, target))

    def close(self) -> Deferred[None]:
        return self._database.close()


def database_url(given: str | Path) -> URL:
    """The database that an operator means: a URL, or simply the name of a SQLite file.

    Raises `StoreError` for a URL of a kind that is not supported.
    """
    if isinstance(given, Path) or "://" not in given:
        return URL.create("sqlite", database=str(given))
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise StoreError(f"{given!r} is no database URL: {error}") from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            f"a database of kind {url.get_backend_name()!r} is not supported; "
            "use sqlite or postgresql"
        )
    return url


def _copy_sqlite(connection: Connection, target: Path) -> None:
    source = connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    copy = sqlite3.connect(target)
    try:
        # Pages at a time, so that the writer is never kept waiting for long.
        source.backup(copy, pages=1000, sleep=0.005)
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
