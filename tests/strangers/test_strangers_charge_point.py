"""Our charge point, as a real process, at foreign central systems."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
import strangers
from conftest import Arrival
from daemons import ChargePoint
from strangers import Actor, ForeignError, ForeignPeer
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

pytestmark = pytest.mark.stranger

MEASURANDS = {"Energy.Active.Import.Register", "Current.Import", "Current.Offered"}


def profile(limit_a: float, **more: Any) -> dict[str, Any]:
    """A charging profile with one limit, a TxProfile unless told otherwise."""
    made: dict[str, Any] = {
        "chargingProfileId": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}],
        },
    }
    return {**made, **more}


async def plug_and_swipe(cp: ChargePoint, connector: int = 1, tag: str = "TAG1") -> None:
    """A driver comes."""
    await cp.do("plug_in", connector=connector)
    await cp.do("swipe", id_tag=tag, connectors=[connector])


def basic(header: str) -> tuple[str, bytes]:
    """User and password of an Authorization header."""
    user, _, password = base64.b64decode(header.removeprefix("Basic ")).partition(b":")
    return user.decode(), password


async def status(office: ForeignPeer, connector: int, *wanted: str) -> dict[str, Any]:
    """Wait until a connector reports one of these statuses."""
    return await office.expect(
        "StatusNotification", connectorId=connector, status=lambda s: s in wanted
    )


@pytest.mark.rule("B-01", "B-02", "B-04", "B-07", "B-08", "B-09", "B-10")
async def test_boot(arrive: Arrival) -> None:
    """Rejected, then Pending, then Accepted: it waits each time, and only then tells its status."""
    now = {"currentTime": "$now", "interval": 1}
    _, office = await arrive(
        settled=False,
        BootNotification=[
            {"status": "Rejected", **now},
            {"status": "Pending", **now},
            {"status": "Accepted", **now, "interval": 300},
        ],
    )
    booted = await office.expect("BootNotification")
    assert booted["chargePointVendor"]
    assert booted["chargePointModel"]
    await office.expect_event("answered", payload={"status": "Pending"})
    keys = await office.call("GetConfiguration", key=["NumberOfConnectors"])
    assert keys["configurationKey"][0]["value"] == "2"
    assert await office.call("RemoteStartTransaction", idTag="TAG1", connectorId=1) == {
        "status": "Rejected"
    }
    await office.settled()
    order = [action for action, _ in office.calls()]
    assert order[:6] == ["BootNotification"] * 3 + ["StatusNotification"] * 3


@pytest.mark.rule("H-01", "B-03")
async def test_heartbeat(arrive: Arrival) -> None:
    """The interval of the boot answer is the rhythm of the heartbeats."""
    _, office = await arrive(
        BootNotification={"status": "Accepted", "currentTime": "$now", "interval": 1}
    )
    await office.expect("Heartbeat")
    await office.expect("Heartbeat")
    keys = await office.call("GetConfiguration", key=["HeartbeatInterval"])
    assert keys["configurationKey"][0]["value"] == "1"


@pytest.mark.rule("TX-01", "TX-02", "TX-10", "TX-13", "A-10", "S-15", "M-02", "M-06", "M-08")
async def test_session_under_a_limit(arrive: Arrival) -> None:
    """Plug, swipe, charge; a profile arrives and the current follows; swipe again, unplug."""
    cp, office = await arrive(
        keys={
            "MeterValueSampleInterval": 1,
            "MeterValuesSampledData": ",".join(MEASURANDS),
            "StopTxnSampledData": "Energy.Active.Import.Register",
        }
    )
    await plug_and_swipe(cp)
    await status(office, 1, "Preparing")
    assert await office.expect("Authorize") == {"idTag": "TAG1"}
    start = await office.expect("StartTransaction", connectorId=1, idTag="TAG1")
    await status(office, 1, "Charging")
    await cp.becomes(1, current_a=16)

    sampled = await office.expect("MeterValues", connectorId=1)
    transaction = sampled["transactionId"]
    values = sampled["meterValue"][0]["sampledValue"]
    assert {value["context"] for value in values} == {"Sample.Periodic"}
    assert {value["measurand"] for value in values} == MEASURANDS

    accepted = {"status": "Accepted"}
    limited = profile(10, transactionId=transaction)
    assert (
        await office.call("SetChargingProfile", connectorId=1, csChargingProfiles=limited)
        == accepted
    )
    await cp.becomes(1, offered_a=10, current_a=10)
    composite = await office.call("GetCompositeSchedule", connectorId=1, duration=600)
    assert composite["status"] == "Accepted"
    assert composite["chargingSchedule"]["chargingRateUnit"] == "A"
    assert composite["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 10
    in_watts = await office.call(
        "GetCompositeSchedule", connectorId=1, duration=600, chargingRateUnit="W"
    )
    assert in_watts["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 6900
    assert await office.call("ClearChargingProfile", id=7) == accepted
    await cp.becomes(1, current_a=16)
    assert await office.call("ClearChargingProfile", id=7) == {"status": "Unknown"}

    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["idTag"] == "TAG1"
    assert stop.get("reason", "Local") == "Local"
    kept = [value["sampledValue"][0]["context"] for value in stop["transactionData"]]
    assert kept[0] == "Transaction.Begin"
    assert kept[-1] == "Transaction.End"
    assert stop["meterStop"] >= start["meterStart"]
    await status(office, 1, "Finishing")
    await cp.becomes(1, current_a=0)
    await cp.do("plug_out", connector=1)
    await status(office, 1, "Available")
    assert len(office.calls("Authorize")) == 1
    assert len(office.calls("StartTransaction")) == 1


async def test_pause(arrive: Arrival) -> None:
    """A limit below 6 A pauses charging, one above resumes it."""
    cp, office = await arrive()
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    default = {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileId": 8}
    await office.call("SetChargingProfile", connectorId=1, csChargingProfiles=profile(0, **default))
    await status(office, 1, "SuspendedEVSE")
    await cp.becomes(1, offered_a=0, current_a=0)
    await office.call("SetChargingProfile", connectorId=1, csChargingProfiles=profile(8, **default))
    await status(office, 1, "Charging")
    await cp.becomes(1, current_a=8)


async def test_profiles_that_cannot_be(arrive: Arrival) -> None:
    """A TxProfile without a transaction, or on an unknown connector, is refused."""
    _, office = await arrive(shared=True)
    assert await office.call(
        "SetChargingProfile", connectorId=1, csChargingProfiles=profile(10)
    ) == {"status": "Rejected"}
    default = profile(10, chargingProfilePurpose="TxDefaultProfile")
    with pytest.raises(ForeignError) as refused:
        await office.call("SetChargingProfile", connectorId=9, csChargingProfiles=default)
    assert refused.value.code == "PropertyConstraintViolation"


@pytest.mark.rule("R-01", "R-02", "R-06", "R-20", "R-21", "R-22")
async def test_remote_start_and_stop(arrive: Arrival) -> None:
    """The central system starts and stops from afar, under a limit sent with the start."""
    cp, office = await arrive()
    await cp.do("plug_in", connector=2)
    await status(office, 2, "Preparing")
    answer = await office.call(
        "RemoteStartTransaction", idTag="REMOTE", connectorId=2, chargingProfile=profile(9)
    )
    assert answer == {"status": "Accepted"}
    assert await office.expect("Authorize") == {"idTag": "REMOTE"}
    await office.expect("StartTransaction", connectorId=2, idTag="REMOTE")
    await status(office, 2, "Charging")
    await cp.becomes(2, current_a=9)
    assert await office.call("RemoteStopTransaction", transactionId=999_999) == {
        "status": "Rejected"
    }
    transaction = office.started()[-1]
    assert await office.call("RemoteStopTransaction", transactionId=transaction) == {
        "status": "Accepted"
    }
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["reason"] == "Remote"
    assert "idTag" not in stop


@pytest.mark.rule("A-07")
async def test_tag_refused(arrive: Arrival) -> None:
    """A tag that the central system calls invalid starts nothing."""
    cp, office = await arrive(Authorize={"idTagInfo": {"status": "Invalid"}})
    await plug_and_swipe(cp, tag="STOLEN")
    await office.expect("Authorize", idTag="STOLEN")
    await office.call("GetLocalListVersion")
    assert not office.calls("StartTransaction")
    await cp.becomes(1, energised=False, permitted=False)


@pytest.mark.rule("A-60", "TX-12")
async def test_deauthorized(arrive: Arrival) -> None:
    """A tag refused in StartTransaction.conf ends the transaction at once."""
    cp, office = await arrive(
        StartTransaction={"transactionId": "$transaction", "idTagInfo": {"status": "Blocked"}}
    )
    await plug_and_swipe(cp)
    stop = await office.expect("StopTransaction")
    assert stop["reason"] == "DeAuthorized"
    await cp.becomes(1, current_a=0)


async def test_two_at_once(arrive: Arrival) -> None:
    """Two cars charge at the same time, each under its own limit."""
    cp, office = await arrive()
    await plug_and_swipe(cp, 1, "TAG1")
    await status(office, 1, "Charging")
    await plug_and_swipe(cp, 2, "TAG2")
    await status(office, 2, "Charging")
    first, second = office.started()
    for connector, transaction, limit_a in ((1, first, 7), (2, second, 12)):
        await office.call(
            "SetChargingProfile",
            connectorId=connector,
            csChargingProfiles=profile(
                limit_a, transactionId=transaction, chargingProfileId=connector
            ),
        )
    await cp.becomes(1, current_a=7)
    await cp.becomes(2, current_a=12)
    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    assert (await office.expect("StopTransaction"))["transactionId"] == first
    await cp.becomes(2, current_a=12)


@pytest.mark.rule("S-13", "TX-16")
async def test_unplugged(arrive: Arrival) -> None:
    """Pulling the plug at the car ends the transaction."""
    cp, office = await arrive()
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    await cp.do("plug_out", connector=1)
    assert (await office.expect("StopTransaction"))["reason"] == "EVDisconnected"
    await status(office, 1, "Available")


@pytest.mark.rule("S-14", "TX-16", "A-11", "U-02", "TX-12")
async def test_other_ends(arrive: Arrival) -> None:
    """Unplugging need not end it; a tag of the same group does, and so does unlocking."""
    family = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    cp, office = await arrive(
        keys={"StopTransactionOnEVSideDisconnect": False},
        car={"lock": True},
        Authorize=family,
        StartTransaction={"transactionId": "$transaction", **family},
    )
    await plug_and_swipe(cp, 1, "MOTHER")
    await status(office, 1, "Charging")
    await cp.do("plug_out", connector=1)
    await status(office, 1, "SuspendedEV")
    await cp.do("plug_in", connector=1)
    await status(office, 1, "Charging")
    await cp.do("swipe", id_tag="CHILD", connectors=[1])
    stop = await office.expect("StopTransaction")
    assert stop["idTag"] == "CHILD"
    await plug_and_swipe(cp, 2, "MOTHER")
    await status(office, 2, "Charging")
    assert await office.call("UnlockConnector", connectorId=2) == {"status": "Unlocked"}
    assert (await office.expect("StopTransaction"))["reason"] == "UnlockCommand"


@pytest.mark.rule("C-15", "X-10", "X-12", "K-10")
async def test_password(arrive: Arrival) -> None:
    """The key is sent as bytes; a new one is told by nobody and used on the next connection."""
    _, office = await arrive(central={"authorization_key": "0001020304050607FFFFFFFFFFFFFFFF"})
    header = (await office.expect_event("connected"))["authorization"]
    assert basic(header) == (office.identity, bytes.fromhex("0001020304050607" + "FF" * 8))
    new = "A1" * 20
    answer = await office.call("ChangeConfiguration", key="AuthorizationKey", value=new)
    assert answer == {"status": "Accepted"}
    header = (await office.expect_event("connected"))["authorization"]
    assert basic(header) == (office.identity, bytes.fromhex(new))
    told = await office.call("GetConfiguration")
    assert new not in str(told)


@pytest.mark.rule("S-17", "S-21")
async def test_fault(arrive: Arrival) -> None:
    """A fault is told with its code, and told to be over."""
    cp, office = await arrive(shared=True)
    await cp.do("fault", connector=1, error_code="GroundFailure")
    assert (await status(office, 1, "Faulted"))["errorCode"] == "GroundFailure"
    await cp.do("clear_fault", connector=1)
    assert (await status(office, 1, "Available"))["errorCode"] == "NoError"


@pytest.mark.rule("K-01", "K-04", "K-05")
async def test_configuration(arrive: Arrival) -> None:
    """Keys are told, changed, refused when read-only, and unknown ones named."""
    _, office = await arrive(shared=True)
    everything = await office.call("GetConfiguration")
    keys = {item["key"]: item for item in everything["configurationKey"]}
    assert keys["NumberOfConnectors"] == {
        "key": "NumberOfConnectors",
        "readonly": True,
        "value": "2",
    }
    assert "SmartCharging" in keys["SupportedFeatureProfiles"]["value"]

    async def change(key: str, value: str) -> str:
        answer = await office.call("ChangeConfiguration", key=key, value=value)
        return str(answer["status"])

    assert await change("MeterValueSampleInterval", "30") == "Accepted"
    assert await change("MeterValueSampleInterval", "-1") == "Rejected"
    assert await change("NumberOfConnectors", "5") == "Rejected"
    assert await change("NoSuchKey", "5") == "NotSupported"
    some = await office.call("GetConfiguration", key=["MeterValueSampleInterval", "NoSuchKey"])
    assert some["configurationKey"][0]["value"] == "30"
    assert some["unknownKey"] == ["NoSuchKey"]


@pytest.mark.rule("AV-01", "AV-02", "AV-05")
async def test_availability(arrive: Arrival) -> None:
    """Out of service and back; with a transaction running the change waits for its end."""
    cp, office = await arrive()
    out = {"connectorId": 1, "type": "Inoperative"}
    assert await office.call("ChangeAvailability", **out) == {"status": "Accepted"}
    await status(office, 1, "Unavailable")
    await office.call("ChangeAvailability", connectorId=1, type="Operative")
    await status(office, 1, "Available")
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    assert await office.call("ChangeAvailability", **out) == {"status": "Scheduled"}
    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    await office.expect("StopTransaction")
    await status(office, 1, "Unavailable")


@pytest.mark.rule("T-01", "T-02", "T-04", "M-16")
async def test_trigger(arrive: Arrival) -> None:
    """What can be triggered comes after the answer."""
    _, office = await arrive(shared=True)
    before = len(office.calls())
    for message in ("Heartbeat", "StatusNotification"):
        assert await office.call("TriggerMessage", requestedMessage=message) == {
            "status": "Accepted"
        }
        await office.expect(message)
    await office.call("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    values = (await office.expect("MeterValues", connectorId=1))["meterValue"][0]["sampledValue"]
    assert values[0]["context"] == "Trigger"
    assert await office.call(
        "TriggerMessage", requestedMessage="StatusNotification", connectorId=9
    ) == {"status": "Rejected"}
    triggered = [action for action, _ in office.calls()[before:]]
    assert triggered.count("StatusNotification") == 3


@pytest.mark.rule("L-02", "L-04", "L-05", "L-06", "A-40")
async def test_local_list(arrive: Arrival) -> None:
    """A list is sent, changed, versioned, and lets its tags in without a question."""
    cp, office = await arrive(keys={"LocalPreAuthorize": "true"})
    assert await office.call("GetLocalListVersion") == {"listVersion": 0}

    async def send(version: int, kind: str, *tags: str) -> str:
        answer = await office.call(
            "SendLocalList",
            listVersion=version,
            updateType=kind,
            localAuthorizationList=[
                {"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags
            ],
        )
        return str(answer["status"])

    assert await send(2, "Full", "LISTED") == "Accepted"
    assert await send(5, "Differential", "ALSO") == "Accepted"
    assert await send(4, "Differential", "LATE") == "VersionMismatch"
    assert await office.call("GetLocalListVersion") == {"listVersion": 5}
    await plug_and_swipe(cp, tag="LISTED")
    await office.expect("StartTransaction", idTag="LISTED")
    assert not office.calls("Authorize")


@pytest.mark.rule("V-01", "V-03", "V-04", "V-09", "V-11")
async def test_reservation(arrive: Arrival) -> None:
    """A reserved connector waits for its tag, and the transaction carries the reservation."""
    cp, office = await arrive()
    reservation = {
        "connectorId": 1,
        "expiryDate": "2099-01-01T00:00:00Z",
        "idTag": "MINE",
        "reservationId": 41,
    }
    assert await office.call("ReserveNow", **reservation) == {"status": "Accepted"}
    await status(office, 1, "Reserved")
    assert await office.call("CancelReservation", reservationId=99) == {"status": "Rejected"}
    assert await office.call("CancelReservation", reservationId=41) == {"status": "Accepted"}
    await status(office, 1, "Available")
    await office.call("ReserveNow", **reservation)
    await status(office, 1, "Reserved")
    await cp.do("swipe", id_tag="MINE", connectors=[1])
    await cp.do("plug_in", connector=1)
    assert (await office.expect("StartTransaction"))["reservationId"] == 41


@pytest.mark.rule("U-01", "U-05", "A-27", "D-02", "J-22")
async def test_small_things(arrive: Arrival) -> None:
    """Unlock, clear the cache, foreign data, and an action that nobody knows."""
    _, office = await arrive(car={"lock": True})
    assert await office.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    assert await office.call("UnlockConnector", connectorId=9) == {"status": "NotSupported"}
    assert await office.call("ClearCache") == {"status": "Accepted"}
    assert (await office.call("DataTransfer", vendorId="org.example"))["status"] == (
        "UnknownVendorId"
    )
    office.send(json.dumps([2, "odd-1", "MakeCoffee", {}]))
    office.send(json.dumps([2, "odd-2", "Reset", {"type": "Gently"}]))
    office.send(json.dumps([2, "odd-3", "Reset", {}]))
    office.send(json.dumps([2, "odd-4", "ClearCache", {"now": True}]))
    office.send("[2, nonsense")
    assert await office.call("GetLocalListVersion") == {"listVersion": 0}
    # The foreign library did not ask these questions, so it finds fault with the answers.
    (unknown, value, missing, property_) = office.actor.take_faults()
    assert "NotImplemented" in unknown
    assert "PropertyConstraintViolation" in value
    assert "ProtocolError" in missing
    assert "FormationViolation" in property_


@pytest.mark.rule("E-01", "E-02", "B-01", "S-19")
async def test_reset(arrive: Arrival) -> None:
    """A soft reset answers, stops the transaction in good order, and boots again by itself."""
    cp, office = await arrive()
    await office.expect("BootNotification")
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    assert await office.call("Reset", type="Soft") == {"status": "Accepted"}
    assert (await office.expect("StopTransaction"))["reason"] == "SoftReset"
    await office.expect("BootNotification")
    await status(office, 1, "Preparing", "Finishing")


@pytest.mark.rule("TX-20", "TX-21", "TX-22", "C-08", "C-13", "C-18")
async def test_offline(arrive: Arrival) -> None:
    """What happens offline is told afterwards, in order and once, without a new boot."""
    cp, office = await arrive(keys={"MeterValueSampleInterval": 1})
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    (transaction,) = office.started()
    office.refuse(503)
    office.abort()
    await office.expect_event("disconnected")
    await office.expect_event("turned away")
    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    await cp.becomes(1, permitted=False)
    await cp.do("plug_out", connector=1)
    office.refuse(None)
    await office.expect_event("connected")
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["idTag"] == "TAG1"
    await status(office, 1, "Available")
    assert len(office.calls("BootNotification")) == 1
    assert len(office.calls("StopTransaction")) == 1
    stamps = [
        payload["meterValue"][0]["timestamp"] if action == "MeterValues" else payload["timestamp"]
        for action, payload in office.calls("StartTransaction", "MeterValues", "StopTransaction")
    ]
    assert stamps == sorted(stamps)


@pytest.mark.rule("TX-05", "TX-24", "TX-27")
async def test_answer_lost(arrive: Arrival) -> None:
    """A StartTransaction whose answer is lost with the line is told again, word for word."""
    cp, office = await arrive(
        StartTransaction=[
            {"$silence": {"transactionId": 77, "idTagInfo": {"status": "Accepted"}}},
            {"transactionId": 77, "idTagInfo": {"status": "Accepted"}},
        ]
    )
    await plug_and_swipe(cp)
    first = await office.expect("StartTransaction")
    office.abort()
    assert await office.expect("StartTransaction") == first
    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    await office.expect("StopTransaction", transactionId=77)
    assert len(office.calls("StartTransaction")) == 2


async def test_goodbye(arrive: Arrival) -> None:
    """Told to stop, the process says goodbye on the line and ends cleanly."""
    cp, office = await arrive()
    await cp.stop()
    assert (await office.expect_event("disconnected"))["code"] == 1001


async def test_central_system_killed(
    foreign_central_system: Actor, arrive: Arrival, tmp_path: Path
) -> None:
    """A central system that is killed and comes back gets what happened meanwhile, once."""
    library = foreign_central_system.library
    office = await strangers.central_system(library)
    cp = ChargePoint(tmp_path / "cp", "KILLED", office.url)
    cp.launch()
    again = office
    try:
        await office.peer("KILLED").settled()
        await plug_and_swipe(cp)
        start = await office.peer("KILLED").expect("StartTransaction")
        await status(office.peer("KILLED"), 1, "Charging")
        await office.stop("KILL")
        await cp.do("plug_out", connector=1)
        again = await strangers.central_system(library, office.port)
        stop = await again.peer("KILLED").expect("StopTransaction")
        assert stop["reason"] == "EVDisconnected"
        assert stop["meterStop"] >= start["meterStart"]
        assert not again.peer("KILLED").calls("StartTransaction", "BootNotification")
        again.assert_no_fault()
    finally:
        await cp.stop()
        await again.stop()


@pytest.mark.rule("TX-21", "TX-30", "B-11")
async def test_charge_point_killed(arrive: Arrival) -> None:
    """Killed while charging, the charge point boots again and closes the transaction."""
    cp, office = await arrive()
    await plug_and_swipe(cp)
    await office.expect("StartTransaction")
    await status(office, 1, "Charging")
    (transaction,) = office.started()
    await cp.stop("KILL")
    cp.launch()
    await office.expect("BootNotification")
    await office.expect("BootNotification")
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["reason"] == "PowerLoss"
    assert len(office.calls("StartTransaction")) == 1


class Files(Resource):
    """A small web server: gives a firmware image, keeps what is uploaded."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.uploads: dict[str, bytes] = {}

    def render_GET(self, request: Request) -> bytes:
        return b"firmware 2" * 1000

    def render_PUT(self, request: Request) -> bytes:
        assert request.content is not None
        self.uploads[request.path.decode().rpartition("/")[2]] = request.content.read()
        request.setResponseCode(201)
        return b""

    render_POST = render_PUT


