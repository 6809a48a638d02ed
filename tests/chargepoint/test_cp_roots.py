"""Root certificates that come and go."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from house import NOON
from upkeep_rig import CENTRAL, MANUFACTURER, RSA_KEY, Signer, Works, changed, install

from txocpp.messages import v16
from txocpp.storage.memory import Fate
from txocpp.transport.status import ConnectionStatus, Phase
from txocpp.transport.tls import fingerprint

ROOT = Signer("Central root", organisation="Operator")
OTHER = Signer("Another root", organisation="Operator", key=RSA_KEY)


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """A charge point without roots."""
    return Works(tmp_path)


def listed(works: Works, use: Any = CENTRAL) -> list[v16.CertificateHashDataType]:
    """What GetInstalledCertificateIds says."""
    answer = works.house.ask(v16.GetInstalledCertificateIdsRequest(certificate_type=use))
    if answer.status == "NotFound":
        assert answer.certificate_hash_data is None
        return []
    assert answer.status == "Accepted"
    return list(answer.certificate_hash_data)


def delete(works: Works, data: v16.CertificateHashDataType) -> str:
    return works.house.status(v16.DeleteCertificateRequest(certificate_hash_data=data))


def print_of(signer: Signer) -> str:
    return fingerprint(signer.certificate.public_bytes(Encoding.DER))


def connected(works: Works, *chain: Signer) -> None:
    """A connection stands on these certificates."""
    status = ConnectionStatus(
        phase=Phase.CONNECTED, since=0, server_chain=tuple(print_of(one) for one in chain)
    )
    works.house.line.on_status(status)  # type: ignore[attr-defined]


@pytest.mark.rule("X-50", "X-53")
def test_a_root_is_installed_and_listed(works: Works) -> None:
    """For its own use only, over a power cut, and installing it twice is once."""
    assert (listed(works), listed(works, MANUFACTURER)) == ([], [])
    for _ in range(2):
        assert install(works.house, ROOT) == "Accepted"
    works.house.power_cut()
    assert install(works.house, OTHER, MANUFACTURER) == "Accepted"
    assert [len(listed(works)), len(listed(works, MANUFACTURER))] == [1, 1]


@pytest.mark.rule("X-53")
def test_a_certificate_is_known_by_its_hashes(works: Works) -> None:
    """SHA-256 over name and key of the issuer, and the serial number without leading zeros."""
    install(works.house, OTHER)
    (data,) = listed(works)
    certificate = OTHER.certificate
    name = hashlib.sha256(certificate.issuer.public_bytes()).hexdigest()
    key = RSA_KEY.public_key()
    numbers = key.public_numbers()
    bits = _rsa_bits(numbers.n, numbers.e)
    assert data == v16.CertificateHashDataType(
        hash_algorithm=v16.HashAlgorithmEnumType.SHA256,
        issuer_name_hash=name,
        issuer_key_hash=hashlib.sha256(bits).hexdigest(),
        serial_number=f"{certificate.serial_number:x}",
    )


def _rsa_bits(n: int, e: int) -> bytes:
    """RSAPublicKey of RFC 8017, written by hand."""

    def element(tag: int, content: bytes) -> bytes:
        size = len(content)
        if size < 128:
            return bytes((tag, size)) + content
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes((tag, 0x80 | len(digits))) + digits + content

    def integer(value: int) -> bytes:
        return element(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    return element(0x30, integer(n) + integer(e))


def bad_roots() -> dict[str, str]:
    """What nobody should trust."""
    short = rsa.generate_private_key(65537, 1024)
    return {
        "no certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "no PEM": "trust me",
        "two at once": ROOT.pem + OTHER.pem,
        "expired": Signer("Old", begin=NOON - timedelta(days=9), days=8).pem,
        "not yet valid": Signer("New", begin=NOON + timedelta(days=1)).pem,
        "a short key": Signer("Weak", key=short).pem,
        "a weak hash": Signer("Weak", digest=hashes.SHA224()).pem,
        "no authority": Signer("Somebody", authority=False).pem,
    }


@pytest.mark.rule("X-50", "X-51", "X-26")
@pytest.mark.parametrize("bad", bad_roots().items(), ids=lambda pair: str(pair[0]))
def test_a_bad_root_is_rejected(works: Works, bad: tuple[str, str]) -> None:
    """With an event if it was meant for the central system."""
    assert install(works.house, bad[1], MANUFACTURER) == "Rejected"
    assert works.events() == [("StartupOfTheDevice", None)]
    assert install(works.house, bad[1]) == "Rejected"
    assert works.events()[-1][0] == "InvalidCentralSystemCertificate"
    assert listed(works) == []


@pytest.mark.rule("X-50")
def test_the_store_can_be_full(tmp_path: Path) -> None:
    """CertificateStoreMaxLength counts roots of both kinds; what is there can come again."""
    works = Works(tmp_path, configuration={"CertificateStoreMaxLength": 2})
    assert install(works.house, ROOT) == "Accepted"
    assert install(works.house, OTHER, MANUFACTURER) == "Accepted"
    assert install(works.house, Signer("Third")) == "Rejected"
    assert install(works.house, ROOT) == "Accepted"


@pytest.mark.rule("X-50", "X-54")
def test_what_cannot_be_saved_has_failed(works: Works) -> None:
    """A full disk neither takes a root nor lets go of one."""
    install(works.house, ROOT)
    works.house.store.fate = lambda number: Fate.REFUSED
    assert install(works.house, OTHER) == "Failed"
    assert delete(works, listed(works)[0]) == "Failed"
    assert len(listed(works)) == 1
    works.house.store.fate = lambda number: Fate.KEPT
    works.house.run(60)


@pytest.mark.rule("X-54")
def test_a_root_is_deleted_by_its_hashes(works: Works) -> None:
    """Whatever the case, leading zeros or the algorithm; what is not there is not found."""
    install(works.house, Signer("Short", serial=0xABC))
    install(works.house, OTHER, MANUFACTURER)
    (data,) = listed(works)
    assert delete(works, changed(data, serial_number="abd")) == "NotFound"
    shouted = changed(
        data,
        issuer_name_hash=data.issuer_name_hash.upper(),
        issuer_key_hash=data.issuer_key_hash.upper(),
        serial_number="0ABC",
    )
    assert delete(works, shouted) == "Accepted"
    assert delete(works, data) == "NotFound"
    works.house.power_cut()
    assert (listed(works), len(listed(works, MANUFACTURER))) == ([], 1)
    certificate = OTHER.certificate
    longer = v16.CertificateHashDataType(
        hash_algorithm=v16.HashAlgorithmEnumType.SHA512,
        issuer_name_hash=hashlib.sha512(certificate.issuer.public_bytes()).hexdigest(),
        issuer_key_hash=hashlib.sha512(
            _rsa_bits(RSA_KEY.public_key().public_numbers().n, 65537)
        ).hexdigest(),
        serial_number=f"{certificate.serial_number:x}",
    )
    assert delete(works, longer) == "Accepted"


@pytest.mark.rule("X-54")
def test_the_root_of_the_present_connection_stays(works: Works) -> None:
    """Deleting it would lock the charge point out; any other may go."""
    install(works.house, ROOT)
    install(works.house, OTHER)
    data = {one.serial_number: one for one in listed(works)}
    connected(works, Signer("Server", ROOT), ROOT)
    assert delete(works, data[f"{ROOT.certificate.serial_number:x}"]) == "Failed"
    assert delete(works, data[f"{OTHER.certificate.serial_number:x}"]) == "Accepted"
    assert len(listed(works)) == 1


@pytest.mark.rule("X-63")
def test_changes_of_the_roots_are_events(works: Works) -> None:
    """Both ways."""
    install(works.house, ROOT)
    delete(works, listed(works)[0])
    assert works.events()[1:] == [
        ("ReconfigurationOfSecurityParameters", "CentralSystemRootCertificate installed"),
        ("ReconfigurationOfSecurityParameters", "CentralSystemRootCertificate deleted"),
    ]


@pytest.fixture
def strict(tmp_path: Path) -> Works:
    """A charge point with one root, that alone can name its successor."""
    strict = Works(tmp_path, configuration={"AdditionalRootCertificateCheck": True})
    assert install(strict.house, ROOT) == "Accepted"
    return strict


@pytest.mark.rule("X-52")
def test_only_the_present_root_can_name_its_successor(strict: Works) -> None:
    """Another one is Rejected with an event; for the manufacturer's roots it does not matter."""
    assert install(strict.house, OTHER) == "Rejected"
    assert strict.events()[-1] == (
        "InvalidCentralSystemCertificate",
        "not signed by the present root",
    )
    assert install(strict.house, OTHER, MANUFACTURER) == "Accepted"
    assert install(strict.house, ROOT) == "Accepted"
    assert install(strict.house, Signer("Next root", ROOT)) == "Accepted"
    assert install(strict.house, ROOT) == "Rejected"


