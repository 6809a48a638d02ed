"""UTC as the central system tells it (OCPP 1.6 §4.2, §4.6; rules H-02, H-06, H-07, B-15).

Between two words of the central system time is counted by the reactor's clock, or by a monotonic
one where the reactor's may jump.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

NOTICEABLE = timedelta(seconds=1)
"""Smaller differences are the way of the message, not an error of the clock (H-07)."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = Logger()


class StationClock:
    """The charge point's wall clock and its timers on the wall clock.

    Before the central system has spoken it shows the computer's own time, which `valid` says may be
    relied upon or not (a computer without a battery-backed clock; B-15).
    """

    def __init__(
        self,
        clock: IReactorTime,
        *,
        monotonic: Callable[[], float] | None = None,
        trust_computer: bool = True,
    ) -> None:
        self.valid = trust_computer
        self.reactor_clock = clock
        self._monotonic = monotonic or clock.seconds
        self._reference = EPOCH + timedelta(microseconds=round(clock.seconds() * 1_000_000))
        self._reference_at = self._monotonic()
        self._steps: list[Callable[[timedelta], None]] = []

    def now(self) -> datetime:
        """The time in UTC, in whole milliseconds."""
        passed_ms = round((self._monotonic() - self._reference_at) * 1000)
        moment = self._reference + timedelta(milliseconds=passed_ms)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def adjust(self, central_time: datetime) -> None:
        """Take over the central system's time if ours differs noticeably (H-02, H-07)."""
        now = self.now()
        step = central_time.astimezone(UTC) - now
        self.valid = True
        if abs(step) < NOTICEABLE:
            return
        log.info("the clock is set from {before} to {after}", before=now, after=central_time)
        self._reference = central_time.astimezone(UTC)
        self._reference_at = self._monotonic()
        for listener in list(self._steps):
            listener(step)

    def on_step(self, listener: Callable[[timedelta], None]) -> None:
        """Call `listener` with the difference after each setting of the clock: whoever waits for a
        moment has to look again."""
        self._steps.append(listener)

    def call_at(self, moment: datetime, call: Callable[[], None]) -> IDelayedCall:
        """Call at this time of the present clock; at once (but later) if it has passed."""
        delay_s = max(0.0, (moment - self.now()).total_seconds())
        return self.reactor_clock.callLater(delay_s, call)

    def call_later(self, delay_s: float, call: Callable[[], None]) -> IDelayedCall:
        """Call after so many seconds, whatever the clock is set to meanwhile."""
        return self.reactor_clock.callLater(delay_s, call)

    def seconds(self) -> float:
        """Seconds of the reactor's clock, for measuring durations."""
        return self.reactor_clock.seconds()
