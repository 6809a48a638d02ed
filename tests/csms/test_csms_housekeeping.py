"""What is done from time to time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from street import NOON, Street, instant, outcome_of
from twisted.internet.defer import Deferred

from txocpp.csms.housekeeping import EVERY_S, THINNING_EVERY_S
from txocpp.csms.settings import Retention, Settings


def keeping(**retention: Any) -> Street:
    """A central system that keeps things so long."""
    return Street(Settings(retention=Retention(**retention)))


def done(procedure: Any) -> Any:
    """Carry something out now."""
    return outcome_of(Deferred.fromCoroutine(procedure))


@pytest.mark.rule("H-03")
def test_signs_of_life_are_noted_once_a_minute(street: Street) -> None:
    """Not with every message."""
    housekeeping = street.service._housekeeping
    housekeeping.start()
    cp = street.booted()
    street.run(10)
    cp.say("Heartbeat")
    before = street.station().last_seen
    street.clock.advance(EVERY_S)
    street.run()
    assert before == NOON
    assert street.station().last_seen == NOON + timedelta(seconds=10)
    cp.leave()
    done(housekeeping.stop())
    assert not street.clock.getDelayedCalls()


def test_a_fault_of_one_task_stops_neither_the_others_nor_the_next_round(
    street: Street, monkeypatch: pytest.MonkeyPatch, logged_failures: Any
) -> None:
    """It is told in the log."""
    housekeeping = street.service._housekeeping
    tried: list[int] = []

    async def broken() -> None:
        tried.append(1)
        raise ValueError("a fault of ours")

    monkeypatch.setattr(housekeeping._operations, "expire", broken)
    housekeeping.start()
    cp = street.booted()
    payload = {"connectorId": 1, "expiryDate": instant(30), "idTag": "T", "reservationId": 1}
    street.operate("CP1", "ReserveNow", payload=payload)
    for _ in range(2):
        street.clock.advance(EVERY_S)
        street.run()
    (reservation,) = street.ask(lambda records: records.reservations.page())
    assert (reservation.state, len(tried)) == ("expired", 2)
    assert len(logged_failures.flush(ValueError)) == 2
    cp.leave()
    done(housekeeping.stop())


@pytest.mark.rule("Z-13")
def test_reservations_and_waiting_operations_expire(street: Street) -> None:
    """Within a minute."""
    housekeeping = street.service._housekeeping
    housekeeping.start()
    cp = street.booted()
    payload = {"connectorId": 1, "expiryDate": instant(30), "idTag": "T", "reservationId": 1}
    street.operate("CP1", "ReserveNow", payload=payload)
    cp.leave()
    waiting = street.operate("CP1", "ClearCache", valid_for_s=30)
    street.clock.advance(EVERY_S)
    street.run()
    (reservation,) = street.ask(lambda records: records.reservations.page())
    assert reservation.state == "expired"
    assert street.ask(lambda records: records.operations.get(waiting.id)).outcome == "expired"
    done(housekeeping.stop())


def samples(street: Street) -> list[Any]:
    """All of connector 1."""
    station = street.station()
    return street.ask(
        lambda r: r.samples.series(station.id, 1, since=NOON - timedelta(days=400), until=None)
    )


def test_old_samples_are_summed_up(street: Street) -> None:
    """Those that are old enough; the chart goes on without a break."""
    street = keeping(complete_samples_days=1, interval_minutes=15)
    cp = street.booted()
    for minute in range(60):
        cp.meter(-2 * 86400 + minute * 60, None, 1000 + minute)
    cp.meter(-60, None, 2000)
    assert done(street.service._housekeeping.thin()) == 60
    assert [sample.energy_wh for sample in samples(street)] == [1014, 1029, 1044, 1059, 2000]
    assert done(street.service._housekeeping.thin()) == 0


def test_samples_can_be_kept_for_ever() -> None:
    """0 days."""
    street = keeping(complete_samples_days=0)
    cp = street.booted()
    cp.meter(-300 * 86400, None, 1)
    assert done(street.service._housekeeping.thin()) == 0


def test_what_is_too_old_is_forgotten() -> None:
    """Each kind after its own time; transactions never."""
    street = keeping(
        status_history_days=1,
        notices_days=1,
        operations_days=1,
        messages_days=1,
        audit_days=1,
        complete_samples_days=1,
        intervals_days=2,
    )
    cp = street.booted()
    cp.status("Charging")
    cp.stop(cp.start()["transactionId"])
    cp.meter(0, None, 1)
    street.operate("CP1", "ClearCache")
    done(street.service._housekeeping.thin())
    cp.leave()
    street.clock.advance(3 * 86400)
    done(street.service._housekeeping.thin())
    assert done(street.service._housekeeping.forget()) > 0
    tables = ("status_change", "notice", "operation", "message_log", "meter_sample")
    counts = [
        street.ask(
            lambda r, t=table: r.connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar()
        )
        for table in (*tables, "meter_interval", "charging_transaction", "connector")
    ]
    assert counts == [0, 0, 0, 0, 0, 0, 1, 1]


def test_nothing_is_forgotten_where_nobody_wants_it() -> None:
    """0 days everywhere."""
    street = keeping(status_history_days=0, notices_days=0, operations_days=0, messages_days=0)
    street.booted().leave()
    street.clock.advance(1000 * 86400)
    assert done(street.service._housekeeping.forget()) == 0


def test_a_store_that_fails_does_not_end_the_rounds(street: Street) -> None:
    """It may be there again the next time."""
    housekeeping = street.service._housekeeping
    housekeeping.start()
    street.store.close()
    street.clock.advance(EVERY_S)
    street.clock.advance(THINNING_EVERY_S)
    assert all(loop.running for loop, _ in housekeeping._loops)
    for loop, _ in housekeeping._loops:
        loop.stop()