@pytest.mark.rule("X-52")
def test_the_former_root_stays_until_the_new_one_works(strict: Works) -> None:
    """A connection that still needs the former one does not end it, not even over a power cut."""
    successor = Signer("Next root", ROOT)
    assert install(strict.house, successor) == "Accepted"
    connected(strict, Signer("Server", ROOT), ROOT)
    strict.house.power_cut()
    assert len(listed(strict)) == 2
    connected(strict, Signer("Server", successor), successor, ROOT)
    (left,) = listed(strict)
    assert left.serial_number == f"{successor.certificate.serial_number:x}"
    strict.house.power_cut()
    assert len(listed(strict)) == 1


@pytest.mark.rule("X-52")
def test_there_is_one_former_root_at_most(strict: Works) -> None:
    """A second successor is named by the first, and the oldest root goes."""
    second = Signer("Second root", ROOT)
    third = Signer("Third root", second)
    assert install(strict.house, second) == "Accepted"
    assert install(strict.house, third) == "Accepted"
    serials = {one.serial_number for one in listed(strict)}
    assert serials == {f"{s.certificate.serial_number:x}" for s in (second, third)}


@pytest.mark.rule("X-53")
def test_a_root_that_another_has_signed_is_known_by_that_one(strict: Works) -> None:
    """The hash of the issuer's key is that of the other's, as long as it is there."""
    successor = Signer("Next root", ROOT)
    install(strict.house, successor)
    data = {one.serial_number: one for one in listed(strict)}
    theirs = data[f"{successor.certificate.serial_number:x}"]
    own = data[f"{ROOT.certificate.serial_number:x}"]
    assert theirs.issuer_key_hash == own.issuer_key_hash
    assert isinstance(successor.certificate, x509.Certificate)
