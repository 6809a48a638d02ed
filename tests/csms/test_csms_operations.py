"""What operators ask of stations: sending, outcomes, waiting, what a restart leaves."""

from __future__ import annotations

from typing import Any

import pytest
from every_action import EVERYTHING
from street import NOON, Street, instant, outcome_of
from twisted.internet.defer import Deferred

from txocpp.csms.boot import Admit
from txocpp.csms.operations import MOST_WAITING, Asked, TooManyOperations
from txocpp.csms.settings import Settings, Stations
from txocpp.csms.v16.commands import ACTIONS
from txocpp.errors import NotSupported
from txocpp.storage.central import CentralStore


@pytest.fixture
def adopting() -> Street:
    """A central system where new stations are pending until somebody admits them."""
    return Street(Settings(stations=Stations(admit=Admit.ADOPT)))


@pytest.mark.rule("J-12")
@pytest.mark.parametrize("action", sorted(EVERYTHING))
def test_every_action_is_sent_and_its_answer_recorded(street: Street, action: str) -> None:
    """All 19 of OCPP 1.6 and the 7 of the white paper; whatever the station thinks of it."""
    payload, answer = EVERYTHING[action]
    cp = street.booted()
    cp.answers[action] = answer
    done = street.operate("CP1", action, payload=payload, asked_by="alice")
    assert cp.heard == [(action, payload)]
    assert (done.state, done.outcome, done.answer) == ("done", "answered", answer)
    assert (done.asked_by, done.asked_at, done.ended_at) == ("alice", NOON, NOON)
    assert street.ask(lambda records: records.operations.get(done.id)) == done


def test_the_table_above_is_complete() -> None:
    """26 actions go from a central system to a charge point."""
    assert set(EVERYTHING) == ACTIONS
    assert len(ACTIONS) == 26


@pytest.mark.rule("J-14")
def test_a_callerror_is_recorded_word_for_word(street: Street) -> None:
    """With its code and its text."""
    cp = street.booted()
    cp.answers["Reset"] = NotSupported("not today")
    done = street.operate("CP1", "Reset", payload={"type": "Soft"})
    assert (done.outcome, done.error_code) == ("refused", "NotSupported")
    assert "not today" in (done.error_text or "")


@pytest.mark.rule("Z-03")
def test_a_station_that_is_not_there_cannot_be_asked(street: Street) -> None:
    """The operation fails at once."""
    street.booted().leave()
    done = street.operate("CP1", "Reset", payload={"type": "Soft"})
    assert done.outcome == "offline"


@pytest.mark.rule("J-10", "Z-02")
def test_no_answer_in_time_is_a_time_out(street: Street) -> None:
    """And the next operation goes out."""
    cp = street.booted()
    cp.answers["Reset"] = Deferred()
    asking = street.begin("CP1", "Reset", payload={"type": "Soft"}, timeout_s=5)
    waiting = street.begin("CP1", "ClearCache")
    assert [action for action, _ in cp.heard] == ["Reset"]
    street.run(5.1)
    assert outcome_of(asking).outcome == "timeout"
    assert outcome_of(waiting).outcome == "answered"


@pytest.mark.rule("C-18")
def test_a_line_that_breaks_ends_the_operation(street: Street) -> None:
    """At once; nobody can tell whether it was done."""
    cp = street.booted()
    cp.answers["Reset"] = Deferred()
    asking = street.begin("CP1", "Reset", payload={"type": "Soft"})
    cp.leave()
    assert outcome_of(asking).outcome == "disconnected"


@pytest.mark.rule("J-08", "Z-02")
def test_one_station_gets_one_call_at_a_time_in_order(street: Street) -> None:
    """While different stations are asked at the same time."""
    slow, quick = street.booted("CP1"), street.booted("CP2")
    first: Deferred[Any] = Deferred()
    slow.answers["ClearCache"] = first
    asking = [street.begin("CP1", action) for action in ("ClearCache", "GetLocalListVersion")]
    assert street.operate("CP2", "ClearCache").outcome == "answered"
    assert [action for action, _ in slow.heard] == ["ClearCache"]
    first.callback({"status": "Accepted"})
    street.run()
    assert [outcome_of(one).outcome for one in asking] == ["answered", "answered"]
    assert [action for action, _ in quick.heard] == ["ClearCache"]


