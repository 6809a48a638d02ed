"""Certificates for both ends of a line (OCPP security profiles 2 and 3).

TLS 1.2 is the oldest version that either end speaks (X-22), which is Twisted's default, as are
cipher suites that include those the security white paper asks for (X-23).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
from OpenSSL.crypto import FILETYPE_ASN1, X509, X509StoreFlags, dump_certificate
from OpenSSL.SSL import Connection
from OpenSSL.SSL import Error as SSLError
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from zope.interface import implementer

from txocpp.errors import ConfigurationError


@attrs.frozen(kw_only=True)
class ServerCertificates:
    """What a server shows, and what it asks of its clients. All files are PEM."""

    certificate: Path
    """The server's certificate, followed by those between it and its root."""
    private_key: Path
    client_authorities: Path | None = None
    """Roots of client certificates. None: clients are not asked for one (profile 2)."""
    require_client_certificate: bool = True
    """False also lets in clients without a certificate; the gate sees the difference."""

    def options(self) -> CertificateOptions:
        """For `twisted.internet.endpoints.wrapServerTLS`. Raises `ConfigurationError`."""
        chain = _certificates(self.certificate)
        own = _with_key(self.certificate, self.private_key)
        asked: dict[str, Any] = {}
        if self.client_authorities is not None:
            asked = {
                "verify": True,
                "caCerts": [root.original for root in _certificates(self.client_authorities)],
                "requireCertificate": self.require_client_certificate,
            }
        return CertificateOptions(
            privateKey=own.privateKey.original,
            certificate=own.original,
            extraCertChain=[link.original for link in chain[1:]],
            **asked,
        )


@attrs.frozen(kw_only=True)
class ClientCertificates:
    """Whom a client trusts, and what it shows. All files are PEM."""

    trust_roots: Path | None = None
    """Roots of server certificates: a file, or a directory of files ending in .pem. None: what
    the operating system trusts."""
    more_roots: tuple[str, ...] = ()
    """Further ones as PEM texts. One that was signed by another is trusted by itself."""
    certificate: Path | None = None
    """The charge point's own certificate (profile 3)."""
    private_key: Path | None = None

    def options(self, hostname: str) -> Any:
        """For `twisted.internet.endpoints.wrapClientTLS`; the server's certificate has to be good
        for the host name (X-21). Raises `ConfigurationError`."""
        own = None
        if self.certificate is not None and self.private_key is not None:
            own = _with_key(self.certificate, self.private_key)
        return optionsForClientTLS(hostname, trustRoot=self._trust(), clientCertificate=own)

    def _trust(self) -> Any:
        trusted = platformTrust()
        if self.trust_roots is not None:
            trusted = trustRootFromCertificates(_certificates(self.trust_roots))
        return MoreTrust(trusted, self.more_roots) if self.more_roots else trusted


@implementer(IOpenSSLTrustRoot)
@attrs.frozen
class MoreTrust:
    """Trusts further roots, PEM texts, beside those of another trust root.

    Twisted has no public name for this interface, and no other way to trust the roots of the
    operating system and one more.
    """

    trusted: Any
    roots: tuple[str, ...]

    def _addCACertsToContext(self, context: Any) -> None:
        self.trusted._addCACertsToContext(context)
        store = context.get_cert_store()
        for root in self.roots:
            store.add_cert(Certificate.loadPEM(root.encode()).original)
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)


def common_name(certificate: X509 | None) -> str | None:
    """CN of a verified certificate: the charge point's serial number, or the server's name."""
    from cryptography.x509.oid import NameOID

    if certificate is None:
        return None
    names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def chain_of(transport: Any) -> tuple[str, ...]:
    """SHA-256 fingerprints of the verified chain of the other end, its own certificate first and
    the root last; empty without TLS."""
    connection = getattr(transport, "getHandle", lambda: None)()
    if not isinstance(connection, Connection):
        return ()
    chain = connection.get_verified_chain() or ()
    return tuple(fingerprint(dump_certificate(FILETYPE_ASN1, link)) for link in chain)


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate in DER, in hexadecimal."""
    return sha256(der).hexdigest()


def tls_words(error: SSLError) -> str:
    """What OpenSSL has to say, in one line."""
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "TLS: " + (", ".join(str(r[-1]) for r in reasons if r) or "the handshake failed")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None


def _certificates(path: Path) -> list[Certificate]:
    files: Iterable[Path] = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    begin = b"-----BEGIN CERTIFICATE-----"
    try:
        found = [
            Certificate.loadPEM(begin + part)
            for file in files
            for part in _read(file).split(begin)[1:]
        ]
    except Exception as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{path} holds no valid certificate") from None
    if not found:
        raise ConfigurationError(f"{path} holds no certificate")
    return found


def _with_key(certificate: Path, private_key: Path) -> PrivateCertificate:
    _certificates(certificate)
    try:
        pem = _read(private_key) + b"\n" + _read(certificate)
        own: PrivateCertificate = PrivateCertificate.loadPEM(pem)
    except Exception as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{private_key} is not the key of {certificate}") from None
    return own
