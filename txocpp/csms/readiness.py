"""Whether charge points can be served: not if what they say cannot be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from txocpp.interfaces import ICentralStore

PROVEN_FOR_S: Final = 5.0
"""Whoever asks all the time shall not keep the disk busy."""


class Readiness:
    """Tries the store with a write that changes nothing, as a full disk can still be read."""

    def __init__(self, store: ICentralStore, seconds: Callable[[], float]) -> None:
        self._store = store
        self._seconds = seconds
        self._proven_at: float | None = None

    async def prove(self) -> None:
        """Raises `StoreError` if nothing can be written."""
        now = self._seconds()
        if self._proven_at is not None and 0 <= now - self._proven_at < PROVEN_FOR_S:
            await self._store.read(lambda records: records.stations.count())
            return
        self._proven_at = None
        await self._store.write(lambda records: records.touch())
        self._proven_at = now