@pytest.mark.parametrize(
    ("action", "payload", "fault"),
    [
        ("Reset", {}, "type"),
        ("Reset", {"type": "Warm"}, "type"),
        ("Reset", {"type": "Soft", "x": 1}, "x"),
        ("UnlockConnector", {"connectorId": "1"}, "connectorId"),
        ("StartTransaction", {}, "no action of a central system"),
        ("Dance", {}, "no action of a central system"),
        ("SendLocalList", {"listVersion": 0, "updateType": "Full"}, "listVersion"),
        (
            "SendLocalList",
            {
                "listVersion": 2,
                "updateType": "Full",
                "localAuthorizationList": [{"idTag": "A"}],
            },
            "L-08",
        ),
        (
            "SendLocalList",
            {
                "listVersion": 2,
                "updateType": "Differential",
                "localAuthorizationList": [{"idTag": "A"}, {"idTag": "a"}],
            },
            "L-11",
        ),
        (
            "ReserveNow",
            {"connectorId": 1, "expiryDate": instant(-1), "idTag": "T", "reservationId": 1},
            "V-13",
        ),
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "short"}, "X-11"),
    ],
)
def test_what_is_wrong_is_named_and_not_sent(
    street: Street, action: str, payload: dict, fault: str
) -> None:
    """The record says what is wrong."""
    cp = street.booted()
    done = street.operate("CP1", action, payload=payload)
    assert done.outcome == "invalid"
    assert fault in (done.error_text or "")
    assert cp.heard == []


def test_an_operation_can_wait_for_its_station(street: Street) -> None:
    """It is sent when the station comes back, before it expires."""
    cp = street.booted()
    cp.leave()
    done = street.operate("CP1", "Reset", payload={"type": "Soft"}, valid_for_s=600)
    assert (done.state, done.outcome) == ("waiting", None)
    street.run(300)
    street.plug_in("CP1", cp)
    assert cp.heard == [("Reset", {"type": "Soft"})]
    assert street.ask(lambda records: records.operations.get(done.id)).outcome == "answered"


def test_an_operation_that_waited_too_long_expires(street: Street) -> None:
    """It is not sent any more."""
    cp = street.booted()
    cp.leave()
    done = street.operate("CP1", "Reset", payload={"type": "Soft"}, valid_for_s=60)
    street.run(61)
    outcome_of(Deferred.fromCoroutine(street.office.operations.expire()))
    street.plug_in("CP1", cp)
    assert cp.heard == []
    assert street.ask(lambda records: records.operations.get(done.id)).outcome == "expired"


def test_what_somebody_insists_on_is_sent_when_its_station_comes(adopting: Street) -> None:
    """Though it has waited, and though the station is pending."""
    cp = adopting.plug_in("CP1")
    cp.leave()
    adopting.operate(
        "CP1", "RemoteStartTransaction", payload={"idTag": "T"}, valid_for_s=600, force=True
    )
    adopting.plug_in("CP1", cp)
    assert cp.boot()["status"] == "Pending"
    adopting.run()
    assert cp.heard == [("RemoteStartTransaction", {"idTag": "T"})]


@pytest.mark.rule("B-07")
def test_a_rejected_station_is_sent_only_what_somebody_insists_on(street: Street) -> None:
    """The rest waits for its admission."""
    cp = street.plug_in("CP1")
    cp.leave()
    street.operate("CP1", "ClearCache", valid_for_s=600)
    street.operate("CP1", "GetLocalListVersion", valid_for_s=600, force=True)
    street.decide("CP1", admission="rejected")
    street.plug_in("CP1", cp)
    assert cp.boot()["status"] == "Rejected"
    street.run()
    assert [action for action, _ in cp.heard] == ["GetLocalListVersion"]
    street.decide("CP1", admission="accepted")
    cp.boot()
    street.run()
    assert [action for action, _ in cp.heard] == ["GetLocalListVersion", "ClearCache"]


