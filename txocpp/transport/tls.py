"""Certificates for both ends of a line (OCPP security profiles 2 and 3).

TLS 1.2 is the oldest version that either end speaks (X-22), which is Twisted's default, as are
cipher suites that include those the security white paper asks for (X-23).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from OpenSSL.crypto import X509
from OpenSSL.SSL import Error as SSLError
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)

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
        if self.trust_roots is None:
            return platformTrust()
        return trustRootFromCertificates(_certificates(self.trust_roots))


def common_name(certificate: X509 | None) -> str | None:
    """CN of a verified certificate: the charge point's serial number, or the server's name."""
    from cryptography.x509.oid import NameOID

    if certificate is None:
        return None
    names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


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
