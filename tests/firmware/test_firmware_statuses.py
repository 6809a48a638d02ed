"""What the central system is told of each fault: the charger's word, the error code, the status.

The whole way: plant, firmware, driver, charge point, StatusNotification. The table in
docs/firmware.md
says the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from firmware_rig import EMULATOR
from firmware_station import StationHouse

from txocpp.devices.esp8266.words import KNOWN_FAULTS
from txocpp.messages import v16

Furnish = Callable[..., StationHouse]
PAGE = (EMULATOR.parents[1] / "docs" / "firmware.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"rcd": True}, "Faulted GroundFailure rcd"),
        ({"earth": True}, "Faulted GroundFailure earth"),
        ({"diode_missing": True}, "SuspendedEVSE EVCommunicationError diode"),
        ({"car": "E"}, "SuspendedEVSE EVCommunicationError pilot"),
        ({"car": "D"}, "SuspendedEVSE EVCommunicationError vent"),
        ({"temp": 800}, "Faulted HighTemperature temp"),
        ({"temp": 680}, "Charging HighTemperature temp"),
        ({"under_u": True}, "Faulted UnderVoltage under_u"),
        ({"over_u": True}, "Faulted OverVoltage over_u"),
        ({"silent": True}, "Charging PowerMeterFailure meter"),
        ({"reader": True}, "Charging ReaderFailure reader"),
    ],
)
@pytest.mark.rule("S-07")
def test_a_fault_in_a_transaction(station: Furnish, attributes: dict[str, Any], told: str) -> None:
    """Faulted where nothing can flow, a warning where it goes on; the transaction goes on either
    way, and charges again when the fault is over."""
    house = station()
    house.transact()
    house.plant(**attributes)
    house.advance(2)
    assert house.office.notified[-1] == told
    assert house.office.running
    usual = {"rcd": False, "earth": False, "diode_missing": False, "temp": None, "car": "C"}
    house.plant(**usual, under_u=False, over_u=False, silent=False, reader=False)
    if "rcd" in attributes:
        house.result(house.evse.clear_faults())
    house.advance(12)
    assert house.office.notified[-1] == "Charging NoError"


def test_weak_wifi(station: Furnish) -> None:
    """A warning, as long as it lasts."""
    house = station()
    house.transact()
    house.engine.command({"do": "weak"})
    house.advance(1)
    assert house.office.notified[-1] == "Charging WeakSignal rssi"
    house.engine.command({"do": "weak", "on": 0})
    house.advance(1)
    assert house.office.notified[-1] == "Charging NoError"


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"stuck_open": True}, "Faulted PowerSwitchFailure relay_open"),
        ({"test_fails": True}, "Faulted GroundFailure self_test"),
        ({"obeys": False, "draw": 40000}, "Faulted OverCurrentFailure over_i"),
    ],
)
def test_a_fault_when_a_charge_begins(
    station: Furnish, attributes: dict[str, Any], told: str
) -> None:
    """A contactor that stays open, an RCD that fails its test, a car that takes too much."""
    house = station()
    house.plant(**attributes)
    house.plug_and_swipe(**attributes)
    house.advance(15)
    assert house.office.notified[-1] == told
    assert not house.truth()["closed"]


@pytest.mark.rule("S-16")
def test_a_lock_that_does_not_move(station: Furnish) -> None:
    """At a start it is Faulted, and no transaction begins; unlocking is told to have failed."""
    house = station()
    house.plant(lock_stuck=True)
    house.plug_and_swipe()
    house.advance(5)
    assert house.office.notified[-1] == "Faulted ConnectorLockFailure"
    assert not house.office.running
    house.plant(lock_stuck=False, lk=1)
    house.plant(lock_stuck=True)
    answer = house.ask(v16.UnlockConnectorRequest(connector_id=1))
    assert answer.status is v16.UnlockStatus.UNLOCK_FAILED


def test_a_weld_refuses_the_next_start(station: Furnish) -> None:
    """Faulted from a second after the contactor should have opened, and over the unplugging."""
    house = station()
    house.transact()
    house.plant(weld=True)
    house.ask(v16.RemoteStopTransactionRequest(transaction_id=1))
    house.advance(10)
    assert house.office.notified[-1] == "Faulted PowerSwitchFailure relay_weld"
    house.plant(car="A")
    house.advance(3)
    assert house.office.notified[-1] == "Faulted PowerSwitchFailure relay_weld"
    start = house.ask(v16.RemoteStartTransactionRequest(connector_id=1, id_tag="TAG1"))
    assert start.status is v16.RemoteStartStopStatus.REJECTED


@pytest.mark.parametrize("memory", [0, 1], ids=["exception", "out of memory"])
def test_a_firmware_that_stumbles(station: Furnish, memory: int) -> None:
    """Contactor open, restart, InternalError for a while; the transaction charges on."""
    house = station()
    house.transact()
    house.engine.command({"do": "crash", "memory": memory})
    house.advance(0.04)
    assert not house.truth()["closed"]
    house.advance(15)
    assert house.office.notified[-1] == "Charging InternalError fault"
    assert house.truth()["closed"]
    assert house.office.running
    house.advance(60)
    assert house.office.notified[-1] == "Charging NoError"


def test_three_restarts_in_ten_minutes(station: Furnish) -> None:
    """The board's supply is weak, or somebody opens its port: told until ten minutes are over."""
    house = station()
    for _ in range(3):
        house.advance(20)
        house.engine.command({"do": "reboot", "why": "ext"})
    house.advance(15)
    assert house.office.notified[-1] == "Available ResetFailure ext"
    house.advance(600)
    assert house.office.notified[-1] == "Available NoError"


def test_the_table_on_the_page() -> None:
    """Every word that the driver knows, with its error code, and whether it is Faulted."""
    part = PAGE.partition("## Faults")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|.*\| ([A-Za-z, ]+) \| ([^|]+) \|$", part, re.M)
    told = {}
    for words, codes, status in rows:
        names, errors = re.findall(r"`(\w+)`", words), codes.split(", ")
        for number, name in enumerate(names):
            told[name] = (errors[min(number, len(errors) - 1)], status == "Faulted")
    assert told.pop("config") == ("OtherError", True)
    assert told == {word: (code.value, blocks) for word, (code, blocks, _) in KNOWN_FAULTS.items()}
