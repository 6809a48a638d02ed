"""Backup and restore of a PostgreSQL database with its own programs, pg_dump and pg_restore.

The password goes to them through their environment, where other users cannot see it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from txocpp.errors import StoreError
from txocpp.storage.central.backup import make_file
from txocpp.storage.central.versions import VERSION_TABLE, known_versions

_LIBPQ: Final = {"host": "PGHOST", "port": "PGPORT", "username": "PGUSER", "password": "PGPASSWORD"}
_QUERY: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def dump_postgresql(url: URL, target: Path) -> None:
    """Write everything, as of one moment, to a new file that `restore_postgresql` reads.

    Raises `StoreError` if there is such a file, or if pg_dump is missing or fails.
    """

    def fill(partial: Path) -> None:
        _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-acl", f"--file={partial}"])
        dumped_version(partial)

    make_file(target, fill)


def restore_postgresql(url: URL, source: Path) -> None:
    """Replace the tables of a central system by those of a dump, all or nothing.

    Nobody else may use the database meanwhile. Raises `StoreError`, and then nothing has changed.
    """
    dumped_version(source)
    database = str(url.database or "")
    options = ["--clean", "--if-exists", "--no-owner", "--no-acl", "--single-transaction"]
    _run("pg_restore", url, [*options, f"--dbname={database}", str(source)])


def dumped_version(source: Path) -> str:
    """The version of the database in a dump. Raises `StoreError` if it is none, or a newer one."""
    try:
        script = _run(
            "pg_restore", None, ["--data-only", f"--table={VERSION_TABLE}", "--file=-", str(source)]
        )
    except StoreError as error:
        raise StoreError(f"{source} is no backup of a central system: {error}") from error
    lines = script.splitlines()
    begin = next((n for n, line in enumerate(lines, 1) if line.startswith("COPY ")), len(lines))
    version = lines[begin] if begin < len(lines) else ""
    if not version or version == "\\.":
        raise StoreError(f"{source} is no backup of a central system")
    if version not in known_versions():
        raise StoreError(
            f"{source} was made by a newer program (version {version} of the database)"
        )
    return version


def _run(program: str, url: URL | None, arguments: list[str]) -> str:
    found = shutil.which(program)
    if found is None:
        raise StoreError(f"{program} is not installed; it comes with PostgreSQL's client programs")
    environment = dict(os.environ)
    if url is not None:
        environment.update(_environment(url))
    finished = subprocess.run(
        [found, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        said = finished.stderr.strip().splitlines()
        raise StoreError(said[0] if said else f"{program} failed")
    return finished.stdout


def _environment(url: URL) -> dict[str, str]:
    """How libpq is told where to connect, other than in a command line that everybody can see."""
    found = {"PGDATABASE": str(url.database or "")}
    for name, variable in _LIBPQ.items():
        value = getattr(url, name)
        if value is not None:
            found[variable] = str(value)
    for name, variable in _QUERY.items():
        chosen = url.query.get(name)
        if chosen is not None:
            found[variable] = chosen if isinstance(chosen, str) else ",".join(chosen)
    return found
