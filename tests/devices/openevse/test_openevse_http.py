"""An OpenEVSE behind its gateway, by HTTP, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from txocpp.devices.openevse.controller import Mode
from txocpp.devices.openevse.device import OpenEVSEDevice
from txocpp.devices.openevse.http import HttpController, observation
from txocpp.errors import DeviceError, DeviceRefused
from txocpp.evse import CarState


class Gateway(Resource):
    """A gateway with a controller and a car."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.car = 1
        self.override: dict[str, Any] = {}
        self.restarts = 0
        self.broken = 0
        """An HTTP status that it answers everything with."""
        self.requests: list[str] = []

    def render(self, request: Any) -> bytes:
        path = request.path.decode()
        self.requests.append(f"{request.method.decode()} {path}")
        if self.broken:
            request.setResponseCode(self.broken)
            return b"broken"
        body = json.loads(request.content.read() or b"{}")
        if path == "/config":
            return json.dumps(
                {"firmware": "8.2.3", "max_current_hard": 40, "max_current_soft": 24}
            ).encode()
        if path == "/status":
            return json.dumps(self.status()).encode()
        if path == "/override":
            self.override = body
            return b'{"msg":"OK"}'
        if path == "/restart":
            self.restarts += 1
            return b""
        request.setResponseCode(404)
        return b""

    def status(self) -> dict[str, Any]:
        """The status page."""
        active = self.override.get("state") == "active"
        state = (3 if self.car == 3 else self.car) if active else 254
        return {
            "state": state,
            "vehicle": int(self.car > 1),
            "voltage": 230,
            "temp": 281,
            "pilot": self.override.get("charge_current", 24),
            "total_energy": 12.345,
            "amp": self.override.get("charge_current", 0) * 1000 if state == 3 else 0,
        }


class Street:
    """A driver and a gateway."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.gateway = Gateway()
        client: Any = StubTreq(self.gateway)
        self.agent = client
        self.controller = HttpController(self.clock, client, "http://evse.test/")
        self.device = OpenEVSEDevice(self.clock, self.controller)
        self.evse = self.device.evse

    def run(self, seconds: float) -> None:
        """Let time go by."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.agent.flush()

    def result(self, waiting: Deferred[Any]) -> Any:
        """What a Deferred gives; raises what it fails with."""
        outcome: list[Any] = []
        waiting.addBoth(outcome.append)
        self.run(5)
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]


@pytest.fixture
def street() -> Iterator[Street]:
    """A gateway that has been met."""
    street = Street()
    street.device.startService()
    street.run(3)
    yield street
    street.result(street.device.stopService())
    assert not street.clock.getDelayedCalls()


def test_a_charge_by_overrides(street: Street) -> None:
    """The override carries state and current, and is meant to last."""
    assert street.evse.capabilities.maximum_current_a == 24
    assert street.device.info.firmware_version == "8.2.3"
    street.gateway.car = 3
    street.run(3)
    assert street.evse.state.car is CarState.CONNECTED
    street.result(street.evse.set_current_limit(Decimal("13.7")))
    street.result(street.evse.permit(True))
    assert street.gateway.override == {
        "state": "active",
        "charge_current": 13,
        "max_current": 13,
        "auto_release": False,
    }
    street.run(3)
    state = street.evse.state
    assert (state.car, state.energised, state.offered_a) == (CarState.READY, True, 13)
    reading = street.result(street.evse.read_meter())
    assert (reading.energy_wh, reading.currents_a, reading.power_w) == (12345, (13,), 2990)
    assert reading.temperature_c == Decimal("28.1")
    street.result(street.evse.set_current_limit(Decimal(8)))
    assert street.gateway.override["charge_current"] == 8
    street.result(street.evse.permit(False))
    assert street.gateway.override == {"state": "disabled", "auto_release": False}


def test_a_limit_that_somebody_has_raised_is_told_again(street: Street) -> None:
    """At the gateway's own page, for example: more than the limit is never left standing."""
    street.gateway.car = 3
    street.result(street.evse.set_current_limit(Decimal(10)))
    street.result(street.evse.permit(True))
    street.gateway.override = {"state": "active", "charge_current": 24}
    street.run(5)
    assert street.gateway.override["charge_current"] == 10


def test_a_gateway_that_is_gone_is_offline(street: Street) -> None:
    """Errors of all kinds are the same to a charge point."""
    assert street.evse.state.online
    street.gateway.broken = 503
    street.run(15)
    assert not street.evse.state.online
    street.gateway.broken = 0
    street.run(5)
    assert street.evse.state.online


def test_an_old_gateway_is_told_what_to_do_instead(street: Street) -> None:
    """Without overrides there is only RAPI."""
    street.gateway.broken = 404
    with pytest.raises(DeviceRefused, match="RAPI"):
        street.result(Deferred.fromCoroutine(street.controller.set_mode(Mode.ENABLED)))


def test_a_gateway_is_looked_for_until_it_is_there() -> None:
    """Its first answer opens the way."""
    street = Street()
    street.gateway.broken = 500
    street.device.startService()
    street.run(12)
    assert not street.evse.state.online
    assert len(street.gateway.requests) == 3
    street.gateway.broken = 0
    street.run(6)
    assert street.evse.state.online
    street.result(street.device.stopService())


def test_a_lock_is_not_offered(street: Street) -> None:
    """Nor would anybody expect one."""
    with pytest.raises(DeviceRefused):
        street.result(street.evse.set_lock(True))


@pytest.mark.parametrize(
    ("amp", "state", "current_a"),
    [(16000, 3, "16"), (16, 3, "16"), (0, 3, "0"), (16000, 2, "16"), (40, 2, "0.04")],
)
def test_the_current_is_in_one_unit_or_the_other(amp: int, state: int, current_a: str) -> None:
    """Documented as mA, seen in A: no car charges with 80 mA."""
    seen = observation({"state": state, "amp": amp})
    assert seen.current_a == Decimal(current_a)


@pytest.mark.parametrize(
    ("status", "meter_wh"),
    [
        ({"total_energy": 1.5}, 1500),
        ({"watthour": 5000, "wattsec": 7200000, "vehicle": 1}, 7000),
        ({"watthour": 5000, "wattsec": 7200000, "vehicle": 0}, 5000),
        ({}, None),
        ({"total_energy": "much"}, None),
    ],
)
def test_the_register_of_new_and_old_gateways(status: dict[str, Any], meter_wh: int | None) -> None:
    """kWh in all, or Wh with a session in Ws that counts while its car is there."""
    seen = observation({"state": 254, **status})
    assert seen.meter_wh == meter_wh


@pytest.mark.parametrize("status", [{}, {"state": "3"}, {"state": None}, {"state": True}])
def test_a_page_without_a_state_is_an_error(status: dict[str, Any]) -> None:
    """Nothing is guessed."""
    with pytest.raises(DeviceError):
        observation(status)
