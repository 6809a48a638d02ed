"""Many stations on real sockets, against a central system without a memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import processes
import pytest_twisted
from certificates_rig import Authority
from twisted.internet import reactor
from twisted.internet.defer import succeed

from txocpp.csms.central import Admission, CentralSystem
from txocpp.interfaces import Credentials, Refusal
from txocpp.load import Fleet, LoadSettings
from txocpp.transport.tls import ServerCertificates
from txocpp.transport.websocket_server import WebSocketServer

STATIONS = 40


class Office:
    """The central system, and who may come in."""

    def __init__(self, certificates: ServerCertificates | None = None) -> None:
        self.shown: list[Credentials] = []
        self.refusal: Refusal | None = None
        self.central = CentralSystem(reactor, doorkeeper=self._admit)
        self.server = WebSocketServer(
            reactor, "tcp:0:interface=127.0.0.1", self.central, certificates=certificates
        )
        self.server.startService()

    def _admit(self, credentials: Credentials) -> Any:
        self.shown.append(credentials)
        return succeed(self.refusal or Admission())

    @property
    def url(self) -> str:
        """Where stations connect."""
        assert self.server.port is not None
        return f"ws://127.0.0.1:{self.server.port.getHost().port}/ocpp"


@pytest_twisted.async_yield_fixture
async def office() -> AsyncIterator[Office]:
    """Open for everybody."""
    built = Office()
    yield built
    await built.server.stopService()


def _settings(office: Office, **more: Any) -> LoadSettings:
    chosen = {"stations": STATIONS, "ramp_s": 0.2, "first_wait_s": 0.05, "longest_wait_s": 0.1}
    return LoadSettings(url=office.url, **{**chosen, **more})


async def test_a_busy_minute(office: Office) -> None:
    """Stations connect one after the other, charge, lose their lines at once, and lose nothing."""
    fleet = Fleet(reactor, _settings(office, faster=600, cars_per_hour=20, stay_s=300))
    fleet.start()
    assert fleet.census().begun < STATIONS
    await processes.eventually(lambda: fleet.census().accepted == STATIONS, "all are there")
    await processes.eventually(lambda: fleet.figures.started > STATIONS, "cars charge")
    fleet.cut()
    await processes.eventually(lambda: fleet.figures.opened == 2 * STATIONS, "all are back")
    assert await fleet.close()
    await fleet.stop()
    figures = fleet.figures
    assert figures.losses() == []
    assert (figures.cut, figures.closed, figures.failed) == (STATIONS, {}, {})
    assert figures.started == figures.stopped > STATIONS
    assert figures.energy_wh > 0
    assert figures.registered == STATIONS
    assert figures.action("BootNotification").answered == STATIONS
    assert figures.handshakes.count == 2 * STATIONS


async def test_credentials(office: Office) -> None:
    """Each station shows its own identity and password."""
    fleet = Fleet(reactor, _settings(office, stations=3, password="pw-{identity}"))
    fleet.start()
    await processes.eventually(lambda: fleet.census().accepted == 3, "all are there")
    await fleet.stop()
    shown = {(one.identity, one.user, one.password) for one in office.shown}
    assert shown == {
        (name, name, f"pw-{name}".encode())
        for name in ("LOAD-000001", "LOAD-000002", "LOAD-000003")
    }


async def test_tls(tmp_path: Path) -> None:
    """Stations connect by TLS where they trust the certificate, and do not where they do not."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("localhost", "127.0.0.1")
    office = Office(ServerCertificates(certificate=certificate, private_key=key))
    url = office.url.replace("ws:", "wss:")
    quick = {"url": url, "stations": 2, "ramp_s": 0, "first_wait_s": 0.05, "longest_wait_s": 0.1}
    trusting = Fleet(reactor, LoadSettings(**quick, trust_roots=authority.root))
    trusting.start()
    await processes.eventually(lambda: trusting.census().accepted == 2, "all are there")
    await trusting.stop()
    assert all(shown.secure for shown in office.shown)
    doubting = Fleet(reactor, LoadSettings(**quick))
    doubting.start()
    await processes.eventually(lambda: doubting.figures.failed.total() >= 2, "failures")
    await doubting.stop()
    assert doubting.figures.opened == 0
    await office.server.stopService()


async def test_turned_away(office: Office) -> None:
    """Refusals are counted by what was said, and the stations come again and again."""
    office.refusal = Refusal(401, "wrong password")
    fleet = Fleet(reactor, _settings(office, stations=2))
    fleet.start()
    await processes.eventually(lambda: fleet.figures.refused["HTTP 401"] >= 6, "refusals")
    await fleet.stop()
    assert fleet.figures.registered == 0
    assert fleet.figures.opened == 0


async def test_nobody_there() -> None:
    """Attempts without an answer are counted by their reason."""
    url = f"ws://127.0.0.1:{processes.free_port()}"
    settings = LoadSettings(url=url, stations=2, ramp_s=0, first_wait_s=0.05, longest_wait_s=0.1)
    fleet = Fleet(reactor, settings)
    fleet.start()
    await processes.eventually(lambda: fleet.figures.failed.total() >= 6, "failures")
    await fleet.stop()
    assert all("refused" in reason for reason in fleet.figures.failed)


async def test_what_cannot_be_delivered(office: Office) -> None:
    """A central system that stays away at the end is waited for, but not for ever."""
    fleet = Fleet(reactor, _settings(office, stations=2, faster=600, cars_per_hour=60))
    fleet.start()
    await processes.eventually(lambda: fleet.census().charging >= 2, "cars charge")
    await office.server.stopService()
    assert not await fleet.close(0.3)
    await fleet.stop()
    assert fleet.figures.undelivered >= 2
    assert "transaction messages were not delivered" in fleet.figures.losses()[-1]
