"""Waiting until a queue has nothing left to send."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred


class Emptiness:
    """Those who wait for it. `is_empty` tells how it is; `look` is called when that may have
    changed."""

    def __init__(self, is_empty: Callable[[], bool]) -> None:
        self._is_empty = is_empty
        self._waiting: list[Deferred[None]] = []

    def reached(self) -> Deferred[None]:
        """Fires when nothing is left, perhaps at once. May be cancelled."""
        done: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(done)
        self.look()
        return done

    def look(self) -> None:
        """Tell everybody who waits, if nothing is left."""
        if self._is_empty():
            waiting, self._waiting = self._waiting, []
            for done in waiting:
                done.callback(None)
