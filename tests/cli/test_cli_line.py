"""``txocpp line`` and ``txocpp keygen`` against a simulated device on a pseudo-terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_twisted
from click.testing import CliRunner
from twisted.internet import reactor
from twisted.internet.defer import Deferred
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
    assert "File exists" in invoke(main, ["keygen", key]).output


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
