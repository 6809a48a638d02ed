"""The last lines of the program's log, for diagnostics."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from zope.interface import implementer

LONGEST_LINE = 1_000


@implementer(ILogObserver)
class Logbook:
    """Keeps the newest `length` lines. Debug messages are not kept."""

    def __init__(self, length: int = 5_000) -> None:
        self._lines: deque[tuple[datetime, str]] = deque(maxlen=length)

    def __call__(self, event: LogEvent) -> None:
        level = event.get("log_level")
        if level is LogLevel.debug:
            return
        text = " ".join(formatEvent(event).split())
        failure = event.get("log_failure")
        if failure is not None:
            text = f"{text} {failure.type.__name__}: {failure.getErrorMessage()}"
        if text.strip():
            name = "info" if level is None else level.name
            words = f"{name} {event.get('log_namespace', '')}: {text}"
            at = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
            self._lines.append((at, words[:LONGEST_LINE]))

    def lines(
        self,
        oldest: datetime | None = None,
        latest: datetime | None = None,
        *,
        ahead: timedelta = timedelta(0),
    ) -> list[str]:
        """The lines of a period, oldest first.

        `ahead`: how far the charge point's clock is ahead of the computer's.
        """
        found = ((at + ahead, words) for at, words in self._lines)
        return [
            f"{at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')} {words}"
            for at, words in found
            if (oldest is None or at >= oldest) and (latest is None or at <= latest)
        ]
