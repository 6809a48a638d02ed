"""What happens, as it happens: Server-Sent Events.

A slow reader must not hold a growing heap of events for ever: when its connection takes no more
and too much has gathered, it is dropped; browsers then connect again by themselves. Whoever may not
look any more, having logged out for example, hears nothing more from the next sign of life on.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.csms.api.endpoint import Call, Endpoints
from txocpp.csms.events import Event
from txocpp.csms.office import Office
from txocpp.errors import StoreError

routes = Endpoints("live")

KEEPALIVE_S: Final = 20.0
MOST_UNSENT: Final = 1 << 20
"""Bytes that may gather for a reader that does not read."""

_ENCODE = msgspec.json.Encoder().encode


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events."""

    station: str | None = None
    kinds: str | None = None
    """Beginnings of kinds, with commas between: `transaction.,connector.status`."""


@routes.get("/api/events", query=EventsQuery, content_type="text/event-stream")
async def events(office: Office, call: Call) -> Any:
    """Events as they happen (Server-Sent Events)."""
    query: EventsQuery = call.query
    kinds = tuple(kind.strip() for kind in (query.kinds or "").split(",") if kind.strip())
    reader = _Reader(call, office.central.clock)

    def wanted(event: Event) -> None:
        if query.station is None or event.station == query.station:
            reader.tell(event)

    stop = office.events.listen(wanted, kinds)
    try:
        await reader.gone
    finally:
        stop()
        reader.stop()
    return None


class _Reader:
    """One connection that hears events."""

    _log = Logger()

    def __init__(self, call: Call, clock: IReactorTime) -> None:
        self.gone: Deferred[None] = Deferred()
        self._may_still = call.may_still
        self._request = request = call.request
        self._clock = clock
        self._paused = False
        self._unsent: list[bytes] = []
        self._size = 0
        self._timer: IDelayedCall | None = None
        self._over = False
        request.setHeader("content-type", "text/event-stream")
        request.setHeader("cache-control", "no-store")
        request.setHeader("x-accel-buffering", "no")
        request.registerProducer(self, True)
        request.write(b"retry: 2000\n: welcome\n\n")
        self._keep_alive()

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        document = {"at": event.at, "station": event.station, **event.facts}
        self._write(b"event: %s\ndata: %s\n\n" % (event.kind.encode(), _ENCODE(document)))

    def stop(self) -> None:
        """The connection is over."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._request.channel is not None:
            self._request.unregisterProducer()

    # --- called by the transport

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        unsent, self._unsent, self._size = self._unsent, [], 0
        for chunk in unsent:
            self._request.write(chunk)

    def stopProducing(self) -> None:
        pass

    def _write(self, chunk: bytes) -> None:
        if not self._paused:
            self._request.write(chunk)
            return
        self._unsent.append(chunk)
        self._size += len(chunk)
        if self._size > MOST_UNSENT:
            self._unsent.clear()
            self._request.channel.forceAbortClient()

    def _keep_alive(self) -> None:
        self._write(b": still here\n\n")
        self._timer = self._clock.callLater(KEEPALIVE_S, self._look)

    def _look(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self._go_on()).addErrback(self._failed)

    async def _go_on(self) -> None:
        try:
            may = self._may_still is None or await self._may_still()
        except StoreError:
            # It will say later who it is.
            may = True
        if self._over:
            return
        if may:
            self._keep_alive()
        else:
            self.gone.callback(None)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("nobody knows who may hear events", failure)
        self.gone.callback(None)
