"""Stations, tags and transactions over HTTP."""

from __future__ import annotations

import json

import pytest
from api_rig import Client
from street import Street

import txocpp


@pytest.fixture
def client(street: Street) -> Client:
    """Somebody on this computer."""
    return Client(street)


def test_a_station_appears_when_it_connects(street: Street, client: Client) -> None:
    """With what it told, and what goes on at its connectors."""
    cp = street.booted()
    cp.status("Available", connector=0)
    cp.status("Charging")
    number = cp.start()["transactionId"]
    cp.meter(60, number, 2500)
    (listed,) = client.get("/api/stations").json["items"]
    assert listed["identity"] == "CP1"
    assert listed["connected"] is True
    shown = client.get("/api/stations/CP1").json
    assert (shown["vendor"], shown["registration"]) == ("Acme", "Accepted")
    station, plug = shown["connectors"]
    assert (station["connector_id"], station["status"]) == (0, "Available")
    assert plug["status"] == "Charging"
    assert plug["transaction"]["id"] == number
    assert plug["transaction"]["energy_wh"] == 1500
    assert plug["last_sample"]["energy_wh"] == 2500
    assert [transaction["id"] for transaction in shown["transactions"]] == [number]
    cp.leave()
    assert client.get("/api/stations/CP1").json["connected"] is False


@pytest.mark.rule("C-03")
@pytest.mark.parametrize("identity", ["CP/1", "RDAM 123", "a%2Fb", "ä;b?c#d", "+", ".."])
def test_identities_may_hold_any_character(street: Street, client: Client, identity: str) -> None:
    """Percent-encoded as one segment of the path."""
    from urllib.parse import quote

    if identity == "..":
        identity = "..x"
    street.booted(identity)
    path = f"/api/stations/{quote(identity, safe='')}"
    assert client.get(path).json["identity"] == identity
    assert client.post(f"{path}/clear-cache").json["station"] == identity


def test_stations_are_listed_in_pages(street: Street, client: Client) -> None:
    """Ask again with `after` for what follows."""
    for number in range(5):
        street.knock(f"CP{number}")
    first = client.get("/api/stations?limit=3").json
    assert [one["identity"] for one in first["items"]] == ["CP0", "CP1", "CP2"]
    rest = client.get(f"/api/stations?limit=3&after={first['next']}").json
    assert [one["identity"] for one in rest["items"]] == ["CP3", "CP4"]
    assert rest["next"] is None


def test_stations_are_found(street: Street, client: Client) -> None:
    """By a part of what they are called, and by how they stand."""
    street.booted("GARAGE-1")
    street.knock("YARD-2")

    def found(query: str) -> list[str]:
        return [one["identity"] for one in client.get(f"/api/stations?{query}").json["items"]]

    assert found("search=garage") == ["GARAGE-1"]
    assert found("search=acme") == ["GARAGE-1"]
    assert found("search=100%25") == []
    assert found("connected=true") == ["GARAGE-1"]
    assert found("connected=false") == ["YARD-2"]
    assert found("registration=Accepted") == ["GARAGE-1"]


def test_a_station_can_be_entered_before_it_connects(street: Street, client: Client) -> None:
    """With a name and a password that is never shown again."""
    made = client.post("/api/stations", identity="NEW", name="Garage", password="ab" * 20)
    assert made.status == 201
    assert made.json["has_password"] is True
    assert b"ab" * 20 not in made.content
    assert client.post("/api/stations", identity="NEW").status == 409
    assert street.knock("NEW") is not None
    assert street.knock("NEW", user="NEW", password=bytes.fromhex("ab" * 20)) is None


def test_a_password_is_made_and_shown_once(street: Street, client: Client) -> None:
    """Random, unless somebody chooses one."""
    street.knock("CP1")
    made = client.post("/api/stations/CP1/password").json
    key = bytes.fromhex(made["password"])
    assert street.knock("CP1", user="CP1", password=key) is None
    chosen = client.post("/api/stations/CP1/password", password="geheim").json
    assert chosen["password"] == "geheim"
    assert street.knock("CP1", user="CP1", password=key) is not None


def test_two_people_do_not_overwrite_each_other(street: Street, client: Client) -> None:
    """The version is the ETag; If-Match guards a change."""
    street.knock("CP1")
    tag = client.get("/api/stations/CP1").header("etag")
    assert tag is not None
    first = client.ask("PATCH", "/api/stations/CP1", {"name": "A"}, headers={"if-match": tag})
    assert first.status == 200
    assert first.json["name"] == "A"
    second = client.ask("PATCH", "/api/stations/CP1", {"name": "B"}, headers={"if-match": tag})
    assert second.status == 412
    assert client.get("/api/stations/CP1").json["name"] == "A"
    assert client.patch("/api/stations/CP1", name="C").json["name"] == "C"


