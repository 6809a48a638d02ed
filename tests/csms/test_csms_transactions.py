"""Transactions at the central system: every order in which their messages can come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from street import NOON, Street, instant

from txocpp.storage.central.transactions import TransactionState


@pytest.mark.rule("TX-03", "Z-05", "A-64")
def test_a_start_is_given_a_positive_id_that_no_other_station_has(street: Street) -> None:
    """Ids are unique over all stations, and the tag is judged again."""
    one, two = street.booted("CP1"), street.booted("CP2")
    answers = [one.start(), two.start(), one.start(at=60, connector=2)]
    ids = [answer["transactionId"] for answer in answers]
    assert len(set(ids)) == 3
    assert min(ids) > 0
    assert {answer["idTagInfo"]["status"] for answer in answers} == {"Accepted"}


@pytest.mark.rule("TX-05", "TX-27")
def test_the_same_start_again_gets_the_same_id(street: Street) -> None:
    """A start that was not answered in time is sent again, with an id of its own or the old one."""
    cp = street.booted()
    first = cp.start()
    assert cp.start() == first
    assert cp.start(tag="tag") == first
    assert len(street.transactions()) == 1
    assert len(street.told("transaction.started")) == 1


@pytest.mark.rule("TX-05")
def test_a_repeated_start_keeps_the_status_it_was_given(street: Street) -> None:
    """The second answer does not contradict the first, though the tag was blocked meanwhile."""
    street.change(lambda records: records.tags.add("TAG"))
    cp = street.booted()
    first = cp.start()
    street.change(lambda records: records.tags.edit("TAG", None, blocked=True))
    assert cp.start() == first


@pytest.mark.rule("TX-05")
@pytest.mark.parametrize(
    "other", [{"at": 1}, {"connector": 2}, {"tag": "OTHER"}, {"meterStart": 1001}]
)
def test_a_start_that_differs_is_another_transaction(street: Street, other: dict) -> None:
    """Connector, tag, time and meter value together tell a repetition."""
    cp = street.booted()
    first = cp.start()["transactionId"]
    assert cp.start(**other)["transactionId"] != first


@pytest.mark.rule("TX-05")
def test_a_start_repeated_after_its_stop_changes_nothing(street: Street) -> None:
    """A message may be repeated so late that the transaction is over."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    cp.stop(number)
    assert cp.start()["transactionId"] == number
    (only,) = street.transactions()
    assert only.state == TransactionState.STOPPED


@pytest.mark.rule("Z-06", "TX-14")
def test_a_stop_closes_the_transaction_once(street: Street) -> None:
    """The second stop is answered as well and changes nothing."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    cp.stop(number, reason="EVDisconnected")
    cp.stop(number, reason="EVDisconnected")
    (only,) = street.transactions()
    assert (only.state, only.energy_wh, only.stop_reason) == ("stopped", 8000, "EVDisconnected")
    assert only.stopped_at == NOON + timedelta(hours=1)
    assert only.note == ""
    assert len(street.told("transaction.stopped")) == 1


@pytest.mark.rule("Z-06", "TX-04")
def test_a_different_second_stop_is_noted_and_the_first_stays(street: Street) -> None:
    """What was billed does not change behind the back."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    cp.stop(number)
    cp.stop(number, at=3700, meter=9999)
    cp.stop(number, at=3700, meter=9999)
    (only,) = street.transactions()
    assert only.meter_stop == 9000
    assert only.note.count("9999 Wh") == 1


@pytest.mark.rule("Z-06")
def test_a_missing_reason_means_local(street: Street) -> None:
    """reason is left out only when it is Local (TX-11)."""
    cp = street.booted()
    cp.stop(cp.start()["transactionId"])
    assert street.transactions()[0].stop_reason == "Local"


@pytest.mark.rule("TX-14")
def test_a_stop_with_a_tag_is_answered_with_what_is_known_of_it(street: Street) -> None:
    """idTagInfo updates the cache of the station; a bad tag cannot refuse the stop."""
    street.change(lambda records: records.tags.add("TAG", parent_id_tag="GROUP", blocked=True))
    cp = street.booted()
    number = cp.start()["transactionId"]
    answer = cp.stop(number, idTag="tag")
    assert answer == {"idTagInfo": {"status": "Blocked", "parentIdTag": "GROUP"}}
    assert street.transactions()[0].state == TransactionState.STOPPED


