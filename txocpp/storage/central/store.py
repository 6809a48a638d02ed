"""The memory of a central system: provider of `ICentralStore` on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.interfaces import ICentralStore
from txocpp.storage.central.address import database_url, is_postgresql
from txocpp.storage.central.backup import back_up_sqlite
from txocpp.storage.central.database import Database
from txocpp.storage.central.dump import dump_postgresql
from txocpp.storage.central.records import Records
from txocpp.storage.central.statements import Append
from txocpp.storage.central.transfer import Say, transfer
from txocpp.storage.central.versions import HEAD, bring_up_to_date, version_of

T = TypeVar("T")


@implementer(ICentralStore)
class CentralStore:
    """A store behind a database URL or a file name.

    `url`: a path (SQLite), ``sqlite:///path`` or ``postgresql://user@host/name``.
    `reactor`: gives the store its threads; without one every call blocks until it is done.
    `synchronous`: SQLite only. ``full`` survives a power cut, ``normal`` a killed process only.
    `exclusive`: nobody else may open the database so while this one has it: for central systems.
    `password_file`: PostgreSQL only, a file with the password that only its owner may read.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        reactor: IReactorFromThreads | None = None,
        synchronous: str = "full",
        exclusive: bool = False,
        password_file: str | Path | None = None,
    ) -> None:
        self._database = Database(
            database_url(url, password_file),
            reactor=reactor,
            synchronous=synchronous,
            exclusive=exclusive,
        )

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
        def prepare(connection: Connection) -> T | None:
            if version_of(connection) != HEAD:
                self._database.claimed(connection, bring_up_to_date)
            return None if first is None else first(Records(connection))

        return self._database.open(prepare)

    def write(self, change: Callable[[Records], T]) -> Deferred[T]:
        return self._database.write(lambda connection, flush: change(Records(connection, flush)))

    def append(self, *rows: tuple[Append, tuple[Any, ...]]) -> Deferred[None]:
        return self._database.append(rows)

    def read(self, question: Callable[[Records], T]) -> Deferred[T]:
        return self._database.read(lambda connection: question(Records(connection)))

    def backup(self, path: str) -> Deferred[None]:
        target = Path(path)
        url = self._database.url
        if is_postgresql(url):
            return self._database.read(lambda _: dump_postgresql(url, target))
        return self._database.read(lambda connection: back_up_sqlite(connection, target))

    def copy_to(self, other: CentralStore, say: Say = lambda table, rows: None) -> Deferred[int]:
        """Copy everything into another store, which is empty; fires with the number of rows.

        For stores without threads, both claimed by this process."""

        def copy(source: Connection) -> int:
            outcome: list[Any] = []
            written = other._database.write(lambda target, _: transfer(source, target, say))
            written.addBoth(outcome.append)
            if isinstance(outcome[0], Failure):
                outcome[0].raiseException()
            return int(outcome[0])

        return self._database.read(copy)

    def close(self) -> Deferred[None]:
        return self._database.close()