def test_a_pending_station_boots_again_when_it_is_accepted() -> None:
    """One click is enough."""
    from test_csms_boot import adopting

    street = adopting()
    cp = street.plug_in("CP1")
    cp.boot()
    Client(street).patch("/api/stations/CP1", admission="accepted")
    assert cp.heard == [("TriggerMessage", {"requestedMessage": "BootNotification"})]
    assert cp.boot()["status"] == "Accepted"


def test_a_station_that_is_not_wanted_any_more_has_to_come_again(
    street: Street, client: Client
) -> None:
    """Its connection ends, and its next boot is rejected."""
    cp = street.booted()
    client.patch("/api/stations/CP1", admission="rejected")
    street.run()
    assert not cp.peer.is_connected
    street.plug_in("CP1", cp)
    assert cp.boot()["status"] == "Rejected"


def test_the_history_of_statuses_is_there(street: Street, client: Client) -> None:
    """Newest first, in pages, for one connector or all."""
    cp = street.booted()
    for status in ("Preparing", "Charging", "Finishing"):
        cp.status(status)
    cp.status("Available", connector=2)
    page = client.get("/api/stations/CP1/status-history?connector_id=1&limit=2").json
    assert [one["status"] for one in page["items"]] == ["Finishing", "Charging"]
    rest = client.get(f"/api/stations/CP1/status-history?before={page['next']}").json
    assert [one["status"] for one in rest["items"]] == ["Preparing"]


def test_samples_are_there_for_charts(street: Street, client: Client) -> None:
    """A time range of a connector, complete if wanted."""
    cp = street.booted()
    for minute in range(3):
        cp.meter(minute * 60 - 600, None, 1000 + minute)
    path = "/api/stations/CP1/samples?connector_id=1"
    values = client.get(path).json["items"]
    assert [value["energy_wh"] for value in values] == [1000, 1001, 1002]
    assert "values" not in values[0]
    part = client.get(f"{path}&since=2026-06-01T11:51:00Z&complete=true").json["items"]
    assert [value["energy_wh"] for value in part] == [1001, 1002]
    assert part[0]["values"][0]["unit"] == "Wh"


def test_what_stations_told_is_there(street: Street, client: Client) -> None:
    """Boots, security events and so on."""
    cp = street.booted()
    cp.say("FirmwareStatusNotification", status="Installed")
    kinds = [one["kind"] for one in client.get("/api/stations/CP1/notices").json["items"]]
    assert kinds == ["FirmwareStatusNotification", "BootNotification"]
    only = client.get("/api/stations/CP1/notices?kind=BootNotification").json["items"]
    assert only[0]["document"]["vendor"] == "Acme"


def test_messages_are_logged_without_secrets(street: Street, client: Client) -> None:
    """Word for word but for the AuthorizationKey; found by a part of them, exported as lines."""
    cp = street.booted()
    cp.say("Heartbeat")
    body = {"key": "AuthorizationKey", "value": "AB" * 20}
    client.post("/api/stations/CP1/configuration", **body)
    assert cp.heard[-1][1]["value"] == "AB" * 20
    page = client.get("/api/stations/CP1/messages").json["items"]
    assert page[-1]["direction"] == "in"
    assert json.loads(page[-1]["frame"])[2] == "BootNotification"
    found = client.get("/api/stations/CP1/messages?search=authorizationkey").json["items"]
    assert [json.loads(one["frame"])[3]["value"] for one in found] == ["***"]
    lines = client.get("/api/stations/CP1/messages.jsonl")
    assert lines.content.count(b"\n") == len(page)
    assert b"AB" * 20 not in lines.content
    assert lines.header("content-disposition") == 'attachment; filename="CP1-messages.jsonl"'


def test_profiles_and_the_limit_in_force_are_shown(street: Street, client: Client) -> None:
    """What was acknowledged, and what follows from it."""
    cp = street.booted()
    cp.status("Available")
    client.post("/api/stations/CP1/limit", connector_id=1, limit_a=10)
    (shown,) = client.get("/api/stations/CP1/profiles").json["items"]
    assert (shown["connector_id"], shown["purpose"]) == (1, "TxDefaultProfile")
    (plug,) = client.get("/api/stations/CP1").json["connectors"]
    assert plug["limit_a"] == 10
    periods = client.get("/api/stations/CP1/composite?connector_id=1").json["items"]
    assert [period["limit"] for period in periods] == [10]
    assert client.get("/api/stations/CP1/composite?connector_id=7").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/stations/NOBODY",
        "/api/stations/NOBODY/profiles",
        "/api/stations/NOBODY/operations",
        "/api/tags/NOBODY",
        "/api/transactions/1",
        "/api/transactions/x",
        "/api/operations/99999999999999999999",
        "/api/nothing",
        "/",
    ],
)
def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    """404, with words."""
    answer = client.get(path)
    assert answer.status == 404
    assert answer.detail


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("colour=red", "colour"),
        ("connected=perhaps", "connected"),
        ("limit=1&limit=2", "2 times"),
    ],
)
def test_a_bad_query_is_named(client: Client, query: str, fault: str) -> None:
    """400, with the parameter."""
    answer = client.get(f"/api/stations?{query}")
    assert answer.status == 400
    assert fault in answer.detail


