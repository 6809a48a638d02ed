"""A simulated station answers every call of a central system, and does what it says."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from load_rig import NOON, Yard

from txocpp.errors import RemoteError


def _profile(limit: float, unit: str = "A", **more: Any) -> dict[str, Any]:
    schedule = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        **more.pop("schedule", {}),
    }
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **more,
    }


def _set(yard: Yard, connector: int, profile: dict[str, Any]) -> str:
    answer = yard.ask("SetChargingProfile", connectorId=connector, csChargingProfiles=profile)
    return str(answer["status"])


def _instant(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


@pytest.mark.rule("K-01", "K-10")
def test_get_configuration(yard: Yard) -> None:
    """All keys, one key in any case, and names that are no keys."""
    every = yard.ask("GetConfiguration")["configurationKey"]
    assert {"HeartbeatInterval", "NumberOfConnectors"} <= {key["key"] for key in every}
    some = yard.ask("GetConfiguration", key=["heartbeatinterval", "Nonsense", "AuthorizationKey"])
    assert some["configurationKey"][0] == {
        "key": "HeartbeatInterval",
        "readonly": False,
        "value": "300",
    }
    assert some["configurationKey"][1] == {"key": "AuthorizationKey", "readonly": False}
    assert some["unknownKey"] == ["Nonsense"]


@pytest.mark.rule("K-02")
def test_too_many_keys(yard: Yard) -> None:
    """More keys than GetConfigurationMaxKeys are refused."""
    with pytest.raises(RemoteError) as refused:
        yard.ask("GetConfiguration", key=["A"] * 51)
    assert refused.value.code == "OccurenceConstraintViolation"


@pytest.mark.rule("K-04", "K-05", "K-07", "M-12")
def test_change_configuration(yard: Yard) -> None:
    """Good values hold at once; bad ones, read-only and unknown keys have their own answers."""
    for key, value, status in (
        ("HeartbeatInterval", "10", "Accepted"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("Nonsense", "1", "NotSupported"),
        ("MeterValuesSampledData", "SoC", "Accepted"),
        ("MeterValuesSampledData", "RPM", "Rejected"),
        ("WebSocketPingInterval", "20", "Accepted"),
    ):
        answer = yard.ask("ChangeConfiguration", key=key, value=value)
        assert (key, value, answer) == (key, value, {"status": status})
    yard.run(11)
    assert len(yard.told("Heartbeat")) == 1
    assert yard.wire.changes == {"ping_interval_s": 20}


@pytest.mark.rule("X-11", "X-12")
def test_authorization_key(yard: Yard) -> None:
    """A new key is used from the next connection on, which comes at once."""
    key = "00112233445566778899aabbccddeeff"
    assert yard.ask("ChangeConfiguration", key="AuthorizationKey", value="abc") == {
        "status": "Rejected"
    }
    yard.ask("ChangeConfiguration", key="AuthorizationKey", value=key)
    assert yard.wire.changes == {"password": bytes.fromhex(key)}
    assert yard.wire.redialled == 1


@pytest.mark.rule("R-03", "R-04", "R-05", "R-06", "R-10")
def test_remote_start(yard: Yard) -> None:
    """Somebody plugs in, and the transaction begins with the tag of the request."""
    assert yard.ask("RemoteStartTransaction", idTag="BOB", connectorId=0)["status"] == "Rejected"
    assert yard.ask("RemoteStartTransaction", idTag="BOB", connectorId=1)["status"] == "Accepted"
    assert yard.ask("RemoteStartTransaction", idTag="BOB", connectorId=1)["status"] == "Rejected"
    yard.run(16)
    (start,) = yard.told("StartTransaction")
    assert (start["idTag"], start["connectorId"]) == ("BOB", 1)
    assert yard.statuses() == ["Available", "Preparing", "Charging"]


@pytest.mark.rule("R-20", "R-21", "R-22")
def test_remote_stop(yard: Yard) -> None:
    """A running transaction is stopped, and no other."""
    yard.charge()
    assert yard.ask("RemoteStopTransaction", transactionId=18)["status"] == "Rejected"
    assert yard.ask("RemoteStopTransaction", transactionId=17)["status"] == "Accepted"
    assert yard.told("StopTransaction")[0]["reason"] == "Remote"


@pytest.mark.rule("E-01", "E-02", "E-03", "E-05")
@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_reset(yard: Yard, kind: str) -> None:
    """What runs is stopped, then the station goes, comes back and boots."""
    yard.charge()
    yard.heard.clear()
    assert yard.ask("Reset", type=kind)["status"] == "Accepted"
    yard.run(25)
    assert yard.wire.redialled == 1
    assert [a for a in yard.actions() if a != "StatusNotification"] == [
        "StopTransaction",
        "BootNotification",
    ]
    assert yard.told("StopTransaction")[0]["reason"] == f"{kind}Reset"
    assert yard.station.is_online


@pytest.mark.rule("U-01", "U-02", "U-04", "U-05")
def test_unlock(yard: Yard) -> None:
    """A cable is unlocked, after its transaction was stopped."""
    assert yard.ask("UnlockConnector", connectorId=0)["status"] == "NotSupported"
    assert yard.ask("UnlockConnector", connectorId=9)["status"] == "NotSupported"
    yard.charge()
    assert yard.ask("UnlockConnector", connectorId=1)["status"] == "Unlocked"
    assert yard.told("StopTransaction")[0]["reason"] == "UnlockCommand"


@pytest.mark.rule("AV-01", "AV-02", "AV-04", "AV-05", "AV-10")
def test_availability(yard: Yard) -> None:
    """Idle connectors change at once, busy ones after their transaction."""
    yard.charge()
    assert yard.ask("ChangeAvailability", connectorId=7, type="Inoperative") == {
        "status": "Rejected"
    }
    assert yard.ask("ChangeAvailability", connectorId=0, type="Inoperative") == {
        "status": "Scheduled"
    }
    assert yard.statuses(0)[-1] == "Unavailable"
    assert yard.statuses(2)[-1] == "Unavailable"
    assert yard.statuses(1)[-1] == "Charging"
    yard.ask("RemoteStopTransaction", transactionId=17)
    yard.run(61)
    assert yard.statuses(1)[-2:] == ["Finishing", "Unavailable"]
    yard.ask("ChangeAvailability", connectorId=0, type="Operative")
    assert [yard.statuses(number)[-1] for number in (0, 1, 2)] == ["Available"] * 3


def test_a_limit_is_followed(yard: Yard) -> None:
    """The current of the car follows the profile; without any offer charging is suspended."""
    yard.charge()
    yard.connector.car.maximum_a = Decimal(16)
    assert _set(yard, 1, _profile(10)) == "Accepted"
    assert yard.connector.current_a == 10
    assert _set(yard, 1, _profile(0)) == "Accepted"
    assert yard.connector.current_a == 0
    yard.run()
    assert yard.statuses()[-1] == "SuspendedEVSE"
    assert yard.ask("ClearChargingProfile")["status"] == "Accepted"
    assert yard.ask("ClearChargingProfile")["status"] == "Unknown"
    assert yard.connector.current_a == 16


@pytest.mark.rule("S-06")
def test_both_sides_suspend(yard: Yard) -> None:
    """A full car that is offered nothing is suspended by the station."""
    yard.charge()
    yard.connector.car.stored_j = yard.connector.car.capacity_j
    yard.run(60)
    assert yard.statuses()[-1] == "SuspendedEV"
    _set(yard, 1, _profile(0))
    yard.run()
    assert yard.statuses()[-1] == "SuspendedEVSE"


def test_a_limit_changes_by_itself(yard: Yard) -> None:
    """The next period of a schedule begins on the second, on the clock of everybody else."""
    yard.charge()
    yard.connector.car.maximum_a = Decimal(16)
    periods = [{"startPeriod": 0, "limit": 12}, {"startPeriod": 60, "limit": 8}]
    profile = _profile(
        0,
        chargingProfileKind="Absolute",
        schedule={"startSchedule": _instant(0), "chargingSchedulePeriod": periods},
    )
    _set(yard, 0, profile)
    yard.run(59)
    assert yard.connector.current_a == 12
    yard.run(2)
    assert yard.connector.current_a == 8


@pytest.mark.rule("SR-709")
def test_the_maximum_of_the_station_is_shared(yard: Yard) -> None:
    """Two cars get half each of what the station may draw."""
    for connector in yard.station.connectors:
        connector.plug_in()
        connector.car.maximum_a, connector.car.phases = Decimal(16), 3
        connector.begin("A")
    yard.run()
    most = _profile(20, chargingProfilePurpose="ChargePointMaxProfile")
    most |= {"chargingProfileKind": "Absolute"}
    most["chargingSchedule"] |= {"startSchedule": _instant(-10)}
    assert _set(yard, 0, most) == "Accepted"
    assert [connector.current_a for connector in yard.station.connectors] == [10, 10]


def test_composite_schedule(yard: Yard) -> None:
    """GetCompositeSchedule tells the profile, or the hardware where there is none."""
    answer = yard.ask("GetCompositeSchedule", connectorId=1, duration=60, chargingRateUnit="A")
    assert answer["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 32, "numberPhases": 3}
    ]
    assert yard.ask("GetCompositeSchedule", connectorId=5, duration=60)["status"] == "Rejected"


@pytest.mark.rule("L-02", "L-04", "L-05", "L-06", "L-11")
def test_local_list(yard: Yard) -> None:
    """Versions are kept, differences applied, and mismatches told."""

    def send(version: int, kind: str, *tags: str) -> str:
        entries = [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags]
        answer = yard.ask(
            "SendLocalList", listVersion=version, updateType=kind, localAuthorizationList=entries
        )
        return str(answer["status"])

    assert yard.ask("GetLocalListVersion") == {"listVersion": 0}
    assert send(2, "Full", "A", "B") == "Accepted"
    assert send(2, "Differential", "C") == "VersionMismatch"
    assert send(5, "Differential", "C") == "Accepted"
    assert yard.ask("GetLocalListVersion") == {"listVersion": 5}
    assert send(6, "Differential", "D", "d") == "Failed"
    assert send(9, "Full") == "Accepted"
    assert yard.ask("GetLocalListVersion") == {"listVersion": 0}


@pytest.mark.rule("V-01", "V-03", "V-04", "V-09", "V-10", "V-11", "V-13", "R-07")
def test_reservation(yard: Yard) -> None:
    """A connector is kept for one tag, until it comes or the time is over."""

    def reserve(number: int, connector: int = 1, until_s: float = 600) -> str:
        answer = yard.ask(
            "ReserveNow",
            connectorId=connector,
            expiryDate=_instant(until_s),
            idTag="BOB",
            reservationId=number,
        )
        return str(answer["status"])

    assert reserve(1, until_s=-5) == "Rejected"
    assert reserve(1) == "Accepted"
    assert reserve(2) == "Occupied"
    assert reserve(1, until_s=900) == "Accepted"
    assert yard.statuses()[-1] == "Reserved"
    for tag, status in (("EVE", "Rejected"), ("bob", "Accepted")):
        answer = yard.ask("RemoteStartTransaction", idTag=tag, connectorId=1)
        assert answer["status"] == status
    yard.run(16)
    assert yard.told("StartTransaction")[0]["reservationId"] == 1
    assert reserve(3, connector=2, until_s=30) == "Accepted"
    yard.run(31)
    assert yard.statuses(2)[-2:] == ["Reserved", "Available"]
    assert yard.ask("CancelReservation", reservationId=3)["status"] == "Rejected"


@pytest.mark.rule("T-01", "T-03", "T-04", "T-07", "B-16", "M-16")
def test_trigger(yard: Yard) -> None:
    """Everything that can be triggered comes, right after the answer."""
    yard.heard.clear()
    for wanted in (
        "Heartbeat",
        "StatusNotification",
        "MeterValues",
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
    ):
        assert yard.ask("TriggerMessage", requestedMessage=wanted) == {"status": "Accepted"}
    for wanted, connector in (("StatusNotification", 3), ("BootNotification", None)):
        about = {} if connector is None else {"connectorId": connector}
        answer = yard.ask("TriggerMessage", requestedMessage=wanted, **about)
        assert answer == {"status": "Rejected"}
    assert yard.actions() == [
        "Heartbeat",
        *["StatusNotification"] * 3,
        *["MeterValues"] * 2,
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
    ]
    values = yard.told("MeterValues")[0]["meterValue"][0]["sampledValue"]
    assert {value["context"] for value in values} == {"Trigger"}


@pytest.mark.rule("F-01", "F-02", "G-01", "A-27", "D-02")
def test_the_rest(yard: Yard) -> None:
    """Firmware is played, and what the station has not is said in the right words."""
    yard.ask("UpdateFirmware", location="http://x/y", retrieveDate=_instant(10))
    yard.run(75)
    told = [payload["status"] for payload in yard.told("FirmwareStatusNotification")]
    assert told == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert yard.ask("GetDiagnostics", location="http://x/y") == {}
    assert yard.ask("ClearCache") == {"status": "Rejected"}
    assert yard.ask("DataTransfer", vendorId="org.x") == {"status": "UnknownVendorId"}


@pytest.mark.rule("J-22")
@pytest.mark.parametrize(
    ("action", "code"), [("GetLog", "NotSupported"), ("Nonsense", "NotImplemented")]
)
def test_what_it_does_not_know(yard: Yard, action: str, code: str) -> None:
    """Known but not supported, and not known at all."""
    with pytest.raises(RemoteError) as refused:
        yard.ask(action)
    assert refused.value.code == code
