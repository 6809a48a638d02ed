"""Storms on a real central system: everybody at once, the dead, the doubled, and the hostile."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import daemons
import processes
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from txocpp.load import Fleet, LoadSettings

STATIONS = int(os.environ.get("TXOCPP_STORM", "150"))
"""More of them: ``TXOCPP_STORM=1000 pytest tests/walks/test_storms.py``."""
HOSTILE = Path(__file__).with_name("hostile_stations.py")
PATIENCE_S = 120.0
"""For anything, on a busy machine."""
MOST_MIB = 120
"""By how much memory may grow while a dozen hostile stations do what they can."""

Start = Callable[[str], Any]


@pytest_twisted.async_yield_fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a central system with some more lines of configuration."""
    central: list[daemons.CentralSystem] = []

    async def begin(more: str = "") -> daemons.CentralSystem:
        central.append(daemons.CentralSystem(tmp_path, more=more))
        await central[0].start()
        return central[0]

    yield begin
    for daemon in central:
        await daemon.stop()


def _settings(central: daemons.CentralSystem, stations: int, **more: Any) -> LoadSettings:
    quick = {"ramp_s": 0.5, "first_wait_s": 0.2, "longest_wait_s": 1.0, "timeout_s": 30.0}
    return LoadSettings(url=central.url, stations=stations, **{**quick, **more})


async def _all_there(fleet: Fleet) -> None:
    """Every station is connected and registered."""
    await processes.eventually(
        lambda: fleet.census().accepted == len(fleet.stations),
        "all are there",
        within_s=PATIENCE_S,
    )


def _memory_mib(process: processes.RealProcess) -> float:
    """The most that the process has ever had."""
    status = Path(f"/proc/{process.pid}/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


@pytest.mark.slow
@pytest.mark.limit(600)
@pytest.mark.rule("B-01", "B-03", "B-10", "C-08", "TX-21")
async def test_everybody_comes_back_at_once(start: Start) -> None:
    """After a restart all stations boot at once; all are served, and none is asked to hurry."""
    central = await start()
    settings = _settings(central, STATIONS, boot_always=True, cars_per_hour=20, faster=60)
    fleet = Fleet(reactor, settings)
    fleet.start()
    await _all_there(fleet)
    await central.stop("KILL")
    await central.start()
    await _all_there(fleet)
    assert await fleet.close(PATIENCE_S)
    await fleet.stop()
    figures = fleet.figures
    assert figures.losses() == []
    assert figures.refused == {}
    assert figures.action("BootNotification").answered >= 2 * STATIONS
    central.assert_no_traceback()
    # Their heartbeats drift apart: no two hundred of them in the same second for ever after.
    intervals = [station.keys.number("HeartbeatInterval") for station in fleet.stations]
    assert len(set(intervals)) > 20
    assert 240 <= min(intervals) < max(intervals) <= 300


class Silent(Protocol):
    """A station that is through the handshake, and then says and answers nothing."""

    def __init__(self, identity: str) -> None:
        self.heard = b""
        self.is_open = True
        self._identity = identity

    def connectionMade(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        assert self.transport is not None
        self.transport.write(
            f"GET /ocpp/{self._identity} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_open = False

    @property
    def is_in(self) -> bool:
        """The handshake is done."""
        return b" 101 " in self.heard


async def _silent(central: daemons.CentralSystem, identity: str) -> Silent:
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", central.ocpp_port)
    station: Silent = await connectProtocol(endpoint, Silent(identity))
    await processes.eventually(lambda: station.is_in, "the handshake")
    return station


@pytest.mark.rule("C-11")
async def test_the_dead_are_found(start: Start) -> None:
    """Who does not answer a ping is gone two intervals later; who answers stays."""
    central = await start("[stations]\nping_interval_s = 0.5\n")
    fleet = Fleet(reactor, _settings(central, 3))
    fleet.start()
    dead = await _silent(central, "DEAD")
    await processes.eventually(lambda: not dead.is_open, "the end of the connection")
    await central.running.line("no pong within 0.5 s")
    assert not (await central.get("/api/stations/DEAD"))["connected"]
    assert fleet.census().accepted == 3
    assert fleet.figures.closed == {}
    await fleet.stop()


@pytest.mark.rule("C-14")
async def test_the_newest_connection_wins(start: Start) -> None:
    """A second connection of an identity takes the place of the first, which is closed."""
    central = await start()
    first = await _silent(central, "CP1")
    fleet = Fleet(reactor, _settings(central, 1, prefix="CP"))
    assert fleet.stations[0].identity == "CP000001"
    second = await _silent(central, "CP1")
    await processes.eventually(lambda: b"replaced by a newer" in first.heard, "the close frame")
    assert second.is_open
    assert (await central.get("/api/stations/CP1"))["connected"]
    for station in (first, second):
        assert station.transport is not None
        station.transport.abortConnection()
    await processes.eventually(lambda: not (first.is_open or second.is_open), "the ends")


@pytest.mark.slow
@pytest.mark.limit(600)
async def test_the_hostile_harm_nobody(start: Start) -> None:
    """Floods, huge and half frames, deaf ears and slow handshakes: the others are served, nobody
    is late, and memory stays in bounds."""
    central = await start()
    fleet = Fleet(reactor, _settings(central, 30, cars_per_hour=20, faster=60))
    fleet.start()
    await _all_there(fleet)
    before_mib = _memory_mib(central.running)
    hostile = processes.start("hostile stations", [sys.executable, HOSTILE, central.ocpp_port, 5])
    await hostile.end()
    assert hostile.exit_status == 0, hostile.story()
    assert await fleet.close(PATIENCE_S)
    assert fleet.census().accepted == 30
    await fleet.stop()
    assert fleet.figures.losses() == []
    assert fleet.figures.closed == {}
    assert fleet.figures.stopped > 0
    grown_mib = _memory_mib(central.running) - before_mib
    print(f"{grown_mib:.0f} MiB more; {hostile.lines}")
    assert grown_mib < MOST_MIB, hostile.story()
    central.assert_no_traceback()
