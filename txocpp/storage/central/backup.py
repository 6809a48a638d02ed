"""Copies of a SQLite database: made while it is written to, checked, and put back.

A copy is made under another name and gets its own when it is whole, so that there is never half of
a backup. It is for its owner only: password hashes and messages are in it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from txocpp.errors import StoreError
from txocpp.storage.central.occupancy import FileClaim
from txocpp.storage.central.statements import driver_of
from txocpp.storage.central.versions import VERSION_TABLE, known_versions

PAGES_AT_ONCE: Final = 2000
PAUSE_S: Final = 0.002
"""After so many pages, so that a slow disk also has time for the charge points. The thread is one
of the readers; sqlite3's own pauses are only for sources that are locked."""


def back_up_sqlite(connection: Connection, target: Path) -> None:
    """Copy what was committed when this begins, and check the copy.

    Raises `StoreError` if there is such a file already.
    """
    # Within a read transaction the copy is of one moment, however much is written meanwhile;
    # without one, every commit would let it begin again.
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()
    source: sqlite3.Connection = driver_of(connection)

    def fill(place: Path) -> None:
        with closing(sqlite3.connect(place)) as copy:
            source.backup(copy, pages=PAGES_AT_ONCE, progress=lambda *_: time.sleep(PAUSE_S))
            copy.execute("PRAGMA journal_mode = DELETE")
        must_be_whole(place)

    make_file(target, fill)


def make_file(target: Path, fill: Callable[[Path], None]) -> None:
    """Let a new file appear when it is complete and on disk. Raises `StoreError` if it is there
    already, or cannot be made."""
    if target.exists():
        raise StoreError(f"{target} exists already; a backup never overwrites a file")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        fill(partial)
        _sync(partial)
        _appear(partial, target)
        _sync(target.parent)
    except FileExistsError:
        raise StoreError(f"{target} exists already; a backup never overwrites a file") from None
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{target} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _appear(partial: Path, target: Path) -> None:
    try:
        # Unlike a renaming, this never replaces what somebody has put there meanwhile.
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links.
        os.rename(partial, target)


def _sync(path: Path) -> None:
    with suppress(OSError, AttributeError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def must_be_whole(source: Path) -> None:
    """Raise `StoreError` unless the file is a whole database of a central system, of this version
    or an older one."""
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as copy:
            found = copy.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
            copy.execute("SELECT identity FROM station LIMIT 1").fetchone()
            state = copy.execute("PRAGMA integrity_check").fetchone()[0]
            strays = copy.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{source} is no backup of a central system: {error}") from error
    version = None if found is None else str(found[0])
    if version is not None and version not in known_versions():
        raise StoreError(
            f"{source} was made by a newer program (version {version} of the database)"
        )
    if version is None or state != "ok" or strays is not None:
        raise StoreError(f"{source} is damaged: {state}")


def restore_sqlite(source: Path, place: Path) -> Path | None:
    """Put a backup in the place of a database that nobody uses.

    What was there is kept beside it; gives its new name. Raises `StoreError` if the backup is
    damaged, foreign or of a newer program, or if a process uses the database.
    """
    must_be_whole(source)
    place = place.resolve()
    if place == source.resolve():
        raise StoreError(f"{source} is the database itself")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{place.parent} cannot be made: {error.strerror}") from error
    claim = FileClaim(place)
    claim.take()
    try:
        if place.exists():
            _must_not_be_used(place)
        fresh = place.with_name(f".{place.name}.{os.getpid()}.restored")
        try:
            make_file(fresh, lambda partial: _copy(source, partial))
            kept = _set_aside(place) if place.exists() else None
            os.rename(fresh, place)
            _sync(place.parent)
        finally:
            fresh.unlink(missing_ok=True)
    finally:
        claim.release()
    return kept


def _copy(source: Path, place: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(place)) as new,
    ):
        old.backup(new)


def _set_aside(place: Path) -> Path:
    """Rename a database together with what it has not yet taken over from its log."""
    moment = datetime.now(UTC)
    kept = place.with_name(f"{place.name}.before-restore-{moment:%Y%m%dT%H%M%S.%f}")
    for end in ("-wal", "-shm", ""):
        part = place.with_name(place.name + end)
        if part.exists():
            os.rename(part, kept.with_name(kept.name + end))
    return kept


def _must_not_be_used(place: Path) -> None:
    """Programs that do not claim the database (a shell, a command) also hold its file."""
    try:
        with closing(sqlite3.connect(place, timeout=0.5)) as probe:
            probe.execute("PRAGMA locking_mode = EXCLUSIVE")
            probe.execute("BEGIN EXCLUSIVE")
            probe.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            raise StoreError(f"{place} is in use; stop the central system first") from None
    except sqlite3.DatabaseError:
        # Damaged: that is what a backup is for.
        return


def _is_busy(error: Any) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
