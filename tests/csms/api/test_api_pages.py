"""What the pages need of the API beyond single stations: sums, forms, batches, previews, files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from api_rig import Client
from street import NOON, Street, instant

from txocpp.errors import NotSupported
from txocpp.storage.central.notices import MESSAGE


@pytest.fixture
def client(street: Street) -> Client:
    """Somebody on this computer."""
    return Client(street)


def test_the_whole_site_is_summed_up(street: Street, client: Client) -> None:
    """Stations, connectors by status, running transactions, and what they draw and got."""
    for number in range(3):
        cp = street.booted(f"CP{number}")
        cp.status("Charging" if number else "Available")
        if number:
            started = cp.start(meterStart=1000)
            value = [
                {"value": "1500"},
                {"value": "3.5", "measurand": "Power.Active.Import", "unit": "kW"},
            ]
            sampled = [{"timestamp": instant(60), "sampledValue": value}]
            cp.say(
                "MeterValues",
                connectorId=1,
                transactionId=started["transactionId"],
                meterValue=sampled,
            )
    cp.leave()
    street.knock("NEVER-BOOTED")
    assert client.get("/api/summary").json == {
        "stations": 4,
        "connected": 2,
        "pending": 0,
        "statuses": {"Available": 1, "Charging": 2},
        "running": 2,
        "power_w": 7000.0,
        "energy_wh": 1000.0,
    }


def test_stations_are_found_by_the_status_of_a_connector(street: Street, client: Client) -> None:
    """One faulted connector is enough."""
    street.booted("CP1").status("Available")
    cp = street.booted("CP2")
    cp.status("Available", connector=1)
    cp.status("Faulted", connector=2, errorCode="GroundFailure")
    found = client.get("/api/stations?status=Faulted").json["items"]
    assert [one["identity"] for one in found] == ["CP2"]
    assert len(client.get("/api/stations?status=Available").json["items"]) == 2
    assert client.get("/api/stations?status=Broken").status == 400


def test_an_action_tells_what_its_payload_looks_like(client: Client) -> None:
    """As JSON Schema, with meanings, made from the same declarations that check messages."""
    found = client.get("/api/actions/ReserveNow").json
    schema = found["payload_schema"]
    assert found["profile"] == "Reservation"
    assert schema["required"] == ["connectorId", "expiryDate", "idTag", "reservationId"]
    assert schema["properties"]["idTag"]["maxLength"] == 20
    assert schema["properties"]["expiryDate"]["format"] == "date-time"
    assert schema["properties"]["connectorId"]["minimum"] == 0
    for action in client.get("/api/actions").json:
        assert client.get(f"/api/actions/{action}").json["payload_schema"]["type"] == "object"
    assert client.get("/api/actions/BootNotification").status == 404


def test_a_batch_goes_on_by_itself(street: Street, client: Client) -> None:
    """It is begun at once; how far it has come can be looked up."""
    street.booted("CP1")
    slow = street.booted("CP2")
    street.booted("CP3").leave()
    slow.answers["ClearCache"] = NotSupported("no cache")
    begun = client.post("/api/batches", stations="all", action="ClearCache")
    assert begun.status == 202
    assert begun.json["stations"] == 3
    where = begun.header("location")
    assert where is not None
    street.run(40)
    assert client.get(where).json == {
        "batch": begun.json["batch"],
        "action": "ClearCache",
        "entered": 3,
        "done": 3,
        "outcomes": {"answered": 1, "offline": 1, "refused": 1},
    }
    operations = client.get(f"/api/operations?batch={begun.json['batch']}").json["items"]
    assert {one["station"] for one in operations} == {"CP1", "CP2", "CP3"}


def test_a_batch_that_can_never_work_is_not_begun(street: Street, client: Client) -> None:
    """One answer instead of an invalid operation for every station."""
    wrong = client.post("/api/batches", stations="all", action="Reset", payload={"type": "Warm"})
    assert wrong.status == 409
    street.booted()
    wrong = client.post("/api/batches", stations="all", action="Reset", payload={"type": "Warm"})
    assert wrong.status == 422
    assert "type" in wrong.detail
    assert client.get("/api/operations").json["items"] == []
    assert client.get("/api/batches/none").status == 404


def profile(**more: Any) -> dict[str, Any]:
    """A default profile of 10 A that begins now."""
    return {
        "chargingProfileId": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": instant(),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        },
        **more,
    }


def test_a_profile_is_looked_at_before_it_is_sent(street: Street, client: Client) -> None:
    """The limit as it would be; nothing is sent and nothing is kept."""
    cp = street.booted()
    cp.status("Available")
    client.post("/api/stations/CP1/limit", connector_id=0, limit_a=16)
    heard = len(cp.heard)
    path = "/api/stations/CP1/schedules/preview"
    seen = client.post(path, profile=profile(), connector_id=0, shown_connector_id=1).json
    assert seen["objection"] is None
    assert seen["schedules"]["composite"][0]["limit"] == 10
    assert {line["profile_id"] for line in seen["schedules"]["profiles"]} == {7, 1_000_000}
    after = client.get("/api/stations/CP1/schedules?connector_id=1").json
    assert after["composite"][0]["limit"] == 16
    assert len(cp.heard) == heard
    assert "preview" not in client.get("/api/audit?limit=1").json["items"][0]["what"]
    over = profile(validTo=instant(-60))
    assert "SR-A03" in client.post(path, profile=over, connector_id=1).json["objection"]
    assert client.post(path, profile={"stackLevel": 0}, connector_id=1).status == 422


def test_a_station_is_handed_a_new_password(street: Street, client: Client) -> None:
    """It is random, shown to nobody, and good from then on."""
    cp = street.booted()
    done = client.post("/api/stations/CP1/rotate-password")
    assert (done.status, done.json["answer"]) == (200, {"status": "Accepted"})
    assert done.json["payload"]["value"] == "***"
    action, payload = cp.heard[-1]
    assert (action, payload["key"]) == ("ChangeConfiguration", "AuthorizationKey")
    assert street.knock("CP1", user="CP1", password=bytes.fromhex(payload["value"])) is None
    assert street.knock("CP1", user="CP1", password=b"guess") is not None


def test_only_admins_touch_passwords_of_stations(street: Street, client: Client) -> None:
    """By whatever way."""
    street.booted()
    client.post("/api/accounts", name="root", role="admin", password="correct horse")
    admin = Client(street)
    admin.log_in("root", "correct horse")
    operator = Client(street)
    operator.token = admin.post("/api/tokens", name="o", role="operator").json["token"]
    payload = {"key": "authorizationKEY", "value": "AB" * 20}
    asked = {"action": "ChangeConfiguration", "payload": payload}
    station = "/api/stations/CP1"
    assert operator.post(f"{station}/configuration", **payload).status == 403
    assert operator.post(f"{station}/operations", **asked).status == 403
    assert operator.post("/api/operations", stations="all", **asked).status == 403
    assert operator.post("/api/batches", stations="all", **asked).status == 403
    assert operator.post(f"{station}/rotate-password").status == 403
    assert admin.post(f"{station}/configuration", **payload).status == 200
    assert operator.post(f"{station}/configuration", key="A", value="1").status == 200


def test_people_change_their_own_password(street: Street, client: Client) -> None:
    """With the old one; other sessions end, the one at hand goes on."""
    client.post("/api/accounts", name="root", role="admin", password="correct horse")
    admin, elsewhere = Client(street), Client(street)
    admin.log_in("root", "correct horse")
    admin.post("/api/accounts", name="vera", role="viewer", password="battery staple")
    vera = Client(street)
    for browser in (vera, elsewhere):
        browser.log_in("vera", "battery staple")
    path = "/api/session/password"
    assert vera.post(path, old="wrong wrong", new="hunter hunter").status == 403
    assert vera.post(path, old="battery staple", new="short").status == 422
    changed = vera.post(path, old="battery staple", new="hunter hunter")
    assert (changed.status, changed.json["role"]) == (200, "viewer")
    vera.cookie = (changed.header("set-cookie") or "").partition(";")[0]
    assert vera.get("/api/stations").status == 200
    assert elsewhere.get("/api/stations").status == 401
    assert elsewhere.log_in("vera", "battery staple").status == 401
    assert elsewhere.log_in("vera", "hunter hunter").status == 200
    assert Client(street).post(path, old="x", new="hunter hunter").status == 401
    trail = admin.get("/api/audit?who=vera").json["items"]
    assert [one["details"] for one in trail if "password" in one["what"]] == [
        {"old": "***", "new": "***"}
    ]


def test_a_whole_list_is_sent_on_demand(street: Street, client: Client) -> None:
    """Though the station has what we think."""
    cp = street.booted()
    client.post("/api/tags", id_tag="ANNA")
    client.post("/api/stations/CP1/send-list")
    cp.answers["GetLocalListVersion"] = {"listVersion": 1}
    assert len(client.post("/api/stations/CP1/send-list").json["items"]) == 1
    done = client.post("/api/stations/CP1/send-list", update="full").json["items"]
    assert [one["payload"].get("updateType") for one in done] == [None, "Full"]
    assert client.get("/api/stations/CP1/local-list").json["told"] == 2


def test_long_files_come_complete(street: Street, client: Client) -> None:
    """In pieces, without a row too few or too many."""
    street.booted()
    station = street.station()
    at_ms = int(NOON.timestamp() * 1000)
    rows = [(station.id, at_ms + n, "in", f'[3,"n{n}",{{}}]') for n in range(2500)]
    street.store.append(*[(MESSAGE, row) for row in rows])
    street.run()
    found = client.get('/api/stations/CP1/messages.jsonl?search="n').content.splitlines()
    assert [json.loads(json.loads(line)["frame"])[1] for line in found] == [
        f"n{n}" for n in range(2500)
    ]

    def enter(records: Any) -> None:
        for n in range(2300):
            records.transactions.add(
                station_id=station.id, connector=1, id_tag=f"T{n}", meter_start=0,
                started_at=NOON, received_at=NOON, state="stopped",
            )  # fmt: skip

    street.change(enter)
    text = client.get("/api/transactions.csv").content.decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["id_tag"] for line in lines] == [f"T{n}" for n in reversed(range(2300))]
    assert client.get("/api/stations/NOBODY/messages.jsonl").status == 404
    assert client.get("/api/transactions.csv?station=NOBODY").status == 404


def test_what_meters_said_last_is_found_for_many_at_once(street: Street, client: Client) -> None:
    """The same as one by one, and nothing for a connector that said nothing."""
    for number in (1, 2):
        cp = street.booted(f"CP{number}")
        for connector in (1, 2, 3):
            cp.status("Available", connector=connector)
        for at in (0, 60):
            cp.meter(at, None, 1000 * number + at, connector=1)
            cp.meter(at, None, 5000 * number + at, connector=2)
    keys = [street.station(f"CP{number}").id for number in (1, 2)]

    def look(records: Any) -> Any:
        one_by_one = {(key, c): records.samples.latest(key, c) for key in keys for c in (1, 2, 3)}
        return records.samples.latest_of(keys), one_by_one

    together, one_by_one = street.ask(look)
    assert together == {key: found for key, found in one_by_one.items() if found is not None}
    assert together[keys[1], 2].energy_wh == 10_060
    listed = client.get("/api/stations").json["items"]
    assert [c["last_sample"] is None for c in listed[0]["connectors"]] == [False, False, True]
