"""The central store's way to the disk: one writer that commits in groups, and readers beside it.

Rules of this room: it knows groups, threads and Deferreds, and nothing of what is stored.

A change is a function that is given a connection; it runs in the writer's thread inside a
database transaction together with the changes that arrived while the one before was being
committed. Its Deferred fires after COMMIT. If one change of a group fails, the group is rolled
back and each is run again on its own, so that one bad change never takes a good one with it: a
change may therefore run twice and must touch nothing but its connection. If the database itself is
gone, the whole group fails.

Without a reactor everything happens at once: the form for tests on a virtual clock, for commands,
and for a store that lives in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.errors import StoreError
from txocpp.storage.central.address import is_postgresql, sqlite_file
from txocpp.storage.central.engines import (
    Session,
    Unreachable,
    make_engine,
    make_private,
    translated,
)
from txocpp.storage.central.occupancy import FileClaim, SessionClaim, session_name
from txocpp.storage.central.statements import Append, storable
from txocpp.storage.central.workers import Workers

T = TypeVar("T")
Question = Callable[[Connection], T]
Change = Callable[[Connection, Callable[[], object]], T]
"""Is given the connection, and what to call before it looks at anything that was appended."""

READERS: Final = 4
"""Threads for questions. Two cores rarely profit from more."""

MANY: Final = 16
GATHER_S: Final = 0.005
"""When the last group had so many changes, the next one waits so long for more. A commit costs
as much as fifty rows, and no station notices five milliseconds."""


class _Rows:
    """One `append`: rows for some statements that become durable together."""

    __slots__ = ("done", "rows")

    def __init__(self, rows: Sequence[tuple[Append, tuple[Any, ...]]]) -> None:
        self.rows = rows
        self.done: Deferred[None] = Deferred()

    def alone(self, connection: Connection) -> None:
        """Without others; what a database cannot keep was perhaps among these."""
        for statement, row in self.rows:
            statement.run(connection, [tuple([storable(value) for value in row])])


class _Change:
    """One `write`, waiting for its group."""

    __slots__ = ("change", "done")

    def __init__(self, change: Change[Any]) -> None:
        self.change = change
        self.done: Deferred[Any] = Deferred()

    def alone(self, connection: Connection) -> Any:
        """Without others."""
        return self.change(connection, _nothing)


_Job = _Rows | _Change
_Outcome = tuple[_Job, Any]


class Database:
    """One database with its writer and its readers."""

    _log = Logger()

    def __init__(
        self,
        url: URL,
        *,
        reactor: Any = None,
        synchronous: str = "full",
        exclusive: bool = False,
    ) -> None:
        self.url = url
        self._reactor = reactor
        self._synchronous = synchronous
        self._exclusive = exclusive
        self._name = session_name()
        self._file = sqlite_file(url)
        self._file_claim = None if self._file is None else FileClaim(self._file.resolve())
        self._engine: Engine | None = None
        self._writer: Session | None = None
        self._reader: Session | None = None
        self._writing: Workers | None = None
        self._reading: Workers | None = None
        self._pending: list[_Job] = []
        self._committing = False
        self._size_of_group = 0
        self._waiting: Any = None
        self._closing: Deferred[None] | None = None
        self._closed = False
        self._gone = False

    @property
    def engine(self) -> Engine:
        """The engine, for backups. Raises `StoreError` when it is not open."""
        if self._engine is None:
            raise StoreError(f"the store {self} is not open")
        return self._engine

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)

    def open(self, prepare: Question[T]) -> Deferred[T]:
        """Connect and run `prepare` (migrations) before anything else may use the database.

        Blocks until that is done: nobody waits yet. Opening what is open only runs `prepare`.
        """
        return _now(self._open, prepare)

    def _open(self, prepare: Question[T]) -> T:
        if self._engine is None:
            if self._exclusive and self._file_claim is not None:
                self._file_claim.take()
            if self._file is not None:
                make_private(self._file)
            self._engine = make_engine(self.url, synchronous=self._synchronous, name=self._name)
            self._writer = Session(self._engine, writing=True, claim=self._claim())
        assert self._writer is not None
        try:
            prepared = self._writer.run(prepare)
        except Exception as error:
            raise self._named(error) from error
        if self._reader is None:
            self._reader = Session(self._engine, writing=False)
        if self._reactor is not None and self._writing is None:
            readers = [Session(self._engine, writing=False) for _ in range(READERS)]
            self._writing = Workers(self._reactor, "central-writer", [self._writer])
            self._reading = Workers(self._reactor, "central-reader", readers)
        return prepared

    def claimed(self, connection: Connection, work: Question[T]) -> T:
        """Do something that nobody else may witness (a migration), also in a store that others
        may use. Raises `StoreError` that names the process which has the database."""
        if self._exclusive:
            return work(connection)
        if self._file_claim is not None:
            self._file_claim.take()
            try:
                return work(connection)
            finally:
                self._file_claim.release()
        if not is_postgresql(self.url):
            return work(connection)
        claim = SessionClaim(self._name, str(self))
        claim.take(connection)
        # The lock ends with the session, which is a command's: a failed migration needs no care.
        done = work(connection)
        claim.release(connection)
        return done

    def _claim(self) -> Question[None] | None:
        if not self._exclusive or not is_postgresql(self.url):
            return None
        return SessionClaim(self._name, str(self)).take

    def write(self, change: Change[T]) -> Deferred[T]:
        """Run a change; fires with its result when it would survive a power cut."""
        job = _Change(change)
        self._submit(job)
        return job.done

    def append(self, rows: Sequence[tuple[Append, tuple[Any, ...]]]) -> Deferred[None]:
        """Add rows; fires when they would survive a power cut."""
        job = _Rows(rows)
        self._submit(job)
        return job.done

    def read(self, question: Question[T]) -> Deferred[T]:
        """Answer a question from what has been committed."""
        if self._closed:
            return _failed(StoreError(f"the store {self} is closed"))
        if self._reader is None:
            return _failed(StoreError(f"the store {self} is not open"))
        if self._reading is None:
            return _now(self._reader.run, question)
        done: Deferred[T] = Deferred()

        def task(session: Session) -> Callable[[], object]:
            try:
                answer = session.run(question)
            except Exception as error:
                failure = Failure(self._named(error))
                return lambda: done.errback(failure)
            return lambda: done.callback(answer)

        self._reading.do(task)
        return done

    def close(self) -> Deferred[None]:
        """Commit what is pending, then let go of the database."""
        self._closed = True
        if self._closing is None:
            self._closing = Deferred()
            if not self._committing:
                self._release()
            elif self._waiting is not None and self._waiting.active():
                self._waiting.reset(0)
        return self._closing

    def _submit(self, job: _Job) -> None:
        if self._closed or self._writer is None:
            state = "closed" if self._closed else "not open"
            job.done.errback(Failure(StoreError(f"the store {self} is {state}")))
            return
        self._pending.append(job)
        if not self._committing:
            self._begin_group()

    def _begin_group(self) -> None:
        """Commit what is pending, as soon as everything is read that has arrived already; and
        while many write, what comes right after it."""
        self._committing = True
        if self._reactor is None:
            self._commit()
        elif self._size_of_group >= MANY:
            self._waiting = self._reactor.callLater(GATHER_S, self._commit)
        else:
            self._reactor.callFromThread(self._commit)

    def _commit(self) -> None:
        group, self._pending = self._pending, []
        self._size_of_group = len(group)
        assert self._writer is not None
        if self._writing is None:
            self._committed(self._commit_group(self._writer, group))
        else:
            self._writing.do(lambda session: self._commit_in_thread(session, group))

    def _commit_in_thread(self, session: Session, group: list[_Job]) -> Callable[[], object]:
        outcomes = self._commit_group(session, group)
        return lambda: self._committed(outcomes)

    def _commit_group(self, session: Session, group: Sequence[_Job]) -> list[_Outcome]:
        try:
            return session.run(lambda connection: _run_together(connection, group))
        except Unreachable as error:
            failure = Failure(self._named(error))
            return [(job, failure) for job in group]
        except Exception:
            return self._commit_one_by_one(session, group)

    def _commit_one_by_one(self, session: Session, group: Sequence[_Job]) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        gone: Failure | None = None
        for job in group:
            if gone is not None:
                # Each would wait as long as the one before.
                outcomes.append((job, gone))
                continue
            try:
                outcomes.append((job, session.run(job.alone)))
            except Exception as error:
                failure = Failure(self._named(error))
                gone = failure if isinstance(error, Unreachable) else None
                outcomes.append((job, failure))
        return outcomes

    def _committed(self, outcomes: list[_Outcome]) -> None:
        self._note(outcomes)
        # Before the next group is begun: the writer would fight for the interpreter with the
        # answers that are written now.
        for job, result in outcomes:
            if isinstance(result, Failure):
                job.done.errback(result)
            else:
                job.done.callback(result)
        self._committing = False
        if self._pending:
            self._begin_group()
        elif self._closing is not None:
            self._release()

    def _note(self, outcomes: list[_Outcome]) -> None:
        """Say once that the database is gone, and once that it is back."""
        result = outcomes[0][1]
        gone = isinstance(result, Failure) and isinstance(result.value, Unreachable)
        if gone and not self._gone:
            self._log.error("{reason}; stations will repeat", reason=result.getErrorMessage())
        elif self._gone and not gone:
            self._log.info("the store {store} answers again", store=str(self))
        self._gone = gone

    def _named(self, error: Exception) -> Exception:
        """An error of the engine as a `StoreError`, which names the database where it is gone."""
        if isinstance(error, Unreachable):
            return Unreachable(f"{self}: {error}")
        return translated(error)

    def _release(self) -> None:
        for workers in (self._writing, self._reading):
            if workers is not None:
                workers.stop()
        for session in (self._writer, self._reader):
            if session is not None:
                session.close()
        if self._engine is not None:
            self._engine.dispose()
        if self._file_claim is not None:
            self._file_claim.release()
        assert self._closing is not None
        self._closing.callback(None)


def _run_together(connection: Connection, group: Sequence[_Job]) -> list[_Outcome]:
    outcomes: list[_Outcome] = []
    appended: dict[Append, list[tuple[Any, ...]]] = {}

    def flush() -> None:
        for statement, rows in appended.items():
            statement.run(connection, rows)
        appended.clear()

    for job in group:
        if isinstance(job, _Rows):
            for statement, row in job.rows:
                appended.setdefault(statement, []).append(row)
            outcomes.append((job, None))
        else:
            outcomes.append((job, job.change(connection, flush)))
    flush()
    return outcomes


def _nothing() -> None:
    pass


def _now(work: Callable[..., T], *arguments: Any) -> Deferred[T]:
    done: Deferred[T] = Deferred()
    try:
        result = work(*arguments)
    except Exception as error:
        done.errback(Failure(translated(error)))
    else:
        done.callback(result)
    return done


def _failed(error: Exception) -> Deferred[Any]:
    done: Deferred[Any] = Deferred()
    done.errback(Failure(error))
    return done
