"""What is wrong with an evlink/1 device as a whole, for as long as it is worth telling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from txocpp.evse import Fault, FaultCode

RESTARTS: Final = 3
WITHIN_S: Final = 600.0
"""So many restarts within this time are a fault of their own."""
CRASH_SHOWN_S: Final = 60.0
CRASHES: Final = ("wdt", "fault")
"""Reasons of a restart that are no accident from outside."""


class Troubles:
    """Faults that come from restarts, and go by themselves after a while."""

    def __init__(self, clock: IReactorTime, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._restarts: list[float] = []
        self._shown: dict[FaultCode, tuple[Fault, IDelayedCall]] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong now."""
        return tuple(fault for fault, _ in self._shown.values())

    def restarted(self, why: str) -> None:
        """The device has started again, for the reason that it gives."""
        now = self._clock.seconds()
        self._restarts = [at for at in self._restarts if now - at < WITHIN_S] + [now]
        if why in CRASHES:
            self._show(
                Fault(FaultCode.INTERNAL_ERROR, False, "device restarted by itself", why),
                CRASH_SHOWN_S,
            )
        if len(self._restarts) >= RESTARTS:
            self._show(
                Fault(FaultCode.RESET_FAILURE, False, "device restarts again and again", why),
                WITHIN_S,
            )

    def stop(self) -> None:
        """Nothing is shown any more; no timer is left."""
        for _, timer in self._shown.values():
            timer.cancel()
        self._shown.clear()

    def _show(self, fault: Fault, shown_s: float) -> None:
        before = self._shown.get(fault.code)
        if before is not None:
            before[1].cancel()
        timer = self._clock.callLater(shown_s, self._over, fault.code)
        self._shown[fault.code] = (fault, timer)
        self._changed()

    def _over(self, code: FaultCode) -> None:
        del self._shown[code]
        self._changed()
