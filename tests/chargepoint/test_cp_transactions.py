"""Transactions: how they begin and end, and what becomes of them when things go wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from house import NOON, House, never

from txocpp.errors import InternalError
from txocpp.messages import v16
from txocpp.storage.memory import Fate, MemoryChargePointStore

OFFLINE = {"AllowOfflineTxForUnknownId": True}


@pytest.mark.rule("A-02", "S-15", "TX-01", "TX-02", "TX-06")
def test_cable_first_then_tag() -> None:
    """Preparing with the cable, Authorize and StartTransaction with the tag, then Charging."""
    house = House()
    house.heard()
    house.plug()
    house.run(5)
    house.swipe()
    house.run(10)
    assert house.heard() == [
        "Status 1 Preparing",
        "Authorize TAG1",
        "Start 1 TAG1",
        "Status 1 Charging",
    ]
    start = house.last(v16.StartTransactionRequest)
    assert (start.meter_start, start.timestamp) == (0, NOON + timedelta(seconds=5))


@pytest.mark.rule("S-15", "TX-01")
def test_tag_first_then_cable() -> None:
    """Preparing as soon as the tag is accepted; the transaction begins with the cable."""
    house = House()
    house.heard()
    house.swipe()
    house.run(20)
    assert house.heard() == ["Authorize TAG1", "Status 1 Preparing"]
    house.plug()
    house.run(10)
    assert house.heard() == ["Start 1 TAG1", "Status 1 Charging"]


@pytest.mark.rule("S-18")
def test_no_cable_in_time() -> None:
    """After ConnectionTimeOut without a cable the connector is Available again."""
    house = House(configuration={"ConnectionTimeOut": 30})
    house.swipe()
    house.heard()
    house.run(29)
    assert house.heard() == []
    house.run(1)
    assert house.heard() == ["Status 1 Available"]
    house.plug()
    house.run(10)
    assert house.bay().transaction is None


def test_a_second_tap_gives_up() -> None:
    """Who shows the tag again before plugging in has changed their mind."""
    house = House()
    house.swipe()
    house.swipe()
    assert house.heard()[-2:] == ["Status 1 Preparing", "Status 1 Available"]


@pytest.mark.rule("TX-10", "TX-11", "TX-13", "TX-15", "M-01")
def test_a_tag_ends_the_transaction() -> None:
    """Reason Local, the tag, and the energy of the register; the cable is unlocked."""
    house = House(car={"lock": True})
    house.charge()
    assert house.evse().state.locked
    house.run(1800)
    house.swipe()
    house.run(10)
    assert house.heard() == ["Stop 1 Local by TAG1", "Status 1 Finishing"]
    stop = house.last(v16.StopTransactionRequest)
    assert stop.meter_stop == house.evse().outlet.energy_wh
    assert 5_500 < stop.meter_stop < 5_600
    assert not house.evse().state.locked
    house.unplug()
    assert house.heard() == ["Status 1 Available"]


@pytest.mark.rule("TX-14", "TX-40")
def test_one_connector_serves_one_after_the_other() -> None:
    """A new tag on the old cable is a new transaction, through Preparing, with its own energy."""
    house = House()
    house.charge()
    house.run(600)
    house.swipe()
    house.run(10)
    house.heard()
    house.swipe("TAG2")
    house.run(10)
    assert house.heard() == [
        "Authorize TAG2",
        "Status 1 Preparing",
        "Start 1 TAG2",
        "Status 1 Charging",
    ]
    stop = house.last(v16.StopTransactionRequest)
    assert house.last(v16.StartTransactionRequest).meter_start == stop.meter_stop


def test_two_connectors_are_independent() -> None:
    """Two cars charge at once; each has its own transaction and end."""
    house = House(2)
    house.charge(1, "A")
    house.charge(2, "B")
    house.run(60)
    house.swipe("A", 1)
    house.run(10)
    assert house.heard() == ["Stop 1 Local by A", "Status 1 Finishing"]
    assert house.evse(2).state.energised
    assert house.bay(2).transaction.transaction_id == 2


def test_one_reader_for_two_connectors() -> None:
    """A tag at a common reader starts where the car is, wherever it is plugged in later."""
    house = House(2)
    house.plug(2)
    house.swipe("A")
    house.run(10)
    assert "Start 2 A" in house.heard()
    house.swipe("B")
    assert house.heard() == ["Authorize B", "Status 1 Preparing"]
    house.unplug(2)
    house.run(10)
    house.heard()
    house.plug(2)
    house.run(10)
    assert house.heard() == [
        "Status 1 Available",
        "Status 2 Preparing",
        "Start 2 B",
        "Status 2 Charging",
    ]


@pytest.mark.rule("S-13", "TX-12", "TX-16", "S-20")
def test_unplugging_the_car_ends_the_transaction() -> None:
    """StopTransactionOnEVSideDisconnect true: EVDisconnected, Finishing with the reason as info,
    and no energy after plugging in again."""
    house = House()
    house.charge()
    house.unplug()
    house.run(5)
    assert house.heard() == [
        "Stop 1 EVDisconnected",
        "Status 1 Finishing",
        "Status 1 Available",
    ]
    finishing = house.all(v16.StatusNotificationRequest)[-2]
    assert finishing.info == "EV side disconnected"
    house.plug()
    house.run(10)
    assert not house.evse().state.energised


@pytest.mark.rule("TX-17")
@pytest.mark.parametrize("unlocks", [True, False])
def test_unplugging_the_car_may_unlock_our_side(unlocks: bool) -> None:
    """UnlockConnectorOnEVSideDisconnect decides about the socket's lock."""
    house = House(car={"lock": True}, configuration={"UnlockConnectorOnEVSideDisconnect": unlocks})
    house.charge()
    house.unplug()
    house.run(5)
    assert house.evse().state.locked is not unlocks
    assert house.heard()[-1] == f"Status 1 {'Available' if unlocks else 'Finishing'}"
    if not unlocks:
        house.swipe("OTHER")
        assert house.evse().state.locked
        house.swipe()
        house.run(1)
        assert house.heard() == ["Status 1 Available"]