@pytest_twisted.async_yield_fixture
async def files() -> AsyncIterator[tuple[Files, str]]:
    """The web server and its URL."""
    served = Files()
    port = reactor.listenTCP(0, Site(served), interface="127.0.0.1")  # type: ignore[attr-defined]
    yield served, f"http://127.0.0.1:{port.getHost().port}"
    await port.stopListening()


@pytest.mark.rule("F-01", "F-02", "G-01", "G-02", "T-07")
async def test_firmware_and_diagnostics(arrive: Arrival, files: tuple[Files, str]) -> None:
    """Diagnostics are uploaded, firmware is fetched and installed, each step is told."""
    served, url = files
    _, office = await arrive()
    for message in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
        assert await office.call("TriggerMessage", requestedMessage=message) == {
            "status": "Accepted"
        }
        assert await office.expect(message) == {"status": "Idle"}

    name = (await office.call("GetDiagnostics", location=f"{url}/diagnostics/"))["fileName"]
    for status_ in ("Uploading", "Uploaded"):
        assert await office.expect("DiagnosticsStatusNotification") == {"status": status_}
    assert served.uploads[name]
    assert await office.call("GetDiagnostics", location="http://127.0.0.1:9/", retries=0)
    await office.expect("DiagnosticsStatusNotification", status="UploadFailed")

    firmware = {"location": f"{url}/firmware.bin", "retrieveDate": "2020-01-01T00:00:00Z"}
    assert await office.call("UpdateFirmware", **firmware) == {}
    for status_ in ("Downloading", "Downloaded", "Installing"):
        assert await office.expect("FirmwareStatusNotification") == {"status": status_}
    # Whether a simulated charger can have firmware at all is its own matter.
    end = await office.expect("FirmwareStatusNotification")
    assert end["status"] in ("Installed", "InstallationFailed")


