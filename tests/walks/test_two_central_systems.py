"""Two `twistd ocpp-csms` on one database: the second one says so and ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from postgresql_server import PASSWORD, PostgresServer
from processes import RealProcess, start

TWISTD = Path(sys.executable).with_name("twistd")


def central_system(name: str, database: str, folder: Path) -> RealProcess:
    """One that listens on free ports."""
    process: RealProcess = start(
        name,
        [
            TWISTD,
            "-n",
            "--pidfile=",
            "ocpp-csms",
            *("--ocpp", "tcp:0:interface=127.0.0.1"),
            *("--http", ""),
            *("--database", database),
        ],
        folder=folder,
    )
    return process


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_second_one_names_the_first(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In one line, with its process id; after kill -9 of the first one the next one runs."""
    database = str(tmp_path / "central.sqlite3")
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        database = server.new_database()
    first = central_system("first", database, tmp_path)
    await first.line("charge points connect to")
    second = central_system("second", database, tmp_path)
    await second.end()
    assert second.exit_status == 1
    said = "\n".join(second.lines)
    assert f"is in use by process {first.pid}" in said
    assert "Traceback" not in said
    assert PASSWORD not in said
    await first.stop("KILL")
    third = central_system("third", database, tmp_path)
    await third.line("charge points connect to")
    assert await third.stop() in (0, -15)
    assert PASSWORD not in "\n".join(first.lines + third.lines)