def test_after_a_restart_nobody_insists_any_more() -> None:
    """What waits then is sent when the rules allow it."""
    settings, store = Settings(stations=Stations(admit=Admit.ADOPT)), CentralStore.in_memory()
    street = Street(settings, store)
    street.plug_in("CP1").leave()
    street.operate(
        "CP1", "RemoteStartTransaction", payload={"idTag": "T"}, valid_for_s=600, force=True
    )
    restarted = Street(settings, store)
    restarted.change(restarted.office.operations.recover)
    cp = restarted.plug_in("CP1")
    cp.boot()
    restarted.run()
    assert cp.heard == []
    restarted.decide("CP1", admission="accepted")
    cp.boot()
    restarted.run()
    assert cp.heard == [("RemoteStartTransaction", {"idTag": "T"})]


def test_what_has_waited_has_as_much_time_for_its_answer_as_was_asked(street: Street) -> None:
    """Not the time that is usual at this central system."""
    cp = street.booted()
    cp.leave()
    waiting = street.operate("CP1", "ClearCache", valid_for_s=600, timeout_s=5)
    cp.answers["ClearCache"] = Deferred()
    street.plug_in("CP1", cp)
    street.run(5.1)
    assert street.ask(lambda records: records.operations.get(waiting.id)).outcome == "timeout"


def test_a_waiting_operation_can_be_withdrawn(street: Street) -> None:
    """One that was sent cannot."""
    cp = street.booted()
    cp.answers["ClearCache"] = Deferred()
    street.begin("CP1", "ClearCache")
    waiting = street.begin("CP1", "Reset", payload={"type": "Soft"})
    sent, queued = reversed(street.ask(lambda records: records.operations.page()))
    cancel = street.office.operations.cancel
    assert outcome_of(Deferred.fromCoroutine(cancel(sent))) is None
    assert outcome_of(Deferred.fromCoroutine(cancel(queued))).outcome == "cancelled"
    street.run(31)
    assert outcome_of(waiting).outcome == "cancelled"
    assert [action for action, _ in cp.heard] == ["ClearCache"]


def test_a_restart_reports_what_was_under_way_as_lost() -> None:
    """What waited for a station goes on waiting, what waited for its turn is cancelled."""
    store = CentralStore.in_memory()
    street = Street(store=store)
    cp = street.booted()
    cp.answers["ClearCache"] = Deferred()
    street.begin("CP1", "ClearCache")
    street.begin("CP1", "GetLocalListVersion")
    street.booted("CP2").leave()
    street.operate("CP2", "ClearCache", valid_for_s=3600)

    restarted = Street(store=store)
    restarted.change(restarted.office.operations.recover)
    found = restarted.ask(lambda records: records.operations.page())
    assert [(one.state, one.outcome) for one in reversed(found)] == [
        ("done", "lost"),
        ("done", "cancelled"),
        ("waiting", None),
    ]
    other = restarted.plug_in("CP2")
    assert other.heard == [("ClearCache", {})]


def test_a_password_does_not_wait(street: Street) -> None:
    """It would have to be kept where others can read it."""
    street.booted().leave()
    done = street.operate(
        "CP1",
        "ChangeConfiguration",
        payload={"key": "AuthorizationKey", "value": "AB" * 16},
        valid_for_s=60,
    )
    assert done.outcome == "invalid"


def test_a_queue_has_an_end(street: Street) -> None:
    """A station that never answers shall not fill the memory."""
    cp = street.booted()
    cp.answers["ClearCache"] = Deferred()
    for _ in range(MOST_WAITING + 1):
        street.begin("CP1", "ClearCache")
    with pytest.raises(TooManyOperations):
        street.operate("CP1", "ClearCache")
    cp.leave()


def test_many_stations_are_asked_in_one_go(street: Street) -> None:
    """Each has its own outcome; all share a batch."""
    street.booted("CP1")
    street.booted("CP2").leave()
    stations = [street.station("CP1"), street.station("CP2")]
    asking = Deferred.fromCoroutine(
        street.office.operations.ask_many(stations, Asked("ClearCache", {}))
    )
    street.run()
    done = outcome_of(asking)
    assert [one.outcome for one in done] == ["answered", "offline"]
    assert done[0].batch == done[1].batch is not None


