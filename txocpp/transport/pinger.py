"""Finds out that a peer is gone when the network does not say so (C-10, C-11)."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Pinger:
    """Sends a ping every so often and gives the peer up when its pong does not come in time.

    Only a pong counts as life: a peer that talks without answering does not hear us.
    """

    __slots__ = ("_awaiting", "_clock", "_give_up", "_interval_s", "_patience_s", "_ping", "_timer")

    def __init__(
        self,
        clock: IReactorTime,
        ping: Callable[[], object],
        give_up: Callable[[str], object],
    ) -> None:
        self._clock = clock
        self._ping = ping
        self._give_up = give_up
        self._interval_s = self._patience_s = 0.0
        self._awaiting = False
        self._timer: IDelayedCall | None = None

    def set_interval(self, interval_s: float, patience_s: float) -> None:
        """Ping every `interval_s` from now on, and wait `patience_s` for each pong. An interval of
        0 or less stops pinging (C-10)."""
        self.stop()
        self._interval_s, self._patience_s = interval_s, patience_s
        if interval_s > 0:
            self._timer = self._clock.callLater(interval_s, self._send)

    def pong(self) -> None:
        """The peer answered."""
        if not self._awaiting or self._timer is None:
            return
        self._awaiting = False
        # The interval counts from ping to ping, whatever the pong took.
        waited_s = self._patience_s - (self._timer.getTime() - self._clock.seconds())
        self._timer.cancel()
        rest_s = max(0.0, self._interval_s - waited_s)
        self._timer = self._clock.callLater(rest_s, self._send)

    def stop(self) -> None:
        """Neither ping nor wait any more."""
        self._awaiting = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self) -> None:
        self._awaiting = True
        self._timer = self._clock.callLater(self._patience_s, self._missed)
        self._ping()

    def _missed(self) -> None:
        self._timer = None
        self._awaiting = False
        self._give_up(f"no pong within {self._patience_s:g} s")
