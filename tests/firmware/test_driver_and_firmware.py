"""The package's driver and the real firmware, face to face, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from firmware_house import House
from firmware_rig import KEY

from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.errors import DeviceRefused
from txocpp.evse import CarState, FaultCode, OfferReason, ResetKind

LINES = {
    "cable": {},
    "sealed cable": {"key": KEY},
    "sealed network": {"key": KEY, "tcp": True},
}


@pytest.fixture
def furnish(make_house: Callable[..., Any]) -> Callable[..., House]:
    """Makes houses with the firmware in either engine."""
    return partial(make_house, House)


@pytest.fixture(params=LINES)
def house(request: pytest.FixtureRequest, furnish: Callable[..., House]) -> House:
    """A house on each kind of line."""
    settings = EvlinkSettings(fallback_a=Decimal(6), report_every_s=10)
    return furnish(**LINES[request.param], settings=settings)


def test_they_meet_and_know_each_other(house: House) -> None:
    """The driver learns who is there and what it can do."""
    assert house.device.info.serial_number == "esp8266-00a1b2c3"
    capabilities = house.evse.capabilities
    assert capabilities.maximum_current_a == 32
    assert capabilities.has_lock
    assert capabilities.can_switch_phases
    assert "Current.Import" in capabilities.measurands
    assert house.evse.state.online


def test_the_few_currents_of_a_charger_decide_what_is_promised(
    furnish: Callable[..., House],
) -> None:
    """A limit between two steps is the lower one, for the car and for the charge point."""
    house = furnish(steps=[16000, 32000])
    assert house.evse.capabilities.steps_a == (16, 32)
    house.charge("20")
    assert house.truth()["offer"] == 16000
    assert house.evse.state.offered_a == 16


def test_a_charge_from_plug_to_unplug(house: House) -> None:
    """Limit, permission, energy, a new limit, the end: both ends say the same at each step."""
    house.charge("16")
    state = house.evse.state
    assert (state.car, state.energised, state.offered_a) == (CarState.READY, True, Decimal(16))
    house.advance(36)
    before = house.result(house.evse.read_meter())
    assert before.power_w == 11040
    assert before.currents_a == (16, 16, 16)
    assert before.energy_wh is not None
    assert 110 <= before.energy_wh <= 125
    house.result(house.evse.set_current_limit(Decimal("10.5")))
    house.advance(0.2)
    assert house.evse.state.offered_a == Decimal("10.5")
    assert house.truth()["flows"] == 10500
    house.result(house.evse.permit(False))
    house.advance(7)
    assert not house.truth()["closed"]
    house.plant(car="A")
    house.advance(0.5)
    assert house.evse.state.car is CarState.ABSENT
    assert len(house.witness.readings) >= 3


def test_a_cut_cable_leaves_the_fallback_until_the_host_is_back(house: House) -> None:
    """Thirty seconds after the cut the car gets 6 A; the transaction is still the same."""
    house.charge("16")
    house.advance(10)
    house.engine.command({"do": "cut", "on": 1})
    house.advance(27)
    assert house.truth()["offer"] == 16000
    assert not house.evse.state.online
    house.advance(4)
    assert house.truth()["offer"] == 6000
    assert house.truth()["closed"]
    house.engine.command({"do": "cut", "on": 0})
    house.advance(15)
    state = house.evse.state
    assert state.online
    assert (state.offered_a, state.reason) == (Decimal(16), OfferReason.HOST)


def test_a_restart_of_the_charger_in_mid_charge_is_healed(house: House) -> None:
    """Contactor open, greeting, limit and permission again: the car charges on by itself."""
    house.charge("16")
    house.advance(20)
    energy_wh = house.result(house.evse.read_meter()).energy_wh
    house.engine.command({"do": "reboot", "why": "wdt"})
    assert not house.truth()["closed"]
    house.advance(15)
    assert house.truth()["closed"]
    assert house.evse.state.offered_a == 16
    assert house.result(house.evse.read_meter()).energy_wh >= energy_wh


def test_a_charger_that_was_restarted_without_its_car_does_not_charge_the_next(
    house: House,
) -> None:
    """Unplugged while the line was down: the permission was for the car that has gone."""
    house.charge("16")
    house.engine.command({"do": "cut", "on": 1})
    house.advance(1)
    house.plant(car="A")
    house.advance(2)
    house.plant(car="C")
    house.advance(5)
    house.engine.command({"do": "cut", "on": 0})
    house.advance(20)
    assert not house.truth()["closed"]
    assert any(state.car is CarState.ABSENT for state in house.witness.states)


@pytest.mark.parametrize(
    ("attributes", "code", "blocking"),
    [
        ({"rcd": True}, FaultCode.GROUND_FAILURE, True),
        ({"earth": True}, FaultCode.GROUND_FAILURE, True),
        ({"diode_missing": True}, FaultCode.EV_COMMUNICATION_ERROR, False),
        ({"car": "E"}, FaultCode.EV_COMMUNICATION_ERROR, False),
        ({"temp": 800}, FaultCode.HIGH_TEMPERATURE, True),
        ({"silent": True}, FaultCode.POWER_METER_FAILURE, False),
        ({"under_u": True}, FaultCode.UNDER_VOLTAGE, True),
        ({"over_u": True}, FaultCode.OVER_VOLTAGE, True),
        ({"reader": True}, FaultCode.READER_FAILURE, False),
        ({"car": "D"}, FaultCode.EV_COMMUNICATION_ERROR, False),
    ],
)
def test_each_fault_arrives_in_the_words_of_ocpp(
    furnish: Callable[..., House], attributes: dict[str, Any], code: FaultCode, blocking: bool
) -> None:
    """What the plant suffers is what the charge point will tell."""
    house = furnish()
    house.charge()
    house.plant(**attributes)
    house.advance(0.5)
    assert [(f.code, f.blocking) for f in house.evse.state.faults] == [(code, blocking)]


@pytest.mark.parametrize(
    ("attributes", "word", "code", "blocking"),
    [
        ({"lock_stuck": True}, "lock", FaultCode.CONNECTOR_LOCK_FAILURE, False),
        ({"test_fails": True}, "self_test", FaultCode.GROUND_FAILURE, True),
        ({"stuck_open": True}, "relay_open", FaultCode.POWER_SWITCH_FAILURE, True),
        ({"obeys": False}, "over_i", FaultCode.OVER_CURRENT_FAILURE, True),
    ],
)
def test_faults_that_show_when_a_charge_begins(
    furnish: Callable[..., House],
    attributes: dict[str, Any],
    word: str,
    code: FaultCode,
    blocking: bool,
) -> None:
    """A lock that does not move, an RCD that fails its test, a contactor that stays open, a car
    that takes more than it is offered: nothing is live then."""
    house = furnish()
    house.plant(**attributes)
    house.plant(car="C", draw=32000)
    house.result(house.evse.set_current_limit(Decimal(16)))
    house.result(house.evse.permit(True))
    house.advance(12)
    (fault,) = house.evse.state.faults
    assert (fault.vendor_code, fault.code, fault.blocking) == (word, code, blocking)
    assert not house.truth()["closed"]


def test_weak_wifi_arrives_as_a_warning(furnish: Callable[..., House]) -> None:
    """Charging goes on."""
    house = furnish()
    house.charge()
    house.engine.command({"do": "weak"})
    house.advance(0.5)
    (fault,) = house.evse.state.faults
    assert (fault.code, fault.blocking) == (FaultCode.WEAK_SIGNAL, False)
    assert house.truth()["closed"]


def test_a_weld_is_told_and_refuses_the_next_start(furnish: Callable[..., House]) -> None:
    """Welded contacts stay a fault over the unplugging, and no permission is given again."""
    house = furnish()
    house.charge()
    house.plant(weld=True)
    house.result(house.evse.permit(False, at_once=True))
    house.advance(1.5)
    assert house.evse.state.blocking_fault is not None
    assert house.evse.state.blocking_fault.code is FaultCode.POWER_SWITCH_FAILURE
    with pytest.raises(DeviceRefused, match="relay_weld"):
        house.result(house.evse.permit(True))


def test_lost_doubled_and_noisy_frames_change_nothing(house: House) -> None:
    """A line that loses answers, repeats frames and adds rubbish still carries each request."""
    house.charge("16")
    for limit_ma in range(6000, 16000, 1000):
        house.engine.command({"do": "lose", "frames": 1})
        house.engine.command({"do": "double", "frames": 2})
        if house.endpoint.line == 0:
            house.engine.command({"do": "noise", "to": "host", "hex": "ff3c3020"})
            house.engine.command({"do": "noise", "to": "device", "hex": "003e3e2a"})
        house.result(house.evse.set_current_limit(Decimal(limit_ma) / 1000), within_s=5)
        house.advance(6)
        assert house.truth()["offer"] == limit_ma
    assert house.truth()["closed"]


def test_lock_reset_and_availability_reach_the_charger(house: House) -> None:
    """The rest of what a charge point may want."""
    house.plant(car="B")
    house.advance(0.5)
    house.result(house.evse.set_lock(False))
    assert house.evse.state.locked is False
    house.result(house.evse.set_available(False))
    house.advance(0.5)
    assert house.evse.state.car is CarState.UNAVAILABLE
    house.result(house.evse.set_available(True))
    house.result(house.evse.reset(ResetKind.SOFT))
    house.advance(10)
    assert house.evse.state.online
    assert house.evse.state.car is CarState.CONNECTED


def test_a_tag_arrives(furnish: Callable[..., House]) -> None:
    """Held to the charger's reader, heard by the charge point."""
    house = furnish()
    house.engine.command({"do": "tag", "c": 1, "uid": "04A2B3"})
    house.advance(0.5)
    assert house.witness.tags == ["04A2B3"]


def test_the_wrong_key_is_told_and_nothing_is_obeyed(furnish: Callable[..., House]) -> None:
    """A driver with another key never has a session, on either kind of line."""
    house = furnish(key=KEY)
    house.device._line._session._key = b"?" * 32
    house.engine.command({"do": "reboot"})
    house.advance(20)
    assert not house.evse.state.online
    assert house.truth()["offer"] == 0
