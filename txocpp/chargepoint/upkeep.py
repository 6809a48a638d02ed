"""Firmware, diagnostics and security of one charge point from boot to reboot: built and wired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import attrs
from cryptography import x509
from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as TookTooLong

from txocpp.chargepoint import firmware, linesecurity, roots, securitylog, uploads
from txocpp.chargepoint.availability import Availability
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.certification import Certification
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.diagnostics import Diagnostics
from txocpp.chargepoint.filetransfer.attempts import Patience
from txocpp.chargepoint.filetransfer.transfers import NetworkTransfers
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.installer import NoInstaller
from txocpp.chargepoint.journal import Change
from txocpp.chargepoint.linesecurity import LineSecurity
from txocpp.chargepoint.notices import Notices
from txocpp.chargepoint.owncertificate import OwnCertificates
from txocpp.chargepoint.parts import Line, Parts
from txocpp.chargepoint.roots import Roots, RootUse
from txocpp.chargepoint.securitylog import Event, SecurityLog
from txocpp.chargepoint.update import FirmwareReport
from txocpp.chargepoint.uploads import UploadReport, Uploads
from txocpp.chargepoint.v16.central import CentralSystem
from txocpp.chargepoint.v16.firmware import FirmwareManagement
from txocpp.chargepoint.v16.notices import (
    NoticeWords,
    diagnostics_status,
    firmware_status,
    log_status,
    signed_firmware_status,
)
from txocpp.chargepoint.v16.remotetrigger import RemoteTrigger
from txocpp.chargepoint.v16.security import SecurityExtensions, sign_certificate
from txocpp.interfaces import IEVSEDevice, IFirmwareInstaller
from txocpp.transport.peer import Responder

STATUS_TABLE: Final = "status_notices"
TELL_S: Final = 5.0
"""How long a reboot waits for the last notices to go out; the rest goes after it."""


@attrs.frozen(kw_only=True)
class House:
    """The rest of the charge point, as far as it is needed here."""

    parts: Parts
    clock: StationClock
    configuration: Configuration
    central: CentralSystem
    availability: Availability
    bays: Mapping[int, Bay]
    trigger: RemoteTrigger
    reboot: Callable[[], object]
    line: Callable[[], Line | None]


class Upkeep:
    """What looks after the charge point itself, not after charging."""

    def __init__(
        self,
        house: House,
        tables: Mapping[str, Mapping[str, Mapping[str, Any]]],
    ) -> None:
        self._house = house
        self._online = False
        self._parts = parts = house.parts
        settings, equipment = parts.settings, parts.equipment
        clock, journal = house.clock, parts.journal
        extended = settings.security.enabled

        def table(name: str) -> Mapping[str, Mapping[str, Any]]:
            return tables.get(name, {})

        self.words = NoticeWords(house.central, parts.factory)
        self._event_notices = Notices(
            securitylog.NOTICES_TABLE,
            journal,
            clock,
            self.words.send_event,
            saved=table(securitylog.NOTICES_TABLE),
        )
        self._status_notices = Notices(
            STATUS_TABLE, journal, clock, self.words.send, saved=table(STATUS_TABLE)
        )
        self.events = SecurityLog(
            clock,
            journal,
            self._event_notices,
            push=settings.security.push_events if extended else "none",
            is_secured=lambda: house.configuration.integer("SecurityProfile") > 0,
            length=settings.security.log_length,
            saved=table(securitylog.TABLE),
        )

        # Certificates and the line.
        self.roots = Roots(
            house.configuration, clock, journal, self.events, saved=table(roots.TABLE)
        )
        self.own_certificates = OwnCertificates(
            equipment.folder / "certificates",
            clock,
            self._owner,
            lambda: self.roots.of(RootUse.CENTRAL_SYSTEM),
        )
        self.line_security = LineSecurity(
            settings.security,
            house.configuration,
            self.roots,
            self.own_certificates,
            self.events,
            journal,
            clock,
            change=self._change_line,
            reconnect=self._reconnect,
            busy=lambda: house.central.is_busy,
            saved=table(linesecurity.TABLE),
        )
        self.certification = Certification(
            self.own_certificates,
            house.configuration,
            self.events,
            clock,
            partial(sign_certificate, house.central),
        )

        # Files.
        files = settings.files
        patience = Patience(files.retries, files.retry_interval_s)
        trust = Trust(files.trust_roots, self.roots.pems)
        transfers = equipment.transfers or NetworkTransfers(parts.clock, files, trust)
        self.diagnostics = Diagnostics(
            settings.identity,
            clock,
            house.configuration,
            equipment.logbook,
            self.events,
            equipment.overview,
        )
        make_uploads = partial(
            Uploads,
            transfers=transfers,
            journal=journal,
            clock=clock,
            folder=equipment.folder / "outgoing",
            patience=patience,
            adds_name=files.upload_adds_name,
            allows=self.allows,
            saved=table(uploads.TABLE),
        )
        self.diagnostics_uploads = make_uploads("diagnostics", tell=self._tell_diagnostics)
        self.log_uploads = make_uploads("log", tell=self._tell_log)
        self.firmware = firmware.Firmware(
            self,
            transfers,
            equipment.installer or _installer_of(parts.device),
            self.events,
            journal,
            clock,
            folder=equipment.folder / "firmware",
            patience=patience,
            tell=self._tell_firmware,
            saved=table(firmware.TABLE),
        )

    def responders(self) -> dict[type, Responder]:
        """By request class; and what can be triggered."""
        house, security = self._house, self._parts.settings.security
        plain = FirmwareManagement(
            firmware=self.firmware,
            diagnostics=self.diagnostics,
            uploads=self.diagnostics_uploads,
            configuration=house.configuration,
            words=self.words,
            signed_only=security.signed_firmware_only,
        )
        plain.add_triggers(house.trigger)
        if not security.enabled:
            return plain.responders()
        extended = SecurityExtensions(
            firmware=self.firmware,
            diagnostics=self.diagnostics,
            uploads=self.log_uploads,
            roots=self.roots,
            certification=self.certification,
            line=self.line_security,
            trigger=house.trigger,
            configuration=house.configuration,
            words=self.words,
        )
        return {**plain.responders(), **extended.responders()}

    # From boot to reboot.

    def start(self) -> None:
        """The charge point has booted."""
        self.events.note(Event.STARTUP)
        self.line_security.start()
        self.diagnostics_uploads.start()
        self.log_uploads.start()
        self.firmware.start()

    def online(self) -> None:
        """The central system takes messages."""
        self._online = True
        self.events.write_down()
        self._event_notices.online()
        self._status_notices.online()
        self.certification.online()
        self.firmware.online()

    def offline(self) -> None:
        """It does not."""
        self._online = False
        self._event_notices.offline()
        self._status_notices.offline()

    def stop(self) -> None:
        """Leave everything as it is."""
        for part in (
            self.firmware,
            self.diagnostics_uploads,
            self.log_uploads,
            self.certification,
            self.line_security,
            self._event_notices,
            self._status_notices,
        ):
            part.stop()

    # What happens elsewhere.

    def rebooting(self, why: str) -> None:
        """The charge point is about to boot anew."""
        self.events.note(Event.RESET_OR_REBOOT, why)

    def invalid_message(self, reason: str) -> None:
        """Something has come that is no valid OCPP."""
        self.events.note(Event.INVALID_MESSAGES, reason)

    def store_is_full(self) -> None:
        """The disk takes nothing more."""
        self.events.note(Event.MEMORY_EXHAUSTION, "the store takes no changes")

    # What an update needs: provides `firmware.Surroundings`.

    @property
    def charging(self) -> bool:
        """See `firmware.Surroundings`."""
        return any(bay.in_use for bay in self._house.bays.values())

    def close(self) -> None:
        """See `firmware.Surroundings`."""
        self._house.availability.pause(True)

    def open(self) -> None:
        """See `firmware.Surroundings`."""
        self._house.availability.pause(False)

    def version(self) -> str:
        """See `firmware.Surroundings`."""
        told: str = self._parts.device.info.firmware_version
        return self._parts.settings.firmware_version or told

    def allows(self, protocol: str) -> bool:
        """See `firmware.Surroundings`."""
        key = "SupportedFileTransferProtocols"
        configuration = self._house.configuration
        return not configuration.has(key) or protocol in configuration.items(key)

    def manufacturer_roots(self) -> Iterable[x509.Certificate]:
        """See `firmware.Surroundings`."""
        return self.roots.of(RootUse.MANUFACTURER)

    def told(self) -> Deferred[None]:
        """See `firmware.Surroundings`."""
        if not self._online:
            return succeed(None)
        told = self._status_notices.emptied()
        told.addTimeout(TELL_S, self._parts.clock)
        return told.addErrback(lambda failure: failure.trap(TookTooLong) and None)

    def reboot(self) -> None:
        """See `firmware.Surroundings`."""
        self._house.reboot()

    # Telling.

    def _tell_firmware(self, report: FirmwareReport, *changes: Change) -> None:
        signed = report.request_id is not None
        request: Any = signed_firmware_status(report) if signed else firmware_status(report)
        self._tell(request, *changes)

    def _tell_diagnostics(self, report: UploadReport, *changes: Change) -> None:
        self._tell(diagnostics_status(report), *changes)

    def _tell_log(self, report: UploadReport, *changes: Change) -> None:
        self._tell(log_status(report), *changes)

    def _tell(self, request: Any, *changes: Change) -> None:
        self._status_notices.tell(self.words.document(request), *changes, lasting=True)

    # The line.

    def _change_line(self, **changes: Any) -> None:
        line = self._house.line()
        if line is not None:
            line.change(**changes)

    def _reconnect(self, reason: str) -> None:
        line = self._house.line()
        if line is not None:
            line.reconnect(reason)

    def _owner(self) -> tuple[str, str]:
        """Whom a certificate of ours is made out to (X-26, X-40)."""
        settings, info = self._parts.settings, self._parts.device.info
        serial_number = settings.serial_number or info.serial_number or settings.identity
        return self._house.configuration.text("CpoName"), serial_number


def _installer_of(device: IEVSEDevice) -> IFirmwareInstaller:
    return device if IFirmwareInstaller.providedBy(device) else NoInstaller()
