"""What security people want to know: a log that rolls, and events for the central system (security
white paper A04 and chapter 8; rules X-60 to X-63)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal

import attrs
from twisted.logger import Logger

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.notices import Notices
from txocpp.interfaces import Delete, Put

TABLE: Final = "security_log"
NOTICES_TABLE: Final = "security_notices"
LONGEST_INFO: Final = 255
SPACING_S: Final = 60.0
"""Between two events of a kind that the other end of the line can provoke at will."""
NOTABLE_STEP: Final = timedelta(seconds=10)
"""Smaller settings of the clock are no event (H-07)."""

log = Logger()


class Event(StrEnum):
    """The security events of OCPP 1.6, as far as a charge point can know of them."""

    FIRMWARE_UPDATED = "FirmwareUpdated"
    FAILED_TO_AUTHENTICATE = "FailedToAuthenticateAtCentralSystem"
    SETTING_SYSTEM_TIME = "SettingSystemTime"
    STARTUP = "StartupOfTheDevice"
    RESET_OR_REBOOT = "ResetOrReboot"
    RECONFIGURATION = "ReconfigurationOfSecurityParameters"
    MEMORY_EXHAUSTION = "MemoryExhaustion"
    INVALID_MESSAGES = "InvalidMessages"
    TAMPER_DETECTION = "TamperDetectionActivated"
    INVALID_FIRMWARE_SIGNATURE = "InvalidFirmwareSignature"
    INVALID_SIGNING_CERTIFICATE = "InvalidFirmwareSigningCertificate"
    INVALID_CENTRAL_CERTIFICATE = "InvalidCentralSystemCertificate"
    INVALID_OWN_CERTIFICATE = "InvalidChargePointCertificate"
    INVALID_TLS_VERSION = "InvalidTLSVersion"
    INVALID_TLS_CIPHER_SUITE = "InvalidTLSCipherSuite"


CRITICAL: Final = frozenset(
    {
        Event.FIRMWARE_UPDATED,
        Event.SETTING_SYSTEM_TIME,
        Event.STARTUP,
        Event.RESET_OR_REBOOT,
        Event.MEMORY_EXHAUSTION,
        Event.TAMPER_DETECTION,
    }
)
"""The central system has to hear of these, whatever happens meanwhile."""

PROVOKED: Final = frozenset(
    {
        Event.FAILED_TO_AUTHENTICATE,
        Event.INVALID_MESSAGES,
        Event.INVALID_CENTRAL_CERTIFICATE,
        Event.INVALID_TLS_VERSION,
        Event.INVALID_TLS_CIPHER_SUITE,
    }
)


@attrs.frozen
class Entry:
    """One line of the security log."""

    at: datetime
    event: str
    info: str
    critical: bool

    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**attrs.asdict(self), "at": self.at.isoformat()}

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> Entry:
        """From what `document` gave."""
        return cls(**{**document, "at": datetime.fromisoformat(document["at"])})

    def __str__(self) -> str:
        weight = "critical" if self.critical else "ordinary"
        moment = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{moment} {weight} {self.event} {self.info}".rstrip()


class SecurityLog:
    """Notes security events, on the disk, and passes them on through `notices`.

    `push` says which are passed on (X-62); "secured": all while `is_secured`. What happens before
    the time is known is dated when it is (B-15).
    """

    def __init__(
        self,
        clock: StationClock,
        journal: Journal,
        notices: Notices,
        *,
        push: Literal["secured", "all", "critical", "none"] = "all",
        is_secured: Callable[[], bool] = lambda: True,
        length: int = 1_000,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._notices = notices
        self._push = push
        self._is_secured = is_secured
        self._length = max(1, length)
        self._entries = {int(k): Entry.restored(found) for k, found in (saved or {}).items()}
        self._number = max(self._entries, default=0)
        self._undated: list[tuple[float, str, str, bool]] = []
        self._noted_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}
        clock.on_step(self._clock_was_set)

    def note(self, event: str, info: str = "", *, critical: bool | None = None) -> None:
        """Something has happened; `event` is an `Event`, or a vendor's own name."""
        weight = event in CRITICAL if critical is None else critical
        if event in PROVOKED and self._too_often(event):
            return
        left_out = self._left_out.pop(event, 0)
        if left_out:
            info = f"{info} ({left_out} more since the last one)".strip()
        words = f"{event}: {info}" if info else str(event)
        log.info("security event {words}", words=words)
        self._undated.append((self._clock.seconds(), event, info[:LONGEST_INFO], weight))
        self.write_down()

    def write_down(self) -> None:
        """Date and save what has been noted, if the time is known by now."""
        if not self._clock.valid:
            return
        undated, self._undated = self._undated, []
        for seconds, event, info, critical in undated:
            passed = timedelta(milliseconds=round((self._clock.seconds() - seconds) * 1000))
            self._add(Entry(self._clock.now() - passed, str(event), info, critical))

    def entries(
        self, oldest: datetime | None = None, latest: datetime | None = None
    ) -> list[Entry]:
        """The log of a period, oldest first."""
        return [
            entry
            for _, entry in sorted(self._entries.items())
            if (oldest is None or entry.at >= oldest) and (latest is None or entry.at <= latest)
        ]

    def _add(self, entry: Entry) -> None:
        self._number += 1
        self._entries[self._number] = entry
        changes: list[Change] = [Put(TABLE, f"{self._number:012}", entry.document())]
        while len(self._entries) > self._length:
            oldest = min(self._entries)
            del self._entries[oldest]
            changes.append(Delete(TABLE, f"{oldest:012}"))
        if self._is_for_others(entry):
            self._notices.tell(entry.document(), *changes, lasting=entry.critical)
        else:
            self._journal.keep(*changes)

    def _is_for_others(self, entry: Entry) -> bool:
        if self._push == "secured":
            return self._is_secured()
        return self._push == "all" or (self._push == "critical" and entry.critical)

    def _too_often(self, event: str) -> bool:
        now = self._clock.seconds()
        before = self._noted_at.get(event)
        if before is not None and now - before < SPACING_S:
            self._left_out[event] = self._left_out.get(event, 0) + 1
            return True
        self._noted_at[event] = now
        return False

    def _clock_was_set(self, step: timedelta) -> None:
        if abs(step) >= NOTABLE_STEP:
            self.note(Event.SETTING_SYSTEM_TIME, f"by {step.total_seconds():+.0f} s")
