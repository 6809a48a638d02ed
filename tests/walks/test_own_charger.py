"""The charger of docs/add-your-own-charger.md: the driver by itself, and behind a charge point."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import processes
import pytest
from processes import eventually
from treq.testing import StubTreq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface.verify import verifyObject

from txocpp.csms import CentralSystem
from txocpp.errors import DeviceOffline, DeviceRefused
from txocpp.evse import CarState, ResetKind
from txocpp.interfaces import IEVSE, IEVSEDevice
from txocpp.messages import v16
from txocpp.transport.websocket_server import WebSocketServer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "own_charger.py"


class Box(Resource):
    """A SimpleEVSE-WiFi with a car, as far as the driver knows one."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.vehicle, self.active, self.current, self.kwh = 1, False, 6, 12.5
        self.gone = False

    def render_GET(self, request: Any) -> bytes:
        path = request.path.decode()
        if self.gone:
            return b"<html>not what anybody expects</html>"
        if path == "/setCurrent":
            self.current = int(request.args[b"current"][0])
        elif path == "/setStatus":
            self.active = request.args[b"active"] == [b"true"]
        return json.dumps({"list": [self.parameters()]}).encode()

    def parameters(self) -> dict[str, Any]:
        """What its page says."""
        flows = self.active and self.vehicle == 3
        power = self.current * 0.69 if flows else 0
        return {
            "vehicleState": self.vehicle,
            "evseState": self.active,
            "meterReading": self.kwh,
            "actualCurrent": self.current,
            "actualPower": power,
        }


class Diary:
    """A listener that writes down the states."""

    def __init__(self) -> None:
        self.cars: list[CarState] = []

    def state_changed(self, evse: Any, state: Any) -> None:
        self.cars.append(state.car)


class Home:
    """The example's driver and its box, in virtual time."""

    def __init__(self) -> None:
        spec = importlib.util.spec_from_file_location("own_charger", EXAMPLE)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.clock, self.box, self.diary = Clock(), Box(), Diary()
        self.evse = module.SimpleEVSE(self.clock, "http://box", StubTreq(self.box))
        self.evse.listen(self.diary)

    def now(self, waiting: Deferred[Any]) -> Any:
        """What a Deferred has given by now; raises what it failed with."""
        outcome: list[Any] = []
        waiting.addBoth(outcome.append)
        self.clock.advance(0)
        if hasattr(outcome[0], "raiseException"):
            outcome[0].raiseException()
        return outcome[0]


@pytest.fixture
def home() -> Iterator[Home]:
    """A driver that runs."""
    home = Home()
    home.evse.startService()
    home.clock.advance(2)
    yield home
    home.now(home.evse.stopService())
    home.clock.advance(0)
    assert not home.clock.getDelayedCalls()


def test_it_provides_both_interfaces(home: Home) -> None:
    """Checked by zope, not by eye."""
    assert verifyObject(IEVSE, home.evse)
    assert verifyObject(IEVSEDevice, home.evse)


def test_it_charges_with_permission_and_limit(home: Home) -> None:
    """The car comes, gets whole amperes, pauses below six, and goes."""
    home.box.vehicle = 3
    home.clock.advance(2)
    assert (home.evse.state.car, home.evse.state.energised) == (CarState.READY, False)
    home.now(home.evse.set_current_limit(Decimal("13.9")))
    assert not home.box.active
    home.now(home.evse.permit(True))
    assert (home.box.active, home.box.current) == (True, 13)
    assert (home.evse.state.energised, home.evse.state.offered_a) == (True, 13)
    reading = home.now(home.evse.read_meter())
    assert (reading.energy_wh, reading.power_w) == (12500, 8969)
    home.now(home.evse.set_current_limit(Decimal("5.9")))
    assert not home.box.active
    home.now(home.evse.set_current_limit(Decimal(10)))
    home.box.vehicle = 1
    home.clock.advance(2)
    home.box.vehicle = 3
    home.now(home.evse.set_current_limit(Decimal(10)))
    assert not home.box.active
    assert home.diary.cars == [
        *(CarState.ABSENT, CarState.READY, CarState.READY, CarState.READY, CarState.READY),
        *(CarState.ABSENT, CarState.READY),
    ]


def test_out_of_service_and_reset_open_it(home: Home) -> None:
    """Neither leaves a car charging."""
    home.box.vehicle = 3
    home.now(home.evse.set_current_limit(Decimal(10)))
    home.now(home.evse.permit(True))
    home.now(home.evse.set_available(False))
    assert (home.box.active, home.evse.state.available) == (False, False)
    home.now(home.evse.set_available(True))
    assert home.box.active
    home.now(home.evse.reset(ResetKind.SOFT))
    assert not home.box.active
    with pytest.raises(DeviceRefused):
        home.now(home.evse.set_lock(True))


def test_a_box_that_is_gone_is_offline(home: Home) -> None:
    """What it says last stays the last that is known."""
    home.box.vehicle = 2
    home.clock.advance(2)
    home.box.gone = True
    home.clock.advance(2)
    assert (home.evse.state.car, home.evse.state.online) == (CarState.CONNECTED, False)
    home.box.gone = False
    home.clock.advance(2)
    assert home.evse.state.online


def test_a_network_that_fails_is_a_device_error() -> None:
    """Whatever the HTTP client raises, a charge point sees one kind of failure."""
    home = Home()

    class Broken:
        async def get(self, url: str, **options: Any) -> Any:
            raise RuntimeError("no route")

    home.evse._http = Broken()
    with pytest.raises(DeviceOffline, match="no route"):
        home.now(home.evse.permit(True))


async def test_it_charges_behind_a_charge_point() -> None:
    """The example as a program: boot, a car, a remote start, and current in the box."""
    box = Box()
    web = reactor.listenTCP(0, Site(box), interface="127.0.0.1")  # type: ignore[attr-defined]
    central = CentralSystem(reactor)
    seen: list[str] = []

    @central.on(v16.StatusNotificationRequest)
    def status(station: Any, request: Any) -> Any:
        seen.append(request.status)
        if request.status == v16.ChargePointStatus.PREPARING:
            start = v16.RemoteStartTransactionRequest(connector_id=1, id_tag="TAG1")
            station.call(start).addErrback(lambda failure: seen.append(failure.getErrorMessage()))
        return v16.StatusNotificationResponse()

    port = processes.free_port()
    server = WebSocketServer(reactor, f"tcp:{port}:interface=127.0.0.1", central)
    server.startService()
    where = f"http://127.0.0.1:{web.getHost().port}"
    program = processes.start(
        "own charger", [sys.executable, EXAMPLE, where, f"ws://127.0.0.1:{port}/ocpp"]
    )
    try:
        await eventually(lambda: "Available" in seen, "a booted charge point")
        box.vehicle = 3
        await eventually(lambda: box.active and box.current == 32, "current")
        await eventually(lambda: "Charging" in seen, "a charging connector")
    finally:
        await program.stop()
        await server.stopService()
        await web.stopListening()
    assert not [line for line in program.lines if "Traceback" in line], program.story()


def test_the_page_shows_the_example() -> None:
    """Every block of Python on the page is part of the file, in its order."""
    page = (ROOT / "docs" / "add-your-own-charger.md").read_text()
    source = EXAMPLE.read_text()
    place = 0
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        found = source.find(block, place)
        assert found >= 0, block
        place = found
