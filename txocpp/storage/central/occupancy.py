"""One central system on one database: two would answer the same stations and give the same ids.

The claim ends with the process, however that ends: it is a lock of the operating system on a file
beside the SQLite database, or a lock in the PostgreSQL session that does all the writing, so that
whoever has lost the lock cannot write.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text

from txocpp.errors import StoreError

ADVISORY_KEY: Final = 0x74786F637070  # "txocpp"
"""The number of the advisory lock in a PostgreSQL database."""

_HOLDER: Final = text(
    """
    SELECT a.pid, a.application_name, host(a.client_addr) AS address
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid::bigint = :high AND l.objid::bigint = :low
    """
)
_TRY: Final = text("SELECT pg_try_advisory_lock(:key)")
_LET_GO: Final = text("SELECT pg_advisory_unlock(:key)")
_END: Final = text("SELECT pg_terminate_backend(:pid, 5000)")


def session_name() -> str:
    """What this process is called among the sessions of a PostgreSQL server: program, host,
    process id and something that no other process has."""
    return f"txocpp {socket.gethostname()[:24]} {os.getpid()} {secrets.token_hex(6)}"


class FileClaim:
    """A lock on the file beside a SQLite database, with the process id of its holder inside."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.path = database.with_name(f"{database.name}.lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Claim the database. Raises `StoreError` that names its holder."""
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"unable to open database file {self.database}: {error.strerror}"
            ) from error
        try:
            _lock(descriptor)
        except OSError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            who = f"process {holder}" if holder.isdecimal() else "another process"
            raise StoreError(
                f"{self.database} is in use by {who}; a database serves one central system"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the database up. The file stays: removing it would race with the next holder."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock a file or raise `OSError` at once."""
    try:
        import fcntl
    except ImportError:
        # Windows locks bytes; this one is far behind those that are read.
        import msvcrt

        windows: Any = msvcrt
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        windows.locking(descriptor, windows.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class SessionClaim:
    """The lock of a PostgreSQL database, held by the session that writes."""

    def __init__(self, name: str, database: str) -> None:
        self._name = name
        self._database = database

    def take(self, connection: Connection) -> None:
        """Claim the database for this session. Raises `StoreError` that names its holder.

        A session of our own that the server takes for alive, after the network was gone, is ended.
        """
        if self._got_it(connection):
            return
        holder = connection.execute(
            _HOLDER, {"high": ADVISORY_KEY >> 32, "low": ADVISORY_KEY & 0xFFFFFFFF}
        ).first()
        if holder is not None and holder.application_name == self._name:
            connection.execute(_END, {"pid": holder.pid})
        if self._got_it(connection):
            return
        raise StoreError(
            f"{self._database} is in use by {_described(holder)}; "
            "a database serves one central system"
        )

    def release(self, connection: Connection) -> None:
        """Give the database up while the session goes on."""
        connection.execute(_LET_GO, {"key": ADVISORY_KEY})

    def _got_it(self, connection: Connection) -> bool:
        return bool(connection.execute(_TRY, {"key": ADVISORY_KEY}).scalar_one())


def _described(holder: Any) -> str:
    words = str(getattr(holder, "application_name", "") or "").split()
    if len(words) == 4 and words[0] == "txocpp":
        return f"process {words[2]} on {words[1]}"
    address = getattr(holder, "address", None)
    return f"another session from {address}" if address else "another session"
