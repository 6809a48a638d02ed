"""Named timers: setting one again replaces it, and all can be stopped at once."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall

from txocpp.chargepoint.clock import StationClock


class Timers:
    """The timers of one part of the charge point."""

    def __init__(self, clock: StationClock) -> None:
        self._clock = clock
        self._running: dict[str, IDelayedCall] = {}

    def set(self, name: str, delay_s: float, call: Callable[[], object]) -> None:
        """Call after so many seconds, instead of what was planned under this name."""
        self.cancel(name)

        def fire() -> None:
            del self._running[name]
            call()

        self._running[name] = self._clock.call_later(delay_s, fire)

    def runs(self, name: str) -> bool:
        """Whether a timer of this name is waiting."""
        return name in self._running

    def cancel(self, name: str) -> None:
        """Forget what was planned under this name, if anything."""
        timer = self._running.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()

    def cancel_all(self) -> None:
        """Forget everything."""
        for name in list(self._running):
            self.cancel(name)
