"""Official test cases of central systems: smart charging."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk
from street import instant


def default_profile(**schedule: Any) -> dict[str, Any]:
    """A TxDefaultProfile with everything that the case wants in it."""
    return {
        "chargingProfileId": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "validFrom": instant(-60),
        "validTo": instant(7 * 86400),
        "chargingSchedule": {
            "duration": 86400,
            "startSchedule": instant(),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 6.0, "numberPhases": 3},
                {"startPeriod": 60, "limit": 10.0, "numberPhases": 3},
                {"startPeriod": 120, "limit": 8.0, "numberPhases": 3},
            ],
            **schedule,
        },
    }


@pytest.mark.case("TC_056")
@pytest.mark.parametrize("unit", ["A", "W"])
def test_default_profile(desk: Desk, unit: str) -> None:
    """It arrives as it was written, and counts once the station has taken it."""
    cp = desk.arrive()
    sent = default_profile(chargingRateUnit=unit)
    done = desk.ask("SetChargingProfile", connectorId=1, csChargingProfiles=sent)
    assert done["answer"] == {"status": "Accepted"}
    assert cp.heard == [("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": sent})]
    (installed,) = desk.client.get("/api/stations/CP1/profiles").json["items"]
    assert (installed["connector_id"], installed["profile"]) == (1, sent)


@pytest.mark.case("TC_057")
def test_profile_of_a_transaction(desk: Desk) -> None:
    """It names the transaction, and ends with it."""
    cp = desk.arrive()
    number = cp.start(tag="TAG1")["transactionId"]
    cp.status("Charging")
    done = desk.press("limit", connector_id=1, limit_a=6)
    assert done["answer"] == {"status": "Accepted"}
    action, payload = desk.heard()
    profile = payload["csChargingProfiles"]
    assert (action, payload["connectorId"]) == ("SetChargingProfile", 1)
    assert profile["transactionId"] == number
    assert profile["chargingProfilePurpose"] == "TxProfile"
    (period,) = profile["chargingSchedule"]["chargingSchedulePeriod"]
    assert (period["startPeriod"], period["limit"]) == (0, 6)
    assert len(desk.client.get("/api/stations/CP1/profiles").json["items"]) == 1
    cp.stop(number)
    assert desk.client.get("/api/stations/CP1/profiles").json["items"] == []


@pytest.mark.case("TC_059")
def test_remote_start_with_a_profile(desk: Desk) -> None:
    """Relative, from 0 on, and without the transaction that does not exist yet."""
    cp = desk.arrive()
    assert desk.press("start", id_tag="TAG1", connector_id=1, limit_a=8)["answer"] == {
        "status": "Accepted"
    }
    action, payload = desk.heard()
    assert action == "RemoteStartTransaction"
    profile = payload["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert profile["chargingProfileKind"] == "Relative"
    assert "transactionId" not in profile
    assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 8}]
    cp.status("Preparing")
    number = cp.start(tag="TAG1")["transactionId"]
    (installed,) = desk.client.get("/api/stations/CP1/profiles").json["items"]
    assert installed["transaction_id"] == number


@pytest.mark.case("TC_066")
@pytest.mark.parametrize("unit", ["A", "W"])
def test_composite_schedule(desk: Desk, unit: str) -> None:
    """Asked for with a unit; the answer is shown whole."""
    cp = desk.arrive()
    schedule = {
        "duration": 300,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0, "numberPhases": 3}],
    }
    answer = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": instant(),
        "chargingSchedule": schedule,
    }
    cp.answers["GetCompositeSchedule"] = answer
    asked = {"connectorId": 1, "duration": 300, "chargingRateUnit": unit}
    assert desk.ask("GetCompositeSchedule", **asked)["answer"] == answer
    assert desk.heard() == ("GetCompositeSchedule", asked)


@pytest.mark.case("TC_067")
@pytest.mark.parametrize(
    ("fields", "payload"),
    [
        ({"profile_id": 7}, {"id": 7}),
        (
            {"connector_id": 1, "purpose": "TxDefaultProfile", "stack_level": 0},
            {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
        ),
        ({}, {}),
    ],
)
@pytest.mark.parametrize("status", ["Accepted", "Unknown"])
def test_profiles_are_cleared(desk: Desk, fields: dict, payload: dict, status: str) -> None:
    """By id, by what they are, or all of them."""
    cp = desk.arrive()
    desk.ask("SetChargingProfile", connectorId=1, csChargingProfiles=default_profile())
    cp.answers["ClearChargingProfile"] = {"status": status}
    assert desk.press("clear-limit", **fields)["answer"] == {"status": status}
    assert desk.heard() == ("ClearChargingProfile", payload)
    assert desk.client.get("/api/stations/CP1/profiles").json["items"] == []
