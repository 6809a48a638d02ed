"""The whole chain: a foreign central system, our daemon, a serial port, MicroPython, a car.

Nothing in it is a fake of ours but the car and the contactor: the central system is PyPI `ocpp`,
the daemon a process of its own, the line a pseudo-terminal, the firmware the files for the board.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boxes
import pytest
import pytest_twisted
import strangers
from daemons import ChargePoint
from strangers import ForeignPeer

pytestmark = [pytest.mark.stranger, pytest.mark.slow]


class WiredChargePoint(ChargePoint):
    """`twistd ocpp-cp` with a charger at the end of a line."""

    where = ""

    def configuration(self) -> str:
        return f"""
[station]
identity = {json.dumps(self.identity)}

[central_system]
url = {json.dumps(self.url)}
first_pause_s = 0.1

[storage]
path = "{self.folder / "journal.sqlite3"}"

[[device]]
type = "evlink"
link = {json.dumps(self.where)}

[device.settings]
lease_s = 5
fallback_a = 6

[configuration]
MeterValueSampleInterval = 1
MeterValuesSampledData = "Energy.Active.Import.Register,Power.Active.Import,Current.Import"
"""


@pytest_twisted.async_yield_fixture
async def chain(
    tmp_path: Path,
) -> AsyncIterator[tuple[ForeignPeer, WiredChargePoint, boxes.FirmwareBox]]:
    """All of it, booted and available."""
    box = await boxes.start_firmware(cable=True)
    actor = await strangers.central_system("ocpp")
    cp = WiredChargePoint(tmp_path, "WALLBOX-1", actor.url)
    cp.where = box.where
    office = actor.peer("WALLBOX-1")
    cp.launch()
    yield office, cp, box
    await cp.stop()
    cp.assert_no_traceback()
    await box.pull_down()
    await actor.stop()
    actor.assert_no_fault()


async def sampled(office: ForeignPeer, measurand: str) -> float:
    """The next value of this measurand that the central system gets."""
    values = await office.expect("MeterValues", connectorId=1)
    return next(
        float(value["value"])
        for value in values["meterValue"][0]["sampledValue"]
        if value.get("measurand") == measurand
    )


async def status(office: ForeignPeer, wanted: str) -> dict[str, Any]:
    """Wait for this status of the connector."""
    return await office.expect("StatusNotification", connectorId=1, status=wanted)


def limit(transaction: int, limit_a: float) -> dict[str, Any]:
    """A profile for this transaction."""
    return {
        "chargingProfileId": 1,
        "transactionId": transaction,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}],
        },
    }


async def test_from_the_central_system_to_the_contactor_and_back(
    chain: tuple[ForeignPeer, WiredChargePoint, boxes.FirmwareBox],
) -> None:
    """Boot, plug, tag, transaction, limit, a cut cable and its healing, energy, stop."""
    office, _, box = chain
    booted = await office.expect("BootNotification")
    assert booted["chargePointModel"]
    await status(office, "Available")

    await box.do("plant", car="C", draw=20000)
    await status(office, "Preparing")
    await box.do("tag", c=1, uid="TAG1")
    assert await office.expect("Authorize") == {"idTag": "TAG1"}
    start = await office.expect("StartTransaction", connectorId=1, idTag="TAG1")
    await office.expect_event("answered", action="StartTransaction")
    await status(office, "Charging")
    await box.becomes(closed=True, flows=20000)
    transaction = office.started()[-1]

    accepted = {"status": "Accepted"}
    profile = limit(transaction, 12.5)
    assert (
        await office.call("SetChargingProfile", connectorId=1, csChargingProfiles=profile)
        == accepted
    )
    await box.becomes(closed=True, offer=12500, flows=12500)
    while await sampled(office, "Current.Import") != 12.5:
        pass

    await box.do("cut", on=1)
    cut_wh = (await box.becomes(closed=True, offer=6000, why="fb"))["wh"]
    await box.do("cut", on=0)
    await box.becomes(closed=True, offer=12500, why="host")
    office.forget()
    assert await sampled(office, "Energy.Active.Import.Register") >= start["meterStart"] + cut_wh

    assert await office.call("RemoteStopTransaction", transactionId=transaction) == accepted
    stop = await office.expect("StopTransaction", transactionId=transaction, reason="Remote")
    outlet = await box.becomes(closed=False)
    assert start["meterStart"] == 0
    assert abs(stop["meterStop"] - outlet["wh"]) <= 3
    await status(office, "Finishing")
    await box.do("plant", car="A")
    await status(office, "Available")
    assert not (await box.outlet())["gate"]


async def test_a_restart_of_the_charger_in_mid_transaction(
    chain: tuple[ForeignPeer, WiredChargePoint, boxes.FirmwareBox],
) -> None:
    """The watchdog bites: the contactor opens, the transaction goes on, the car charges again."""
    office, _, box = chain
    await status(office, "Available")
    await box.do("plant", car="C", draw=16000)
    await status(office, "Preparing")
    await box.do("tag", c=1, uid="TAG1")
    await status(office, "Charging")
    await box.becomes(closed=True)
    office.forget()
    await box.do("reboot", why="wdt")
    await box.becomes(closed=False)
    await box.becomes(closed=True, flows=16000)
    assert not [action for action, _ in office.calls("StopTransaction")]
    await box.do("plant", rcd=True)
    fault = await status(office, "Faulted")
    assert fault["errorCode"] == "GroundFailure"
    assert fault["vendorErrorCode"] == "rcd"
    await box.becomes(closed=False)
