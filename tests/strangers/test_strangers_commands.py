"""Our charge point, as a real process, does what foreign central systems tell it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import pytest
import pytest_twisted
from charging import plug_and_swipe, profile, status
from garage import Arrival
from strangers import ForeignError
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

pytestmark = pytest.mark.stranger


def basic(header: str) -> tuple[str, bytes]:
    """User and password of an Authorization header."""
    user, _, password = base64.b64decode(header.removeprefix("Basic ")).partition(b":")
    return user.decode(), password


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
    for status_ in ("Downloading", "Downloaded", "Installing", "Installed"):
        assert await office.expect("FirmwareStatusNotification") == {"status": status_}


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
