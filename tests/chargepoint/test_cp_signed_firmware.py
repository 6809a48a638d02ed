"""Updates of the firmware that somebody vouches for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from house import NOON
from upkeep_rig import (
    IMAGE,
    MANUFACTURER,
    RSA_KEY,
    UNLUCKY,
    URL,
    Signer,
    Works,
    install,
    moment,
)

from txocpp.errors import ImageRefused, InstallationFailed
from txocpp.interfaces import Installation
from txocpp.messages import v16

ROOT = Signer("Manufacturer root")
SIGNER = Signer("Release", ROOT, authority=False)
GOOD = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """It trusts the manufacturer's root."""
    works = Works(tmp_path)
    assert install(works.house, ROOT, MANUFACTURER) == "Accepted"
    return works


def update(works: Works, signer: Signer = SIGNER, request_id: int = 7, **more: Any) -> str:
    """What is answered to a SignedUpdateFirmware."""
    firmware = {
        "location": URL,
        "retrieve_date_time": NOON,
        "signing_certificate": signer.pem,
        "signature": signer.sign(IMAGE) if hasattr(signer.key, "curve") else "AAAA",
        **more,
    }
    retries = firmware.pop("retries", 0)
    return works.house.status(
        v16.SignedUpdateFirmwareRequest(
            request_id=request_id, retries=retries, firmware=v16.FirmwareType(**firmware)
        )
    )


def steps(works: Works, request_id: int = 7) -> list[str]:
    """The steps of one request; no other may be told of."""
    told = [one.split() for one in works.statuses()]
    assert all(one[:2] == ["SignedFirmware", str(request_id)] for one in told)
    return [one[2] for one in told]


def triggered(works: Works) -> list[str]:
    """What a trigger brings about."""
    works.statuses()
    message = v16.MessageTriggerEnumType.FIRMWARE_STATUS_NOTIFICATION
    request = v16.ExtendedTriggerMessageRequest(requested_message=message)
    assert works.house.status(request) == "Accepted"
    return works.statuses()


@pytest.mark.rule("X-70", "X-72", "X-76")
def test_a_signed_update_goes_step_by_step(works: Works) -> None:
    """With the request's id in every step, and a security event at the end."""
    assert update(works) == "Accepted"
    assert steps(works) == GOOD
    assert works.installer.installed == [IMAGE]
    assert ("FirmwareUpdated", "1") in works.events()


@pytest.mark.rule("X-72")
def test_a_reboot_has_a_step_of_its_own(works: Works) -> None:
    """InstallRebooting before, Installed after the BootNotification."""
    works.installer.then = Installation.REBOOT
    update(works)
    works.house.run(3)
    assert works.heard("Boot", "SignedFirmware")[-3:] == [
        "SignedFirmware 7 InstallRebooting",
        "Boot",
        "SignedFirmware 7 Installed",
    ]


@pytest.mark.rule("X-72", "X-75")
def test_what_has_to_wait_is_scheduled(works: Works) -> None:
    """The download until its time, the installation until its own."""
    update(works, retrieve_date_time=moment(minutes=5), install_date_time=moment(minutes=30))
    assert steps(works) == ["DownloadScheduled"]
    works.house.run(301)
    assert steps(works) == [*GOOD[:3], "InstallScheduled"]
    assert works.house.bay().reporter.current.status == "Available"
    works.house.run(24 * 60)
    assert works.installer.installed == []
    works.house.run(61)
    assert steps(works) == GOOD[3:]


@pytest.mark.rule("X-75")
def test_an_installation_waits_for_those_who_charge(works: Works) -> None:
    """Also when its time has come; idle connectors are Unavailable meanwhile."""
    works.house.charge()
    update(works)
    assert steps(works) == [*GOOD[:3], "InstallScheduled"]
    works.house.swipe()
    works.house.run(5)
    assert steps(works) == GOOD[3:]


@pytest.mark.rule("X-74")
@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "three certificates"])
def test_signatures_of_all_kinds_are_understood(works: Works, kind: str) -> None:
    """RSA-PSS, and elliptic curves; the certificate may bring its path to the root along."""
    keys = {"RSA": RSA_KEY, "P-384": ec.generate_private_key(ec.SECP384R1())}
    above = Signer("Releases", ROOT) if kind == "three certificates" else ROOT
    signer = Signer("Release", above, authority=False, key=keys.get(kind))
    if above is not ROOT:
        signer.pem += above.pem
    assert update(works, signer, signature=signer.sign(IMAGE)) == "Accepted"
    assert steps(works) == GOOD


@pytest.mark.rule("X-73", "X-74")
@pytest.mark.parametrize(
    "signature",
    [SIGNER.sign(IMAGE + b"!"), Signer("Other").sign(IMAGE), "no Base64!", "AAAA", ""],
    ids=["another file", "another signer", "no Base64", "too short", "empty"],
)
def test_a_file_that_was_not_signed_is_not_installed(works: Works, signature: str) -> None:
    """The wrong file, the wrong signer, or nothing like a signature; and an event says so."""
    assert update(works, signature=signature) == "Accepted"
    assert steps(works) == ["Downloading", "Downloaded", "InvalidSignature"]
    assert works.installer.installed == []
    assert works.events()[-1][0] == "InvalidFirmwareSignature"
    assert works.no_files()


@pytest.mark.rule("X-73")
@pytest.mark.parametrize(
    ("error", "end"),
    [
        (InstallationFailed("no room"), "InstallationFailed"),
        (ImageRefused("wrong board"), "InstallVerificationFailed"),
    ],
)
def test_a_failed_installation_has_two_words(works: Works, error: Exception, end: str) -> None:
    """One for a file that is no firmware for this charger, one for everything else."""
    works.installer.error = error
    update(works)
    assert steps(works) == [*GOOD[:4], end]


