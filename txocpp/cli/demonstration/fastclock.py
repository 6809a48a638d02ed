"""A clock that runs faster than the wall's, so that an hour of charging fits into a minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock, LoopingCall
from twisted.logger import Logger
from zope.interface import directlyProvides, implementer, providedBy

TICK_S = 0.02

log = Logger()


class FastClock(Clock):
    """Virtual time that follows the reactor's at a factor which may be changed at any moment.

    Delayed calls run at exactly their own virtual second, in order, whatever the factor. Time
    stands still until `start`, and while `hold` says so: sockets and disks are not any faster than
    usual, and nobody should time out because of that.
    """

    def __init__(self, reactor: IReactorTime, *, begin: float, factor: float) -> None:
        super().__init__()
        self.rightNow = begin
        self.factor = factor
        self.hold: Callable[[], bool] = lambda: False
        self._reactor = reactor
        self._seen = 0.0
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = reactor

    def start(self) -> None:
        """Let time run."""
        self._seen = self._reactor.seconds()
        ticking = self._ticking.start(TICK_S, now=False)
        ticking.addErrback(lambda failure: log.failure("time stands still", failure))

    def stop(self) -> None:
        """Let time stand still."""
        if self._ticking.running:
            self._ticking.stop()

    def _tick(self) -> None:
        now = self._reactor.seconds()
        target = self.rightNow + (now - self._seen) * self.factor
        self._seen = now
        if self.hold():
            return
        while (due := self._next_due()) is not None and due <= target:
            self.advance(max(0.0, due - self.rightNow))
            if self.hold():
                return
        self.advance(max(0.0, target - self.rightNow))

    def _next_due(self) -> float | None:
        times = [call.getTime() for call in self.getDelayedCalls() if call.active()]
        return min(times, default=None)


@implementer(IReactorTime)
class FastReactor:
    """The reactor's sockets with another clock: what a whole daemon runs on in fast time."""

    def __init__(self, reactor: Any, clock: FastClock) -> None:
        self._reactor = reactor
        self._clock = clock
        directlyProvides(self, IReactorTime, providedBy(reactor))

    def seconds(self) -> float:
        """Virtual time."""
        return self._clock.seconds()

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """In virtual seconds."""
        call: IDelayedCall = self._clock.callLater(delay, callable, *args, **kwargs)
        return call

    def getDelayedCalls(self) -> Any:
        """Those of virtual time."""
        return self._clock.getDelayedCalls()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)
