"""The daemons where something is wrong from the beginning: one line says what and where, the exit
status says that it failed, and nothing that was stored is touched."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import processes
import pytest
from daemons import TWISTD
from twisted.internet.defer import Deferred, gatherResults

ROLES = ("ocpp-cp", "ocpp-csms")


def launch(role: str, folder: Path, *options: str) -> processes.RealProcess:
    """A daemon in a folder, as somebody starts it by hand: in the foreground, without --pidfile."""
    quiet = ("--http", "") if role == "ocpp-csms" and "--http" not in options else ()
    command = [TWISTD, "-n", role, *quiet, *options]
    process: processes.RealProcess = processes.start(role, command, folder=folder)
    return process


async def last_words(process: processes.RealProcess) -> str:
    """What a daemon says that cannot start; its status is 1, and there is no traceback."""
    await process.end()
    assert process.exit_status == 1, process.story()
    assert not [line for line in process.lines if "Traceback" in line], process.story()
    (words,) = [line for line in process.lines if f"{process.name}: " in line]
    return words


def store_option(role: str) -> str:
    return "--storage" if role == "ocpp-cp" else "--database"


def on(port: int) -> str:
    """An endpoint on this machine."""
    return f"tcp:{port}:interface=127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening.getsockname()[1]


async def test_a_port_that_is_taken(tmp_path: Path, taken: int) -> None:
    """It is named, with the option where there are several."""
    config = tmp_path / "cp.toml"
    config.write_text(f'[status]\nlisten = "tcp:{taken}"\n')
    charge_point = launch("ocpp-cp", tmp_path, "-c", str(config), "-s", ":memory:")
    ocpp = launch("ocpp-csms", tmp_path, "--ocpp", on(taken), "-d", "a.sqlite3")
    free = on(processes.free_port())
    http = launch("ocpp-csms", tmp_path, "--ocpp", free, "--http", on(taken), "-d", "b.sqlite3")
    words = await gatherResults(
        [Deferred.fromCoroutine(last_words(one)) for one in (charge_point, ocpp, http)]
    )
    assert (
        f"ocpp-cp: [status] listen: cannot listen: Couldn't listen on 127.0.0.1:{taken}" in words[0]
    )
    assert f"cannot listen on 'tcp:{taken}:interface=127.0.0.1'" in words[1]
    assert f"cannot listen on 'tcp:{taken}:interface=127.0.0.1'" in words[2]


@pytest.mark.parametrize("role", ROLES)
async def test_a_place_where_nothing_can_be_stored(role: str, tmp_path: Path) -> None:
    """A file where a folder should be, and a folder where a file should be."""
    file = tmp_path / "file"
    file.write_text("this is no folder")
    places = [file / "store.sqlite3", tmp_path]
    trials = [launch(role, tmp_path, store_option(role), str(place)) for place in places]
    for place, trial in zip(places, trials, strict=True):
        assert str(place) in await last_words(trial)
    assert file.read_text() == "this is no folder"


async def test_a_damaged_store(tmp_path: Path) -> None:
    """A charge point puts it aside and charges on; a central system leaves it to its operator.
    Nobody throws it away."""
    rubbish = os.urandom(50_000)
    for name in ("cp", "csms"):
        (tmp_path / name).write_bytes(rubbish)
    central = launch("ocpp-csms", tmp_path, "-d", "csms")
    charge_point = launch("ocpp-cp", tmp_path, "-s", "cp", "-u", "ws://127.0.0.1:1/")
    assert "ocpp-csms: csms: file is not a database" in await last_words(central)
    assert (tmp_path / "csms").read_bytes() == rubbish
    said = await charge_point.line("was damaged")
    (aside,) = tmp_path.glob("cp.damaged-*")
    assert aside.name in said
    assert aside.read_bytes() == rubbish
    await charge_point.stop("INT")


async def test_both_from_one_folder(tmp_path: Path) -> None:
    """As the README has it: two terminals, one folder; Ctrl-C ends each, and nothing stays behind
    but what they store."""
    port = processes.free_port()
    central = launch("ocpp-csms", tmp_path, "--ocpp", on(port), "-d", "central.sqlite3")
    charge_point = launch(
        "ocpp-cp", tmp_path, "-s", "cp.sqlite3", "-u", f"ws://127.0.0.1:{port}/ocpp"
    )
    await charge_point.line("the central system says Accepted")
    for process in (charge_point, central):
        assert await process.stop("INT") == -signal.SIGINT
        assert not [line for line in process.lines if "Traceback" in line], process.story()
    assert sorted(path.name for path in tmp_path.iterdir() if "sqlite3" not in path.name) == []
