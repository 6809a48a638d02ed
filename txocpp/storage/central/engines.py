"""Engines for both databases, and connections that are kept for as long as they are good.

Rules of this room: what differs between SQLite and PostgreSQL when one connects, begins and fails
is here; nothing of what is stored.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from txocpp.errors import StoreError
from txocpp.storage.central.address import is_postgresql, sqlite_file

T = TypeVar("T")

BUSY_TIMEOUT_S: Final = 10.0
"""How long SQLite waits for a foreign program (a backup, a shell) that holds the file."""

CONNECT_TIMEOUT_S: Final = 5
"""How long a PostgreSQL server may take to answer the telephone."""

SILENCE_MS: Final = 15_000
"""A PostgreSQL server that acknowledges nothing for so long is taken for dead."""

PAGES_BEFORE_CHECKPOINT: Final = 4000
"""16 MiB of SQLite's log. The same pages are written again and again by the stations that charge;
the later they go to the file, the fewer times they do."""

CACHE_KIB: Final = 32 * 1024
"""Most of SQLite's memory for one connection: the pages that a thousand charging connectors write
to again and again, which it would otherwise read back each time."""


class Unreachable(StoreError):
    """The database does not answer, left in the middle of a commit, or is held by others."""


def make_engine(url: URL, *, synchronous: str = "full", name: str = "txocpp") -> Engine:
    """An engine without connections. `name`: shown to those who look at a PostgreSQL server.

    Raises `StoreError` where the driver is missing.
    """
    if is_postgresql(url):
        return _postgresql(url, name)
    arguments = {"check_same_thread": False, "timeout": BUSY_TIMEOUT_S}
    pool = StaticPool if sqlite_file(url) is None else NullPool
    engine = create_engine(url, poolclass=pool, connect_args=arguments)
    event.listen(engine, "connect", lambda dbapi, _: _prepare_sqlite(dbapi, synchronous))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL, name: str) -> Engine:
    arguments = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": SILENCE_MS,
        "application_name": name,
    }
    chosen = {key: value for key, value in arguments.items() if key not in url.query}
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=chosen)
    except ModuleNotFoundError as error:
        raise StoreError(
            "a PostgreSQL database needs the driver psycopg, which is not installed: "
            "pip install 'txocpp[postgresql]'"
        ) from error
    except ImportError as error:
        # psycopg without its C library.
        raise StoreError(f"the PostgreSQL driver cannot be used: {first_line(error)}") from error
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def make_private(path: Path) -> None:
    """Create the file of a database for its owner alone, if it is not there yet."""
    with suppress(OSError):  # a folder that is missing is told by SQLite, in its words
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _prepare_sqlite(dbapi_connection: Any, synchronous: str) -> None:
    # The driver's own transaction handling begins too late; "begin" below does it instead.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"PRAGMA synchronous = {synchronous.upper()}")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Statements of many rows note what they replace, to be able to fail as a whole.
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {PAGES_BEFORE_CHECKPOINT}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writing", False)
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(dbapi_connection: Any, _: Any) -> None:
    # What was acknowledged must survive, whatever the server does for others.
    with dbapi_connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone()[0] == "off":
            cursor.execute("SET synchronous_commit = on")
    dbapi_connection.commit()


class Session:
    """One connection that is kept, of the writer or of a reader; never used by two threads at once.

    `claim` is called with each new connection before anything else; what it raises is the failure
    of whatever was wanted of the connection.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        writing: bool,
        claim: Callable[[Connection], None] | None = None,
    ) -> None:
        self._engine = engine
        self._writing = writing
        self._claim = claim
        self._connection: Connection | None = None

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do the work inside a database transaction and commit it.

        A connection that has died since it was last used is replaced and the work begun again:
        nothing of it was committed. Raises `Unreachable` if there is none to be had, or if it died
        during the commit, since nobody knows then what has become of it.
        """
        kept = self._connection is not None
        try:
            return self._attempt(work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            if not kept:
                raise Unreachable(f"the database went away: {first_line(error)}") from error
        try:
            return self._attempt(work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            raise Unreachable(f"the database went away: {first_line(error)}") from error

    def connect(self) -> Connection:
        """The connection, made now if there is none."""
        if self._connection is None:
            try:
                connection = self._engine.connect()
            except DBAPIError as error:
                if self._engine.dialect.name == "sqlite":
                    raise
                raise Unreachable(f"the database does not answer: {first_line(error)}") from error
            try:
                if self._claim is not None:
                    self._claim(connection)
                    connection.rollback()
                connection = connection.execution_options(**self._options())
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _options(self) -> dict[str, Any]:
        if self._writing:
            return {"writing": True}
        if self._engine.dialect.name == "sqlite":
            return {}
        # A question sees one moment, as it does on SQLite.
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        connection = self.connect()
        try:
            transaction = self._begin(connection)
            try:
                result = work(connection)
            except BaseException:
                transaction.rollback()
                raise
            self._commit(transaction)
        except BaseException:
            if connection.invalidated:
                self.close()
            raise
        return result

    def _begin(self, connection: Connection) -> Any:
        try:
            return connection.begin()
        except sqlite3.OperationalError as error:
            # A foreign program has held the file for longer than `BUSY_TIMEOUT_S`.
            raise Unreachable(f"no change can begin: {first_line(error)}") from error

    def _commit(self, transaction: Any) -> None:
        try:
            transaction.commit()
        except DBAPIError as error:
            # Closing rolls back what may be left of it.
            self.close()
            if not error.connection_invalidated:
                raise
            raise Unreachable(
                f"the database went away during a commit: {first_line(error)}"
            ) from error


def translated(error: Exception) -> Exception:
    """The same error, as a `StoreError` if it is one of a database."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, SQLAlchemyError | sqlite3.Error | UnicodeError):
        made = StoreError(first_line(error))
        made.__cause__ = error
        return made
    return error


def first_line(error: Exception) -> str:
    """What a driver says, in one line."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__