@pytest.mark.rule("TX-29", "Z-06")
def test_a_stop_without_a_start_is_kept(street: Street) -> None:
    """The start was dropped by the station; its end still tells the energy."""
    cp = street.booted()
    data = [
        {
            "timestamp": instant(0),
            "sampledValue": [{"value": "4000", "context": "Transaction.Begin"}],
        },
        {
            "timestamp": instant(3600),
            "sampledValue": [{"value": "9000", "context": "Transaction.End"}],
        },
    ]
    for _ in range(2):
        assert cp.stop(-1, transactionData=data, idTag="TAG")["idTagInfo"]["status"] == "Accepted"
    (only,) = street.transactions()
    assert (only.state, only.reported_id, only.connector) == ("stopped", -1, None)
    assert only.energy_wh == 5000


@pytest.mark.rule("TX-29")
def test_a_stop_with_minus_one_ends_the_transaction_whose_id_never_arrived(
    street: Street,
) -> None:
    """Our answer to the start was lost, so the station cannot know the id."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    cp.meter(60, -1, 1500)
    for _ in range(2):
        cp.stop(-1)
    (only,) = street.transactions()
    assert (only.id, only.state, only.energy_wh) == (number, "stopped", 8000)
    samples = street.ask(lambda r: r.samples.series(only.station_id, 1, since=NOON, until=None))
    assert [sample.transaction_id for sample in samples] == [number]


@pytest.mark.rule("TX-05", "TX-29")
def test_a_repeated_stop_with_minus_one_ends_one_transaction_only(street: Street) -> None:
    """Also if the station has told no meter value before, and has begun the next one meanwhile."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    cp.stop(-1, at=60)
    cp.start(at=70)
    cp.stop(-1, at=60)
    first, second = street.transactions()
    assert (first.id, first.state, second.state) == (number, "stopped", "running")


@pytest.mark.rule("TX-29")
def test_a_stop_with_minus_one_leaves_a_transaction_alone_that_the_station_knows(
    street: Street,
) -> None:
    """The station has used the id of the running one, so it must mean another."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    cp.meter(60, number, 1500)
    cp.stop(-1)
    running, orphan = street.transactions()
    assert running.state == TransactionState.RUNNING
    assert orphan.reported_id == -1


@pytest.mark.rule("TX-29")
def test_a_stop_with_minus_one_is_not_guessed_between_two(street: Street) -> None:
    """With two possible transactions neither is closed on a guess."""
    cp = street.booted()
    cp.start()
    cp.start(connector=2)
    cp.stop(-1)
    assert [t.state for t in street.transactions()] == ["running", "running", "stopped"]


@pytest.mark.rule("Z-06")
def test_the_id_of_another_station_is_an_unknown_id(street: Street) -> None:
    """No station can end what runs at another."""
    one, two = street.booted("CP1"), street.booted("CP2")
    number = one.start()["transactionId"]
    two.stop(number)
    foreign, orphan = street.transactions()
    assert foreign.state == TransactionState.RUNNING
    assert (orphan.reported_id, orphan.state) == (number, "stopped")


@pytest.mark.rule("TX-28")
def test_a_whole_transaction_may_arrive_days_late(street: Street) -> None:
    """Time stamps count, not the moment of arrival."""
    cp = street.booted()
    number = cp.start(at=-3 * 86400)["transactionId"]
    cp.meter(-3 * 86400 + 60, number, 1500)
    cp.stop(number, at=-3 * 86400 + 3600)
    (only,) = street.transactions()
    assert only.started_at == NOON - timedelta(days=3)
    assert only.stopped_at == NOON - timedelta(days=3) + timedelta(hours=1)
    assert only.received_at == NOON


def test_the_next_start_on_a_connector_ends_the_one_before(street: Street) -> None:
    """A connector has one transaction; the lost end is taken from the last meter value."""
    cp = street.booted()
    first = cp.start()["transactionId"]
    cp.meter(600, first, 2500)
    second = cp.start(at=7200, meterStart=3000)["transactionId"]
    older, newer = street.transactions()
    assert (older.id, older.state, older.energy_wh) == (first, "abandoned", 1500)
    assert older.stopped_at == NOON + timedelta(minutes=10)
    assert (newer.id, newer.state) == (second, "running")


def test_a_late_stop_completes_an_abandoned_transaction(street: Street) -> None:
    """Messages out of order lose nothing."""
    cp = street.booted()
    first = cp.start()["transactionId"]
    cp.start(at=7200)
    cp.stop(first, at=3600, meter=9000)
    older = street.transactions()[0]
    assert (older.state, older.meter_stop, older.stop_reason) == ("stopped", 9000, "Local")


def test_a_late_start_does_not_end_a_younger_transaction(street: Street) -> None:
    """The older one is entered beside it and waits for its own end."""
    cp = street.booted()
    younger = cp.start(at=7200)["transactionId"]
    older = cp.start(at=0)["transactionId"]
    assert {t.id: t.state for t in street.transactions()} == {
        younger: "running",
        older: "running",
    }


@pytest.mark.rule("TX-04")
def test_odd_meter_values_are_answered_and_noted(street: Street) -> None:
    """A meter that runs backwards is no reason not to answer."""
    cp = street.booted()
    cp.stop(cp.start()["transactionId"], meter=10)
    assert "backwards" in street.transactions()[0].note


@pytest.mark.rule("TX-40")
def test_a_transaction_may_have_several_periods_of_energy(street: Street) -> None:
    """The car pauses and goes on; it stays one transaction, and the history tells the periods."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    told = ["Charging", "SuspendedEV", "Charging", "SuspendedEVSE", "Charging", "Finishing"]
    for minute, status in enumerate(told):
        street.run(60)
        cp.status(status, at=60 * (minute + 1))
        cp.meter(60 * (minute + 1), number, 1000 + 100 * minute)
    cp.stop(number)
    (only,) = street.transactions()
    assert (only.state, only.energy_wh) == ("stopped", 8000)
    station = street.station()
    history = street.ask(lambda r: r.stations.status_history(station.id, before=None, limit=10))
    assert [record.status for _, record in reversed(history)] == told


