"""News for the central system that must arrive, in order, though they belong to no transaction:
steps of an update, ends of an upload, security events (rules F-09, X-60).

What is told while the line is down waits. A lasting notice waits on the disk, the others in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.emptiness import Emptiness
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.timers import Timers
from txocpp.errors import CallWithdrawn, ConnectionGone, InvalidMessage, RemoteError
from txocpp.interfaces import Delete, Put

ATTEMPTS: Final = 5
RETRY_S: Final = 30.0
UNKNOWN_THERE: Final = ("NotImplemented", "NotSupported")

log = Logger()


@attrs.frozen(eq=False)
class Notice:
    """One piece of news; what it means, only its sender knows."""

    number: int
    document: Mapping[str, Any]
    """Plain JSON values."""
    lasting: bool
    failures: int = 0

    @property
    def key(self) -> str:
        """Key in the journal; sorts as the numbers do."""
        return f"{self.number:012}"


class Notices:
    """A queue of notices.

    `send` puts one on the line; its Deferred fails with a `CallFailed`. `saved` is the table of an
    earlier life. When more than `limit` wait, the oldest that does not last is dropped.
    """

    def __init__(
        self,
        table: str,
        journal: Journal,
        clock: StationClock,
        send: Callable[[Mapping[str, Any]], Deferred[Any]],
        *,
        limit: int = 500,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._table = table
        self._journal = journal
        self._send = send
        self._limit = limit
        self._queue = [Notice(int(key), found, True) for key, found in (saved or {}).items()]
        self._number = self._queue[-1].number if self._queue else 0
        self._timers = Timers(clock)
        self._online = self._stopped = False
        self._sending: Deferred[Any] | None = None
        self._emptiness = Emptiness(lambda: not self._queue)

    def __len__(self) -> int:
        return len(self._queue)

    def tell(
        self, document: Mapping[str, Any], *changes: Change, lasting: bool = False
    ) -> Deferred[None]:
        """Queue a notice; `changes` are saved together with it. Fires when that is done."""
        self._number += 1
        notice = Notice(self._number, document, lasting)
        self._queue.append(notice)
        kept = [*changes, *self._make_room()]
        if lasting:
            kept.append(Put(self._table, notice.key, document))
        written = self._journal.keep(*kept)
        # What the central system has just asked is answered first.
        if not self._stopped:
            self._timers.set("soon", 0, self._send_next)
        return written

    def online(self) -> None:
        """The central system takes messages."""
        self._online = True
        self._send_next()

    def offline(self) -> None:
        """Nothing can be sent."""
        self._online = False

    def stop(self) -> None:
        """Send nothing more."""
        self._online, self._stopped = False, True
        self._timers.cancel_all()
        if self._sending is not None:
            self._sending.cancel()

    def emptied(self) -> Deferred[None]:
        """Fires when nothing is left to send. May be cancelled."""
        return self._emptiness.reached()

    def _make_room(self) -> list[Change]:
        if len(self._queue) <= self._limit:
            return []
        # The first one may be on the line.
        candidates = self._queue[1:]
        dropped = next((n for n in candidates if not n.lasting), candidates[0])
        self._queue.remove(dropped)
        return [Delete(self._table, dropped.key)] if dropped.lasting else []

    def _send_next(self) -> None:
        waits = self._timers.runs("retry") or self._sending is not None
        if not self._online or waits or not self._queue:
            return
        notice = self._queue[0]
        self._sending = self._send(notice.document)
        self._sending.addCallbacks(
            self._heard, self._unheard, callbackArgs=(notice,), errbackArgs=(notice,)
        )

    def _heard(self, _: object, notice: Notice) -> None:
        self._sending = None
        self._remove(notice)

    def _unheard(self, failure: Failure, notice: Notice) -> None:
        self._sending = None
        error = failure.value
        if isinstance(error, (ConnectionGone, CallWithdrawn)):
            return
        if isinstance(error, RemoteError) and error.code in UNKNOWN_THERE:
            # An older central system: nobody there will ever want it.
            self._remove(notice)
            return
        log.warn("a notice was not taken: {reason}", reason=failure.getErrorMessage())
        if isinstance(error, InvalidMessage) or notice.failures + 1 >= ATTEMPTS:
            self._remove(notice)
            return
        self._queue[0] = attrs.evolve(notice, failures=notice.failures + 1)
        self._timers.set("retry", RETRY_S * (notice.failures + 1), self._send_next)

    def _remove(self, notice: Notice) -> None:
        self._queue = [other for other in self._queue if other.number != notice.number]
        if notice.lasting:
            self._journal.keep(Delete(self._table, notice.key))
        self._emptiness.look()
        self._send_next()