@pytest.mark.parametrize(
    ("raw", "kind", "status", "fault"),
    [
        (b"{", "application/json", 400, "truncated"),
        (b"[]", "application/json", 422, "Expected `object`"),
        (b'{"id_tag": 5}', "application/json", 422, "$.id_tag"),
        (b'{"id_tag": ""}', "application/json", 422, "$.id_tag"),
        (b'{"id_tag": "A", "x": 1}', "application/json", 422, "`x`"),
        (b"", "application/json", 422, "id_tag"),
        (b"id_tag=A", "application/x-www-form-urlencoded", 415, "application/json"),
        (b"\xff\xfe", "application/json", 400, ""),
    ],
)
def test_a_bad_body_is_named(
    client: Client, raw: bytes, kind: str, status: int, fault: str
) -> None:
    """With the field."""
    answer = client.ask("POST", "/api/tags", raw=raw, headers={"content-type": kind})
    assert answer.status == status
    assert fault in answer.detail


def test_a_wrong_method_is_told_the_right_ones(client: Client) -> None:
    """405 with Allow."""
    answer = client.ask("PUT", "/api/tags")
    assert answer.status == 405
    assert "POST" in (answer.header("allow") or "")


def test_tags_are_entered_changed_and_removed(street: Street, client: Client) -> None:
    """Compared without case, shown as they were written."""
    made = client.post("/api/tags", id_tag="Ab1", parent_id_tag="G", note="Alice")
    assert made.status == 201
    assert made.json["status"] == "Accepted"
    assert client.post("/api/tags", id_tag="aB1").status == 409
    assert client.patch("/api/tags/AB1", blocked=True).json["status"] == "Blocked"
    assert client.patch("/api/tags/AB1", expires_at="2026-06-01T12:00:00Z").status == 200
    assert client.patch("/api/tags/AB1", blocked=False).json["status"] == "Expired"
    assert client.patch("/api/tags/AB1", expires_at=None).json["status"] == "Accepted"
    assert client.get("/api/tags?search=alice").json["items"][0]["id_tag"] == "Ab1"
    assert client.get("/api/tags?parent_id_tag=g").json["items"][0]["id_tag"] == "Ab1"
    stale = client.delete("/api/tags/AB1", **{"if-match": '"1"'})
    assert stale.status == 412
    assert client.delete("/api/tags/AB1").status == 204
    assert client.delete("/api/tags/AB1").status == 404
    assert client.patch("/api/tags/AB1", blocked=True).status == 404


def test_transactions_are_found_shown_and_exported(street: Street, client: Client) -> None:
    """With filters, meter values, and as CSV."""
    cp = street.booted()
    first = cp.start(tag="A")["transactionId"]
    cp.meter(60, first, 2000)
    cp.stop(first)
    second = cp.start(at=7200, tag="=B")["transactionId"]

    def ids(query: str) -> list[int]:
        return [one["id"] for one in client.get(f"/api/transactions?{query}").json["items"]]

    assert ids("") == [second, first]
    assert ids("state=running") == [second]
    assert ids("id_tag=a&station=CP1&connector_id=1") == [first]
    assert ids("since=2026-06-01T13:00:00Z") == [second]
    assert ids("until=2026-06-01T13:00:00%2B00:00") == [first]
    assert ids("limit=1&before=2") == [first]
    shown = client.get(f"/api/transactions/{first}").json
    assert (shown["energy_wh"], shown["station"]) == (8000, "CP1")
    samples = client.get(f"/api/transactions/{first}/samples").json["items"]
    assert [one["energy_wh"] for one in samples] == [2000]
    lines = client.get("/api/transactions.csv").content.decode().splitlines()
    assert lines[0].startswith("id,station,connector_id")
    assert "'=B" in lines[1]
    closed = client.post(f"/api/transactions/{second}/close")
    assert closed.json["state"] == "abandoned"
    assert client.post(f"/api/transactions/{second}/close").status == 409


def test_health_and_figures(street: Street, client: Client) -> None:
    """For machines that watch."""
    street.booted()
    assert client.get("/health/live").json == {"status": "alive"}
    assert client.get("/health/ready").json == {"status": "ready"}
    text = client.get("/metrics").content.decode()
    assert "txocpp_stations_connected 1.0" in text
    assert 'txocpp_calls_received_total{action="BootNotification"} 1.0' in text
    assert "txocpp_transactions_running 0.0" in text
    assert "txocpp_stations_known 1.0" in text
    assert f'txocpp_build_info{{version="{txocpp.__version__}"}} 1.0' in text
    assert "process_resident_memory_bytes " in text
    street.store.close()
    assert client.get("/health/ready").status == 503
    assert "txocpp_store_up 0.0" in client.get("/metrics").content.decode()
    assert client.get("/api/stations").status == 503
