"""What takes several requests: configurations in portions, local lists kept up to date."""

from __future__ import annotations

from typing import Any

import pytest
from street import ChargePoint, Street, outcome_of
from twisted.internet.defer import Deferred

from txocpp.errors import OccurrenceConstraintViolation
from txocpp.storage.central.local_lists import ListEntry


def keys(**values: str) -> dict[str, Any]:
    """The answer to GetConfiguration."""
    return {
        "configurationKey": [
            {"key": key, "readonly": False, "value": value} for key, value in values.items()
        ]
    }


def run(street: Street, procedure: Any) -> list[Any]:
    """Carry it out."""
    deferred = Deferred.fromCoroutine(procedure)
    street.run()
    return outcome_of(deferred)


def sent(cp: ChargePoint, action: str) -> list[dict[str, Any]]:
    """What the station was sent of this action."""
    return [payload for heard, payload in cp.heard if heard == action]


@pytest.mark.rule("Z-10")
def test_many_keys_are_read_in_portions(street: Street) -> None:
    """As many at once as the station says it takes."""
    cp = street.booted()
    cp.answers["GetConfiguration"] = keys(GetConfigurationMaxKeys="2", A="1")
    station = street.station()
    run(street, street.office.procedures.read_configuration(station, None, "alice"))
    done = run(street, street.office.procedures.read_configuration(station, list("ABCDE"), "alice"))
    assert [one.outcome for one in done] == ["answered"] * 3
    assert sent(cp, "GetConfiguration")[1:] == [
        {"key": ["A", "B"]},
        {"key": ["C", "D"]},
        {"key": ["E"]},
    ]


@pytest.mark.rule("Z-10")
def test_a_station_that_does_not_tell_all_is_asked_for_what_is_known(street: Street) -> None:
    """It refuses the question for everything."""
    cp = street.booted()
    station = street.station()
    cp.answers["GetConfiguration"] = keys(GetConfigurationMaxKeys="2", A="1", B="2")
    run(street, street.office.procedures.read_configuration(station, None, ""))
    cp.answers["GetConfiguration"] = OccurrenceConstraintViolation("too many")
    done = run(street, street.office.procedures.read_configuration(station, None, ""))
    assert [one.outcome for one in done] == ["refused"]
    assert sent(cp, "GetConfiguration")[2:] == [{"key": ["A", "B"]}]


def entries(*tags: str, status: str = "Accepted") -> list[ListEntry]:
    """A list of tags."""
    return [ListEntry(tag, {"status": status}) for tag in tags]


def send(street: Street, wanted: list[ListEntry]) -> list[Any]:
    """Bring the station's list up to date."""
    return run(street, street.office.procedures.send_list(street.station(), wanted, "alice"))


class ListingStation:
    """A charge point that keeps a local list as the standard says."""

    def __init__(self, street: Street) -> None:
        self.cp = street.booted()
        self.version = 0
        self.tags: dict[str, Any] = {}
        self.status: str | None = None
        self.cp.peer.fallback = self._answer
        self.sent: list[tuple[str, int, int]] = []

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "GetLocalListVersion":
            return {"listVersion": self.version}
        update = payload.get("localAuthorizationList", [])
        self.sent.append((payload["updateType"], payload["listVersion"], len(update)))
        status, self.status = self.status, None
        if status is not None:
            return {"status": status}
        if payload["updateType"] == "Full":
            self.tags = {}
        elif payload["listVersion"] <= self.version:
            return {"status": "VersionMismatch"}
        for entry in update:
            if "idTagInfo" in entry:
                self.tags[entry["idTag"]] = entry["idTagInfo"]
            else:
                self.tags.pop(entry["idTag"], None)
        self.version = payload["listVersion"] if update or self.tags else 0
        return {"status": "Accepted"}


