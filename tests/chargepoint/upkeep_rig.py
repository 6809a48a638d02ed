"""A house with file servers and an installer that do as they are told, and people who sign."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from house import NOON, House
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.parts import Equipment
from txocpp.chargepoint.settings import Security
from txocpp.errors import TransferFailed, TransferTrouble
from txocpp.interfaces import IFirmwareInstaller, Installation
from txocpp.messages import v16

IMAGE = b"new firmware"
URL = "http://files.test/fw/image.bin"
LOGS = "ftp://cp:secret@files.test/logs"


class FakeTransfers:
    """Provides `Transfers`: transfers wait for `finish` or `fail`, or are done at once."""

    def __init__(self) -> None:
        self.image = IMAGE
        self.at_once = True
        self.asked: list[str] = []
        self.delivered: dict[str, bytes] = {}
        self.running: list[Deferred[None]] = []
        self.cancelled = 0
        self.fates: list[TransferFailed] = []
        """Failures of the next transfers."""

    def download(self, place: Place, file: Path) -> Deferred[None]:
        self.asked.append(f"GET {place}")

        def arrive(_: None) -> None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.image)

        return self._transfer(arrive)

    def upload(self, file: Path, place: Place) -> Deferred[None]:
        self.asked.append(f"PUT {place}")
        content = file.read_bytes()

        def arrive(_: None) -> None:
            self.delivered[str(place)] = content

        return self._transfer(arrive)

    def _transfer(self, arrive: Callable[[None], None]) -> Deferred[None]:
        if self.fates:
            return fail(self.fates.pop(0))
        if self.at_once:
            return succeed(None).addCallback(arrive)
        running: Deferred[None] = Deferred(lambda _: self._cancel())
        self.running.append(running)
        return running.addCallback(arrive)

    def _cancel(self) -> None:
        self.cancelled += 1

    def finish(self) -> None:
        self.running.pop(0).callback(None)


@implementer(IFirmwareInstaller)
class FakeInstaller:
    """Installs when it is told to."""

    def __init__(self, then: Installation = Installation.DONE) -> None:
        self.then = then
        self.at_once = True
        self.installed: list[bytes] = []
        self.running: list[Deferred[Installation]] = []
        self.error: Exception | None = None
        self.knows: bool | None = None

    def install(self, image: Path) -> Deferred[Installation]:
        if self.error is not None:
            return fail(self.error)
        self.installed.append(image.read_bytes())
        if self.at_once:
            return succeed(self.then)
        self.running.append(Deferred())
        return self.running[-1]

    def finish(self) -> None:
        self.running.pop(0).callback(self.then)

    def outcome(self) -> Deferred[bool | None]:
        return succeed(self.knows)


class Works:
    """A house, and what it looks after itself with."""

    def __init__(
        self,
        folder: Path,
        *,
        connectors: int = 1,
        security: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        **house: Any,
    ) -> None:
        self.transfers = FakeTransfers()
        self.installer = FakeInstaller()
        self.folder = folder
        equipment = Equipment(folder=folder, transfers=self.transfers, installer=self.installer)
        told = Security(**{"push_events": "all", **(security or {})})
        house["settings"] = {"security": told, **(settings or {})}
        self.house = House(connectors, equipment=equipment, **house)
        self.house.heard()

    def heard(self, *kinds: str) -> list[str]:
        """After everything that is due now."""
        self.house.run(0)
        return self.house.heard(*kinds)

    def statuses(self) -> list[str]:
        """Steps of updates and uploads."""
        return self.heard("Firmware", "SignedFirmware", "Diagnostics", "Log")

    def events(self) -> list[tuple[str, str | None]]:
        """All security events so far, with their words."""
        self.house.run(0)
        return [
            (told.type, told.tech_info)
            for told in self.house.all(v16.SecurityEventNotificationRequest)
        ]

    def update(self, url: str = URL, **more: Any) -> Any:
        """What is answered to an UpdateFirmware."""
        wanted = {"location": url, "retrieve_date": NOON, **more}
        return self.house.ask(v16.UpdateFirmwareRequest(**wanted))

    def no_files(self) -> bool:
        """Nothing is left in the folder but folders."""
        return not [path for path in self.folder.rglob("*") if path.is_file()]


UNLUCKY = TransferFailed("bad luck")
DENIED = TransferFailed("not for you", TransferTrouble.DENIED)


class Signer:
    """Makes and signs: an authority, or somebody under one."""

    def __init__(
        self,
        name: str,
        above: Signer | None = None,
        *,
        organisation: str = "Manufacturer",
        key: Any = None,
        authority: bool | None = True,
        begin: datetime = NOON - timedelta(days=1),
        days: float = 365,
        digest: Any = None,
        public_key: Any = None,
        serial: int | None = None,
    ) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name if above is None else above.name)
            .public_key(public_key or self.key.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=days))
        )
        if authority is not None:
            limits = x509.BasicConstraints(ca=authority, path_length=None)
            builder = builder.add_extension(limits, critical=True)
        signing = self.key if above is None else above.key
        self.certificate = builder.sign(signing, digest or hashes.SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    def certify(self, csr: str, **changes: Any) -> str:
        """A certificate for whoever has made this request, in PEM."""
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        wanted = {
            "organisation": _of(request.subject, NameOID.ORGANIZATION_NAME),
            "name": _of(request.subject, NameOID.COMMON_NAME),
            "authority": None,
            "public_key": request.public_key(),
            **changes,
        }
        return Signer(above=self, **wanted).pem

    def sign(self, content: bytes) -> str:
        """A signature over a file, in Base64."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            masks = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            signature = self.key.sign(content, masks, hashes.SHA256())
        else:
            signature = self.key.sign(content, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signature).decode()


def _of(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    return str(name.get_attributes_for_oid(oid)[0].value)


RSA_KEY = rsa.generate_private_key(65537, 2048)
"""One for all tests: it takes a while."""

CENTRAL = v16.CertificateUseEnumType.CENTRAL_SYSTEM_ROOT_CERTIFICATE
MANUFACTURER = v16.CertificateUseEnumType.MANUFACTURER_ROOT_CERTIFICATE


def install(house: House, signer: Signer | str, use: Any = CENTRAL) -> str:
    """What is answered to an InstallCertificate."""
    pem = signer if isinstance(signer, str) else signer.pem
    return house.status(v16.InstallCertificateRequest(certificate_type=use, certificate=pem))


def moment(**offset: float) -> datetime:
    """A time of the day of the house."""
    return NOON.astimezone(UTC) + timedelta(**offset)


def changed(message: Any, **changes: Any) -> Any:
    """The same message, a little different."""
    return attrs.evolve(message, **changes)
