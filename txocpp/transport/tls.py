"""Certificates for both ends of a line (OCPP security profiles 2 and 3).

TLS 1.2 is the oldest version that either end speaks (X-22), which is Twisted's default, as are
cipher suites that include those the security white paper asks for (X-23).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import attrs
from OpenSSL.crypto import FILETYPE_ASN1, X509, X509StoreFlags, dump_certificate
from OpenSSL.SSL import VERIFY_FAIL_IF_NO_PEER_CERT, VERIFY_PEER, Connection
from OpenSSL.SSL import Error as SSLError
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import (
    DNS_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    verify_service_identity,
)
from service_identity.pyopenssl import extract_patterns
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.python.failure import Failure
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
    second: tuple[Path, Path] | None = None
    """Certificate, with its chain, and private key of another kind: RSA beside an elliptic curve.
    Clients that know one kind only are then served as well (X-23)."""

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
        options = CertificateOptions(
            privateKey=own.privateKey.original,
            certificate=own.original,
            extraCertChain=[link.original for link in chain[1:]],
            **asked,
        )
        if self.second is not None:
            certificate, key = self.second
            other = _with_key(certificate, key)
            if other.privateKey.original.type() == own.privateKey.original.type():
                raise ConfigurationError(f"{certificate} has a key of the same kind as the first")
            # OpenSSL keeps one pair of each kind, and takes the one that the client can use.
            context = options.getContext()
            context.use_certificate_chain_file(str(certificate))
            context.use_privatekey_file(str(key))
        return options


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
        made = optionsForClientTLS(hostname, trustRoot=self._trust(), clientCertificate=own)
        return ForHost(made, hostname)

    def _trust(self) -> Any:
        trusted = platformTrust()
        if self.trust_roots is not None:
            trusted = trustRootFromCertificates(_certificates(self.trust_roots))
        return MoreTrust(trusted, self.more_roots) if self.more_roots else trusted


@implementer(IOpenSSLClientConnectionCreator)
@attrs.frozen
class ForHost:
    """Makes client connections to one host, which has to show a certificate for itself (X-21).

    The white paper looks for the host in the common name, everybody else in subjectAltName: the
    common name counts where there is no subjectAltName. Twisted's own check, which this one takes
    the place of, lets a certificate without any subjectAltName pass for every host.
    """

    plain: Any
    """Makes the connection itself."""
    hostname: str
    """Name or IP address, as in the URL."""

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Connection:
        """Called by Twisted for each connection."""
        connection: Connection = self.plain.clientConnectionForTLS(tlsProtocol)
        # Weak: the connection, which the protocol holds, shall not hold the protocol.
        protocol = weakref.ref(tlsProtocol)

        def verify(_: Connection, shown: X509, error: int, depth: int, good: int) -> bool:
            if depth or not good:
                return bool(good)
            try:
                self.check(shown)
            except Exception:
                # Nothing may leave a callback of OpenSSL.
                protocol().failVerification(Failure())  # type: ignore[union-attr]
                return False
            return True

        connection.set_verify(VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection

    def check(self, shown: X509) -> None:
        """Raises `service_identity.VerificationError` if a certificate is for another host."""
        kind: Any = DNS_ID if _address(self.hostname) is None else IPAddress_ID
        wanted = kind(self.hostname)
        try:
            patterns = extract_patterns(shown) or _common_name_pattern(shown)
            verify_service_identity(patterns, [wanted], [])
        except CertificateError as fault:
            raise VerificationError(errors=[wanted.error_on_mismatch(mismatched_id=wanted)]) from (
                fault
            )


def _common_name_pattern(certificate: X509) -> list[CertificatePattern]:
    name = common_name(certificate) or ""
    address = _address(name)
    return [DNSPattern.from_bytes(name.encode()) if address is None else IPAddressPattern(address)]


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


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

    return _subject(certificate, NameOID.COMMON_NAME)


def organization(certificate: X509 | None) -> str | None:
    """O of a verified certificate: the owner of the charge point (X-26)."""
    from cryptography.x509.oid import NameOID

    return _subject(certificate, NameOID.ORGANIZATION_NAME)


def _subject(certificate: X509 | None, oid: Any) -> str | None:
    if certificate is None:
        return None
    found = certificate.to_cryptography().subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else None


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
