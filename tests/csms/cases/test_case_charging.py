"""Official test cases of central systems: boot, charging sessions, remote control, power loss."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk
from street import instant

from txocpp.errors import RemoteError


def charge(desk: Desk, *, cable_first: bool, tag: str = "TAG1") -> int:
    """From the first touch to Charging; gives the transaction's id."""
    cp = desk.cp
    if cable_first:
        cp.status("Preparing")
    authorized = cp.say("Authorize", idTag=tag)
    assert authorized["idTagInfo"]["status"] == "Accepted"
    if not cable_first:
        cp.status("Preparing")
    started = cp.start(tag=tag)
    assert started["idTagInfo"]["status"] == "Accepted"
    cp.status("Charging")
    number: int = started["transactionId"]
    assert desk.transaction()["state"] == "running"
    return number


@pytest.mark.case("TC_001")
def test_cold_boot(desk: Desk) -> None:
    """Accepted with time and interval; statuses and heartbeats are answered."""
    cp = desk.street.plug_in("CP1", desk.cp)
    booted = cp.boot()
    assert booted["status"] == "Accepted"
    assert booted["currentTime"] == instant()
    assert 240 <= booted["interval"] <= 300
    for connector in (0, 1, 2):
        assert cp.status("Available", connector=connector) == {}
    desk.street.run(booted["interval"])
    assert cp.say("Heartbeat") == {"currentTime": instant(booted["interval"])}
    assert [desk.status(connector) for connector in (0, 1, 2)] == ["Available"] * 3


@pytest.mark.case("TC_013", "TC_014")
@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_reset(desk: Desk, kind: str) -> None:
    """The station is asked, answers, goes, and comes back with a boot."""
    cp = desk.arrive()
    cp.status("Unavailable")
    assert desk.press("reset", type=kind)["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("Reset", {"type": kind})
    cp.leave()
    assert not desk.station()["connected"]
    desk.street.plug_in("CP1", cp)
    assert cp.boot()["status"] == "Accepted"
    cp.status("Unavailable")
    assert desk.station()["connected"]
    assert desk.status() == "Unavailable"


@pytest.mark.case("TC_003", "TC_004_1")
@pytest.mark.parametrize("cable_first", [True, False])
def test_regular_session(desk: Desk, cable_first: bool) -> None:
    """Whatever comes first; a session from the tag to the unplugged cable."""
    cp = desk.arrive()
    number = charge(desk, cable_first=cable_first)
    cp.meter(600, number, 3000)
    stopped = cp.stop(number, idTag="TAG1", reason="Local")
    assert stopped == {"idTagInfo": {"status": "Accepted"}}
    cp.status("Finishing")
    cp.status("Available")
    assert desk.status() == "Available"
    assert desk.transaction()["energy_wh"] == 8000


@pytest.mark.case("TC_004_2")
def test_no_cable_in_time(desk: Desk) -> None:
    """Authorized, Preparing, and Available again; there was no transaction."""
    cp = desk.arrive()
    assert cp.say("Authorize", idTag="TAG1")["idTagInfo"]["status"] == "Accepted"
    cp.status("Preparing")
    desk.street.run(60)
    cp.status("Available")
    assert desk.status() == "Available"
    assert desk.client.get("/api/transactions").json["items"] == []


@pytest.mark.case("TC_005_1")
def test_cable_pulled_at_the_car(desk: Desk) -> None:
    """Finishing with the words of the case, then the stop with its reason."""
    cp = desk.arrive()
    number = charge(desk, cable_first=True)
    cp.status("Finishing", info="EV side disconnected")
    assert cp.stop(number, reason="EVDisconnected") == {}
    cp.status("Available")
    shown = desk.transaction()
    assert (shown["state"], shown["stop_reason"]) == ("stopped", "EVDisconnected")


@pytest.mark.case("TC_007")
def test_cached_tag(desk: Desk) -> None:
    """The start comes without a question before it, and the tag is judged there."""
    desk.tag("TAG2", parent_id_tag="FAMILY", expires_at="2027-01-01T00:00:00Z")
    cp = desk.arrive()
    cp.status("Preparing")
    started = cp.start(tag="TAG2")
    assert started["idTagInfo"] == {
        "status": "Accepted",
        "parentIdTag": "FAMILY",
        "expiryDate": "2027-01-01T00:00:00Z",
    }
    cp.status("Charging")
    assert desk.transaction()["id_tag"] == "TAG2"


@pytest.mark.case("TC_024")
def test_lock_failure(desk: Desk) -> None:
    """The fault is shown, and the connector comes back."""
    cp = desk.arrive()
    cp.status("Preparing")
    assert cp.say("Authorize", idTag="TAG1")["idTagInfo"]["status"] == "Accepted"
    cp.status("Faulted", errorCode="ConnectorLockFailure")
    shown = {one["connector_id"]: one for one in desk.station()["connectors"]}[1]
    assert (shown["status"], shown["error_code"]) == ("Faulted", "ConnectorLockFailure")
    cp.status("Available")
    assert desk.status() == "Available"


@pytest.mark.case("TC_023_1", "TC_023_2", "TC_023_3")
@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (None, "Invalid"),
        ({"expires_at": "2026-05-31T00:00:00Z"}, "Expired"),
        ({"blocked": True}, "Blocked"),
    ],
)
def test_bad_tags(desk: Desk, facts: dict[str, Any] | None, status: str) -> None:
    """Each has its own word; nothing is started."""
    if facts is not None:
        desk.tag("BAD", **facts)
    cp = desk.arrive()
    cp.status("Preparing")
    assert cp.say("Authorize", idTag="BAD")["idTagInfo"]["status"] == status
    cp.status("Available")
    assert desk.client.get("/api/transactions").json["items"] == []


