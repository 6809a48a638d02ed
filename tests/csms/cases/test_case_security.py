"""Official test cases of central systems: the messages of the security white paper."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk
from street import instant

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CSR = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"
HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "AB" * 32,
    "issuerKeyHash": "CD" * 32,
    "serialNumber": "1F",
}


def event(desk: Desk, kind: str) -> None:
    """A security event is confirmed and kept."""
    told = {"type": kind, "timestamp": instant()}
    assert desk.cp.say("SecurityEventNotification", **told) == {}
    assert desk.notices("SecurityEventNotification")[-1]["type"] == kind


@pytest.mark.case("TC_073")
def test_password_is_changed(desk: Desk) -> None:
    """After the station has come with the new one, the old one opens nothing."""
    street = desk.street
    old, new = bytes(range(16)), bytes(range(20))
    hashed = street.office.passwords.hash(old)
    street.change(lambda r: r.stations.add("CP1", street.now, password_hash=hashed))
    cp = street.plug_in("CP1", desk.cp, user="CP1", password=old)
    cp.boot()
    done = desk.press("configuration", key="AuthorizationKey", value=new.hex().upper())
    assert done["answer"] == {"status": "Accepted"}
    assert done["payload"]["value"] == "***"
    assert desk.heard()[1]["value"] == new.hex().upper()
    cp.leave()
    street.plug_in("CP1", cp, user="CP1", password=new)
    refusal = street.knock("CP1", user="CP1", password=old)
    assert refusal is not None
    assert refusal.http_status == 401


@pytest.mark.case("TC_074")
def test_certificate_is_renewed(desk: Desk) -> None:
    """Asked for, requested by the station, signed elsewhere, handed over."""
    cp = desk.arrive()
    cp.answers["CertificateSigned"] = {"status": "Accepted"}
    done = desk.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert done["answer"] == {"status": "Accepted"}
    assert cp.say("SignCertificate", csr=CSR) == {"status": "Accepted"}
    assert desk.notices("SignCertificate") == [{"csr": CSR}]
    done = desk.ask("CertificateSigned", certificateChain=PEM)
    assert done["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("CertificateSigned", {"certificateChain": PEM})


@pytest.mark.case("TC_075_1", "TC_075_2")
@pytest.mark.parametrize("kind", ["CentralSystemRootCertificate", "ManufacturerRootCertificate"])
def test_root_certificate(desk: Desk, kind: str) -> None:
    """Installed, and seen among the installed ones."""
    cp = desk.arrive()
    cp.answers["InstallCertificate"] = {"status": "Accepted"}
    answer = {"status": "Accepted", "certificateHashData": [HASH]}
    cp.answers["GetInstalledCertificateIds"] = answer
    done = desk.ask("InstallCertificate", certificateType=kind, certificate=PEM)
    assert done["answer"] == {"status": "Accepted"}
    done = desk.ask("GetInstalledCertificateIds", certificateType=kind)
    assert done["answer"] == answer
    assert [action for action, _ in cp.heard] == [
        "InstallCertificate",
        "GetInstalledCertificateIds",
    ]


@pytest.mark.case("TC_076")
def test_root_certificate_is_deleted(desk: Desk) -> None:
    """With the hash data that the station told."""
    cp = desk.arrive()
    answer = {"status": "Accepted", "certificateHashData": [HASH]}
    cp.answers["GetInstalledCertificateIds"] = answer
    cp.answers["DeleteCertificate"] = {"status": "Accepted"}
    asked = {"certificateType": "CentralSystemRootCertificate"}
    (found,) = desk.ask("GetInstalledCertificateIds", **asked)["answer"]["certificateHashData"]
    done = desk.ask("DeleteCertificate", certificateHashData=found)
    assert done["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("DeleteCertificate", {"certificateHashData": HASH})


@pytest.mark.case("TC_077")
def test_certificate_is_invalid(desk: Desk) -> None:
    """The station rejects what was signed, and tells the event."""
    cp = desk.arrive()
    cp.answers["CertificateSigned"] = {"status": "Rejected"}
    desk.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert cp.say("SignCertificate", csr=CSR) == {"status": "Accepted"}
    done = desk.ask("CertificateSigned", certificateChain=PEM)
    assert done["answer"] == {"status": "Rejected"}
    event(desk, "InvalidChargePointCertificate")


@pytest.mark.case("TC_078")
def test_root_is_invalid(desk: Desk) -> None:
    """The station rejects it, and tells the event."""
    cp = desk.arrive()
    cp.answers["InstallCertificate"] = {"status": "Rejected"}
    asked = {"certificateType": "CentralSystemRootCertificate", "certificate": PEM}
    assert desk.ask("InstallCertificate", **asked)["answer"] == {"status": "Rejected"}
    event(desk, "InvalidCentralSystemCertificate")


@pytest.mark.case("TC_079")
def test_security_log(desk: Desk) -> None:
    """The upload is followed by its number."""
    cp = desk.arrive()
    cp.answers["GetLog"] = {"status": "Accepted", "filename": "security.log"}
    asked = {
        "logType": "SecurityLog",
        "requestId": 8,
        "log": {
            "remoteLocation": "https://127.0.0.1/log/",
            "oldestTimestamp": instant(-86400),
            "latestTimestamp": instant(),
        },
    }
    assert desk.ask("GetLog", **asked)["answer"]["filename"] == "security.log"
    assert desk.heard() == ("GetLog", asked)
    for status in ("Uploading", "Uploaded"):
        assert cp.say("LogStatusNotification", status=status, requestId=8) == {}
    assert desk.station()["log_status"] == "Uploaded"


SIGNED: dict[str, Any] = {
    "requestId": 9,
    "firmware": {
        "location": "https://127.0.0.1/firmware.bin",
        "retrieveDateTime": instant(),
        "installDateTime": instant(60),
        "signingCertificate": PEM,
        "signature": "c2lnbmF0dXJl",
    },
}


@pytest.mark.case("TC_080", "TC_081")
@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (
            (
                "Downloading",
                "Downloaded",
                "SignatureVerified",
                "Installing",
                "InstallRebooting",
                "Installed",
            ),
            "FirmwareUpdated",
        ),
        (("Downloading", "Downloaded", "InvalidSignature"), "InvalidFirmwareSignature"),
    ],
)
def test_signed_firmware(desk: Desk, told: tuple[str, ...], kind: str) -> None:
    """Location, signature and signing certificate arrive; each step is answered."""
    cp = desk.arrive()
    cp.answers["SignedUpdateFirmware"] = {"status": "Accepted"}
    assert desk.ask("SignedUpdateFirmware", **SIGNED)["answer"] == {"status": "Accepted"}
    assert desk.heard() == ("SignedUpdateFirmware", SIGNED)
    for status in told:
        if status == "Installed":
            assert cp.boot(firmwareVersion="2.0")["status"] == "Accepted"
        notification = {"status": status, "requestId": 9}
        assert cp.say("SignedFirmwareStatusNotification", **notification) == {}
    event(desk, kind)
    assert desk.station()["firmware_status"] == told[-1]
