"""Which database is meant, and how to get in without showing the password."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from txocpp.errors import StoreError


def database_url(given: str | Path, password_file: str | Path | None = None) -> URL:
    """The database that an operator means: a URL, or simply the name of a SQLite file.

    `password_file` holds the password for PostgreSQL in its first line; nobody but its owner may
    read it. Raises `StoreError` for a URL of a kind that is not supported, or such a file.
    """
    if isinstance(given, Path) or "://" not in given:
        return URL.create("sqlite", database=str(given))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        # Not quoted: there may be a password in it.
        raise StoreError(
            "this is no database URL; write postgresql://USER@HOST/NAME, with special characters "
            "percent-encoded, or the name of a file"
        ) from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            f"a database of kind {url.get_backend_name()!r} is not supported; "
            "use sqlite or postgresql"
        )
    if url.get_backend_name() == "postgresql":
        # Whatever driver is named: psycopg 3 is the one that this works with.
        url = url.set(drivername="postgresql")
        if password_file:
            url = url.set(password=_secret(Path(password_file)))
    return url


def is_postgresql(url: URL) -> bool:
    """True for a PostgreSQL server, False for a SQLite file."""
    return url.get_backend_name() == "postgresql"


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL and for a database in memory."""
    if is_postgresql(url) or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database)).expanduser()


def _secret(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise StoreError(f"the password file {path} cannot be read: {reason}") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreError(f"others can read the password file {path}: chmod 600 {path}")
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise StoreError(f"the password file {path} is empty")
    return lines[0]
