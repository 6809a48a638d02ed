"""Asking stations over HTTP: any action, and the everyday ones in everyday words."""

from __future__ import annotations

from typing import Any

import pytest
from api_rig import Client
from street import Street, instant


@pytest.fixture
def client(street: Street) -> Client:
    """Somebody on this computer."""
    return Client(street)


def test_any_action_can_be_asked_for(street: Street, client: Client) -> None:
    """The answer of the station is in the answer, and stays readable."""
    street.booted()
    body = {"action": "TriggerMessage", "payload": {"requestedMessage": "Heartbeat"}}
    done = client.post("/api/stations/CP1/operations", **body)
    assert done.status == 200
    assert (done.json["outcome"], done.json["answer"]) == ("answered", {"status": "Accepted"})
    assert done.json["asked_by"] == "local"
    where = done.header("location")
    assert where is not None
    assert client.get(where).json == done.json
    assert client.get("/api/stations/CP1/operations").json["items"] == [done.json]


def test_the_actions_are_listed(client: Client) -> None:
    """26 of them."""
    actions = client.get("/api/actions").json
    assert len(actions) == 26
    assert "SetChargingProfile" in actions


def test_what_is_wrong_with_an_operation_is_told(street: Street, client: Client) -> None:
    """422 with the reason; it is on record and was not sent."""
    cp = street.booted()
    wrong = client.post("/api/stations/CP1/operations", action="Reset", payload={"type": "Warm"})
    assert wrong.status == 422
    assert "type" in wrong.detail
    assert wrong.json["operation"]["outcome"] == "invalid"
    assert cp.heard == []
    assert client.post("/api/stations/NOBODY/operations", action="Reset").status == 404


def test_an_operation_can_wait_and_be_withdrawn(street: Street, client: Client) -> None:
    """202 while it waits; 409 when it is too late."""
    street.booted().leave()
    body = {"action": "ClearCache", "valid_for_s": 600}
    waiting = client.post("/api/stations/CP1/operations", **body)
    assert waiting.status == 202
    path = f"/api/operations/{waiting.json['id']}"
    assert client.delete(path).json["outcome"] == "cancelled"
    assert client.delete(path).status == 409


def test_many_stations_are_asked_at_once(street: Street, client: Client) -> None:
    """Named ones, all, or the connected ones; found again by their batch."""
    street.booted("CP1")
    street.booted("CP2").leave()

    def outcomes(stations: Any) -> list[tuple[str, str]]:
        answer = client.post("/api/operations", stations=stations, action="ClearCache")
        return [(one["station"], one["outcome"]) for one in answer.json["items"]]

    everybody = [("CP1", "answered"), ("CP2", "offline")]
    assert outcomes("all") == everybody
    assert outcomes(["CP2", "CP1"]) == everybody[::-1]
    assert outcomes("connected") == everybody[:1]
    last = client.get("/api/operations?limit=1").json["items"][0]
    found = client.get(f"/api/operations?batch={last['batch']}").json["items"]
    assert [one["station"] for one in found] == ["CP1"]
    assert client.get("/api/operations?outcome=offline&station=CP2").json["items"]
    nobody = client.post("/api/operations", stations=["CP9"], action="ClearCache")
    assert nobody.status == 404


def test_a_closed_browser_does_not_stop_an_operation(street: Street, client: Client) -> None:
    """The record is finished all the same."""
    from twisted.internet.defer import Deferred

    cp = street.booted()
    answer: Deferred[Any] = Deferred()
    cp.answers["ClearCache"] = answer
    looking = street.begin("CP1", "ClearCache")
    looking.addErrback(lambda failure: None)
    looking.cancel()
    answer.callback({"status": "Accepted"})
    street.run()
    (done,) = client.get("/api/operations").json["items"]
    assert done["outcome"] == "answered"


SHORTCUTS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("start", {"id_tag": "T"}, "RemoteStartTransaction", {"idTag": "T"}),
    (
        "start",
        {"id_tag": "T", "connector_id": 2},
        "RemoteStartTransaction",
        {"idTag": "T", "connectorId": 2},
    ),
    ("stop", {"transaction_id": 7}, "RemoteStopTransaction", {"transactionId": 7}),
    ("unlock", {"connector_id": 2}, "UnlockConnector", {"connectorId": 2}),
    ("unlock", {}, "UnlockConnector", {"connectorId": 1}),
    ("reset", {}, "Reset", {"type": "Soft"}),
    ("reset", {"type": "Hard"}, "Reset", {"type": "Hard"}),
    (
        "availability",
        {"operative": False},
        "ChangeAvailability",
        {"connectorId": 0, "type": "Inoperative"},
    ),
    (
        "availability",
        {"operative": True, "connector_id": 1},
        "ChangeAvailability",
        {"connectorId": 1, "type": "Operative"},
    ),
    (
        "configuration",
        {"key": "HeartbeatInterval", "value": "60"},
        "ChangeConfiguration",
        {"key": "HeartbeatInterval", "value": "60"},
    ),
    ("clear-cache", {}, "ClearCache", {}),
    (
        "trigger",
        {"message": "MeterValues", "connector_id": 1},
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "connectorId": 1},
    ),
    (
        "reserve",
        {"id_tag": "T", "connector_id": 1, "expires_at": instant(60)},
        "ReserveNow",
        {
            "connectorId": 1,
            "expiryDate": instant(60),
            "idTag": "T",
            "reservationId": 1,
        },
    ),
    ("cancel-reservation", {"reservation_id": 3}, "CancelReservation", {"reservationId": 3}),
    ("clear-limit", {}, "ClearChargingProfile", {}),
    (
        "clear-limit",
        {"connector_id": 1, "purpose": "TxProfile"},
        "ClearChargingProfile",
        {"connectorId": 1, "chargingProfilePurpose": "TxProfile"},
    ),
]


