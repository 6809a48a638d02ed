"""Files on their way to the central system's people (OCPP 1.6 §4.4, §5.9, security white paper N01;
rules G-02 to G-05, X-64, X-65)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.diagnostics import Document
from txocpp.chargepoint.filetransfer.attempts import Patience, repeated
from txocpp.chargepoint.filetransfer.partial import words
from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.transfers import Transfers
from txocpp.chargepoint.journal import Journal
from txocpp.errors import TransferFailed, TransferTrouble
from txocpp.interfaces import Delete, Put

TABLE: Final = "uploads"

log = Logger()


class UploadState(StrEnum):
    """How an upload gets on."""

    IDLE = "Idle"
    UPLOADING = "Uploading"
    UPLOADED = "Uploaded"
    FAILED = "UploadFailed"


@attrs.frozen
class UploadReport:
    """One step, as the central system is told."""

    state: UploadState
    request_id: int | None = None
    trouble: TransferTrouble | None = None


@attrs.frozen(kw_only=True)
class Order:
    """Where to, and how stubbornly."""

    location: str = attrs.field(repr=False)
    """URL, of a directory as a rule. It may hold a password."""
    retries: int | None = None
    retry_interval_s: int | None = None
    request_id: int | None = None


IDLE: Final = UploadReport(UploadState.IDLE)


class Uploads:
    """Uploads of one kind, one at a time; a newer one takes the place of a running one.

    `tell` sends a report and saves the changes along with it. `allows` knows whether files may go
    by a protocol (G-04).
    """

    def __init__(
        self,
        kind: str,
        transfers: Transfers,
        journal: Journal,
        clock: StationClock,
        *,
        folder: Path,
        patience: Patience,
        adds_name: bool,
        allows: Callable[[str], bool],
        tell: Callable[..., object],
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.report = IDLE
        """The present state; Idle when nothing runs (T-07)."""
        self._kind = kind
        self._transfers = transfers
        self._journal = journal
        self._clock = clock
        self._folder = folder
        self._patience = patience
        self._adds_name = adds_name
        self._allows = allows
        self._tell = tell
        self._work: Deferred[None] | None = None
        self._begin: IDelayedCall | None = None
        self._interrupted = (saved or {}).get(kind)

    def start(self) -> None:
        """An upload that the last boot did not end has failed."""
        if self._interrupted is not None:
            failed = TransferTrouble.FAILED
            request_id = self._interrupted["request_id"]
            self._end(UploadReport(UploadState.FAILED, request_id, failed))

    def begin(self, document: Document, order: Order) -> bool:
        """Upload a file; True if an earlier one is given up for it (G-05, X-64)."""
        replaces = self.report is not IDLE
        self.stop()
        self.report = UploadReport(UploadState.UPLOADING, order.request_id)
        # The answer to the request goes out first.
        self._begin = self._clock.call_later(0, lambda: self._run(document, order))
        return replaces

    def stop(self) -> None:
        """Give up what runs."""
        if self._begin is not None and self._begin.active():
            self._begin.cancel()
        if self._work is not None:
            self._work.cancel()

    def _run(self, document: Document, order: Order) -> None:
        self._work = Deferred.fromCoroutine(self._carry_out(document, order))
        self._work.addErrback(self._stumbled)

    async def _carry_out(self, document: Document, order: Order) -> None:
        running = Put(TABLE, self._kind, {"request_id": order.request_id})
        self._tell(self.report, running)
        trouble = None
        file = self._folder / document.name
        try:
            place = self._place(document, order)
            self._folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(document.content)
            patience = self._patience.asked(order.retries, order.retry_interval_s)
            await repeated(
                lambda: self._transfers.upload(file, place),
                patience,
                self._clock,
                f"{document.name} to {place}",
            )
        except TransferFailed as failed:
            log.error("{name} is not uploaded: {why}", name=document.name, why=str(failed))
            trouble = failed.kind
        except OSError as error:
            log.error("{name} is not uploaded: {why}", name=document.name, why=words(error))
            trouble = TransferTrouble.FAILED
        finally:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        if trouble is None:
            log.info("{name} is uploaded", name=document.name)
        state = UploadState.UPLOADED if trouble is None else UploadState.FAILED
        self._end(UploadReport(state, order.request_id, trouble))

    def _place(self, document: Document, order: Order) -> Place:
        place = Place.parse(order.location)
        if not self._allows(place.protocol):
            raise TransferFailed(f"no files by {place.protocol}", TransferTrouble.UNSUPPORTED)
        return place.within(document.name) if self._adds_name else place

    def _end(self, report: UploadReport) -> None:
        self.report = IDLE
        self._tell(report, Delete(TABLE, self._kind))

    def _stumbled(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            log.failure("an upload", failure)
