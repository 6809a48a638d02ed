"""The queue in front of a station: what happens to an operation while it waits for its turn."""

from __future__ import annotations

from typing import Any

import pytest
from street import Street, outcome_of
from twisted.internet.defer import Deferred

from txocpp.csms.boot import Admit
from txocpp.csms.lanes import Lanes
from txocpp.csms.operations import MOST_WAITING, Asked
from txocpp.csms.settings import Settings, Stations
from txocpp.errors import StoreError

REMOTE_START = {"idTag": "T"}


def record_of(street: Street, number: int) -> Any:
    """An operation as it stands now."""
    return street.ask(lambda records: records.operations.get(number))


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