@pytest.mark.rule("S-14", "TX-16", "TX-17")
def test_a_transaction_may_outlast_unplugging() -> None:
    """StopTransactionOnEVSideDisconnect false: SuspendedEV with the reason; the cable stays locked,
    energy returns with the car, and the tag ends it."""
    house = House(car={"lock": True}, configuration={"StopTransactionOnEVSideDisconnect": False})
    house.charge()
    house.unplug()
    house.run(5)
    assert house.heard() == ["Status 1 SuspendedEV"]
    assert house.last(v16.StatusNotificationRequest).info == "EV side disconnected"
    assert house.evse().state.locked
    house.plug()
    house.run(10)
    assert house.heard() == ["Status 1 Charging"]
    house.swipe()
    house.run(10)
    assert house.heard("Stop") == ["Stop 1 Local by TAG1"]


@pytest.mark.rule("S-16")
def test_a_cable_that_does_not_lock() -> None:
    """ConnectorLockFailure with Faulted, no transaction; the next user may try again."""
    house = House(car={"lock": True})
    house.evse().fail_lock()
    house.heard()
    house.plug()
    house.swipe()
    house.run(10)
    assert house.heard() == [
        "Status 1 Preparing",
        "Authorize TAG1",
        "Status 1 Faulted ConnectorLockFailure",
    ]
    house.evse().fail_lock(False)
    house.unplug()
    house.charge()
    assert house.bay().transaction is not None
    assert house.last(v16.StatusNotificationRequest).error_code == "NoError"


@pytest.mark.rule("TX-20", "TX-21", "TX-24", "TX-28", "TX-30", "TX-31", "A-55")
def test_a_whole_transaction_offline() -> None:
    """Start, values and stop are told later, in order, with their own times and the right id."""
    house = House(configuration={**OFFLINE, "MeterValueSampleInterval": 60})
    house.disconnect()
    house.charge()
    house.run(110)
    house.swipe()
    house.run(10)
    house.connect()
    house.run(5)
    assert house.heard("Start", "Meter", "Stop") == [
        "Start 1 TAG1",
        "Meter 1 Sample.Periodic of 1",
        "Meter 1 Sample.Periodic of 1",
        "Stop 1 Local by TAG1",
    ]
    assert house.last(v16.StartTransactionRequest).timestamp == NOON
    assert house.last(v16.StopTransactionRequest).timestamp == NOON + timedelta(seconds=121)


@pytest.mark.rule("TX-24", "C-18")
def test_a_line_lost_before_the_answer(logged_failures: Any) -> None:
    """The start goes out again with its old id, and the transaction has one number."""
    house = House()
    house.central.answer = lambda r: (
        never(r) if isinstance(r, v16.StartTransactionRequest) else None
    )
    house.charge()
    house.disconnect()
    house.central.answer = None
    house.connect()
    house.run(1)
    assert len(house.all(v16.StartTransactionRequest)) == 2
    starts = [
        frame.frame
        for line in house.lines
        for frame in line.link.transcript
        if "StartTransaction" in frame.frame
    ]
    assert starts[0] == starts[1]
    assert house.bay().transaction.transaction_id == 1


@pytest.mark.rule("TX-23", "TX-25", "TX-29")
def test_a_start_that_nobody_takes(logged_failures: Any) -> None:
    """After the last attempt the start is dropped; what follows goes with id -1."""
    house = House(
        configuration={
            "TransactionMessageAttempts": 2,
            "TransactionMessageRetryInterval": 10,
            "MeterValueSampleInterval": 60,
        }
    )

    def refuse(request: Any) -> None:
        if isinstance(request, v16.StartTransactionRequest):
            raise InternalError

    house.central.answer = refuse
    house.charge()
    assert len(house.all(v16.StartTransactionRequest)) == 2
    house.run(60)
    house.swipe()
    house.run(10)
    assert house.heard() == [
        "Meter 1 Sample.Periodic of -1",
        "Stop -1 Local by TAG1",
        "Status 1 Finishing",
    ]
    assert house.status(v16.RemoteStopTransactionRequest(transaction_id=-1)) == "Rejected"
    assert house.store.contents().get("transactions") is None


