"""Certificates as OCPP sees them: reading, checking, naming (security white paper A00, M03 to M05;
rules X-26, X-42, X-51 to X-54)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import (
    X509,
    X509Store,
    X509StoreContext,
    X509StoreContextError,
    X509StoreFlags,
)

from txocpp.errors import TxocppError

ALGORITHMS: Final = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
SERIAL_BITS: Final = 160
"""Of a serial number, at most (RFC 5280 §4.1.2.2); more could not be told to anybody."""
ASKED: Final = attrgetter(
    "extensions",
    "subject",
    "issuer",
    "not_valid_before_utc",
    "not_valid_after_utc",
    "signature_hash_algorithm",
)
MALFORMED: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates that it does not like."""
WEAK_HASHES: Final = ("md5", "sha1", "sha224")


class BadCertificate(TxocppError):
    """A certificate is not good for its purpose. The text says why."""


@attrs.frozen
class CertificateHash:
    """Which certificate: what OCSP goes by (RFC 6960 §4.1.1). All in lower-case hexadecimal."""

    algorithm: str
    """SHA256, SHA384 or SHA512."""
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    """Without leading zeros."""

    @classmethod
    def of(
        cls,
        certificate: x509.Certificate,
        algorithm: str = "SHA256",
        issuer: x509.Certificate | None = None,
    ) -> CertificateHash:
        """That of a certificate; `issuer` is left out for one that has signed itself."""
        builder = ocsp.OCSPRequestBuilder()
        builder = builder.add_certificate(certificate, issuer or certificate, ALGORITHMS[algorithm])
        asked = builder.build()
        return cls(
            algorithm,
            asked.issuer_name_hash.hex(),
            asked.issuer_key_hash.hex(),
            f"{certificate.serial_number:x}",
        )

    def normalised(self) -> CertificateHash:
        """As it would be written here."""
        return CertificateHash(
            self.algorithm,
            self.issuer_name_hash.lower(),
            self.issuer_key_hash.lower(),
            self.serial_number.lower().lstrip("0") or "0",
        )


def read_chain(pem: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, at least one. Raises `BadCertificate`."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except MALFORMED:
        raise BadCertificate("no certificate in PEM") from None
    for certificate in found:
        _require_readable(certificate)
    return found


def read_one(pem: str) -> x509.Certificate:
    """The only certificate of a PEM text. Raises `BadCertificate`."""
    found = read_chain(pem)
    if len(found) != 1:
        raise BadCertificate(f"{len(found)} certificates instead of one")
    return found[0]


def as_pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def require_valid(certificate: x509.Certificate, at: datetime, *, early: bool = False) -> None:
    """Its time has come, unless `early`, and is not over. Raises `BadCertificate`."""
    if at > certificate.not_valid_after_utc:
        raise BadCertificate(f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if at < certificate.not_valid_before_utc and not early:
        raise BadCertificate(f"not valid before {certificate.not_valid_before_utc:%Y-%m-%d}")


def require_strength(certificate: x509.Certificate) -> None:
    """Key and signature are strong enough (X-26). Raises `BadCertificate`."""
    key = certificate.public_key()
    if isinstance(key, (rsa.RSAPublicKey, dsa.DSAPublicKey)) and key.key_size < 2048:
        raise BadCertificate(f"a key of {key.key_size} bits is too short")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 224:
        raise BadCertificate(f"an elliptic curve of {key.key_size} bits is too short")
    signed_by = certificate.signature_hash_algorithm
    if signed_by is not None and signed_by.name in WEAK_HASHES:
        raise BadCertificate(f"signed with {signed_by.name.upper()}")


def require_authority(certificate: x509.Certificate) -> None:
    """It may sign others, and has signed itself, if it says so. Raises `BadCertificate`."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        pass
    else:
        if not constraints.value.ca:
            raise BadCertificate("no certificate of an authority")
    own = certificate.issuer == certificate.subject
    if own and not is_signed_by(certificate, certificate):
        raise BadCertificate("not signed by itself")


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether names and signature say so."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def require_path(
    certificate: x509.Certificate,
    between: Sequence[x509.Certificate],
    trusted: Iterable[x509.Certificate],
    at: datetime,
) -> None:
    """A path of valid signatures leads from it to one that is trusted. Raises `BadCertificate`."""
    store = X509Store()
    for anchor in trusted:
        store.add_cert(X509.from_cryptography(anchor))
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(at)
    chain = [X509.from_cryptography(link) for link in between]
    try:
        X509StoreContext(store, X509.from_cryptography(certificate), chain).verify_certificate()
    except X509StoreContextError as error:
        raise BadCertificate(str(error)) from None


def subject_text(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str | None:
    """One part of the name it is made out to."""
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else None


def common_name(certificate: x509.Certificate) -> str | None:
    """CN of the subject."""
    return subject_text(certificate, NameOID.COMMON_NAME)


def organisation(certificate: x509.Certificate) -> str | None:
    """O of the subject."""
    return subject_text(certificate, NameOID.ORGANIZATION_NAME)


def _require_readable(certificate: x509.Certificate) -> None:
    """Everything that is asked about it later; the library looks at most of it only then."""
    try:
        certificate.public_key()
        ASKED(certificate)
    except MALFORMED:
        raise BadCertificate("a malformed certificate") from None
    if not 0 < certificate.serial_number.bit_length() <= SERIAL_BITS:
        raise BadCertificate("a malformed serial number")
