"""Official test cases of central systems: unlocking, configuration, triggers, files, data."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk


@pytest.mark.case("TC_017_1", "TC_017_2", "TC_030")
@pytest.mark.parametrize("status", ["Unlocked", "NotSupported", "UnlockFailed"])
def test_unlock(desk: Desk, status: str) -> None:
    """The operator sees what the station says of its lock."""
    cp = desk.arrive()
    cp.answers["UnlockConnector"] = {"status": status}
    done = desk.press("unlock", connector_id=1)
    assert (done["outcome"], done["answer"]) == ("answered", {"status": status})
    assert desk.heard() == ("UnlockConnector", {"connectorId": 1})


@pytest.mark.case("TC_018_1")
def test_unlock_in_a_session(desk: Desk) -> None:
    """The session ends for that reason."""
    cp = desk.arrive()
    number = cp.start(tag="TAG1")["transactionId"]
    cp.status("Charging")
    assert desk.press("unlock", connector_id=1)["answer"] == {"status": "Unlocked"}
    cp.stop(number, reason="UnlockCommand")
    cp.status("Finishing")
    cp.status("Available")
    assert desk.transaction()["stop_reason"] == "UnlockCommand"
    assert desk.status() == "Available"


@pytest.mark.case("TC_031")
def test_unlock_of_an_unknown_connector(desk: Desk) -> None:
    """Any number can be tried."""
    cp = desk.arrive()
    cp.answers["UnlockConnector"] = {"status": "NotSupported"}
    assert desk.press("unlock", connector_id=9)["answer"] == {"status": "NotSupported"}
    assert desk.heard() == ("UnlockConnector", {"connectorId": 9})


KEYS = [
    {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
    {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
    {"key": "AuthorizationKey", "readonly": False},
]


@pytest.mark.case("TC_019_1")
def test_all_keys(desk: Desk) -> None:
    """Asked for without a list; shown with their access."""
    cp = desk.arrive()
    cp.answers["GetConfiguration"] = {"configurationKey": KEYS}
    assert desk.ask("GetConfiguration")["answer"] == {"configurationKey": KEYS}
    assert desk.heard() == ("GetConfiguration", {})
    shown = desk.client.get("/api/stations/CP1/configuration").json["items"]
    assert [(one["key"], one["readonly"], one["value"]) for one in shown] == [
        ("HeartbeatInterval", False, "300"),
        ("NumberOfConnectors", True, "1"),
    ]


@pytest.mark.case("TC_019_2")
def test_one_key(desk: Desk) -> None:
    """Asked for by its name."""
    cp = desk.arrive()
    cp.answers["GetConfiguration"] = {"configurationKey": KEYS[:1]}
    (read,) = desk.press("read-configuration", keys=["HeartbeatInterval"])["items"]
    assert read["value"] == "300"
    assert desk.heard() == ("GetConfiguration", {"key": ["HeartbeatInterval"]})


@pytest.mark.case("TC_021", "TC_040_1", "TC_040_2")
@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("MeterValueSampleInterval", "30", "Accepted"),
        ("NoSuchKey", "1", "NotSupported"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
    ],
)
def test_change_of_a_key(desk: Desk, key: str, value: str, status: str) -> None:
    """What the station has taken is known from then on, and nothing else."""
    cp = desk.arrive()
    cp.answers["ChangeConfiguration"] = {"status": status}
    done = desk.press("configuration", key=key, value=value)
    assert (done["outcome"], done["answer"]) == ("answered", {"status": status})
    assert desk.heard() == ("ChangeConfiguration", {"key": key, "value": value})
    shown = desk.client.get("/api/stations/CP1/configuration").json["items"]
    assert [(one["key"], one["value"]) for one in shown] == (
        [(key, value)] if status == "Accepted" else []
    )


@pytest.mark.case("TC_061")
def test_clear_the_cache(desk: Desk) -> None:
    """After it the station asks again."""
    cp = desk.arrive()
    assert desk.press("clear-cache")["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("ClearCache", {})
    assert cp.say("Authorize", idTag="TAG1")["idTagInfo"]["status"] == "Accepted"


@pytest.mark.case("TC_064")
def test_data_of_an_unknown_vendor(desk: Desk) -> None:
    """It is not accepted, whichever message it is."""
    cp = desk.arrive()
    told: dict[str, Any] = {"vendorId": "org.example.tester", "messageId": "m", "data": "d"}
    assert cp.say("DataTransfer", **told)["status"] in ("UnknownVendorId", "UnknownMessageId")
    assert cp.say("DataTransfer", vendorId="org.example.tester")["status"] != "Accepted"


TRIGGERED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "MeterValues",
        {"connector_id": 1},
        {
            "connectorId": 1,
            "meterValue": [
                {
                    "timestamp": "2026-06-01T12:00:00Z",
                    "sampledValue": [{"value": "5", "context": "Trigger"}],
                }
            ],
        },
    ),
    ("Heartbeat", {}, {}),
    (
        "StatusNotification",
        {"connector_id": 1},
        {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    ),
    ("DiagnosticsStatusNotification", {}, {"status": "Idle"}),
    ("FirmwareStatusNotification", {}, {"status": "Idle"}),
]


@pytest.mark.case("TC_054")
@pytest.mark.parametrize(("message", "where", "payload"), TRIGGERED)
def test_trigger(desk: Desk, message: str, where: dict, payload: dict) -> None:
    """The message comes after the answer, and is answered itself."""
    cp = desk.arrive()
    assert desk.press("trigger", message=message, **where)["answer"] == {"status": "Accepted"}
    asked = {"requestedMessage": message, **({"connectorId": 1} if where else {})}
    assert desk.heard() == ("TriggerMessage", asked)
    answer = cp.say(message, **payload)
    assert set(answer) == ({"currentTime"} if message == "Heartbeat" else set())


@pytest.mark.case("TC_055")
def test_trigger_for_a_connector_that_is_not_there(desk: Desk) -> None:
    """The operator is told that the station will not."""
    cp = desk.arrive()
    cp.answers["TriggerMessage"] = {"status": "Rejected"}
    done = desk.press("trigger", message="StatusNotification", connector_id=2)
    assert done["answer"] == {"status": "Rejected"}
    assert desk.heard()[1] == {"requestedMessage": "StatusNotification", "connectorId": 2}


FIRMWARE = {"location": "http://127.0.0.1/firmware.bin", "retrieveDate": "2026-06-01T12:00:00Z"}


@pytest.mark.case("TC_044_1")
def test_firmware_is_installed(desk: Desk) -> None:
    """Each step is answered; the new version is known after the boot."""
    cp = desk.arrive()
    cp.answers["UpdateFirmware"] = {}
    done = desk.ask("UpdateFirmware", **FIRMWARE, retries=2, retryInterval=5)
    assert (done["outcome"], done["answer"]) == ("answered", {})
    assert desk.heard() == ("UpdateFirmware", {**FIRMWARE, "retries": 2, "retryInterval": 5})
    for status in ("Downloading", "Downloaded", "Installing"):
        assert cp.say("FirmwareStatusNotification", status=status) == {}
    cp.leave()
    desk.street.plug_in("CP1", cp)
    assert cp.boot(firmwareVersion="2.0")["status"] == "Accepted"
    cp.status("Available", connector=0)
    cp.status("Available")
    assert cp.say("FirmwareStatusNotification", status="Installed") == {}
    shown = desk.station()
    assert (shown["firmware_version"], shown["firmware_status"]) == ("2.0", "Installed")
    assert [told["status"] for told in desk.notices("FirmwareStatusNotification")] == [
        "Downloading",
        "Downloaded",
        "Installing",
        "Installed",
    ]


@pytest.mark.case("TC_044_2", "TC_044_3")
@pytest.mark.parametrize(
    "told",
    [
        ("Downloading", "DownloadFailed"),
        ("Downloading", "Downloaded", "Installing", "InstallationFailed"),
    ],
)
def test_firmware_is_not_installed(desk: Desk, told: tuple[str, ...]) -> None:
    """The bad end is shown."""
    cp = desk.arrive()
    cp.answers["UpdateFirmware"] = {}
    desk.ask("UpdateFirmware", **FIRMWARE)
    for status in told:
        assert cp.say("FirmwareStatusNotification", status=status) == {}
    assert desk.station()["firmware_status"] == told[-1]


@pytest.mark.case("TC_045_1", "TC_045_2")
@pytest.mark.parametrize("end", ["Uploaded", "UploadFailed"])
def test_diagnostics(desk: Desk, end: str) -> None:
    """The file name is shown, and how the upload went."""
    cp = desk.arrive()
    cp.answers["GetDiagnostics"] = {"fileName": "diagnostics.zip"}
    asked = {
        "location": "ftp://127.0.0.1/up/",
        "startTime": "2026-05-31T12:00:00Z",
        "stopTime": "2026-06-01T12:00:00Z",
        "retries": 0,
    }
    assert desk.ask("GetDiagnostics", **asked)["answer"] == {"fileName": "diagnostics.zip"}
    assert desk.heard() == ("GetDiagnostics", asked)
    for status in ("Uploading", end):
        assert cp.say("DiagnosticsStatusNotification", status=status) == {}
    assert desk.station()["diagnostics_status"] == end
