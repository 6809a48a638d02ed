"""Certificates as OCPP sees them."""

from __future__ import annotations

import base64
import textwrap

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from house import NOON
from hypothesis import given, settings
from hypothesis import strategies as st
from upkeep_rig import Signer

from txocpp.chargepoint.certificates import (
    BadCertificate,
    CertificateHash,
    read_chain,
    read_one,
    require_authority,
    require_path,
    require_strength,
    require_valid,
)

ROOT = Signer("Root")
DER = ROOT.certificate.public_bytes(Encoding.DER)


def pem(der: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


@pytest.mark.rule("X-51")
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_a_damaged_certificate_is_bad_or_good_but_no_accident(
    damage: list[tuple[int, int]],
) -> None:
    """Whatever is wrong with it: one kind of error, or everything about it can be asked."""
    der = bytearray(DER)
    for place, value in damage:
        der[place] = value
    try:
        found = read_one(pem(bytes(der)))
        require_valid(found, NOON)
        require_strength(found)
        require_authority(found)
    except BadCertificate:
        return
    assert bytes(der) == DER or found.issuer != found.subject
    assert len(CertificateHash.of(found).serial_number) <= 40


@given(st.text(max_size=200))
def test_what_is_no_certificate_is_bad(text: str) -> None:
    """Any text."""
    with pytest.raises(BadCertificate):
        read_chain(text)


@pytest.mark.rule("X-51")
def test_a_root_has_signed_itself() -> None:
    """Or it does not say so: one that another has signed is judged by that one."""
    other = Signer("Other")
    forged = Signer("Root", other)
    object.__setattr__(other, "name", forged.name)
    posing = Signer("Root", other)
    assert posing.certificate.issuer == posing.certificate.subject
    with pytest.raises(BadCertificate, match="not signed by itself"):
        require_authority(posing.certificate)
    require_authority(forged.certificate)
    require_authority(Signer("Old style", authority=None).certificate)


@pytest.mark.rule("X-26")
def test_a_path_may_end_at_a_link_that_is_trusted_itself() -> None:
    """It need not be a root; but a link that is missing is missed."""
    between = Signer("Between", ROOT)
    leaf = Signer("Leaf", between, authority=False).certificate
    require_path(leaf, [], [between.certificate], NOON)
    require_path(leaf, [between.certificate], [ROOT.certificate], NOON)
    with pytest.raises(BadCertificate):
        require_path(leaf, [], [ROOT.certificate], NOON)


@pytest.mark.rule("X-53")
def test_hashes_compare_whatever_their_spelling() -> None:
    """Case, and zeros in front of the serial number."""
    one = CertificateHash.of(ROOT.certificate)
    shouted = CertificateHash(
        one.algorithm,
        one.issuer_name_hash.upper(),
        one.issuer_key_hash.upper(),
        f"000{one.serial_number.upper()}",
    )
    assert shouted.normalised() == one
    assert CertificateHash("SHA256", "", "", "0").normalised().serial_number == "0"
    assert isinstance(ROOT.certificate, x509.Certificate)