# --- what answers leave behind


def test_configuration_is_remembered_as_read_and_as_changed(street: Street) -> None:
    """A key that waits for a reboot says so until then; the password is never shown."""
    cp = street.booted()
    cp.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "AuthorizationKey", "readonly": False, "value": "secret"},
            {"key": "GetConfigurationMaxKeys", "readonly": True, "value": "2"},
        ]
    }
    street.operate("CP1", "GetConfiguration")
    cp.answers["ChangeConfiguration"] = {"status": "RebootRequired"}
    change = {"key": "heartbeatinterval", "value": "60"}
    street.operate("CP1", "ChangeConfiguration", payload=change)
    station = street.station()

    def known() -> dict:
        keys = street.ask(lambda records: records.configuration.of(station.id))
        return {key.key: (key.value, key.readonly, key.pending_reboot) for key in keys}

    assert known() == {
        "heartbeatinterval": ("60", False, True),
        "GetConfigurationMaxKeys": ("2", True, False),
    }
    cp.boot()
    assert known()["heartbeatinterval"] == ("60", False, False)


@pytest.mark.rule("Z-10")
def test_more_keys_than_the_station_takes_are_not_asked_at_once(street: Street) -> None:
    """GetConfigurationMaxKeys is respected as far as it is known."""
    cp = street.booted()
    cp.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "GetConfigurationMaxKeys", "readonly": True, "value": "2"}]
    }
    street.operate("CP1", "GetConfiguration")
    done = street.operate("CP1", "GetConfiguration", payload={"key": ["A", "B", "C"]})
    assert done.outcome == "invalid"


@pytest.mark.rule("Z-09")
def test_the_local_list_of_a_station_is_remembered_with_its_version(street: Street) -> None:
    """Full replaces, Differential adds, replaces and removes; only what was accepted counts."""
    cp = street.booted()
    info = {"status": "Accepted"}

    def send(version: int, kind: str, *entries: dict) -> None:
        payload = {"listVersion": version, "updateType": kind}
        if entries:
            payload["localAuthorizationList"] = list(entries)
        street.operate("CP1", "SendLocalList", payload=payload)

    def known() -> tuple:
        station = street.station()
        entries = street.ask(lambda records: records.local_lists.of(station.id))
        return station.local_list_version, [entry.id_tag for entry in entries]

    send(1, "Full", {"idTag": "A", "idTagInfo": info}, {"idTag": "B", "idTagInfo": info})
    assert known() == (1, ["A", "B"])
    send(2, "Differential", {"idTag": "a"}, {"idTag": "C", "idTagInfo": info})
    assert known() == (2, ["B", "C"])
    cp.answers["SendLocalList"] = {"status": "VersionMismatch"}
    send(3, "Differential", {"idTag": "B"})
    assert known() == (2, ["B", "C"])
    cp.answers["SendLocalList"] = {"status": "Accepted"}
    send(9, "Full")
    assert known() == (0, [])


def test_reservations_are_remembered(street: Street) -> None:
    """Accepted ones only; cancelled, expired and replaced ones end."""
    cp = street.booted()
    station = street.station()

    def reserve(number: int) -> None:
        payload = {
            "connectorId": 1,
            "expiryDate": instant(900),
            "idTag": "T",
            "reservationId": number,
        }
        street.operate("CP1", "ReserveNow", payload=payload)

    def active() -> list[int]:
        found = street.ask(lambda records: records.reservations.active(station.id))
        return [one.reservation_id for one in found]

    cp.answers["ReserveNow"] = {"status": "Occupied"}
    reserve(1)
    assert active() == []
    cp.answers["ReserveNow"] = {"status": "Accepted"}
    reserve(1)
    reserve(1)
    reserve(2)
    assert active() == [1, 2]
    street.operate("CP1", "CancelReservation", payload={"reservationId": 1})
    assert active() == [2]
    street.run(1000)
    street.change(lambda records: records.reservations.expire(street.now))
    assert active() == []
