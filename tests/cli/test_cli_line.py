"""``txocpp line`` and ``txocpp keygen`` against a simulated device on a pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_twisted
import serial
from click.testing import CliRunner
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread

from txocpp.cli import main
from txocpp.cli.line import parse_question
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.devices.simulation.evlink_server import EvlinkServer
from txocpp.errors import DeviceError

Told = subprocess.CompletedProcess[str]


@pytest_twisted.async_yield_fixture
async def box(tmp_path: Path) -> AsyncIterator[EvlinkServer]:
    """A simulated device with two connectors behind ``ttyBOX``."""
    sim = SimulatedDevice(reactor, simulation_settings({}, 2))
    server = EvlinkServer(reactor, sim, listen=f"pty:{tmp_path / 'ttyBOX'}")
    server.startService()
    yield server
    await server.stopService()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Deferred[Told]]:
    """Run a command as a process; ``BOX`` is the serial line."""

    def run(*words: str, typed: str = "") -> Deferred[Told]:
        said = [word.replace("BOX", f"serial:{tmp_path / 'ttyBOX'}") for word in words]
        return deferToThread(
            subprocess.run,
            [sys.executable, "-m", "txocpp", *said],
            input=typed,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


async def test_who_is_there(box: EvlinkServer, run: Callable[..., Deferred[Told]]) -> None:
    """The greeting and the state of each connector, and an end."""
    told = await run("line", "BOX", "--once")
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0] == "SIM-0001: simulated, firmware simulated 1"
    assert lines[3] == "  connector 2: 32 A, 3 phases"
    assert lines[5].startswith('status: c=2 cp="A" on=0')


async def test_asking_by_hand(box: EvlinkServer, run: Callable[..., Deferred[Told]]) -> None:
    """One question after another, with the lines as they are; a refusal ends it."""
    told = await run(
        *("line", "BOX", "--frames"),
        *("--ask", "time", "--ask", 'limit {"c":1,"ma":6000}', "--ask", 'limit {"c":9}'),
    )
    assert told.returncode == 1
    assert "time: done\n" in told.stdout
    assert 'limit: ma=0 why="host"\n' in told.stdout
    assert 'to the device  >2 [2,3,"limit",{"c":1,"ma":6000}]*' in told.stdout
    assert told.stderr == "Error: BadConn\n"
    assert box.box.leases[1].limit_ma == 6000


async def test_a_key_from_making_to_using(
    box: EvlinkServer, run: Callable[..., Deferred[Told]], tmp_path: Path
) -> None:
    """Made, put into the device, demanded from then on; a second one is refused without a hand."""
    key = tmp_path / "box.key"
    made = await run("keygen", str(key), "--device", "BOX")
    assert (made.returncode, made.stderr) == (0, "")
    assert box.box.key == bytes.fromhex(key.read_text())
    told = await run("line", "BOX", "--once")
    assert told.returncode == 1
    assert "demands a key" in told.stderr
    told = await run("line", "BOX", "--once", "--key-file", str(key))
    assert told.returncode == 0
    other = tmp_path / "other.key"
    refused = await run("keygen", str(other), "--device", "BOX")
    assert refused.returncode == 1
    assert "hold its button" in refused.stderr
    assert not other.exists()


def test_what_is_refused_at_once(tmp_path: Path) -> None:
    """Without touching a line."""
    invoke = CliRunner().invoke
    assert "give --key-file" in invoke(main, ["line", "tcp:10.0.0.1:4116"]).output
    assert "expected" in invoke(main, ["line", "serial:x", "--ask", "ping [1]"]).output
    assert "Expecting" in invoke(main, ["line", "serial:x", "--ask", "ping {,}"]).output
    nowhere = invoke(main, ["line", "serial:x", "--key-file", "/nowhere/key"]).output
    assert "key file /nowhere/key" in nowhere
    key = str(tmp_path / "a.key")
    assert "cable only" in invoke(main, ["keygen", key, "--device", "tcp:10.0.0.1:4116"]).output
    assert invoke(main, ["keygen", key]).exit_code == 0
    assert "never written over" in invoke(main, ["keygen", key]).output


def test_questions() -> None:
    """A verb, and its members if it has any."""
    assert parse_question(" ping ") == ("ping", {})
    assert parse_question('limit {"c": 1}') == ("limit", {"c": 1})
    with pytest.raises(DeviceError):
        parse_question("")


async def test_nobody_at_the_port(run: Callable[..., Deferred[Told]], tmp_path: Path) -> None:
    """The reason is one line."""
    told = await run("keygen", str(tmp_path / "x.key"), "--device", "serial:/dev/ttyNOWHERE")
    assert told.returncode == 1
    assert "/dev/ttyNOWHERE" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("serial:/dev/ttyNOWHERE", "there is no such port; is the cable in?"),
        ("serial:/dev/null", "it is no serial port"),
        ("serial:/", "it is no serial port"),
        ("/dev/ttyUSB0", "did you mean serial:/dev/ttyUSB0?"),
        ("ttyUSB0", "did you mean serial:/dev/ttyUSB0?"),
        ("tcp:127.0.0.1", "expected tcp:HOST:PORT"),
        ("unix:/run/box", "a device is at tcp:HOST:PORT or serial:PATH"),
        ("serial:/dev/ttyUSB0:baudrate=fast", "baudrate 'fast' is not a number"),
    ],
)
async def test_a_wrong_place_is_told_at_once(
    run: Callable[..., Deferred[Told]], where: str, why: str
) -> None:
    """Not after ten seconds of waiting for an answer."""
    told = await run("line", where, "--once")
    assert told.returncode == 1
    assert why in told.stderr
    assert len(told.stderr.splitlines()) == 1


async def test_a_port_that_somebody_else_has_open(
    box: EvlinkServer, run: Callable[..., Deferred[Told]], tmp_path: Path
) -> None:
    """Two hosts on a cable would take each other's answers."""
    port = serial.Serial(str(tmp_path / "ttyBOX"), exclusive=True)
    told = await run("line", "BOX", "--once")
    port.close()
    assert told.stderr.endswith(": another program has it open\n")


async def test_somebody_who_speaks_otherwise(run: Callable[..., Deferred[Told]]) -> None:
    """A board in its prompt, or another baud rate: it is told that there is something, but what?"""
    master, slave = os.openpty()
    tty.setraw(slave)
    talking = LoopingCall(os.write, master, b">>> \xff\x80\r\n")
    talking.start(0.5)
    told = await run("line", f"serial:{os.ttyname(slave)}", "--once")
    talking.stop()
    os.close(slave)
    os.close(master)
    assert told.returncode == 1
    assert "somebody speaks there, but not evlink/1" in told.stderr


@pytest.mark.parametrize(
    ("mode", "text", "why"),
    [
        (0o644, "00" * 32, "not for its owner only (mode 0644); chmod 600 it"),
        (0o600, "hello", "must hold 64 hex digits"),
        (None, "", "No such file or directory"),
    ],
)
def test_a_key_file_that_is_no_good(tmp_path: Path, mode: int | None, text: str, why: str) -> None:
    """Missing, readable by others, or without a key."""
    path = tmp_path / "box.key"
    if mode is not None:
        path.write_text(text)
        path.chmod(mode)
    told = CliRunner().invoke(main, ["line", "tcp:10.0.0.1:4116", "--key-file", str(path)])
    assert told.exit_code == 1
    assert why in told.output
