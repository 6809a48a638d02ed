"""The charge point's own certificate: key pairs that never leave it, requests to have them
certified, and which certificate is shown (security white paper A02, A03; rules X-40 to X-45).

A pair is two files, ``<name>.key`` for nobody's eyes but ours and, once it is certified,
``<name>.pem``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import uuid4

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from twisted.logger import Logger

from txocpp.chargepoint.certificates import (
    BadCertificate,
    as_pem,
    common_name,
    organisation,
    read_chain,
    require_authority,
    require_path,
    require_strength,
    require_valid,
)
from txocpp.chargepoint.clock import StationClock

RENEWAL: Final = timedelta(days=30)
"""A certificate that ends within this time is renewed (X-40)."""

KEPT: Final = timedelta(days=30)
"""How long a certificate stays after a newer one has taken its place (X-43)."""

MOST_REQUESTS: Final = 4
"""Requests that may wait for an answer; the key of the oldest goes when there is another."""

log = Logger()


@attrs.frozen
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    chain: Path
    """The certificate and those above it, in PEM."""
    key: Path

    @property
    def name(self) -> str:
        """What the files are called."""
        return self.chain.stem


class OwnCertificates:
    """The certificates in `folder`.

    `owner` gives what they are made out to: CpoName and the serial number of the charge point.
    `roots` are the known roots of the central system, for the check of a chain.
    """

    def __init__(
        self,
        folder: Path,
        clock: StationClock,
        owner: Callable[[], tuple[str, str]],
        roots: Callable[[], list[x509.Certificate]],
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._owner = owner
        self._roots = roots

    def current(self) -> Pair | None:
        """The newest whose time has come and is not over (X-42, X-43)."""
        now = self._clock.now()
        good = [p for p in self._pairs() if _begin(p) <= now <= p.certificate.not_valid_after_utc]
        return max(good, key=_begin, default=None)

    def next_begin(self) -> datetime | None:
        """When the next certificate's time comes."""
        now = self._clock.now()
        return min((_begin(p) for p in self._pairs() if _begin(p) > now), default=None)

    def wants_renewal(self) -> bool:
        """Whether the newest one ends soon."""
        newest = max(self._pairs(), key=_begin, default=None)
        if newest is None:
            return False
        return newest.certificate.not_valid_after_utc - self._clock.now() < RENEWAL

    def request(self) -> str:
        """Make a new key pair; gives the request to certify it, PKCS#10 in PEM. Raises
        `BadCertificate` if it cannot be made out to anybody, and `OSError`."""
        organisation_name, serial_number = self._owner()
        if not organisation_name:
            raise BadCertificate("CpoName is not set")
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation_name),
                x509.NameAttribute(NameOID.COMMON_NAME, serial_number),
            ]
        )
        request = x509.CertificateSigningRequestBuilder().subject_name(name)
        text = request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        self._forget_requests(but=MOST_REQUESTS - 1)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(self._folder / f"chargepoint-{uuid4().hex}.key", secret, mode=0o600)
        return text

    def install(self, pem: str) -> Pair:
        """Take in a certificate for the key pair of the last request. Raises `BadCertificate` and
        `OSError`."""
        certificate, *above = read_chain(pem)
        key = self._key_of(certificate)
        self._require_good(certificate, above)
        chain = key.with_suffix(".pem")
        _write(chain, "".join(as_pem(link) for link in (certificate, *above)).encode())
        self._forget_requests(but=0)
        self._forget_old()
        return Pair(certificate, chain, key)

    def discard(self, pair: Pair) -> None:
        """It is no good after all."""
        for path in (pair.chain, pair.key):
            path.unlink(missing_ok=True)

    # Checks.

    def _require_good(self, certificate: x509.Certificate, above: list[x509.Certificate]) -> None:
        organisation_name, serial_number = self._owner()
        require_valid(certificate, self._clock.now(), early=True)
        require_strength(certificate)
        if organisation(certificate) != organisation_name:
            raise BadCertificate(f"made out to {organisation(certificate)!r}, not to the operator")
        if common_name(certificate) != serial_number:
            raise BadCertificate(f"made out to {common_name(certificate)!r}, not to us")
        for link in above:
            require_authority(link)
        self._require_hierarchy(certificate, above)

    def _require_hierarchy(
        self, certificate: x509.Certificate, above: list[x509.Certificate]
    ) -> None:
        """The chain holds together, up to its end or to a root that is known here. A lone
        certificate of an authority that nobody here knows is the central system's affair."""
        known = self._roots()
        top = (above or [certificate])[-1]
        names = {root.subject for root in known}
        if not above and certificate.issuer not in names:
            return
        anchors = known if top.issuer in names else [*known, *above[-1:]]
        moment = max(self._clock.now(), certificate.not_valid_before_utc)
        require_path(certificate, above, anchors, moment)

    def _key_of(self, certificate: x509.Certificate) -> Path:
        wanted = _public(certificate.public_key())
        for path in sorted(self._folder.glob("*.key")):
            try:
                key = load_pem_private_key(path.read_bytes(), None)
            except (OSError, ValueError):
                continue
            if _public(key.public_key()) == wanted:
                return path
        raise BadCertificate("not for a key of ours")

    # Files.

    def _pairs(self) -> list[Pair]:
        found = []
        for chain in sorted(self._folder.glob("*.pem")):
            key = chain.with_suffix(".key")
            try:
                certificate = x509.load_pem_x509_certificate(chain.read_bytes())
            except (OSError, ValueError):
                log.warn("{chain} holds no certificate and is ignored", chain=chain)
                continue
            if key.exists():
                found.append(Pair(certificate, chain, key))
        return found

    def _forget_requests(self, *, but: int) -> None:
        """Keys that were never certified, but for the newest."""
        keys = [k for k in self._folder.glob("*.key") if not k.with_suffix(".pem").exists()]
        keys.sort(key=lambda path: path.stat().st_mtime_ns)
        for key in keys[: max(0, len(keys) - but)]:
            key.unlink(missing_ok=True)

    def _forget_old(self) -> None:
        """What has been replaced long ago, or is over."""
        now = self._clock.now()
        pairs = sorted(self._pairs(), key=_begin)
        for old, new in pairwise(pairs):
            if now > _begin(new) + KEPT or now > old.certificate.not_valid_after_utc:
                self.discard(old)


def _begin(pair: Pair) -> datetime:
    return pair.certificate.not_valid_before_utc


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


def _write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file that is whole or not there, readable for whom it may concern only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