@pytest.mark.rule("TX-19")
def test_nothing_follows_the_stop() -> None:
    """No value of a transaction is told after its StopTransaction."""
    house = House(configuration={"MeterValueSampleInterval": 1})
    house.charge()
    house.swipe()
    house.run(20)
    assert house.heard("Meter", "Stop")[-1] == "Stop 1 Local by TAG1"


@pytest.mark.rule("TX-22", "TX-32")
def test_other_messages_overtake_the_queue() -> None:
    """While a start waits for its answer, a status is told, but no value of its transaction."""
    house = House(2, configuration={"MeterValueSampleInterval": 1})
    house.central.answer = lambda r: (
        never(r) if isinstance(r, v16.StartTransactionRequest) else None
    )
    house.charge(1)
    house.plug(2)
    house.run(31)
    assert house.heard() == ["Status 1 Charging", "Status 2 Preparing"]


@pytest.mark.rule("TX-30", "B-18", "S-19", "E-06")
def test_a_power_cut_ends_the_transaction() -> None:
    """After the restart it is closed with PowerLoss, the last time and the energy of the register;
    the car that is still there shows as Preparing."""
    house = House()
    house.charge()
    house.run(1800)
    wh = house.evse().outlet.energy_wh
    house.power_cut()
    house.run(10)
    assert house.heard() == [
        "Boot",
        "Status 0 Available",
        "Status 1 Preparing",
        "Stop 1 PowerLoss",
    ]
    stop = house.last(v16.StopTransactionRequest)
    assert abs(stop.meter_stop - wh) <= 200
    assert NOON + timedelta(seconds=1740) <= stop.timestamp <= NOON + timedelta(seconds=1811)


@pytest.mark.rule("TX-30", "S-19")
def test_a_transaction_may_outlast_a_power_cut() -> None:
    """Where it is configured, the transaction goes on without a message."""
    house = House(
        configuration={"MeterValueSampleInterval": 60}, behaviour={"resume_transactions": True}
    )
    house.charge()
    house.run(100)
    house.heard()
    house.power_cut()
    house.run(9)
    assert house.heard() == [
        "Boot",
        "Status 0 Available",
        "Status 1 Preparing",
        "Status 1 Charging",
    ]
    house.run(60)
    house.swipe()
    house.run(10)
    assert house.heard() == [
        "Meter 1 Sample.Periodic of 1",
        "Stop 1 Local by TAG1",
        "Status 1 Finishing",
    ]


def test_a_car_that_left_meanwhile_ends_the_transaction() -> None:
    """Nothing is resumed without the car."""
    house = House(behaviour={"resume_transactions": True})
    house.charge()
    house.evse().plug_out()
    house.power_cut()
    house.run(10)
    assert house.heard("Stop") == ["Stop 1 PowerLoss"]


@pytest.mark.rule("TX-21", "TX-31")
def test_what_was_queued_survives_a_power_cut() -> None:
    """Start and stop that were never told are told after the restart."""
    house = House(configuration=OFFLINE)
    house.disconnect()
    house.charge()
    house.swipe()
    house.run(10)
    house.network = True
    house.power_cut()
    house.run(5)
    assert house.heard("Start", "Stop") == ["Start 1 TAG1", "Stop 1 Local by TAG1"]


def test_a_full_disk_begins_nothing_and_ends_well() -> None:
    """While the store refuses, no transaction begins; one that runs goes on, and its end is told
    when the store takes it."""
    full = [False]
    store = MemoryChargePointStore(fate=lambda number: Fate.REFUSED if full[0] else Fate.KEPT)
    house = House(2, store=store)
    house.charge(1)
    full[0] = True
    house.plug(2)
    house.swipe("TAG2", 2)
    house.run(10)
    assert house.bay(2).transaction is None
    house.swipe("TAG1", 1)
    house.run(10)
    assert "Status 0 Available InternalError" in house.heard()
    full[0] = False
    house.run(20)
    assert house.heard() == ["Status 0 Available", "Stop 1 Local by TAG1", "Status 1 Finishing"]


def test_a_clean_stop_leaves_the_transaction_open() -> None:
    """Shutting down makes the charger safe; the transaction is closed after the restart with reason
    Reboot, since it was no power cut. The next time it is one again."""
    house = House()
    house.charge()
    house.stop()
    assert not house.clock.getDelayedCalls()
    assert not house.evse().state.energised
    assert "Stop" not in " ".join(house.heard())
    house.power_cut()
    house.run(5)
    assert house.heard("Stop") == ["Stop 1 Reboot"]
    house.swipe()
    house.run(10)
    house.power_cut()
    house.run(5)
    assert house.heard("Stop") == ["Stop 2 PowerLoss"]