# --- remote control


@pytest.mark.case("TC_010", "TC_011_1")
@pytest.mark.parametrize("cable_first", [True, False])
def test_remote_start(desk: Desk, cable_first: bool) -> None:
    """The start comes with the tag of the request."""
    cp = desk.arrive()
    if cable_first:
        cp.status("Preparing")
    done = desk.press("start", id_tag="TAG1", connector_id=1)
    assert done["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("RemoteStartTransaction", {"connectorId": 1, "idTag": "TAG1"})
    if not cable_first:
        cp.status("Preparing")
    charge(desk, cable_first=True)
    assert desk.transaction()["id_tag"] == "TAG1"


@pytest.mark.case("TC_011_2")
def test_remote_start_without_a_cable(desk: Desk) -> None:
    """Accepted, and nothing comes of it."""
    cp = desk.arrive()
    assert desk.press("start", id_tag="TAG1", connector_id=1)["outcome"] == "answered"
    cp.status("Preparing")
    desk.street.run(60)
    cp.status("Available")
    assert desk.status() == "Available"
    assert desk.client.get("/api/transactions").json["items"] == []


@pytest.mark.case("TC_012")
def test_remote_stop(desk: Desk) -> None:
    """The stop comes with the reason Remote."""
    cp = desk.arrive()
    number = charge(desk, cable_first=True)
    assert desk.press("stop")["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("RemoteStopTransaction", {"transactionId": number})
    cp.stop(number, reason="Remote")
    cp.status("Finishing")
    cp.status("Available")
    assert desk.transaction()["stop_reason"] == "Remote"


@pytest.mark.case("TC_026")
def test_remote_start_is_rejected(desk: Desk) -> None:
    """The operator is told; the running session goes on."""
    cp = desk.arrive()
    charge(desk, cable_first=True)
    cp.answers["RemoteStartTransaction"] = {"status": "Rejected"}
    assert desk.press("start", id_tag="TAG1", connector_id=1)["answer"] == {"status": "Rejected"}
    assert desk.transaction()["state"] == "running"


@pytest.mark.case("TC_028")
def test_remote_stop_is_rejected(desk: Desk) -> None:
    """Any id can be tried."""
    cp = desk.arrive()
    cp.answers["RemoteStopTransaction"] = {"status": "Rejected"}
    assert desk.press("stop", transaction_id=4711)["answer"] == {"status": "Rejected"}
    assert desk.heard() == ("RemoteStopTransaction", {"transactionId": 4711})


# --- power and lines that fail


@pytest.mark.case("TC_032_1")
def test_power_failure(desk: Desk) -> None:
    """The stop comes before the station goes down; it boots when the power is back."""
    cp = desk.arrive()
    number = charge(desk, cable_first=True)
    assert cp.stop(number, at=1800, reason="PowerLoss") == {}
    cp.leave()
    desk.street.run(3600)
    desk.arrive()
    shown = desk.transaction()
    assert (shown["state"], shown["stop_reason"]) == ("stopped", "PowerLoss")
    assert shown["stopped_at"] == instant(1800)


@pytest.mark.case("TC_037_1")
def test_offline_start(desk: Desk) -> None:
    """The late start bears the time when it happened, and is accepted."""
    cp = desk.arrive()
    cp.leave()
    desk.street.run(600)
    desk.street.plug_in("CP1", cp)
    cp.status("Charging", at=60)
    started = cp.start(at=60, tag="TAG1")
    assert started["idTagInfo"]["status"] == "Accepted"
    shown = desk.transaction()
    assert (shown["started_at"], shown["state"]) == (instant(60), "running")
    assert desk.status() == "Charging"


@pytest.mark.case("TC_037_3")
def test_offline_start_with_a_bad_tag(desk: Desk) -> None:
    """Invalid, but with an id, so that the station can stop what it has begun."""
    cp = desk.arrive()
    cp.leave()
    desk.street.run(600)
    desk.street.plug_in("CP1", cp)
    started = cp.start(at=60, tag="NOBODY")
    assert started["idTagInfo"] == {"status": "Invalid"}
    cp.stop(started["transactionId"], at=601, reason="DeAuthorized")
    cp.status("Finishing")
    shown = desk.transaction()
    assert (shown["state"], shown["stop_reason"]) == ("stopped", "DeAuthorized")


@pytest.mark.case("TC_039")
def test_offline_transaction(desk: Desk) -> None:
    """Start and stop come one after the other when everything is over."""
    cp = desk.arrive()
    cp.leave()
    desk.street.run(7200)
    desk.street.plug_in("CP1", cp)
    started = cp.start(at=60, tag="TAG1")
    assert started["idTagInfo"]["status"] == "Accepted"
    number = started["transactionId"]
    assert cp.stop(number, at=3600, idTag="TAG1", reason="Local")["idTagInfo"] == {
        "status": "Accepted"
    }
    shown = desk.transaction()
    assert (shown["started_at"], shown["stopped_at"]) == (instant(60), instant(3600))
    assert shown["energy_wh"] == 8000


def test_a_station_that_has_not_booted_is_not_served(desk: Desk) -> None:
    """What every case above stands on."""
    cp = desk.street.plug_in("CP1", desk.cp)
    with pytest.raises(RemoteError, match="SecurityError"):
        cp.start()
