"""A charge point's journal in one SQLite file: written and synced before it counts.

Rules of this room: one thread owns the database, and only it touches it; writes that wait together
are committed together, because on an SD card the sync is what costs; a Deferred fires when its
write would survive a power cut, never earlier.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.errors import StoreError
from txocpp.interfaces import Delete, IChargePointStore, Put
from txocpp.storage.memory import Tables, plain_json

GROUP_LIMIT = 256
"""The most writes that share one commit."""

RESERVE_BYTES = 1024 * 1024
"""Room that a new file takes for itself, so that a full disk does not stop the last stops."""


UPSERT = (
    "INSERT INTO document (collection, key, body) VALUES (?, ?, ?)"
    " ON CONFLICT (collection, key) DO UPDATE SET body = excluded.body"
)


class FromThread(Protocol):
    """How the writer thread reaches the reactor's thread: `reactor.callFromThread`."""

    def __call__(self, f: Callable[..., object], *args: object, **kwargs: object) -> object: ...


@attrs.frozen
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    done: Deferred[Any]
    groups: bool = False
    """May share a commit with its neighbours."""


@implementer(IChargePointStore)
class SQLiteChargePointStore:
    """Provides `IChargePointStore` on `path`; only one process at a time can have it open.

    A damaged file is renamed to ``<name>.damaged-<when>`` together with its log, and a fresh one is
    begun. A file of a newer version of txocpp is refused and left alone.
    """

    def __init__(self, path: str | os.PathLike[str], from_thread: FromThread) -> None:
        self.damage: str | None = None
        self._path = Path(path)
        self._from_thread = from_thread
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._gone: Deferred[None] = Deferred()
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the file here and now, before the reactor runs: for programs that had better not
        start without it. Raises `StoreError`; blocks."""
        self._database = self._opened()

    def load(self) -> Deferred[Tables]:
        """See `IChargePointStore.load`."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name=f"store {self._path.name}", daemon=True
            )
            self._thread.start()
        return self._submit(_read_all)

    def write(self, *changes: Put | Delete) -> Deferred[None]:
        """See `IChargePointStore.write`."""
        statements = [_statement(change) for change in changes]

        def apply(database: sqlite3.Connection) -> None:
            for sql, values in statements:
                database.execute(sql, values)

        return self._submit(apply, groups=True)

    def close(self) -> Deferred[None]:
        """See `IChargePointStore.close`."""
        if not self._closed:
            self._closed = True
            if self._thread is None:
                if self._database is not None:
                    self._database.close()
                self._gone.callback(None)
            self._jobs.put(None)
        done: Deferred[None] = Deferred()
        self._gone.addCallback(lambda _: done.callback(None))
        return done

    def _submit(
        self, work: Callable[[sqlite3.Connection], Any], *, groups: bool = False
    ) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        if self._closed:
            done.errback(StoreError(f"{self._path}: the store is closed"))
        else:
            self._jobs.put(_Job(work, done, groups))
        return done

    def _work(self) -> None:
        """The life of the writer thread: open, serve jobs in groups, close."""
        database, trouble = self._open()
        while True:
            batch, ends = _next_batch(self._jobs)
            if database is None:
                self._report((job, Failure(trouble)) for job in batch)
            else:
                self._report(_run(database, batch, str(self._path)))
            if ends:
                break
        if database is not None:
            database.close()
        self._from_thread(self._gone.callback, None)

    def _open(self) -> tuple[sqlite3.Connection | None, StoreError]:
        try:
            return self._database or self._opened(), StoreError()
        except StoreError as error:
            return None, error

    def _opened(self) -> sqlite3.Connection:
        try:
            database, self.damage = open_or_set_aside(self._path)
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror or error}") from error
        return database

    def _report(self, outcomes: Any) -> None:
        """Fire the Deferreds of one batch in the reactor's thread, in order."""
        self._from_thread(_fire, list(outcomes))


def _fire(outcomes: Sequence[tuple[_Job, Any]]) -> None:
    for job, result in outcomes:
        job.done.callback(result)


def _next_batch(jobs: SimpleQueue[_Job | None]) -> tuple[list[_Job], bool]:
    """Wait for work; take along what waits behind it. True: this was the last."""
    job = jobs.get()
    if job is None:
        return [], True
    batch = [job]
    while len(batch) < GROUP_LIMIT:
        try:
            job = jobs.get_nowait()
        except Empty:
            break
        if job is None:
            return batch, True
        batch.append(job)
    return batch, False


