"""Foreign charge points at our central system, which runs as a real process with its store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import processes
import pytest
import pytest_twisted
from daemons import CentralSystem
from strangers import Actor, ForeignPeer
from twisted.internet.defer import Deferred

pytestmark = pytest.mark.stranger

numbers = count(1)
BOOT = {"chargePointVendor": "Foreign", "chargePointModel": "Box", "firmwareVersion": "1.2"}
START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 100, "timestamp": "2030-01-01T00:00:00Z"}


@pytest_twisted.async_yield_fixture(scope="module")
async def central(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CentralSystem]:
    """One central system for all stories; each story has a station of its own."""
    daemon = CentralSystem(
        tmp_path_factory.mktemp("csms"),
        more="""
[stations]
call_timeout_s = 2.0

[[known_tags]]
id_tag = "TAG1"
parent_id_tag = "FAMILY"

[[known_stations]]
identity = "GUARDED"
password = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"
""",
    )
    await daemon.start()
    yield daemon
    assert await daemon.stop() in (0, -15)
    daemon.assert_no_traceback()


async def arrive(
    actor: Actor, central: CentralSystem, identity: str | None = None, *, boot: bool = True
) -> ForeignPeer:
    """A new station connects and boots."""
    station = actor.peer(identity or f"{actor.library}-{next(numbers)}")
    assert (await station.connect(central.url))["event"] == "connected"
    if boot:
        assert (await station.call("BootNotification", **BOOT))["status"] == "Accepted"
    return station


@pytest.mark.rule("C-04", "C-05", "B-12", "Z-01", "Z-04")
async def test_boot(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """A station that nobody knew boots, is accepted, and is there for everybody to see."""
    station = await arrive(foreign_charge_points, central, boot=False)
    booted = await station.call("BootNotification", **BOOT)
    assert booted["status"] == "Accepted"
    assert booted["interval"] > 0
    assert booted["currentTime"].endswith("Z")
    assert (await station.call("Heartbeat"))["currentTime"].endswith("Z")
    for connector in (0, 1):
        await station.call(
            "StatusNotification", connectorId=connector, errorCode="NoError", status="Available"
        )
    seen = await central.get(f"/api/stations/{station.identity}")
    assert seen["connected"]
    assert (seen["vendor"], seen["model"], seen["firmware_version"]) == ("Foreign", "Box", "1.2")
    assert [c["status"] for c in seen["connectors"]] == ["Available", "Available"]


@pytest.mark.rule("TX-03", "A-05", "A-64", "M-15", "Z-05", "Z-06")
async def test_transaction(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """A whole transaction is answered, stored once, and shown with its energy."""
    station = await arrive(foreign_charge_points, central)
    tag = await station.call("Authorize", idTag="TAG1")
    assert tag["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FAMILY"}
    started = await station.call("StartTransaction", **START)
    assert started["idTagInfo"]["status"] == "Accepted"
    number = started["transactionId"]
    assert number > 0
    assert (await station.call("StartTransaction", **START))["transactionId"] == number

    sampled = {"value": "612", "context": "Sample.Periodic", "unit": "Wh"}
    current = {"value": "15.5", "measurand": "Current.Import", "phase": "L1", "unit": "A"}
    values = {
        "connectorId": 1,
        "transactionId": number,
        "meterValue": [{"timestamp": "2030-01-01T00:30:00Z", "sampledValue": [sampled, current]}],
    }
    assert await station.call("MeterValues", **values) == {}
    stop = {
        "transactionId": number,
        "meterStop": 1100,
        "timestamp": "2030-01-01T01:00:00Z",
        "idTag": "TAG1",
        "reason": "Local",
    }
    for _ in range(2):
        assert (await station.call("StopTransaction", **stop))["idTagInfo"]["status"] == "Accepted"
    found = await central.get(f"/api/transactions?station={station.identity}")
    (transaction,) = found["items"]
    assert transaction["id"] == number
    assert transaction["energy_wh"] == 1000
    assert transaction["stop_reason"] == "Local"
    samples = await central.get(f"/api/transactions/{number}/samples")
    assert samples["items"][0]["energy_wh"] == 612


@pytest.mark.rule("TX-04", "TX-29", "Z-06", "Z-07", "A-04")
async def test_odd_transactions(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """Unknown tags, unknown and impossible transactions are answered all the same."""
    station = await arrive(foreign_charge_points, central)
    assert (await station.call("Authorize", idTag="nobody"))["idTagInfo"]["status"] == "Invalid"
    assert (await station.call("Authorize", idTag="tag1"))["idTagInfo"]["status"] == "Accepted"
    started = await station.call("StartTransaction", **{**START, "idTag": "nobody"})
    assert started["transactionId"] > 0
    assert started["idTagInfo"]["status"] == "Invalid"
    values = {
        "connectorId": 1,
        "transactionId": -1,
        "meterValue": [{"timestamp": "2030-01-01T00:30:00Z", "sampledValue": [{"value": "1"}]}],
    }
    assert await station.call("MeterValues", **values) == {}
    for number in (-1, 2_000_000_000):
        stop = {"transactionId": number, "meterStop": 5, "timestamp": "2020-01-01T00:00:00Z"}
        await station.call("StopTransaction", **stop)
    assert (await station.call("DataTransfer", vendorId="org.example"))["status"] == (
        "UnknownVendorId"
    )


@pytest.mark.rule("Z-01")
async def test_what_else_stations_say(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """Progress of updates and diagnostics, and security events."""
    station = await arrive(foreign_charge_points, central)
    for status in ("Downloading", "Downloaded", "Installing", "Installed", "Idle"):
        assert await station.call("FirmwareStatusNotification", status=status) == {}
    for status in ("Uploading", "Uploaded", "UploadFailed", "Idle"):
        assert await station.call("DiagnosticsStatusNotification", status=status) == {}
    assert (await central.get(f"/api/stations/{station.identity}"))["firmware_status"] is not None
    if foreign_charge_points.library == "ocpp":  # ocpp-rpc does not know the security messages
        event = {"type": "FirmwareUpdated", "timestamp": "2030-01-01T00:00:00Z", "techInfo": "1.3"}
        assert await station.call("SecurityEventNotification", **event) == {}
        log = {"status": "Uploaded", "requestId": 1}
        assert await station.call("LogStatusNotification", **log) == {}
        assert (await station.call("SignCertificate", csr="no request"))["status"] in (
            "Accepted",
            "Rejected",
        )


PROFILE: dict[str, Any] = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "validFrom": "2030-01-01T00:00:00Z",
    "validTo": "2031-01-01T00:00:00Z",
    "chargingSchedule": {
        "duration": 86400,
        "startSchedule": "2030-01-01T00:00:00Z",
        "chargingRateUnit": "A",
        "minChargingRate": 6.5,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.1, "numberPhases": 3},
            {"startPeriod": 3600, "limit": 10},
        ],
    },
}
LATER = "2099-01-01T00:00:00Z"
CERTIFICATE = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "00" * 32,
    "issuerKeyHash": "11" * 32,
    "serialNumber": "1",
}

CORE_OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    ("CancelReservation", {"reservationId": 4}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
    ("ClearCache", {}),
    ("ClearChargingProfile", {"id": 1}),
    ("ClearChargingProfile", {}),
    ("DataTransfer", {"vendorId": "org.example", "messageId": "hello", "data": "x"}),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}),
    ("GetConfiguration", {}),
    ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
    ("GetDiagnostics", {"location": "http://127.0.0.1/up", "retries": 1, "retryInterval": 5}),
    ("GetLocalListVersion", {}),
    ("RemoteStartTransaction", {"idTag": "TAG1", "connectorId": 1}),
    ("RemoteStopTransaction", {"transactionId": 12}),
    (
        "ReserveNow",
        {"connectorId": 1, "expiryDate": LATER, "idTag": "TAG1", "reservationId": 4},
    ),
    ("Reset", {"type": "Soft"}),
    (
        "SendLocalList",
        {
            "listVersion": 7,
            "updateType": "Full",
            "localAuthorizationList": [
                {"idTag": "TAG1", "idTagInfo": {"status": "Accepted", "expiryDate": LATER}}
            ],
        },
    ),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ("UnlockConnector", {"connectorId": 1}),
    ("UpdateFirmware", {"location": "http://127.0.0.1/fw", "retrieveDate": LATER}),
]
SECURITY_OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    ("CertificateSigned", {"certificateChain": "-----BEGIN CERTIFICATE-----"}),
    ("DeleteCertificate", {"certificateHashData": CERTIFICATE}),
    ("ExtendedTriggerMessage", {"requestedMessage": "Heartbeat"}),
    ("GetInstalledCertificateIds", {"certificateType": "CentralSystemRootCertificate"}),
    (
        "GetLog",
        {
            "logType": "SecurityLog",
            "requestId": 1,
            "log": {"remoteLocation": "http://127.0.0.1/log"},
        },
    ),
    (
        "InstallCertificate",
        {"certificateType": "ManufacturerRootCertificate", "certificate": "-----BEGIN"},
    ),
    (
        "SignedUpdateFirmware",
        {
            "requestId": 2,
            "firmware": {
                "location": "http://127.0.0.1/fw",
                "retrieveDateTime": LATER,
                "signingCertificate": "-----BEGIN",
                "signature": "c2lnbmF0dXJl",
            },
        },
    ),
]


def as_numbers(payload: Any) -> Any:
    """A payload with whole numbers made comparable: 10 and 10.0 are the same on the wire."""
    if isinstance(payload, dict):
        return {key: as_numbers(value) for key, value in payload.items()}
    if isinstance(payload, list):
        return [as_numbers(item) for item in payload]
    if isinstance(payload, float):
        return round(payload, 3)
    return payload


@pytest.mark.rule("Z-02", "Z-09", "Z-10", "Z-13")
async def test_every_operation(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """Each action arrives as it was asked for, and its answer is on record."""
    station = await arrive(foreign_charge_points, central)
    security = SECURITY_OPERATIONS if foreign_charge_points.library == "ocpp" else []
    for action, payload in [*CORE_OPERATIONS, *security]:
        operation = await central.operate(station.identity, action, **payload)
        assert operation["outcome"] == "answered", operation
        assert as_numbers(await station.expect(action)) == as_numbers(payload)
        shown = await central.get(f"/api/operations/{operation['id']}")
        assert shown["answer"] == operation["answer"]
    actions = await central.get("/api/actions")
    assert {action for action, _ in [*CORE_OPERATIONS, *SECURITY_OPERATIONS]} == set(actions)


async def test_every_answer(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """Whatever a station may answer by the schema is taken, in every shade."""
    station = await arrive(foreign_charge_points, central)
    payloads = dict(CORE_OPERATIONS)
    shades = {
        "ChangeAvailability": ("Rejected", "Scheduled"),
        "ChangeConfiguration": ("Rejected", "RebootRequired", "NotSupported"),
        "ClearCache": ("Rejected",),
        "ClearChargingProfile": ("Unknown",),
        "DataTransfer": ("Accepted", "Rejected", "UnknownMessageId"),
        "GetCompositeSchedule": ("Rejected",),
        "RemoteStartTransaction": ("Rejected",),
        "RemoteStopTransaction": ("Rejected",),
        "ReserveNow": ("Faulted", "Occupied", "Rejected", "Unavailable"),
        "Reset": ("Rejected",),
        "SendLocalList": ("Failed", "NotSupported", "VersionMismatch"),
        "SetChargingProfile": ("Rejected", "NotSupported"),
        "TriggerMessage": ("Rejected", "NotImplemented"),
        "UnlockConnector": ("UnlockFailed", "NotSupported"),
    }
    for action, statuses in shades.items():
        for status in statuses:
            await station.answer(**{action: {"status": status}})
            operation = await central.operate(station.identity, action, **payloads[action])
            assert operation["outcome"] == "answered", operation
            assert operation["answer"]["status"] == status
    schedule = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2030-01-01T00:00:00Z",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "duration": 60,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 12.5, "numberPhases": 1}],
        },
    }
    await station.answer(GetCompositeSchedule=schedule)
    operation = await central.operate(
        station.identity, "GetCompositeSchedule", connectorId=1, duration=60
    )
    assert as_numbers(operation["answer"]) == schedule


@pytest.mark.rule("J-10", "J-12", "J-13", "J-19", "Z-02", "Z-03")
async def test_failing_operations(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """Refused, unanswered, offline and impossible operations end with an outcome that says so."""
    station = await arrive(foreign_charge_points, central)
    await station.answer(ClearCache={"$error": ["NotSupported", "no cache"]})
    refused = await central.operate(station.identity, "ClearCache")
    assert (refused["outcome"], refused["error_code"]) == ("refused", "NotSupported")
    await station.answer(ClearCache={"$silence": {"status": "Accepted"}})
    silent = await central.operate(station.identity, "ClearCache")
    assert silent["outcome"] == "timeout"
    await station.answer(ClearCache={"status": "Accepted"})
    again = await central.operate(station.identity, "ClearCache")
    assert again["outcome"] == "answered"
    invalid = await central.operate(station.identity, "Reset", type="Gently")
    assert "type" in str(invalid)
    station.close()
    await station.expect_event("disconnected")
    offline = await central.operate(station.identity, "ClearCache")
    assert offline["outcome"] == "offline"


@pytest.mark.rule("J-08", "J-09", "Z-02")
async def test_both_at_once(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """Calls of both sides cross, many operations queue up, and all are answered."""
    station = await arrive(foreign_charge_points, central)

    def start(coroutine: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(coroutine)

    operations = [start(central.operate(station.identity, "ClearCache")) for _ in range(10)]
    heartbeats = [start(station.call("Heartbeat")) for _ in range(10)]
    for operation in operations:
        assert (await operation)["outcome"] == "answered"
    for heartbeat in heartbeats:
        assert "currentTime" in await heartbeat


@pytest.mark.rule("C-14", "C-13")
async def test_second_connection(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """The newest connection of an identity wins, and needs no new boot."""
    station = await arrive(foreign_charge_points, central)
    assert (await station.connect(central.url))["event"] == "connected"
    await station.expect_event("disconnected")
    assert "currentTime" in await station.call("Heartbeat")
    assert (await central.operate(station.identity, "ClearCache"))["outcome"] == "answered"


@pytest.mark.rule("C-02", "C-15", "C-16", "X-10")
async def test_who_may_come_in(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """A station with a password is let in with it only; identities are decoded."""
    guarded = foreign_charge_points.peer("GUARDED")
    password = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
    assert (await guarded.connect(central.url))["status"] == 401
    assert (await guarded.connect(central.url, b"wrong"))["status"] == 401
    assert (await guarded.connect(central.url, password))["event"] == "connected"
    guarded.close()
    await guarded.expect_event("disconnected")
    odd = f"RDAM 1/2;3 {foreign_charge_points.library} ü"
    await arrive(foreign_charge_points, central, odd)
    stations = await central.get("/api/stations?limit=500")
    assert odd in [station["identity"] for station in stations["items"]]


@pytest.mark.rule("J-17", "J-19", "J-20", "J-22")
async def test_mistakes(foreign_charge_points: Actor, central: CentralSystem) -> None:
    """Broken calls are refused with the right code, and the line goes on."""
    station = await arrive(foreign_charge_points, central)
    for frame in (
        '[2,"m1","BootNotification",{"chargePointVendor":"V"}]',
        '[2,"m2","MakeCoffee",{}]',
        '[2,"m3","Heartbeat",{"x":1}]',
        "[2",
        "[9]",
        '[3,"nothing",{}]',
    ):
        station.send(frame)
    assert "currentTime" in await station.call("Heartbeat")
    await processes.eventually(
        lambda: (
            len(foreign_charge_points.seen("fault", peer=station.identity)) >= 3
            or foreign_charge_points.library == "ocpp"
        ),
        "ocpp-rpc names the answers that it did not ask for",
    )
    foreign_charge_points.take_faults()


async def test_restart(foreign_charge_points: Actor, tmp_path: Any) -> None:
    """Killed and started again, the central system knows its transactions and goes on."""
    daemon = CentralSystem(tmp_path / "csms")
    try:
        await daemon.start()
        station = await arrive(foreign_charge_points, daemon, "SURVIVOR")
        started = await station.call("StartTransaction", **START)
        await daemon.stop("KILL")
        await station.expect_event("disconnected")
        await daemon.start()
        await arrive(foreign_charge_points, daemon, "SURVIVOR", boot=False)
        again = await station.call("StartTransaction", **START)
        assert again["transactionId"] == started["transactionId"]
        stop = {
            "transactionId": started["transactionId"],
            "meterStop": 300,
            "timestamp": "2030-01-01T01:00:00Z",
        }
        await station.call("StopTransaction", **stop)
        (transaction,) = (await daemon.get("/api/transactions"))["items"]
        assert transaction["energy_wh"] == 200
    finally:
        await daemon.stop()
