"""What a device's words mean to a charge point."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.devices.esp8266.words import Greeting, Status, measurands, read_meter
from txocpp.errors import DeviceError
from txocpp.evse import CarState, FaultCode, OfferReason

STATE: dict[str, Any] = {
    "c": 1, "cp": "C", "on": 1, "ma": 16000, "lim": 16000, "why": "host", "gate": 1, "av": 1,
    "ph": 3, "f": [], "wh": 12, "w": 11040,
}  # fmt: skip
GREETING: dict[str, Any] = {
    "id": "esp8266-00a1b2c3", "fw": "0.3.0", "hw": "s0pilot", "boot": 17, "why": "power", "nc": 1,
    "cap": "pwm,relay,ph,meter,fail", "max": [32000], "ph": [3], "rx": 256, "up": 1234, "v": 1,
}  # fmt: skip


def status(**changes: Any) -> Status:
    """A state with some members changed."""
    return Status.read({**STATE, **changes})


@pytest.mark.parametrize(
    ("word", "code", "blocking"),
    [
        ("relay_weld", FaultCode.POWER_SWITCH_FAILURE, True),
        ("relay_open", FaultCode.POWER_SWITCH_FAILURE, True),
        ("rcd", FaultCode.GROUND_FAILURE, True),
        ("earth", FaultCode.GROUND_FAILURE, True),
        ("self_test", FaultCode.GROUND_FAILURE, True),
        ("diode", FaultCode.EV_COMMUNICATION_ERROR, False),
        ("pilot", FaultCode.EV_COMMUNICATION_ERROR, False),
        ("vent", FaultCode.EV_COMMUNICATION_ERROR, False),
        ("temp", FaultCode.HIGH_TEMPERATURE, True),
        ("over_i", FaultCode.OVER_CURRENT_FAILURE, True),
        ("meter", FaultCode.POWER_METER_FAILURE, False),
        ("under_u", FaultCode.UNDER_VOLTAGE, True),
        ("over_u", FaultCode.OVER_VOLTAGE, True),
        ("lock", FaultCode.CONNECTOR_LOCK_FAILURE, False),
        ("reader", FaultCode.READER_FAILURE, False),
        ("rssi", FaultCode.WEAK_SIGNAL, False),
    ],
)
def test_the_failure_table(word: str, code: FaultCode, blocking: bool) -> None:
    """Each word of the protocol is an error code of OCPP; the word goes along."""
    (fault,) = status(f=[word], why="fault").faults
    assert (fault.code, fault.blocking, fault.vendor_code) == (code, blocking, word)


@pytest.mark.parametrize(
    ("greeting", "steps_a"),
    [
        ({}, ()),
        ({"cap": "relay,fail"}, (32,)),
        ({"cap": "levels,fail", "steps": [[32000, 16000]]}, (16, 32)),
        ({"cap": "relay,fail", "steps": [[16000]], "max": [20000]}, (16,)),
        ({"steps": [[]]}, ()),
    ],
)
def test_the_few_currents_of_a_device(greeting: dict[str, Any], steps_a: tuple[int, ...]) -> None:
    """As it says; a relay that says nothing does all or nothing."""
    assert Greeting.read({**GREETING, **greeting}).steps_a(1) == steps_a


@pytest.mark.parametrize("steps", [16000, [16000], [["16"]], [[True]], [[0]], [[-6000]], {}])
def test_nonsense_about_steps_is_not_believed(steps: Any) -> None:
    """Like everything else that has the wrong form."""
    with pytest.raises(DeviceError, match="steps"):
        Greeting.read({**GREETING, "steps": steps})


def test_words_that_nobody_knows() -> None:
    """They block if the device says that it stopped for a fault."""
    (stops,) = status(f=["gremlin"], why="fault").faults
    assert (stops.code, stops.blocking) == (FaultCode.OTHER_ERROR, True)
    (warns,) = status(f=["gremlin", "gremlin"]).faults
    assert not warns.blocking


def test_a_derated_device_warns() -> None:
    """Offering less for its heat is a warning; being too hot to charge is a fault."""
    (fault,) = status(why="temp").faults
    assert (fault.code, fault.blocking) == (FaultCode.HIGH_TEMPERATURE, False)
    (fault,) = status(why="temp", f=["temp"]).faults
    assert fault.blocking


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, OfferReason.HOST),
        ({"why": "fb"}, OfferReason.FALLBACK),
        ({"why": "boot"}, OfferReason.BOOT),
        ({"why": "max"}, OfferReason.MAXIMUM),
        ({"why": "cable"}, OfferReason.MAXIMUM),
        ({"why": "temp"}, OfferReason.TEMPERATURE),
        ({"why": "weather"}, OfferReason.HOST),
        ({"why": "fault", "ma": 0, "gate": 0}, OfferReason.FAULT),
        ({"gate": 0, "ma": 0}, OfferReason.OFF),
        ({"av": 0, "ma": 0}, OfferReason.OFF),
        ({"cp": "A", "ma": 0}, OfferReason.OFF),
        ({"ma": 0}, OfferReason.HOST),
    ],
)
def test_why_it_offers_what_it_offers(changes: dict[str, Any], reason: OfferReason) -> None:
    """Without permission, car or service the reason is that there is nothing to offer."""
    assert status(**changes).reason is reason


def test_a_greeting() -> None:
    """Its members by their names in the world of charging."""
    greeting = Greeting.read(GREETING)
    assert (greeting.id, greeting.hardware, greeting.boots) == ("esp8266-00a1b2c3", "s0pilot", 17)
    assert "ph" in greeting.abilities
    assert greeting.maximum_a(1) == 32
    assert greeting.wired_phases(1) == 3
    assert greeting.start == ("esp8266-00a1b2c3", 17)


def test_a_greeting_that_says_little() -> None:
    """A device that does not tell its limits is taken for a small one."""
    greeting = Greeting.read({"nc": 2})
    assert greeting.maximum_a(2) == 16
    assert greeting.wired_phases(2) == 1
    assert Greeting.read({"nc": 2, "max": [8000], "ph": [0]}).maximum_a(2) == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [("nc", 0), ("nc", True), ("nc", None), ("ph", [4]), ("ph", "3"), ("max", [True]), ("id", 7)],
)
def test_a_damaged_greeting(name: str, value: Any) -> None:
    """The error names the member."""
    with pytest.raises(DeviceError, match=f"greeting is damaged at '{name}'"):
        Greeting.read({**GREETING, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("cp", "AB"), ("cp", ""), ("cp", 1), ("ph", 0), ("on", None), ("ma", 1.5), ("f", ["a", 1])],
)
def test_a_damaged_state(name: str, value: Any) -> None:
    """The error names the member."""
    with pytest.raises(DeviceError, match=f"state is damaged at '{name}'"):
        status(**{name: value})


def test_members_that_may_be_missing() -> None:
    """A meter that is silent, a lock that is not there, an extension nobody knows."""
    state = status(wh=None, w=None, colour="red", lk=1)
    assert (state.energy_wh, state.locked, state.car) == (None, True, CarState.READY)
    assert status().locked is None


def test_a_meter_reading() -> None:
    """Milli-units and hundredths become exact values."""
    reading = read_meter(
        {"c": 1, "wh": 5, "w": 690, "mv": [230100], "ma": [3000], "hz": 4999, "pf": 99}
    )
    assert reading.energy_wh == 5
    assert reading.voltages_v == (Decimal("230.1"),)
    assert reading.currents_a == (3,)
    assert reading.frequency_hz == Decimal("49.99")
    assert reading.power_factor == Decimal("0.99")
    assert measurands(reading, temperature=True) == {
        "Energy.Active.Import.Register",
        "Power.Active.Import",
        "Current.Import",
        "Voltage",
        "Frequency",
        "Power.Factor",
        "Temperature",
    }
    assert measurands(read_meter({"c": 1}), temperature=False) == frozenset()


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
anything = values | st.lists(values, max_size=3)


@given(st.dictionaries(st.sampled_from([*STATE, "lk", "t", "mv", "hz", "x"]), anything))
def test_whatever_a_device_says(data: dict[str, Any]) -> None:
    """It is understood or refused; nothing else happens."""
    for read in (Status.read, Greeting.read, read_meter):
        try:
            read({**STATE, **data})
        except DeviceError:
            continue