@pytest.mark.rule("Z-07", "M-15")
@pytest.mark.parametrize("number", [None, -1, 0, 4711])
def test_meter_values_of_any_transaction_are_kept(street: Street, number: int | None) -> None:
    """Finished, unknown or none at all."""
    cp = street.booted()
    assert cp.meter(60, number, 1500) == {}
    station = street.station()
    latest = street.ask(lambda records: records.samples.latest(station.id, 1))
    assert latest.energy_wh == 1500


@pytest.mark.rule("Z-07")
def test_repeated_meter_values_are_one_sample(street: Street) -> None:
    """Nothing is doubled by a retry."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    for _ in range(3):
        cp.meter(60, number, 1500)
    count = street.ask(
        lambda records: records.connection.exec_driver_sql(
            "SELECT count(*) FROM meter_sample"
        ).scalar()
    )
    assert count == 1


@pytest.mark.rule("Z-13")
def test_a_start_uses_up_its_reservation(street: Street) -> None:
    """The reservation ends with the transaction that names it."""
    cp = street.booted()
    payload = {
        "connectorId": 1,
        "expiryDate": instant(900),
        "idTag": "TAG",
        "reservationId": 7,
    }
    street.operate("CP1", "ReserveNow", payload=payload)
    number = cp.start(reservationId=7)["transactionId"]
    (reservation,) = street.ask(lambda records: records.reservations.page())
    assert (reservation.state, reservation.transaction_id) == ("used", number)


@pytest.mark.rule("Z-13")
@pytest.mark.parametrize(("connector", "left"), [(1, 0), (2, 1), (0, 0)])
def test_a_faulted_connector_loses_its_reservation(
    street: Street, connector: int, left: int
) -> None:
    """So does the whole station."""
    cp = street.booted()
    payload = {"connectorId": 1, "expiryDate": instant(900), "idTag": "T", "reservationId": 7}
    street.operate("CP1", "ReserveNow", payload=payload)
    cp.status("Faulted", connector=connector, errorCode="GroundFailure")
    station = street.station()
    assert len(street.ask(lambda records: records.reservations.active(station.id))) == left


def test_an_operator_closes_what_the_station_has_forgotten(street: Street) -> None:
    """The last meter value is taken for the end."""
    from txocpp.csms.transactions import close_by_hand

    cp = street.booted()
    number = cp.start()["transactionId"]
    cp.meter(600, number, 2500)
    street.run(3600)
    street.change(
        lambda records: close_by_hand(
            records, records.transactions.get(number), street.now, "alice"
        )
    )
    (only,) = street.transactions()
    assert (only.state, only.energy_wh, only.note) == ("abandoned", 1500, "closed by alice")
