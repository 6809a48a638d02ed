"""Changes of the store that must not be forgotten: tried again until the store takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from txocpp.errors import StoreError
from txocpp.interfaces import ICentralStore

T = TypeVar("T")

FIRST_PAUSE_S: Final = 1.0
"""Each pause is twice as long as the one before."""

LONGEST_PAUSE_S: Final = 30.0


class RetryingWriter:
    """Writes to a store that may be full or away for a while."""

    _log = Logger()

    def __init__(self, store: ICentralStore, clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock
        self._pauses: set[Deferred[None]] = set()
        self._stopped = False

    async def write(self, change: Callable[[Any], T], what: str) -> T:
        """Apply a change, however long the store takes to accept it; `what` it is, for the log.

        The change must notice that it was made already: whether one that failed was committed is
        not always known. Raises what the change raises, and `StoreError` only after `stop`.
        """
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                result: T = await self._store.write(change)
            except StoreError as error:
                if self._stopped:
                    raise
                self._log.error(
                    "{what} is not stored yet: {error}; trying again in {pause_s:.0f} s",
                    what=what,
                    error=error,
                    pause_s=pause_s,
                )
            else:
                return result
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def stop(self) -> None:
        """Try once more what has not been stored, and then no more."""
        self._stopped = True
        for pause in tuple(self._pauses):
            pause.cancel()

    async def _pause(self, seconds: float) -> None:
        pause: Deferred[None] = deferLater(self._clock, seconds)
        self._pauses.add(pause)
        try:
            await pause
        except CancelledError:
            if not self._stopped:
                raise
        finally:
            self._pauses.discard(pause)
