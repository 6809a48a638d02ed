"""A real PostgreSQL server for tests, in a folder of its own that goes away with it.

It is started from the programs that are installed, by an unprivileged user where the tests run as
root (the server refuses root), on loopback with a free port, and ended by its process id.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from processes import free_port

USER = "txo"
PASSWORD = "S3cret&of/tests"
WITHIN_S = 40.0


@cache
def programs() -> Path | None:
    """The folder with initdb and postgres, the newest there is; None if they are not installed."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).resolve().parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdecimal() else 0,
    )
    return installed[-1].parent if installed else None


def missing() -> str:
    """Why there can be no server here; empty if there can."""
    if programs() is None:
        return "PostgreSQL is not installed (Debian and Ubuntu: apt install postgresql)"
    if find_spec("psycopg") is None:
        return "psycopg is not installed (pip install 'txocpp[postgresql]')"
    return ""


class PostgresServer:
    """One server; `start` and `stop` may be called again and again."""

    def __init__(self) -> None:
        found = programs()
        assert found is not None
        self.programs = found
        self.folder = Path(tempfile.mkdtemp(prefix="txocpp-pg-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._account = _unprivileged() if os.geteuid() == 0 else None
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb",
            f"--pgdata={self.folder / 'data'}",
            f"--username={USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [
                self.programs / "postgres",
                *("-D", self.folder / "data"),
                *("-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1"),
                *("-c", f"unix_socket_directories={self.folder}"),
                # What a killed server must not lose is with the kernel by then.
                *("-c", "fsync=off"),
                *("-c", "max_connections=60"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,
            **self._as_user(),
        )
        log.close()
        import psycopg

        deadline = time.monotonic() + WITHIN_S
        while True:
            try:
                psycopg.connect(self._conninfo("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = (self.folder / "log").read_text(errors="replace")
                    raise AssertionError(f"PostgreSQL does not start:\n{said[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT lets it close its files, SIGQUIT is what a crash looks like."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)

    def remove(self) -> None:
        """End it and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"central_{os.getpid()}_{self._databases}"
        self.execute(f"CREATE DATABASE {name}", "postgres")
        return self.url(name)

    def url(self, name: str, password: str = PASSWORD) -> str:
        """How a central system is told of a database."""
        secret = password.replace("&", "%26").replace("/", "%2F")
        return f"postgresql://{USER}:{secret}@127.0.0.1:{self.port}/{name}"

    def execute(self, sql: str, database: str) -> list[tuple]:
        """Ask the server something, as another program would; `database`: its name or URL."""
        import psycopg

        name = database.rpartition("/")[2]
        with psycopg.connect(self._conninfo(name), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def _conninfo(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD} dbname={database}"

    def _as_user(self) -> dict[str, int]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid}

    def _run(self, program: str, *arguments: str) -> None:
        finished = subprocess.run(
            [self.programs / program, *arguments],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            cwd=self.folder,
            check=False,
            **self._as_user(),
        )
        if finished.returncode != 0:
            raise AssertionError(f"{program}: {finished.stderr[-2000:]}")


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("PostgreSQL refuses root, and there is no other user")
