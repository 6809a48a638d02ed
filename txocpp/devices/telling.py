"""How every driver here tells its listeners: later, one at a time, and whatever a listener does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

_log = Logger()


class Teller:
    """A queue of calls to listeners, made from the reactor's next turn (`IEVSEListener`)."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._queue: deque[Callable[[], None]] = deque()
        self._timer: IDelayedCall | None = None

    def tell(self, call: Callable[[], None]) -> None:
        """Make this call soon, behind those that wait already."""
        self._queue.append(call)
        if self._timer is None:
            self._timer = self._clock.callLater(0, self._tell_all)

    def stop(self) -> None:
        """Forget what has not been told."""
        self._queue.clear()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _tell_all(self) -> None:
        try:
            while self._queue:
                call = self._queue.popleft()
                try:
                    call()
                except Exception:
                    _log.failure("a listener of a charger failed")
        finally:
            self._timer = None
