"""Official test cases of central systems: local lists and reservations."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk
from street import instant

INFO = {"status": "Accepted"}


@pytest.mark.case("TC_042_1", "TC_042_2")
@pytest.mark.parametrize("version", [-1, 0])
def test_list_version(desk: Desk, version: int) -> None:
    """-1: there is no list; 0: it is empty."""
    cp = desk.arrive()
    cp.answers["GetLocalListVersion"] = {"listVersion": version}
    assert desk.ask("GetLocalListVersion")["answer"] == {"listVersion": version}
    assert desk.heard() == ("GetLocalListVersion", {})


@pytest.mark.case("TC_043_1", "TC_043_3")
@pytest.mark.parametrize("status", ["NotSupported", "Failed"])
def test_list_is_not_taken(desk: Desk, status: str) -> None:
    """Every entry has its idTagInfo; what was not taken is not known of the station."""
    cp = desk.arrive()
    cp.answers["SendLocalList"] = {"status": status}
    (asked, sent) = desk.press("send-list")["items"]
    assert asked["action"] == "GetLocalListVersion"
    assert sent["answer"] == {"status": status}
    action, payload = desk.heard()
    assert action == "SendLocalList"
    assert payload["updateType"] == "Full"
    assert payload["localAuthorizationList"] == [{"idTag": "TAG1", "idTagInfo": INFO}]
    assert desk.client.get("/api/stations/CP1/local-list").json["entries"] == []


@pytest.mark.case("TC_043_4")
def test_whole_list(desk: Desk) -> None:
    """All tags, each with its idTagInfo."""
    desk.tag("TAG2", parent_id_tag="FAMILY", blocked=True)
    cp = desk.arrive()
    (_, sent) = desk.press("send-list")["items"]
    assert sent["answer"] == INFO
    entries = [
        {"idTag": "TAG1", "idTagInfo": INFO},
        {"idTag": "TAG2", "idTagInfo": {"status": "Blocked", "parentIdTag": "FAMILY"}},
    ]
    assert cp.heard[-1] == (
        "SendLocalList",
        {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries},
    )
    shown = desk.client.get("/api/stations/CP1/local-list").json
    assert (shown["version"], shown["entries"]) == (1, entries)


@pytest.mark.case("TC_043_5")
def test_changes_of_a_list(desk: Desk) -> None:
    """A whole list first, then what is new with its idTagInfo, under a higher version."""
    cp = desk.arrive()
    desk.press("send-list")
    cp.answers["GetLocalListVersion"] = {"listVersion": 1}
    desk.tag("TAG2")
    (_, sent) = desk.press("send-list")["items"]
    assert sent["answer"] == INFO
    assert desk.heard()[1] == {
        "listVersion": 2,
        "updateType": "Differential",
        "localAuthorizationList": [{"idTag": "TAG2", "idTagInfo": INFO}],
    }
    assert desk.client.get("/api/stations/CP1/local-list").json["version"] == 2


# --- reservations


def reserve(desk: Desk, connector: int = 1, **more: Any) -> dict[str, Any]:
    """ReserveNow for TAG1, for a quarter of an hour."""
    return desk.press("reserve", id_tag="TAG1", connector_id=connector, **more)


def reservation(desk: Desk) -> dict[str, Any]:
    """The only reservation as it is shown."""
    (only,) = desk.client.get("/api/reservations?station=CP1").json["items"]
    shown: dict[str, Any] = only
    return shown


@pytest.mark.case("TC_046_1", "TC_046_2")
@pytest.mark.parametrize("remote", [False, True])
def test_reserved_connector(desk: Desk, remote: bool) -> None:
    """The tag of the reservation starts, here or from afar, and uses it up."""
    desk.tag("OTHER")
    cp = desk.arrive()
    assert reserve(desk)["answer"] == {"status": "Accepted"}
    action, asked = desk.heard()
    assert action == "ReserveNow"
    assert {**asked, "reservationId": 0} == {
        "connectorId": 1,
        "expiryDate": instant(900),
        "idTag": "TAG1",
        "reservationId": 0,
    }
    cp.status("Reserved")
    assert desk.status() == "Reserved"
    assert cp.say("Authorize", idTag="OTHER")["idTagInfo"] == {"status": "Accepted"}
    if remote:
        assert desk.press("start", id_tag="TAG1", connector_id=1)["outcome"] == "answered"
    else:
        assert cp.say("Authorize", idTag="TAG1")["idTagInfo"]["status"] == "Accepted"
    cp.status("Preparing")
    number = cp.start(tag="TAG1", reservationId=asked["reservationId"])["transactionId"]
    cp.status("Charging")
    used = reservation(desk)
    assert (used["state"], used["transaction_id"]) == ("used", number)


@pytest.mark.case("TC_047")
def test_reservation_expires(desk: Desk) -> None:
    """The station tells that the connector is free again."""
    cp = desk.arrive()
    soon = instant(60)
    assert reserve(desk, expires_at=soon)["answer"] == {"status": "Accepted"}
    assert desk.heard()[1]["expiryDate"] == soon
    cp.status("Reserved")
    desk.street.run(61)
    cp.status("Available")
    desk.street.change(lambda records: records.reservations.expire(desk.street.now))
    assert desk.status() == "Available"
    assert reservation(desk)["state"] == "expired"


@pytest.mark.case("TC_048_1", "TC_048_2", "TC_048_3", "TC_048_4")
@pytest.mark.case("TC_050_1", "TC_050_2", "TC_050_3", "TC_050_4")
@pytest.mark.parametrize("connector", [1, 0])
@pytest.mark.parametrize("status", ["Faulted", "Occupied", "Unavailable", "Rejected"])
def test_reservation_is_not_taken(desk: Desk, connector: int, status: str) -> None:
    """The operator sees why, and no reservation is kept."""
    cp = desk.arrive()
    cp.answers["ReserveNow"] = {"status": status}
    assert reserve(desk, connector)["answer"] == {"status": status}
    assert desk.heard()[1]["connectorId"] == connector
    assert desk.client.get("/api/reservations?station=CP1").json["items"] == []


@pytest.mark.case("TC_049")
def test_reservation_of_the_station(desk: Desk) -> None:
    """Connector 0: any connector will do."""
    cp = desk.arrive()
    assert reserve(desk, 0)["answer"] == {"status": "Accepted"}
    asked = desk.heard()[1]
    assert asked["connectorId"] == 0
    cp.status("Reserved")
    cp.start(tag="TAG1", reservationId=asked["reservationId"])
    assert reservation(desk)["state"] == "used"


@pytest.mark.case("TC_051")
def test_reservation_is_cancelled(desk: Desk) -> None:
    """The connector is free, and the next start names no reservation."""
    cp = desk.arrive()
    reserve(desk)
    number = desk.heard()[1]["reservationId"]
    cp.status("Reserved")
    done = desk.press("cancel-reservation", reservation_id=number)
    assert done["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("CancelReservation", {"reservationId": number})
    cp.status("Available")
    cp.start(tag="TAG1")
    assert reservation(desk)["state"] == "cancelled"
    assert desk.transaction()["reservation_id"] is None


@pytest.mark.case("TC_052")
def test_cancellation_is_rejected(desk: Desk) -> None:
    """Any number can be tried."""
    cp = desk.arrive()
    cp.answers["CancelReservation"] = {"status": "Rejected"}
    done = desk.press("cancel-reservation", reservation_id=99)
    assert done["answer"] == {"status": "Rejected"}
    assert desk.heard() == ("CancelReservation", {"reservationId": 99})


@pytest.mark.case("TC_053")
def test_reservation_for_a_group(desk: Desk) -> None:
    """The station learns the group of a tag from Authorize, and compares it."""
    desk.tag("TAG2", parent_id_tag="FAMILY")
    cp = desk.arrive()
    assert reserve(desk, parent_id_tag="FAMILY")["answer"] == {"status": "Accepted"}
    asked = desk.heard()[1]
    assert asked["parentIdTag"] == "FAMILY"
    cp.status("Reserved")
    assert cp.say("Authorize", idTag="TAG2")["idTagInfo"] == {
        "status": "Accepted",
        "parentIdTag": "FAMILY",
    }
    cp.status("Preparing")
    started = cp.start(tag="TAG2", reservationId=asked["reservationId"])
    assert started["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FAMILY"}
    assert reservation(desk)["state"] == "used"
