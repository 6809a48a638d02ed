"""Connections of the central store: one writer that commits in groups, and readers beside it.

Rules of this room: it knows engines, threads and Deferreds, and nothing of what is stored.

A change is a function that is given a connection; it runs in the writer's thread inside a
database transaction together with the changes that arrived while the one before was being
committed. Its Deferred fires after COMMIT. If one change of a group fails, the group is rolled
back and each is run again on its own, so that one bad change never takes a good one with it: a
change may therefore run twice and must touch nothing but its connection.

Without a reactor everything happens at once on a single connection (`inline`): the form for
tests on a virtual clock and for a store that lives in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from txocpp.errors import StoreError

T = TypeVar("T")
Change = Callable[[Connection], T]

READERS: Final = 4
"""Threads for questions. Two cores rarely profit from more."""

BUSY_TIMEOUT_S: Final = 10.0
"""How long SQLite waits for a foreign program (a backup, a shell) that holds the file."""


class Append:
    """A statement that is fed with rows, many at a time: the cheap way for frequent messages.

    Rows are tuples in the order of the statement's bind parameters.
    """

    def __init__(self, name: str, build: Callable[[str], Any]) -> None:
        self.name = name
        self._build = build
        self._sql: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute the statement for all rows."""
        dialect = connection.dialect
        sql = self._sql.get(dialect.name)
        if sql is None:
            compiled = self._build(dialect.name).compile(dialect=dialect)
            names = None if compiled.positional else tuple(compiled.params)
            sql = self._sql[dialect.name] = (str(compiled), names)
        text, names = sql
        if names is None:
            connection.exec_driver_sql(text, list(rows))
        else:
            connection.exec_driver_sql(text, [dict(zip(names, row, strict=True)) for row in rows])


class _Rows:
    """One `append`: rows for some statements that become durable together."""

    __slots__ = ("done", "rows")

    def __init__(self, rows: Sequence[tuple[Append, tuple[Any, ...]]]) -> None:
        self.rows = rows
        self.done: Deferred[None] = Deferred()

    def __call__(self, connection: Connection) -> None:
        for statement, row in self.rows:
            statement.run(connection, [row])


class _Change:
    """One `write`, waiting for its group."""

    __slots__ = ("change", "done")

    def __init__(self, change: Change[Any]) -> None:
        self.change = change
        self.done: Deferred[Any] = Deferred()

    def __call__(self, connection: Connection) -> Any:
        return self.change(connection)


_Job = _Rows | _Change
_Outcome = tuple[_Job, Any]


class Database:
    """One engine with its writer and its readers."""

    def __init__(
        self,
        url: str | URL,
        *,
        reactor: IReactorFromThreads | None = None,
        synchronous: str = "full",
    ) -> None:
        self.url = make_url(url)
        self._reactor = reactor
        self._synchronous = synchronous
        self._engine: Engine | None = None
        self._writer: ThreadPool | None = None
        self._readers: ThreadPool | None = None
        self._pending: list[_Job] = []
        self._committing = False
        self._closing: Deferred[None] | None = None
        self._closed = False

    @property
    def engine(self) -> Engine:
        """The engine, for migrations and backups. Raises `StoreError` when it is not open."""
        if self._engine is None:
            raise StoreError(f"the store {self} is not open")
        return self._engine

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)

    def open(self, prepare: Callable[[Engine], T]) -> Deferred[T]:
        """Connect and run `prepare` (migrations) before anything else may use the database.

        Blocks until that is done: nobody waits yet. Opening what is open only runs `prepare`.
        """
        if self._engine is None:
            self._engine = _engine(self.url, inline=self._reactor is None, sync=self._synchronous)
        prepared = _now(_translated, prepare, self._engine)
        if self._reactor is not None and self._writer is None:
            self._writer = ThreadPool(1, 1, name="central-writer")
            self._readers = ThreadPool(0, READERS, name="central-reader")
            self._writer.start()
            self._readers.start()
        return prepared

    def write(self, change: Change[T]) -> Deferred[T]:
        """Run a change; fires with its result when it would survive a power cut."""
        job = _Change(change)
        self._submit(job)
        return job.done

    def append(self, *rows: tuple[Append, tuple[Any, ...]]) -> Deferred[None]:
        """Add rows; fires when they would survive a power cut."""
        job = _Rows(rows)
        self._submit(job)
        return job.done

    def read(self, question: Change[T]) -> Deferred[T]:
        """Answer a question from what has been committed."""
        if self._closed:
            return _failed(StoreError(f"the store {self} is closed"))
        engine = self.engine
        if self._readers is None or self._reactor is None:
            return _now(_translated, _ask, engine, question)
        return deferToThreadPool(self._reactor, self._readers, _translated, _ask, engine, question)

    def close(self) -> Deferred[None]:
        """Commit what is pending, then let go of the database."""
        self._closed = True
        if self._closing is None:
            self._closing = Deferred()
            if not self._committing:
                self._release()
        return self._closing

    def _submit(self, job: _Job) -> None:
        if self._closed or self._engine is None:
            state = "closed" if self._closed else "not open"
            job.done.errback(Failure(StoreError(f"the store {self} is {state}")))
            return
        self._pending.append(job)
        if not self._committing:
            self._commit()

    def _commit(self) -> None:
        group, self._pending = self._pending, []
        self._committing = True
        if self._writer is None:
            self._committed(_commit_group(self.engine, group))
        else:
            self._writer.callInThread(self._commit_in_thread, group)

    def _commit_in_thread(self, group: list[_Job]) -> None:
        outcomes = _commit_group(self.engine, group)
        assert self._reactor is not None
        self._reactor.callFromThread(self._committed, outcomes)

    def _committed(self, outcomes: list[_Outcome]) -> None:
        self._committing = False
        if self._pending:
            self._commit()
        elif self._closing is not None:
            self._release()
        for job, result in outcomes:
            if isinstance(result, Failure):
                job.done.errback(result)
            else:
                job.done.callback(result)

    def _release(self) -> None:
        for pool in (self._writer, self._readers):
            if pool is not None:
                pool.stop()
        if self._engine is not None:
            self._engine.dispose()
        assert self._closing is not None
        self._closing.callback(None)


