"""Each of the 26 actions and all that can become of it, over HTTP as operators ask for it."""

from __future__ import annotations

from typing import Any

import pytest
from api_rig import Answer, Client
from every_action import EVERYTHING
from street import ChargePoint, Street, outcome_of
from twisted.internet.defer import Deferred

from txocpp.errors import NotSupported
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.central import CentralStore

ACTIONS = sorted(EVERYTHING)


@pytest.fixture
def client(street: Street) -> Client:
    """An operator on this computer."""
    return Client(street)


@pytest.fixture
def cp(street: Street) -> ChargePoint:
    """A station that answers everything in some way."""
    station = street.booted()
    station.answers.update({action: answer for action, (_, answer) in EVERYTHING.items()})
    return station


def ask(client: Client, action: str, **more: Any) -> Answer:
    """Ask CP1 for an action, with its good payload unless there is another."""
    payload = more.pop("payload", EVERYTHING[action][0])
    return client.post("/api/stations/CP1/operations", action=action, payload=payload, **more)


@pytest.mark.parametrize("action", ACTIONS)
def test_answered(client: Client, cp: ChargePoint, action: str) -> None:
    """The payload arrives as it was given; the answer is shown, also afterwards."""
    done = ask(client, action)
    assert done.status == 200
    assert (done.json["outcome"], done.json["answer"]) == ("answered", EVERYTHING[action][1])
    assert cp.heard == [(action, EVERYTHING[action][0])]
    assert client.get(f"/api/operations/{done.json['id']}").json == done.json


@pytest.mark.parametrize("action", ACTIONS)
def test_asked_of_all(street: Street, client: Client, cp: ChargePoint, action: str) -> None:
    """Each station has an outcome of its own."""
    other = street.booted("CP2")
    other.answers[action] = NotSupported("not here")
    street.booted("CP3").leave()
    payload = EVERYTHING[action][0]
    done = client.post("/api/operations", stations="all", action=action, payload=payload)
    outcomes = {one["station"]: one["outcome"] for one in done.json["items"]}
    assert outcomes == {"CP1": "answered", "CP2": "refused", "CP3": "offline"}
    assert cp.heard == other.heard == [(action, payload)]


@pytest.mark.rule("J-14", "J-21", "J-10", "C-18", "Z-02", "Z-03")
@pytest.mark.parametrize("action", ACTIONS)
def test_every_other_end(street: Street, client: Client, cp: ChargePoint, action: str) -> None:
    """CALLERROR, a broken answer, no answer, a lost line, nobody there; nothing is taken over."""
    before = known(street)
    cp.answers[action] = NotSupported("not today")
    refused = ask(client, action).json
    assert (refused["outcome"], refused["error_code"]) == ("refused", "NotSupported")
    cp.answers[action] = {"surprise": 1}
    broken = ask(client, action).json
    assert (broken["outcome"], broken["error_code"]) == ("refused", "InvalidResponse")
    cp.answers[action] = Deferred()
    asking = client.begin("POST", "/api/stations/CP1/operations", body(action, timeout_s=5))
    street.run(5.1)
    assert client.finish(asking).json["outcome"] == "timeout"
    asking = client.begin("POST", "/api/stations/CP1/operations", body(action))
    cp.leave()
    assert client.finish(asking).json["outcome"] == "disconnected"
    offline = ask(client, action)
    assert (offline.status, offline.json["outcome"]) == (200, "offline")
    assert known(street) == before
    shown = client.get("/api/operations").json["items"]
    assert [one["outcome"] for one in shown] == [
        "offline",
        "disconnected",
        "timeout",
        "refused",
        "refused",
    ]