@pytest.mark.rule("Z-09")
def test_a_list_is_sent_whole_first_and_then_only_what_changed(street: Street) -> None:
    """Nothing at all when nothing changed."""
    station = ListingStation(street)
    send(street, entries("A", "B"))
    send(street, [*entries("B", status="Blocked"), *entries("C")])
    done = send(street, [*entries("B", status="Blocked"), *entries("C")])
    assert station.sent == [("Full", 1, 2), ("Differential", 2, 3)]
    assert station.tags == {"B": {"status": "Blocked"}, "C": {"status": "Accepted"}}
    assert [one.action for one in done] == ["GetLocalListVersion"]


@pytest.mark.rule("Z-09")
def test_a_station_with_another_version_than_ours_is_sent_everything(street: Street) -> None:
    """Somebody else has changed its list, or it was replaced."""
    station = ListingStation(street)
    send(street, entries("A"))
    station.version, station.tags = 7, {"X": {}}
    send(street, entries("A", "B"))
    assert station.sent[-1] == ("Full", 8, 2)
    assert set(station.tags) == {"A", "B"}


@pytest.mark.rule("Z-09")
@pytest.mark.parametrize("status", ["Failed", "VersionMismatch"])
def test_after_a_failed_difference_everything_is_sent(street: Street, status: str) -> None:
    """L-09."""
    station = ListingStation(street)
    send(street, entries("A"))
    station.status = status
    send(street, entries("A", "B"))
    assert [kind for kind, _, _ in station.sent] == ["Full", "Differential", "Full"]
    assert set(station.tags) == {"A", "B"}


@pytest.mark.rule("Z-09")
def test_a_long_list_goes_in_portions(street: Street) -> None:
    """The first replaces, the others add."""
    station = ListingStation(street)
    row = street.station()
    street.change(
        lambda records: records.configuration.put(
            row.id, _key("SendLocalListMaxLength", "2", street)
        )
    )
    send(street, entries("A", "B", "C", "D", "E"))
    assert station.sent == [("Full", 1, 2), ("Differential", 2, 2), ("Differential", 3, 1)]
    assert set(station.tags) == {"A", "B", "C", "D", "E"}
    assert street.station().local_list_version == 3


def _key(name: str, value: str, street: Street) -> Any:
    from txocpp.storage.central.configuration import KeyRecord

    return KeyRecord(name, value, True, street.now)


def test_an_emptied_list_has_version_0(street: Street) -> None:
    """L-04."""
    station = ListingStation(street)
    send(street, entries("A"))
    send(street, [])
    assert station.sent[-1] == ("Differential", 2, 1)
    station.version, station.tags = 5, {"X": {}}
    send(street, [])
    assert station.sent[-1] == ("Full", 6, 0)
    assert (station.version, station.tags) == (0, {})


def test_a_station_without_local_list_is_left_alone(street: Street) -> None:
    """It says -1."""
    station = ListingStation(street)
    station.version = -1
    done = send(street, entries("A"))
    assert [one.action for one in done] == ["GetLocalListVersion"]
    assert station.sent == []


def test_over_http(street: Street) -> None:
    """Keys as they were read, and the list of all tags."""
    from api_rig import Client

    cp = street.booted()
    client = Client(street)
    cp.answers["GetConfiguration"] = keys(A="1", B="2")
    read = client.post("/api/stations/CP1/read-configuration", keys=["a"]).json["items"]
    assert [(key["key"], key["value"]) for key in read] == [("A", "1")]
    client.post("/api/tags", id_tag="T1", parent_id_tag="G", expires_at="2027-01-01T00:00:00Z")
    done = client.post("/api/stations/CP1/send-list").json["items"]
    assert [one["action"] for one in done] == ["GetLocalListVersion", "SendLocalList"]
    assert done[-1]["payload"]["localAuthorizationList"] == [
        {
            "idTag": "T1",
            "idTagInfo": {
                "status": "Accepted",
                "parentIdTag": "G",
                "expiryDate": "2027-01-01T00:00:00Z",
            },
        }
    ]
    assert client.post("/api/stations/CP1/send-list", tags=["NOBODY"]).status == 422
    cp.leave()
    failed = client.post("/api/stations/CP1/read-configuration")
    assert failed.status == 409
    assert "offline" in failed.detail
