"""Long answers, sent piece by piece: as fast as they are read, and never held as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

from twisted.internet.defer import Deferred
from twisted.web.http import Request


class Outflow:
    """Writes pieces to one request and waits while its connection takes no more."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._waiting: Deferred[None] | None = None
        self._paused = False

    async def pour(self, first: bytes, following: AsyncIterator[bytes]) -> None:
        """Write everything. A reader that goes away cancels the request, and so this."""
        self._request.registerProducer(self, True)
        try:
            self._request.write(first)
            async for piece in following:
                if self._paused:
                    self._waiting = Deferred()
                    await self._waiting
                self._request.write(piece)
        finally:
            if self._request.channel is not None:
                self._request.unregisterProducer()

    # --- called by the transport

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        pass