def _engine(url: URL, *, inline: bool, sync: str) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and (inline or url.database in (None, "", ":memory:")):
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    elif sqlite:
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=READERS + 1,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
        )
    else:
        engine = create_engine(url, pool_size=READERS + 1, pool_pre_ping=True)
    if sqlite:
        event.listen(engine, "connect", lambda dbapi, _: _prepare_sqlite(dbapi, sync))
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(dbapi_connection: Any, synchronous: str) -> None:
    # The driver's own transaction handling begins too late; "begin" below does it instead.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"PRAGMA synchronous = {synchronous.upper()}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that will write: they take SQLite's lock at once."""
    return engine.execution_options(writing=True)


def _commit_group(engine: Engine, group: Sequence[_Job]) -> list[_Outcome]:
    try:
        return _run_together(engine, group)
    except Exception as error:
        if len(group) == 1:
            return [(group[0], _failure(error))]
    outcomes: list[_Outcome] = []
    for job in group:
        outcomes.extend(_commit_group(engine, [job]))
    return outcomes


def _run_together(engine: Engine, group: Sequence[_Job]) -> list[_Outcome]:
    outcomes: list[_Outcome] = []
    appended: dict[Append, list[tuple[Any, ...]]] = {}
    with writing(engine).begin() as connection:
        for job in group:
            if isinstance(job, _Rows):
                for statement, row in job.rows:
                    appended.setdefault(statement, []).append(row)
                outcomes.append((job, None))
            else:
                _flush(connection, appended)
                outcomes.append((job, job(connection)))
        _flush(connection, appended)
    return outcomes


def _flush(connection: Connection, appended: dict[Append, list[tuple[Any, ...]]]) -> None:
    for statement, rows in appended.items():
        statement.run(connection, rows)
    appended.clear()


def _ask(engine: Engine, question: Change[T]) -> T:
    with engine.connect() as connection:
        return question(connection)


def _translated(work: Callable[..., T], *arguments: Any) -> T:
    try:
        return work(*arguments)
    except SQLAlchemyError as error:
        raise StoreError(_first_line(error)) from error


def _failure(error: Exception) -> Failure:
    if isinstance(error, SQLAlchemyError):
        translated = StoreError(_first_line(error))
        translated.__cause__ = error
        return Failure(translated)
    return Failure(error)


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def _now(work: Callable[..., T], *arguments: Any) -> Deferred[T]:
    done: Deferred[T] = Deferred()
    try:
        result = work(*arguments)
    except Exception:
        done.errback(Failure())
    else:
        done.callback(result)
    return done


def _failed(error: Exception) -> Deferred[Any]:
    done: Deferred[Any] = Deferred()
    done.errback(Failure(error))
    return done


def rows_as_dicts(rows: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Result rows as mappings, detached from their cursor."""
    return [dict(row._mapping) for row in rows]