@pytest.mark.parametrize(("path", "body", "action", "payload"), SHORTCUTS)
def test_everyday_words_become_ocpp(
    street: Street, client: Client, path: str, body: dict, action: str, payload: dict
) -> None:
    """Each goes the way of any operation."""
    cp = street.booted()
    done = client.post(f"/api/stations/CP1/{path}", **body)
    assert (done.status, done.json["outcome"]) == (200, "answered")
    assert cp.heard == [(action, payload)]


def test_stop_finds_the_transaction_itself(street: Street, client: Client) -> None:
    """By its connector, or as the only one; a guess is never made."""
    cp = street.booted()
    assert client.post("/api/stations/CP1/stop").status == 409
    number = cp.start()["transactionId"]
    client.post("/api/stations/CP1/stop")
    cp.start(connector=2)
    client.post("/api/stations/CP1/stop", connector_id=1)
    assert [payload for _, payload in cp.heard] == [{"transactionId": number}] * 2
    several = client.post("/api/stations/CP1/stop")
    assert several.status == 409
    assert "2 transactions" in several.detail


@pytest.mark.parametrize(
    ("body", "connector", "purpose"),
    [
        ({"limit_a": 10}, 0, "ChargePointMaxProfile"),
        ({"limit_a": 10, "scope": "connector"}, 0, "TxDefaultProfile"),
        ({"limit_a": 10, "connector_id": 1}, 1, "TxProfile"),
        ({"limit_a": 10, "connector_id": 2}, 2, "TxDefaultProfile"),
        ({"limit_a": 10, "connector_id": 1, "scope": "connector"}, 1, "TxDefaultProfile"),
        ({"limit_w": 3680.5, "connector_id": 1, "phases": 1}, 1, "TxProfile"),
    ],
)
def test_a_limit_finds_the_right_profile(
    street: Street, client: Client, body: dict, connector: int, purpose: str
) -> None:
    """The transaction where one runs, else the connector; the station for connector 0."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    done = client.post("/api/stations/CP1/limit", **body)
    assert done.json["outcome"] == "answered"
    ((_, payload),) = cp.heard
    sent = payload["csChargingProfiles"]
    assert payload["connectorId"] == connector
    assert sent["chargingProfilePurpose"] == purpose
    assert sent.get("transactionId") == (number if purpose == "TxProfile" else None)
    (period,) = sent["chargingSchedule"]["chargingSchedulePeriod"]
    if "limit_w" in body:
        assert (period["limit"], period["numberPhases"]) == (3680.5, 1)
        assert sent["chargingSchedule"]["chargingRateUnit"] == "W"
    else:
        assert period["limit"] == 10


def test_a_limit_for_a_while_begins_now(street: Street, client: Client) -> None:
    """And ends by itself."""
    cp = street.booted()
    client.post("/api/stations/CP1/limit", limit_a=6, connector_id=1, duration_s=600)
    schedule = cp.heard[0][1]["csChargingProfiles"]["chargingSchedule"]
    assert (schedule["startSchedule"], schedule["duration"]) == (instant(), 600)


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    [
        ({}, 422, "one of limit_a and limit_w"),
        ({"limit_a": 1, "limit_w": 1}, 422, "one of"),
        ({"limit_a": 10.55}, 422, "one decimal"),
        ({"limit_a": -1}, 422, "limit_a"),
        ({"limit_a": 1, "connector_id": 1, "scope": "station"}, 422, "connector 0"),
        ({"limit_a": 1, "connector_id": 1, "scope": "transaction"}, 409, "no transaction"),
    ],
)
def test_an_impossible_limit_is_refused(
    street: Street, client: Client, body: dict, status: int, fault: str
) -> None:
    """Before anything is sent."""
    cp = street.booted()
    answer = client.post("/api/stations/CP1/limit", **body)
    assert answer.status == status
    assert fault in answer.detail
    assert cp.heard == []


def test_a_start_may_bring_its_limit(street: Street, client: Client) -> None:
    """As a TxProfile without transaction (SR-701)."""
    cp = street.booted()
    client.post("/api/stations/CP1/start", id_tag="T", connector_id=1, limit_a=8)
    profile = cp.heard[0][1]["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert "transactionId" not in profile


def test_reservations_are_listed(street: Street, client: Client) -> None:
    """Each with a number of its own, a quarter of an hour by default."""
    street.booted()
    client.post("/api/stations/CP1/reserve", id_tag="A", connector_id=1)
    client.post("/api/stations/CP1/reserve", id_tag="B")
    found = client.get("/api/reservations?state=active&station=CP1").json["items"]
    assert [(one["reservation_id"], one["id_tag"]) for one in found] == [(2, "B"), (1, "A")]
    assert found[0]["expires_at"] == "2026-06-01T12:15:00Z"


def test_the_configuration_and_the_local_list_are_shown(street: Street, client: Client) -> None:
    """As last read and as acknowledged."""
    cp = street.booted()
    cp.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
    }
    client.post("/api/stations/CP1/operations", action="GetConfiguration")
    (key,) = client.get("/api/stations/CP1/configuration").json["items"]
    assert (key["key"], key["value"], key["readonly"]) == ("HeartbeatInterval", "300", False)
    entry = {"idTag": "A", "idTagInfo": {"status": "Accepted"}}
    payload = {"listVersion": 4, "updateType": "Full", "localAuthorizationList": [entry]}
    client.post("/api/stations/CP1/operations", action="SendLocalList", payload=payload)
    shown = client.get("/api/stations/CP1/local-list").json
    assert shown == {"version": 4, "told": 4, "entries": [entry]}
