"""The queue in front of a station: what happens to an operation while it waits for its turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from street import Street, instant, outcome_of
from twisted.internet.defer import Deferred, fail

from txocpp.csms.boot import Admit
from txocpp.csms.lanes import Lanes
from txocpp.csms.operations import MOST_WAITING, Asked
from txocpp.csms.settings import Retention, Settings, Stations
from txocpp.errors import StoreError
from txocpp.storage.central.reservations import ReservationState

REMOTE_START = {"idTag": "T"}
RESERVATION = {"connectorId": 1, "expiryDate": instant(900), "idTag": "T", "reservationId": 1}
WITHOUT_MESSAGE_LOG = Settings(retention=Retention(messages_days=0))
FULL = "database or disk is full"


def record_of(street: Street, number: int) -> Any:
    """An operation as it stands now."""
    return street.ask(lambda records: records.operations.get(number))


def attempts_on_a_full_disk(street: Street, patch: pytest.MonkeyPatch) -> list[float]:
    """From now on nothing can be stored; gives when somebody tried, in seconds from now."""
    begun, attempts = street.clock.seconds(), []

    def refuse(change: Any) -> Deferred[Any]:
        attempts.append(street.clock.seconds() - begun)
        return fail(StoreError(FULL))

    patch.setattr(street.store, "write", refuse)
    return attempts


def list_of(version: int, *tags: str) -> dict[str, Any]:
    """A full local list."""
    entries = [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags]
    return {"listVersion": version, "updateType": "Full", "localAuthorizationList": entries}


@pytest.mark.rule("B-09", "Z-11")
@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", REMOTE_START),
        ("RemoteStopTransaction", {"transactionId": 1}),
    ],
)
def test_a_remote_start_does_not_reach_a_station_that_comes_back_pending(
    action: str, payload: dict
) -> None:
    """It goes on waiting, and is sent when the station has been accepted."""
    street = Street(Settings(stations=Stations(admit=Admit.ADOPT)))
    cp = street.plug_in("CP1")
    cp.leave()
    waiting = street.operate("CP1", action, payload=payload, valid_for_s=600)
    street.plug_in("CP1", cp)
    assert cp.boot()["status"] == "Pending"
    assert cp.heard == []
    assert record_of(street, waiting.id).state == "waiting"
    street.decide("CP1", admission="accepted")
    assert cp.boot()["status"] == "Accepted"
    street.run()
    assert cp.heard == [(action, payload)]


@pytest.mark.rule("B-07", "Z-11")
def test_nothing_waits_for_its_turn_at_a_station_that_was_rejected_meanwhile(
    street: Street,
) -> None:
    """Unless somebody insists."""
    cp = street.booted()
    cp.answers["ClearCache"] = first = Deferred()
    street.begin("CP1", "ClearCache")
    queued = street.begin("CP1", "GetLocalListVersion")
    insisted = street.begin("CP1", "GetConfiguration", force=True)
    street.decide("CP1", admission="rejected")
    cp.boot()
    first.callback({"status": "Accepted"})
    street.run()
    withheld = outcome_of(queued)
    assert withheld.outcome == "invalid"
    assert "Rejected" in withheld.error_text
    assert outcome_of(insisted).outcome == "answered"
    assert [action for action, _ in cp.heard] == ["ClearCache", "GetConfiguration"]


def test_an_operation_is_not_sent_after_its_time(street: Street) -> None:
    """Even if nobody has looked at the clock since."""
    cp = street.booted()
    cp.leave()
    waiting = street.operate("CP1", "ClearCache", valid_for_s=60)
    street.run(60)
    street.plug_in("CP1", cp)
    assert cp.heard == []
    assert record_of(street, waiting.id).outcome == "expired"


def test_a_reconnection_does_not_send_an_operation_twice(street: Street) -> None:
    """What may have been done is not done again: nobody can tell whether it was."""
    cp = street.booted()
    cp.leave()
    street.operate("CP1", "ClearCache", valid_for_s=600)
    cp.answers["ClearCache"] = Deferred()
    street.plug_in("CP1", cp)
    assert [action for action, _ in cp.heard] == ["ClearCache"]
    cp.leave()
    street.plug_in("CP1", cp)
    cp.boot()
    street.run(60)
    assert [action for action, _ in cp.heard] == ["ClearCache"]
    (only,) = street.ask(lambda records: records.operations.page())
    assert only.outcome == "disconnected"


@pytest.mark.rule("X-13")
def test_what_failed_with_the_store_is_not_sent_when_the_station_comes_back(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Least of all a password, of which nothing is on record but its place."""
    cp = street.booted()

    def full(*_: Any) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(Lanes, "_note_sent", full)
    payload = {"key": "AuthorizationKey", "value": "A1" * 20}
    asking = street.begin("CP1", "ChangeConfiguration", payload=payload)
    monkeypatch.undo()
    with pytest.raises(StoreError, match="disk full"):
        outcome_of(asking)
    cp.leave()
    street.plug_in("CP1", cp)
    cp.boot()
    street.run(60)
    assert cp.heard == []


