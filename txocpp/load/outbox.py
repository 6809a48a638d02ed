"""Transaction messages of a station: kept until acknowledged, in order, as OCPP 1.6 §3.7 has it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import attrs
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from txocpp.errors import CallWithdrawn, ConnectionGone
from txocpp.load.figures import Figures
from txocpp.load.keys import Keys
from txocpp.load.line import Line
from txocpp.load.times import SimulatedTime
from txocpp.messages.v16 import StartTransactionRequest
from txocpp.rpc.frames import new_message_id

UNNUMBERED: Final = -1
"""transactionId of a transaction whose start was given up (TX-29)."""


@attrs.define(eq=False)
class Transaction:
    """One transaction, as its station knows it."""

    connector: int
    id_tag: str
    meter_start: int
    """Wh."""
    started_at: datetime
    """By the station's clock."""
    began: datetime
    """By everybody else's: charging schedules count from here."""
    number: int | None = None
    """None until the central system has given one; -1 if it never will."""


@attrs.define(eq=False)
class Entry:
    """One message on its way."""

    request: Any
    transaction: Transaction
    message_id: str = attrs.field(factory=new_message_id)
    """The same with every attempt (TX-27)."""
    failures: int = 0


Settled = Callable[[Entry, Any], object]
"""Called with an entry and its response; None if it was given up."""


class Outbox:
    """Sends one message after the other while the station is online."""

    __slots__ = (
        "_figures",
        "_keys",
        "_line",
        "_online",
        "_queue",
        "_retry",
        "_retry_at_s",
        "_sending",
        "_settled",
        "_time",
    )

    def __init__(
        self, line: Line, time: SimulatedTime, keys: Keys, figures: Figures, settled: Settled
    ) -> None:
        self._line = line
        self._time = time
        self._keys = keys
        self._figures = figures
        self._settled = settled
        self._queue: deque[Entry] = deque()
        self._online = False
        self._sending = False
        self._retry: IDelayedCall | None = None
        self._retry_at_s = 0.0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, request: Any, transaction: Transaction) -> None:
        """Deliver this after everything that came before."""
        self._queue.append(Entry(request, transaction))
        self._send_next()

    def go(self) -> None:
        """The station is online."""
        self._online = True
        self._wait()

    def halt(self) -> None:
        """It is not any more."""
        self._online = False
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _send_next(self) -> None:
        waits = self._sending or self._retry is not None
        if not self._online or waits or not self._queue:
            return
        entry = self._queue[0]
        request = entry.request
        number = entry.transaction.number
        # TX-31: what was queued before the number was known is completed now.
        if number is not None and getattr(request, "transaction_id", number) != number:
            request = entry.request = attrs.evolve(request, transaction_id=number)
        self._sending = True
        self._line.call(request, entry.message_id).addCallbacks(
            self._delivered, self._failed, (entry,), {}, (entry,), {}
        )

    def _delivered(self, response: Any, entry: Entry) -> None:
        self._sending = False
        self._queue.popleft()
        self._settled(entry, response)
        self._send_next()

    def _failed(self, failure: Failure, entry: Entry) -> None:
        self._sending = False
        # TX-24: a lost line uses up no attempt.
        if failure.check(ConnectionGone, CallWithdrawn) is not None:
            return
        entry.failures += 1
        if entry.failures >= max(1, self._keys.number("TransactionMessageAttempts")):
            self._give_up(entry)
        else:
            # TX-23
            wait_s = entry.failures * self._keys.number("TransactionMessageRetryInterval")
            self._retry_at_s = self._time.seconds() + wait_s
            self._wait()

    def _give_up(self, entry: Entry) -> None:
        self._queue.popleft()
        self._retry_at_s = 0.0
        self._figures.given_up[entry.request.action] += 1
        if isinstance(entry.request, StartTransactionRequest):
            entry.transaction.number = UNNUMBERED
        self._settled(entry, None)
        self._send_next()

    def _wait(self) -> None:
        """Send the next, but a message that has failed not before its time."""
        rest_s = self._retry_at_s - self._time.seconds()
        if rest_s <= 0:
            self._send_next()
        elif self._online and self._retry is None:
            self._retry = self._time.later(rest_s, self._again)

    def _again(self) -> None:
        self._retry = None
        self._retry_at_s = 0.0
        self._send_next()