@pytest.mark.parametrize("action", ACTIONS)
def test_lost_at_a_restart(action: str) -> None:
    """What had been sent is lost, what waits for its station goes on waiting."""
    store = CentralStore.in_memory()
    street = Street(store=store)
    cp = street.booted()
    cp.answers[action] = Deferred()
    street.begin("CP1", action, payload=EVERYTHING[action][0])
    street.booted("CP2").leave()
    street.operate("CP2", action, payload=EVERYTHING[action][0], valid_for_s=3600)
    restarted = Street(store=store)
    restarted.change(restarted.office.operations.recover)
    found = restarted.ask(lambda records: records.operations.page())
    assert [(one.state, one.outcome) for one in reversed(found)] == [
        ("done", "lost"),
        ("waiting", None),
    ]
    other = ChargePoint(restarted, "CP2")
    other.answers[action] = EVERYTHING[action][1]
    restarted.plug_in("CP2", other)
    assert other.heard == [(action, EVERYTHING[action][0])]


@pytest.mark.parametrize("action", ACTIONS)
def test_what_breaks_the_schema_is_not_sent(client: Client, cp: ChargePoint, action: str) -> None:
    """422 with the field; `force` does not help."""
    good = EVERYTHING[action][0]
    broken: list[tuple[str, dict[str, Any]]] = [("surprise", {**good, "surprise": 1})]
    for name in good:
        broken.append((name, {**good, name: None}))
        broken.append((name, {**good, name: [[]]}))
        rest = {key: value for key, value in good.items() if key != name}
        if not is_good(action, rest):
            broken.append((name, rest))
    for name, payload in broken:
        for force in (False, True):
            refused = ask(client, action, payload=payload, force=force)
            assert refused.status == 422, payload
            assert name in refused.detail
            assert refused.json["operation"]["outcome"] == "invalid"
    assert cp.heard == []


@pytest.mark.parametrize("action", ACTIONS)
def test_one_that_waits_its_turn_can_be_withdrawn(
    street: Street, client: Client, cp: ChargePoint, action: str
) -> None:
    """It never reaches the station."""
    cp.answers["Reset"] = Deferred()
    street.begin("CP1", "Reset", payload={"type": "Soft"})
    asking = client.begin("POST", "/api/stations/CP1/operations", body(action))
    (waiting,) = client.get("/api/operations?state=waiting").json["items"]
    assert client.delete(f"/api/operations/{waiting['id']}").json["outcome"] == "cancelled"
    assert client.finish(asking).json["outcome"] == "cancelled"
    cp.leave()
    assert [heard for heard, _ in cp.heard] == ["Reset"]


def body(action: str, **more: Any) -> dict[str, Any]:
    """What is posted."""
    return {"action": action, "payload": EVERYTHING[action][0], **more}


def is_good(action: str, payload: dict[str, Any]) -> bool:
    """Whether the payload fits the schema."""
    try:
        MessageFactory16().request(action, payload)
    except Exception:
        return False
    return True


def known(street: Street) -> Any:
    """What is on record of CP1 beside its operations."""
    station = street.station()
    return street.ask(
        lambda records: (
            records.configuration.of(station.id),
            records.local_lists.of(station.id),
            records.profiles.of(station.id),
            records.reservations.active(station.id),
            records.stations.get(station.id).local_list_version,
        )
    )


def test_a_new_password_is_taken_back_only_where_it_was_refused(street: Street) -> None:
    """Without an answer nobody can tell, so both are good."""
    cp = street.booted()
    old, new = bytes(range(16)), bytes(range(16, 32))
    hashed = street.office.passwords.hash(old)
    station = street.station()
    street.change(lambda r: r.stations.set(station.id, password_hash=hashed))
    payload = {"key": "AuthorizationKey", "value": new.hex()}
    for answer, good in ((NotSupported("no"), [True, False]), (Deferred(), [True, True])):
        cp.answers["ChangeConfiguration"] = answer
        asking = street.begin("CP1", "ChangeConfiguration", payload=payload)
        street.run(31)
        assert outcome_of(asking).outcome in ("refused", "timeout")
        shown = [street.knock("CP1", user="CP1", password=key) is None for key in (old, new)]
        assert shown == good