def _run(database: sqlite3.Connection, batch: Sequence[_Job], place: str) -> list[tuple[_Job, Any]]:
    """Serve a batch: neighbouring writes in one commit, one by one if that commit fails."""
    outcomes: list[tuple[_Job, Any]] = []
    group: list[_Job] = []
    for job in batch:
        if job.groups:
            group.append(job)
            continue
        outcomes += _commit(database, group, place)
        group = []
        outcomes += _commit(database, [job], place)
    return outcomes + _commit(database, group, place)


def _commit(
    database: sqlite3.Connection, group: Sequence[_Job], place: str
) -> list[tuple[_Job, Any]]:
    if not group:
        return []
    try:
        database.execute("BEGIN IMMEDIATE")
        results = [(job, job.work(database)) for job in group]
        database.execute("COMMIT")
        return results
    except Exception as error:
        _roll_back(database)
        if len(group) == 1:
            return [(group[0], Failure(StoreError(f"{place}: {error}")))]
    return [outcome for job in group for outcome in _commit(database, [job], place)]


def _roll_back(database: sqlite3.Connection) -> None:
    if database.in_transaction:
        try:
            database.execute("ROLLBACK")
        except sqlite3.Error:
            Logger().failure("cannot roll back")


def _statement(change: Put | Delete) -> tuple[str, tuple[str, ...]]:
    if isinstance(change, Put):
        return UPSERT, (change.table, change.key, plain_json(change.document))
    return "DELETE FROM document WHERE collection = ? AND key = ?", (change.table, change.key)


def _read_all(database: sqlite3.Connection) -> Tables:
    tables: Tables = {}
    rows = database.execute("SELECT collection, key, body FROM document ORDER BY collection, key")
    for collection, key, body in rows:
        tables.setdefault(collection, {})[key] = json.loads(body)
    return tables


def open_or_set_aside(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open the journal at `path`, migrated to this version; a damaged one makes room for a new one.

    Returns the connection and what was found damaged. Blocks; raises `StoreError` for a file that
    is in use or newer than this program, `sqlite3.Error` and `OSError` for what the disk says.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    try:
        return _open_sound(path, fresh), None
    except _Damaged as damaged:
        aside = _set_aside(path)
        note = f"{path} was damaged ({damaged}); it was put aside as {aside} and a new one begun"
        return _open_sound(path, True), note


class _Damaged(Exception):
    """The file is there, but it is not a sound journal."""


def _open_sound(path: Path, fresh: bool) -> sqlite3.Connection:
    if fresh:
        # Passwords and tags are in it. SQLite gives its log the same mode.
        path.touch(mode=0o600)
    database = sqlite3.connect(path, isolation_level=None, timeout=2.0, check_same_thread=False)
    try:
        _configure(database)
        if not fresh:
            _check(database)
        _migrate(database, path)
        if fresh:
            _take_reserve(database)
            _sync_directory(path.parent)
        _check_documents(database)
    except BaseException as error:
        database.close()
        raise _explained(error, path) from error
    return database


def _explained(error: BaseException, path: Path) -> BaseException:
    if isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    ):
        return _Damaged(str(error))
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    ):
        return StoreError(f"{path}: another process has the file open")
    return error


def _configure(database: sqlite3.Connection) -> None:
    # Exclusive: a second daemon on the same file must fail, not interleave.
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("BEGIN IMMEDIATE")
    database.execute("COMMIT")


def _check(database: sqlite3.Connection) -> None:
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _Damaged(verdict)


def _check_documents(database: sqlite3.Connection) -> None:
    try:
        _read_all(database)
    except (ValueError, RecursionError) as error:
        raise _Damaged(f"unreadable document: {error}") from error


def migrations() -> list[tuple[int, str]]:
    """The steps of the schema in order: version after the step, SQL of the step."""
    folder = resources.files("txocpp.storage") / "schema"
    scripts = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text("utf-8")) for name in scripts]


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    steps = migrations()
    newest = steps[-1][0]
    if version > newest:
        raise StoreError(
            f"{path}: schema version {version} is newer than this program knows ({newest})"
        )
    for number, script in steps:
        if number > version:
            database.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
            )


def _take_reserve(database: sqlite3.Connection) -> None:
    """Leave free pages in the file and in its log: later writes need no new room on the disk."""
    database.execute("BEGIN IMMEDIATE")
    database.execute("CREATE TABLE reserve (filling BLOB)")
    database.execute("INSERT INTO reserve VALUES (zeroblob(?))", (RESERVE_BYTES,))
    database.execute("COMMIT")
    database.execute("DROP TABLE reserve")
    database.execute("PRAGMA wal_checkpoint(FULL)")


def _sync_directory(folder: Path) -> None:
    """A new file counts only when its directory entry is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _set_aside(path: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        companion = path.with_name(path.name + ending)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + ending))
    return aside
