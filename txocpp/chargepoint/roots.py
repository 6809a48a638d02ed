"""Root certificates that the central system installs and deletes (security white paper M03 to M05;
rules X-50 to X-54)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any, Final

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from txocpp.chargepoint.certificates import (
    ALGORITHMS,
    BadCertificate,
    CertificateHash,
    as_pem,
    is_signed_by,
    read_one,
    require_authority,
    require_strength,
    require_valid,
)
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.securitylog import Event, SecurityLog
from txocpp.errors import StoreError
from txocpp.interfaces import Delete, Put
from txocpp.transport.tls import fingerprint

TABLE: Final = "roots"


class RootUse(StrEnum):
    """What a root vouches for."""

    CENTRAL_SYSTEM = "CentralSystemRootCertificate"
    MANUFACTURER = "ManufacturerRootCertificate"


class InstallResult(StrEnum):
    """What became of a new root."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    FAILED = "Failed"


class DeleteResult(StrEnum):
    """What became of an old one."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_FOUND = "NotFound"


@attrs.frozen
class Root:
    """One root."""

    use: RootUse
    certificate: x509.Certificate
    leaves: bool = False
    """It only stays until a connection with its successor has worked (X-52)."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate."""
        return fingerprint(self.certificate.public_bytes(Encoding.DER))

    @property
    def key(self) -> str:
        """Key in the journal: a certificate may serve both uses."""
        return f"{self.use.value} {self.fingerprint}"

    def put(self) -> Put:
        """The change that saves it."""
        pem = as_pem(self.certificate)
        return Put(TABLE, self.key, {"use": self.use.value, "pem": pem, "leaves": self.leaves})


class Roots:
    """The roots that have been installed, over restarts. `on_change` is called after each change of
    those of the central system; `in_use` gives the fingerprints that the present connection stands
    on."""

    def __init__(
        self,
        configuration: Configuration,
        clock: StationClock,
        journal: Journal,
        events: SecurityLog,
        *,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.on_change: Callable[[], object] = lambda: None
        self.in_use: Callable[[], Collection[str]] = lambda: ()
        self._configuration = configuration
        self._clock = clock
        self._journal = journal
        self._events = events
        self._roots: dict[str, Root] = {}
        for found in (saved or {}).values():
            root = Root(RootUse(found["use"]), read_one(found["pem"]), found["leaves"])
            self._roots[root.key] = root

    def of(self, use: RootUse) -> list[x509.Certificate]:
        """Those for one use."""
        return [root.certificate for root in self._roots.values() if root.use is use]

    def pems(self) -> tuple[str, ...]:
        """Those of the central system, as PEM texts."""
        return tuple(as_pem(found) for found in self.of(RootUse.CENTRAL_SYSTEM))

    async def install(self, use: RootUse, pem: str) -> InstallResult:
        """Trust one more from now on (X-50 to X-52)."""
        try:
            root = Root(use, self._good(pem))
            leaving = self._making_way_for(root)
        except BadCertificate as bad:
            if use is RootUse.CENTRAL_SYSTEM:
                self._events.note(Event.INVALID_CENTRAL_CERTIFICATE, str(bad))
            return InstallResult.REJECTED
        if root.key not in self._roots and len(self._roots) >= self._room:
            return InstallResult.REJECTED
        changes: list[Change] = [root.put(), *self._replace(leaving)]
        try:
            await self._journal.promise(*changes)
        except StoreError:
            return InstallResult.FAILED
        for old in leaving:
            if old.leaves:
                self._roots.pop(old.key, None)
            else:
                self._roots[old.key] = attrs.evolve(old, leaves=True)
        self._roots[root.key] = root
        self._changed(f"{use.value} installed", use)
        return InstallResult.ACCEPTED

    async def delete(self, wanted: CertificateHash) -> DeleteResult:
        """Trust one no longer; not the one that the connection stands on (X-54)."""
        found = [
            root
            for root in self._roots.values()
            if self._hash(root, wanted.algorithm) == wanted.normalised()
        ]
        if not found:
            return DeleteResult.NOT_FOUND
        in_use = self.in_use()
        if any(r.use is RootUse.CENTRAL_SYSTEM and r.fingerprint in in_use for r in found):
            return DeleteResult.FAILED
        try:
            await self._journal.promise(*(Delete(TABLE, root.key) for root in found))
        except StoreError:
            return DeleteResult.FAILED
        for root in found:
            del self._roots[root.key]
            self._changed(f"{root.use.value} deleted", root.use)
        return DeleteResult.ACCEPTED

    def hashes(self, use: RootUse) -> list[CertificateHash]:
        """How those for one use are called (X-53)."""
        return [self._hash(root, "SHA256") for root in self._roots.values() if root.use is use]

    def connected(self, chain: Collection[str]) -> None:
        """A connection stands on these certificates: a root that has stayed until its successor
        works goes (X-52)."""
        successors = [r for r in self._roots.values() if not r.leaves and r.fingerprint in chain]
        leaving = [r for r in self._roots.values() if r.leaves]
        if leaving and any(r.use is RootUse.CENTRAL_SYSTEM for r in successors):
            for root in leaving:
                del self._roots[root.key]
            self._journal.keep(*(Delete(TABLE, root.key) for root in leaving))
            self._changed("the former CentralSystemRootCertificate is gone", leaving[0].use)

    @property
    def _room(self) -> int:
        return self._configuration.integer("CertificateStoreMaxLength")

    def _good(self, pem: str) -> x509.Certificate:
        certificate = read_one(pem)
        require_valid(certificate, self._clock.now())
        require_strength(certificate)
        require_authority(certificate)
        return certificate

    def _making_way_for(self, root: Root) -> list[Root]:
        """What has to go when a root comes. With AdditionalRootCertificateCheck there is one root
        of the central system, and only it can name its successor. Raises `BadCertificate`."""
        strict = self._configuration.boolean("AdditionalRootCertificateCheck")
        if root.use is not RootUse.CENTRAL_SYSTEM or not strict:
            return []
        old = [r for r in self._roots.values() if r.use is RootUse.CENTRAL_SYSTEM]
        present = [r for r in old if not r.leaves]
        if any(r.key == root.key for r in present):
            return []
        if present and not any(is_signed_by(root.certificate, r.certificate) for r in present):
            raise BadCertificate("not signed by the present root")
        return old

    def _replace(self, leaving: list[Root]) -> list[Change]:
        return [
            Delete(TABLE, old.key) if old.leaves else attrs.evolve(old, leaves=True).put()
            for old in leaving
        ]

    def _hash(self, root: Root, algorithm: str) -> CertificateHash:
        certificate = root.certificate
        others = (other.certificate for other in self._roots.values())
        issuer = next((o for o in others if is_signed_by(certificate, o)), None)
        return CertificateHash.of(
            certificate, algorithm if algorithm in ALGORITHMS else "SHA256", issuer
        )

    def _changed(self, what: str, use: RootUse) -> None:
        self._events.note(Event.RECONFIGURATION, what)
        if use is RootUse.CENTRAL_SYSTEM:
            self.on_change()