@pytest.mark.rule("Z-09")
def test_an_answer_outlives_a_full_disk(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list that the station has is on record later, and the next one after it."""
    cp = street.booted()
    cp.answers["SendLocalList"] = answer = Deferred()
    first = street.begin("CP1", "SendLocalList", payload=list_of(1, "A"))
    second = street.begin("CP1", "SendLocalList", payload=list_of(2, "B"))
    answered_at = street.now
    with monkeypatch.context() as patch:
        attempts_on_a_full_disk(street, patch)
        answer.callback({"status": "Accepted"})
        street.run(5)
        assert len(cp.heard) == 1
        assert not first.called
    cp.answers["SendLocalList"] = Deferred()
    street.run(30)
    done = outcome_of(first)
    assert (done.outcome, done.ended_at) == ("answered", answered_at)
    station = street.station()
    assert station.local_list_version == 1
    entries = street.ask(lambda records: records.local_lists.of(station.id))
    assert [entry.id_tag for entry in entries] == ["A"]
    assert [payload["listVersion"] for _, payload in cp.heard] == [1, 2]
    cp.answers["SendLocalList"].callback({"status": "Accepted"})
    street.run()
    assert outcome_of(second).outcome == "answered"
    assert street.station().local_list_version == 2


def test_a_full_disk_is_tried_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """At first after a second, in the end every half minute."""
    street = Street(WITHOUT_MESSAGE_LOG)
    cp = street.booted()
    cp.answers["ClearCache"] = answer = Deferred()
    street.begin("CP1", "ClearCache")
    with monkeypatch.context() as patch:
        attempts = attempts_on_a_full_disk(street, patch)
        answer.callback({"status": "Accepted"})
        for _ in range(100):
            street.run(1)
        assert attempts == [0, 1, 3, 7, 15, 31, 61, 91]
    street.run(30)
    (only,) = street.ask(lambda records: records.operations.page())
    assert only.outcome == "answered"


def test_other_stations_do_not_wait_for_a_note(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the order of one station counts."""
    cp = street.booted("CP2")
    street.booted("CP1").answers["ClearCache"] = answer = Deferred()
    slow = street.begin("CP1", "ClearCache")
    with monkeypatch.context() as patch:
        attempts_on_a_full_disk(street, patch)
        answer.callback({"status": "Accepted"})
        street.run()
    assert street.operate("CP2", "ClearCache").outcome == "answered"
    assert [action for action, _ in cp.heard] == ["ClearCache"]
    assert not slow.called
    street.run(1)
    assert outcome_of(slow).outcome == "answered"


def test_an_answer_that_was_noted_after_all_is_not_noted_twice(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database went away in the middle of its commit; what came to pass since then counts."""
    cp = street.booted()
    cp.answers["ReserveNow"] = answer = Deferred()
    asking = street.begin("CP1", "ReserveNow", payload=RESERVATION)
    write: Callable[[Any], Deferred[Any]] = street.store.write
    with monkeypatch.context() as patch:
        patch.setattr(
            street.store,
            "write",
            lambda change: write(change).addCallback(lambda _: fail(StoreError("went away"))),
        )
        answer.callback({"status": "Accepted"})
        street.run()
    station = street.station()
    assert len(street.ask(lambda records: records.reservations.active(station.id))) == 1
    street.change(
        lambda records: records.reservations.end(
            station.id, ReservationState.USED, street.now, reservation_id=1
        )
    )
    street.run(1)
    assert outcome_of(asking).outcome == "answered"
    assert street.ask(lambda records: records.reservations.active(station.id)) == []
    assert len(street.told("operation.done")) == 1


@pytest.mark.parametrize("room", [True, False])
def test_an_answer_is_tried_once_more_at_the_end(
    monkeypatch: pytest.MonkeyPatch, room: bool
) -> None:
    """Without success it will be lost; nothing goes on after the end."""
    street = Street(WITHOUT_MESSAGE_LOG)
    cp = street.booted()
    cp.answers["ClearCache"] = answer = Deferred()
    asking = street.begin("CP1", "ClearCache")
    attempts = attempts_on_a_full_disk(street, monkeypatch)
    answer.callback({"status": "Accepted"})
    street.run()
    if room:
        monkeypatch.undo()
    street.office.operations.stop()
    if room:
        assert outcome_of(asking).outcome == "answered"
        return
    with pytest.raises(StoreError, match=FULL):
        outcome_of(asking)
    tried = len(attempts)
    street.run(60)
    assert len(attempts) == tried
    monkeypatch.undo()
    restarted = Street(store=street.store)
    restarted.change(restarted.office.operations.recover)
    (only,) = restarted.ask(lambda records: records.operations.page())
    assert only.outcome == "lost"


def test_the_end_of_the_central_system_does_not_wait_for_room(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the operation is told."""
    cp = street.booted()
    cp.answers["ClearCache"] = answer = Deferred()
    asking = street.begin("CP1", "ClearCache")
    attempts_on_a_full_disk(street, monkeypatch)
    answer.callback({"status": "Accepted"})
    street.run()
    outcome_of(Deferred.fromCoroutine(street.service.stopService()))
    with pytest.raises(StoreError, match=FULL):
        outcome_of(asking)


def test_what_was_withdrawn_stays_withdrawn(street: Street) -> None:
    """Also when the line breaks before its turn would have come."""
    cp = street.booted()
    cp.answers["ClearCache"] = Deferred()
    street.begin("CP1", "ClearCache")
    queued = street.begin("CP1", "GetLocalListVersion")
    record = street.ask(lambda records: records.operations.page())[0]
    outcome_of(Deferred.fromCoroutine(street.office.operations.cancel(record)))
    cp.leave()
    street.run(60)
    assert outcome_of(queued).outcome == "cancelled"
    assert record_of(street, record.id).outcome == "cancelled"


def test_one_crowded_station_takes_nothing_from_the_others(street: Street) -> None:
    """Its own operation is on record as not sent."""
    slow = street.booted("CP1")
    slow.answers["ClearCache"] = Deferred()
    street.booted("CP2")
    for _ in range(MOST_WAITING + 1):
        street.begin("CP1", "ClearCache")
    stations = [street.station("CP1"), street.station("CP2")]
    asking = Deferred.fromCoroutine(
        street.office.operations.ask_many(stations, Asked("ClearCache", {}))
    )
    street.run()
    crowded, other = outcome_of(asking)
    assert (crowded.outcome, other.outcome) == ("invalid", "answered")
    assert "waiting for CP1" in (crowded.error_text or "")
    slow.leave()


@pytest.mark.rule("K-10", "X-13")
def test_a_password_that_a_station_tells_is_not_kept(street: Street) -> None:
    """Neither in the configuration nor with the answer of the operation."""
    cp = street.booted()
    told = {"key": "authorizationKey", "readonly": False, "value": "topsecret"}
    other = {"key": "A", "readonly": False, "value": "1"}
    cp.answers["GetConfiguration"] = {"configurationKey": [told, other]}
    done = street.operate("CP1", "GetConfiguration")
    assert done.answer == {"configurationKey": [{**told, "value": "***"}, other]}
    kept = street.ask(lambda records: records.operations.get(done.id))
    assert "topsecret" not in str(kept)
