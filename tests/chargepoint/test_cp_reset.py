"""Resetting and unlocking."""

from __future__ import annotations

from typing import Any

import pytest
from house import House, never
from twisted.internet.defer import Deferred, fail

from txocpp.errors import DeviceRefused
from txocpp.messages import v16

SOFT = v16.ResetRequest(type=v16.ResetType.SOFT)
HARD = v16.ResetRequest(type=v16.ResetType.HARD)


@pytest.mark.rule("E-01", "E-02", "E-05", "TX-12", "S-19")
def test_a_soft_reset_ends_transactions_in_good_order() -> None:
    """The answer, StopTransaction with SoftReset, then a boot by itself."""
    house = House()
    house.charge()
    assert house.status(SOFT) == "Accepted"
    house.run(20)
    assert house.heard() == [
        "Stop 1 SoftReset",
        "Status 1 Finishing",
        "Boot",
        "Status 0 Available",
        "Status 1 Preparing",
    ]


@pytest.mark.rule("E-03", "E-05", "TX-30", "S-19")
def test_a_hard_reset_ends_transactions_after_the_boot() -> None:
    """At once; StopTransaction with HardReset follows the boot, with the register's energy."""
    house = House()
    house.charge()
    house.run(600)
    assert house.status(HARD) == "Accepted"
    house.run(20)
    assert house.heard() == [
        "Boot",
        "Status 0 Available",
        "Status 1 Preparing",
        "Stop 1 HardReset",
    ]
    stop = house.last(v16.StopTransactionRequest)
    assert stop.meter_stop == house.evse().outlet.energy_wh


@pytest.mark.rule("E-04")
def test_a_stop_that_was_not_confirmed_survives_the_reset() -> None:
    """A StopTransaction without an answer delays a soft reset a little, and is told after it."""
    house = House()
    house.charge()
    house.central.answer = lambda r: never(r) if isinstance(r, v16.StopTransactionRequest) else None
    house.status(SOFT)
    house.run(2)
    house.central.answer = None
    house.run(20)
    assert house.heard("Boot", "Stop") == ["Stop 1 SoftReset", "Boot", "Stop 1 SoftReset"]


@pytest.mark.rule("E-06", "S-12")
@pytest.mark.parametrize("request_", [SOFT, HARD])
def test_what_is_out_of_service_stays_so(request_: v16.ResetRequest) -> None:
    """Unavailable survives both kinds of reset."""
    house = House(2)
    house.status(
        v16.ChangeAvailabilityRequest(connector_id=2, type=v16.AvailabilityType.INOPERATIVE)
    )
    house.status(request_)
    house.run(20)
    assert house.heard()[-3:] == [
        "Status 0 Available",
        "Status 1 Available",
        "Status 2 Unavailable",
    ]


@pytest.mark.rule("E-08")
def test_nothing_begins_before_the_reset() -> None:
    """Between the answer and the boot nobody can start."""
    house = House(2, car={"wake_s": 1, "follow_s": 1})
    house.charge(1)
    house.central.answer = lambda r: (
        Deferred() if isinstance(r, v16.StopTransactionRequest) else None
    )
    house.status(SOFT)
    house.plug(2)
    house.swipe("TAG2", 2)
    request = v16.RemoteStartTransactionRequest(connector_id=2, id_tag="TAG2")
    assert house.status(request) == "Rejected"
    assert house.status(SOFT) == "Rejected"
    house.run(30)
    assert not house.heard("Start")


@pytest.mark.rule("E-07")
def test_a_device_that_does_not_restart() -> None:
    """The reset is tried again as often as ResetRetries says, then ResetFailure is told."""
    house = House(configuration={"ResetRetries": 2})
    house.heard()
    tries: list[Any] = []

    def refuse(kind: Any) -> Deferred[None]:
        tries.append(kind)
        return fail(DeviceRefused("busy"))

    house.evse().reset = refuse  # type: ignore[method-assign]
    house.status(HARD)
    house.run(20)
    assert len(tries) == 3
    assert house.heard() == ["Status 0 Available ResetFailure"]
    house.charge()
    assert house.bay().transaction is not None


def unlock(house: House, connector_id: int = 1) -> str:
    """Unlock; gives the answer."""
    return house.status(v16.UnlockConnectorRequest(connector_id=connector_id))


@pytest.mark.rule("U-01")
def test_an_idle_plug_is_unlocked() -> None:
    """Unlocked, also when it was not locked."""
    assert unlock(House(car={"lock": True})) == "Unlocked"


@pytest.mark.rule("U-01", "U-05")
def test_what_has_no_lock_cannot_be_unlocked() -> None:
    """NotSupported with a fixed cable, for an unknown connector and for the station."""
    assert unlock(House()) == "NotSupported"
    house = House(car={"lock": True})
    assert [unlock(house, 0), unlock(house, 2)] == ["NotSupported", "NotSupported"]


@pytest.mark.rule("U-01")
def test_a_lock_that_is_stuck() -> None:
    """UnlockFailed, if the lock does not move."""
    house = House(car={"lock": True})
    house.charge()
    house.swipe()
    house.run(10)
    house.evse().fail_lock()
    assert unlock(house) == "UnlockFailed"


@pytest.mark.rule("U-02", "U-04", "TX-12")
def test_unlocking_ends_the_transaction() -> None:
    """UnlockCommand, the plug is free, Finishing, and Available when it is out."""
    house = House(car={"lock": True})
    house.charge()
    asked = house.central.peer.call(v16.UnlockConnectorRequest(connector_id=1))
    answers: list[Any] = []
    asked.addCallback(answers.append)
    house.run(10)
    assert answers[0].status == "Unlocked"
    assert house.heard() == ["Stop 1 UnlockCommand", "Status 1 Finishing"]
    house.unplug()
    assert house.heard() == ["Status 1 Available"]


@pytest.mark.rule("U-02", "U-03")
def test_a_fixed_cable_keeps_its_transaction() -> None:
    """NotSupported, and the transaction goes on."""
    house = House()
    house.charge()
    assert unlock(house) == "NotSupported"
    house.run(10)
    assert house.heard() == []
