"""New firmware: fetched, checked, installed when nobody charges (OCPP 1.6 §4.5, §5.19, security
white paper L01; rules F-01 to F-09, X-70 to X-77).

One update at a time. How far it has come is on the disk, so that a restart goes on with it; each
step is told to the central system. A signed update is the same with a signer in front, a signature
in the middle, and words of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography import x509
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.certificates import BadCertificate
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.filetransfer.attempts import Patience, pause, repeated
from txocpp.chargepoint.filetransfer.partial import Partial
from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.transfers import Transfers
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.securitylog import Event, SecurityLog
from txocpp.chargepoint.signatures import (
    BadSignature,
    Signature,
    digest_of,
    require_signature,
    require_signer,
)
from txocpp.chargepoint.update import (
    PLAIN,
    Acceptance,
    FirmwareReport,
    FirmwareStatus,
    Phase,
    Update,
)
from txocpp.errors import ImageRefused, InstallationFailed, TransferFailed
from txocpp.interfaces import Delete, IFirmwareInstaller, Installation, Put

TABLE: Final = "firmware"
UPDATE: Final = "update"
LAST: Final = "last"
LOOK_S: Final = 60.0
"""How often to look whether a moment has come: the clock may be set meanwhile."""

log = Logger()


class Surroundings(Protocol):
    """What an update needs of the charge point."""

    @property
    def charging(self) -> bool:
        """Somebody charges, or begins to."""

    def close(self) -> None:
        """Take connectors out of service as soon as nobody charges there (F-04)."""

    def open(self) -> None:
        """Back into service (F-07)."""

    def version(self) -> str:
        """Of the firmware that runs now; empty if it is not known."""

    def allows(self, protocol: str) -> bool:
        """Whether files may come by this protocol (G-04)."""

    def manufacturer_roots(self) -> Iterable[x509.Certificate]:
        """Who vouches for signers."""

    def told(self) -> Deferred[None]:
        """Fires when the central system has heard everything, or does not listen."""

    def reboot(self) -> None:
        """Boot anew."""


class Firmware:
    """Updates of the firmware.

    `tell` sends a report and saves the changes along with it. `saved` is the table of an earlier
    life.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        transfers: Transfers,
        installer: IFirmwareInstaller,
        events: SecurityLog,
        journal: Journal,
        clock: StationClock,
        *,
        folder: Path,
        patience: Patience,
        tell: Callable[..., object],
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._s = surroundings
        self._transfers = transfers
        self._installer = installer
        self._events = events
        self._journal = journal
        self._clock = clock
        self._image = folder / "image"
        self._patience = patience
        self._tell = tell
        self._work: Deferred[None] | None = None
        self._begin: IDelayedCall | None = None
        self._quiet: Deferred[None] | None = None
        """Somebody waits for the last transaction to end."""
        self._online: list[Deferred[None]] = []
        self._update: Update | None = None
        self._phase = Phase.ACCEPTED
        self._version = ""
        """Of the firmware before the installation."""
        self._last = FirmwareReport(FirmwareStatus.IDLE)
        self._restore(saved or {})

    # What the central system wants.

    def require_signer(self, signature: Signature) -> None:
        """Raises `BadCertificate` (X-70, X-71)."""
        try:
            require_signer(signature, self._s.manufacturer_roots(), self._clock.now())
        except BadCertificate as bad:
            self._events.note(Event.INVALID_SIGNING_CERTIFICATE, str(bad))
            raise

    def accept(self, update: Update) -> Acceptance:
        """Begin with an update, in place of one that is not being installed yet (F-08)."""
        if self._update is not None and self._phase >= Phase.INSTALLING:
            log.warn("a firmware update is refused: one is being installed")
            return Acceptance.REJECTED
        replaced = self._update is not None
        self.stop()
        self._s.open()
        self._image.unlink(missing_ok=True)
        self._update, self._phase = update, Phase.ACCEPTED
        self._last = FirmwareReport(FirmwareStatus.IDLE)
        self._journal.keep(self._put())
        self._start_work()
        return Acceptance.CANCELED if replaced else Acceptance.ACCEPTED

    @property
    def present(self) -> FirmwareStatus:
        """How the present update gets on, signed or not; Idle without one."""
        return FirmwareStatus.IDLE if self._update is None else self._last.status

    @property
    def report(self) -> FirmwareReport:
        """The present status of plain updates: Idle when nothing runs (T-07)."""
        busy = self._update is not None and self._update.signature is None
        if not busy or self._last.request_id is not None:
            return FirmwareReport(FirmwareStatus.IDLE)
        return self._last

    @property
    def signed_report(self) -> FirmwareReport:
        """The last status of signed updates: Idle once one has been installed (X-77)."""
        if self._last.request_id is None or self._last.status is FirmwareStatus.INSTALLED:
            return FirmwareReport(FirmwareStatus.IDLE)
        return self._last

    # The life of the charge point.

    def start(self) -> None:
        """Go on where the last boot has ended."""
        if self._update is not None:
            self._start_work()

    def online(self) -> None:
        """The central system hears us, and the device has had time to say who it is."""
        waiting, self._online = self._online, []
        for deferred in waiting:
            deferred.callback(None)

    def look_around(self) -> None:
        """A connector has another status: perhaps nobody charges any more."""
        if self._quiet is not None and not self._s.charging:
            quiet, self._quiet = self._quiet, None
            quiet.callback(None)

    def stop(self) -> None:
        """Leave everything as it is."""
        if self._begin is not None and self._begin.active():
            self._begin.cancel()
        if self._work is not None:
            self._work.cancel()

    # The steps.

    def _start_work(self) -> None:
        # The answer to the request goes out first.
        self._begin = self._clock.call_later(0, self._run)

    def _run(self) -> None:
        assert self._update is not None
        self._work = Deferred.fromCoroutine(self._carry_out(self._update))
        self._work.addErrback(self._stumbled)

    async def _carry_out(self, update: Update) -> None:
        try:
            if self._phase >= Phase.INSTALLING:
                await self._find_out(update)
                return
            if self._phase < Phase.DOWNLOADED:
                await self._fetch(update)
            if self._phase < Phase.VERIFIED:
                await self._verify(update)
            await self._wait_for_its_time(update)
            await self._install(update)
        except TransferFailed:
            self._end(update, FirmwareStatus.DOWNLOAD_FAILED)
        except BadSignature as bad:
            self._events.note(Event.INVALID_FIRMWARE_SIGNATURE, str(bad))
            self._end(update, FirmwareStatus.INVALID_SIGNATURE)
        except ImageRefused as refused:
            log.error("the new firmware is refused: {reason}", reason=str(refused))
            signed = update.signature is not None
            failed = FirmwareStatus.INSTALL_VERIFICATION_FAILED
            self._end(update, failed if signed else FirmwareStatus.INSTALLATION_FAILED)
        except (InstallationFailed, OSError) as failed:
            log.error("the new firmware is not installed: {reason}", reason=str(failed))
            self._end(update, FirmwareStatus.INSTALLATION_FAILED)

    async def _fetch(self, update: Update) -> None:
        if update.retrieve_at > self._clock.now():
            self._report(update, FirmwareStatus.DOWNLOAD_SCHEDULED)
            await self._until(update.retrieve_at)
        self._report(update, FirmwareStatus.DOWNLOADING)
        try:
            place = Place.parse(update.location)
        except TransferFailed as failed:
            log.error("no firmware is fetched: {reason}", reason=str(failed))
            raise
        if not self._s.allows(place.protocol):
            log.error("no firmware is fetched by {protocol}", protocol=place.protocol)
            raise TransferFailed(f"no files by {place.protocol}")
        patience = self._patience.asked(update.retries, update.retry_interval_s)
        await repeated(
            lambda: self._transfers.download(place, self._image),
            patience,
            self._clock,
            f"firmware from {place}",
        )
        self._reached(update, Phase.DOWNLOADED, FirmwareStatus.DOWNLOADED)

    async def _verify(self, update: Update) -> None:
        if update.signature is not None:
            require_signature(update.signature, await digest_of(self._image, self._clock))
        self._reached(update, Phase.VERIFIED, FirmwareStatus.SIGNATURE_VERIFIED)

    async def _wait_for_its_time(self, update: Update) -> None:
        """X-75, F-03, F-04: at the given time, and when nobody charges."""
        moment = update.install_at
        if moment is not None and moment > self._clock.now():
            self._report(update, FirmwareStatus.INSTALL_SCHEDULED)
            await self._until(moment)
        self._s.close()
        if self._s.charging:
            self._report(update, FirmwareStatus.INSTALL_SCHEDULED)
            self._quiet = Deferred(lambda _: self._nobody_waits())
            await self._quiet

    async def _install(self, update: Update) -> None:
        self._version = self._s.version()
        self._reached(update, Phase.INSTALLING, FirmwareStatus.INSTALLING)
        if not self._image.exists():
            raise InstallationFailed("the image is gone")
        remains = await self._installer.install(self._image)
        if remains is Installation.DONE:
            self._installed(update)
            return
        # F-05
        self._reached(update, Phase.REBOOTING, FirmwareStatus.INSTALL_REBOOTING)
        await self._s.told()
        self._clock.call_later(0, self._s.reboot)

    async def _find_out(self, update: Update) -> None:
        """After a restart in the midst of the installation, or at its end (F-09)."""
        if self._phase < Phase.REBOOTING:
            success = await self._installer.outcome()
            if success is None:
                waiting: Deferred[None] = Deferred(lambda d: self._online.remove(d))
                self._online.append(waiting)
                await waiting
                success = self._s.version() != self._version
            if not success:
                raise InstallationFailed("the old one runs after a restart")
        self._installed(update)

    def _installed(self, update: Update) -> None:
        self._events.note(Event.FIRMWARE_UPDATED, self._s.version())
        self._end(update, FirmwareStatus.INSTALLED)

    def _end(self, update: Update, status: FirmwareStatus) -> None:
        self._update = None
        self._report(update, status, Delete(TABLE, UPDATE))
        self._image.unlink(missing_ok=True)
        Partial(self._image).discard()
        self._s.open()

    # Telling and saving.

    def _reached(self, update: Update, phase: Phase, status: FirmwareStatus) -> None:
        self._phase = phase
        self._report(update, status, self._put())

    def _report(self, update: Update, status: FirmwareStatus, *changes: Change) -> None:
        """Tell a step, once; a plain update has fewer."""
        report = FirmwareReport(status, update.request_id)
        told = update.signature is not None or status in PLAIN
        if report == self._last or not told:
            if changes:
                self._journal.keep(*changes)
            return
        self._last = report
        log.info("firmware update: {status}", status=status.value)
        last = Put(TABLE, LAST, {"status": status.value, "request_id": update.request_id})
        self._tell(report, last, *changes)

    def _put(self) -> Put:
        assert self._update is not None
        document = {
            "update": self._update.document(),
            "phase": int(self._phase),
            "version": self._version,
        }
        return Put(TABLE, UPDATE, document)

    def _restore(self, saved: Mapping[str, Mapping[str, Any]]) -> None:
        if LAST in saved:
            last = saved[LAST]
            self._last = FirmwareReport(FirmwareStatus(last["status"]), last["request_id"])
        if UPDATE in saved:
            found = saved[UPDATE]
            self._update = Update.restored(found["update"])
            self._phase = Phase(found["phase"])
            self._version = found["version"]

    # Waiting.

    async def _until(self, moment: datetime) -> None:
        while (left_s := (moment - self._clock.now()).total_seconds()) > 0:
            await pause(self._clock, min(left_s, LOOK_S))

    def _nobody_waits(self) -> None:
        self._quiet = None

    def _stumbled(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            log.failure("the firmware update", failure)