@pytest.mark.rule("X-40", "X-51", "X-64", "X-65", "X-70", "X-79")
async def test_security_messages(arrive: Arrival, files: tuple[Files, str]) -> None:
    """The messages of the security white paper are understood and answered."""
    served, url = files
    _, office = await arrive(more='[security]\nevents = "all"')
    if office.actor.library == "ocpp-rpc":
        pytest.skip("ocpp-rpc does not know the messages of the security white paper")
    assert (await office.expect("SecurityEventNotification"))["type"] == "StartupOfTheDevice"
    log = {"remoteLocation": f"{url}/log/"}
    answer = await office.call("GetLog", logType="SecurityLog", requestId=5, log=log)
    assert answer["status"] == "Accepted"
    for status_ in ("Uploading", "Uploaded"):
        told = await office.expect("LogStatusNotification")
        assert told == {"status": status_, "requestId": 5}
    assert b"StartupOfTheDevice" in served.uploads[answer["filename"]]
    assert await office.call("ExtendedTriggerMessage", requestedMessage="Heartbeat") == {
        "status": "Accepted"
    }
    await office.expect("Heartbeat")
    roots = "CentralSystemRootCertificate"
    assert await office.call("GetInstalledCertificateIds", certificateType=roots) == {
        "status": "NotFound"
    }
    bad = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"
    assert await office.call("InstallCertificate", certificateType=roots, certificate=bad) == {
        "status": "Rejected"
    }
    assert await office.call("CertificateSigned", certificateChain=bad) == {"status": "Rejected"}
    firmware = {
        "location": f"{url}/firmware.bin",
        "retrieveDateTime": "2020-01-01T00:00:00Z",
        "signingCertificate": bad,
        "signature": "bm90IG9uZQ==",
    }
    assert await office.call("SignedUpdateFirmware", requestId=6, firmware=firmware) == {
        "status": "InvalidCertificate"
    }
