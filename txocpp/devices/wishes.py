"""What a device shall be told until it has taken it over, however often the line fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txocpp.errors import DeviceError, DeviceOffline


class Wish:
    """The newest of a row of wishes of one kind, for example of current limits.

    `send` asks the device for what is wanted at that moment. While that is under way newer wishes
    are only noted, and sent afterwards. Who waits is answered when the newest has been taken over,
    or is refused; a lost line (`DeviceOffline`) is no refusal.
    """

    def __init__(self, send: Callable[[], Deferred[Any]]) -> None:
        self._send = send
        self._waiting: list[Deferred[None]] = []
        self._changed = False
        self.busy = False
        """The device is being asked."""

    @property
    def pending(self) -> bool:
        """Somebody waits."""
        return bool(self._waiting)

    def want(self, *, now: bool) -> Deferred[None]:
        """It shall be told: at once if it can be `now`, else at the next `want` that can."""
        waiting: Deferred[None] = Deferred(self._forget)
        self._waiting.append(waiting)
        self._changed = True
        if now and not self.busy:
            self._go()
        return waiting

    def fail(self, error: DeviceError) -> None:
        """Who waits need not wait any longer."""
        for deferred in self._due():
            deferred.errback(error)

    def _forget(self, waiting: Deferred[None]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _due(self) -> Iterator[Deferred[None]]:
        """Who waits now, without those that are cancelled while others are answered."""
        waiting, self._waiting = self._waiting, []
        return (deferred for deferred in waiting if not deferred.called)

    def _go(self) -> None:
        self.busy, self._changed = True, False
        self._send().addCallbacks(self._done, self._failed)

    def _done(self, _: object) -> None:
        self.busy = False
        if self._changed:
            self._go()
            return
        for deferred in self._due():
            deferred.callback(None)

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        error = failure.value
        if not isinstance(error, DeviceError):
            failure.raiseException()
        elif isinstance(error, DeviceOffline):
            pass  # it is wanted still
        elif self._changed:
            self._go()
        else:
            self.fail(error)