@pytest.mark.rule("X-73")
def test_a_failed_download_ends_it(works: Works) -> None:
    """After the retries that were asked for."""
    works.transfers.fates = [UNLUCKY, UNLUCKY]
    update(works, retries=1)
    works.house.run(60)
    assert steps(works) == ["Downloading", "DownloadFailed"]


def strangers() -> dict[str, Signer]:
    """Those who may not sign."""
    long_ago = NOON - timedelta(days=30)
    weak = ec.generate_private_key(ec.SECP192R1())
    short = rsa.generate_private_key(65537, 1024)
    return {
        "of nobody": Signer("Stranger"),
        "of another root": Signer("Stranger", Signer("Other root"), authority=False),
        "expired": Signer("Release", ROOT, begin=long_ago, days=1, authority=False),
        "not yet valid": Signer("Release", ROOT, begin=NOON + timedelta(days=1), authority=False),
        "a short key": Signer("Release", ROOT, key=short, authority=False),
        "a small curve": Signer("Release", ROOT, key=weak, authority=False),
        "another algorithm": Signer(
            "Release",
            ROOT,
            public_key=ed25519.Ed25519PrivateKey.generate().public_key(),
            authority=False,
        ),
        "under one who may not": Signer("Release", Signer("Clerk", ROOT, authority=False)),
        "a weak hash": Signer("Release", ROOT, digest=hashes.SHA224(), authority=False),
    }


@pytest.mark.rule("X-70", "X-71", "X-26")
@pytest.mark.parametrize("stranger", strangers().items(), ids=lambda pair: str(pair[0]))
def test_a_signer_that_nobody_vouches_for_is_refused(
    works: Works, stranger: tuple[str, Signer]
) -> None:
    """Before anything is fetched; and an event says so."""
    signer = stranger[1]
    assert update(works, signer, signature="AAAA") == "InvalidCertificate"
    assert (works.statuses(), works.transfers.asked) == ([], [])
    assert works.events()[-1][0] == "InvalidFirmwareSigningCertificate"


@pytest.mark.rule("X-70", "X-71")
def test_without_a_root_nobody_can_sign(tmp_path: Path) -> None:
    """And what is no certificate at all is none."""
    works = Works(tmp_path)
    assert update(works) == "InvalidCertificate"
    assert update(works, signing_certificate="-----BEGIN") == "InvalidCertificate"


@pytest.mark.rule("X-70")
def test_a_newer_request_takes_the_place_of_an_older_one(works: Works) -> None:
    """AcceptedCanceled, until the older one is being installed: then Rejected."""
    works.transfers.at_once = False
    assert update(works, request_id=1) == "Accepted"
    assert steps(works, 1) == ["Downloading"]
    works.installer.at_once = False
    assert update(works, request_id=2) == "AcceptedCanceled"
    works.house.run(0)
    assert works.transfers.cancelled == 1
    works.transfers.running.pop(0)
    works.transfers.finish()
    assert steps(works, 2) == GOOD[:4]
    assert update(works, request_id=3) == "Rejected"
    works.installer.finish()
    assert steps(works, 2) == GOOD[4:]


@pytest.mark.rule("X-77", "X-79", "X-76")
def test_the_last_status_can_be_asked_for(works: Works) -> None:
    """Idle, without an id, when nothing has happened or the last update was installed."""
    assert triggered(works) == ["SignedFirmware None Idle"]
    works.transfers.fates = [UNLUCKY]
    update(works)
    works.house.run(0)
    assert triggered(works) == ["SignedFirmware 7 DownloadFailed"]
    works.house.power_cut()
    assert triggered(works) == ["SignedFirmware 7 DownloadFailed"]
    update(works, request_id=8)
    works.house.run(0)
    assert triggered(works) == ["SignedFirmware None Idle"]


@pytest.mark.rule("X-77", "T-07")
def test_plain_and_signed_updates_do_not_speak_for_each_other(works: Works) -> None:
    """A trigger for one knows nothing of the other."""
    works.transfers.at_once = False
    update(works)
    works.statuses()
    plain = v16.TriggerMessageRequest(
        requested_message=v16.MessageTrigger.FIRMWARE_STATUS_NOTIFICATION
    )
    assert works.house.status(plain) == "Accepted"
    assert works.statuses() == ["Firmware Idle"]
    works.update()
    works.statuses()
    assert triggered(works) == ["SignedFirmware None Idle"]


@pytest.mark.rule("F-09", "X-74")
def test_a_power_cut_does_not_spare_the_check(works: Works) -> None:
    """What was downloaded before is checked after, and an exchanged file is found out."""
    works.house.charge()
    update(works)
    assert steps(works) == [*GOOD[:3], "InstallScheduled"]
    works.house.power_cut()
    works.house.run(5)
    assert steps(works) == GOOD[3:]
    works.transfers.at_once = False
    update(works, signature=SIGNER.sign(IMAGE))
    works.house.run(0)
    works.transfers.image = b"forged"
    works.transfers.running.clear()
    works.house.power_cut()
    works.transfers.finish()
    assert steps(works)[-1] == "InvalidSignature"


@pytest.mark.rule("J-22")
def test_what_is_switched_off_does_not_exist(tmp_path: Path) -> None:
    """Without the security extensions, and without the profile FirmwareManagement."""
    off = Works(tmp_path, security={"enabled": False})
    assert update(off) == "NotSupported"
    without = Works(tmp_path, configuration={"SupportedFeatureProfiles": "Core"})
    assert update(without) == "NotSupported"
    message = v16.MessageTriggerEnumType.FIRMWARE_STATUS_NOTIFICATION
    request = v16.ExtendedTriggerMessageRequest(requested_message=message)
    assert without.house.status(request) == "NotImplemented"
