"""Save, then send, in order, until acknowledged (OCPP 1.6 §3.7; rules TX-20 to TX-32).

What goes in here are the messages of transactions. Each is on the disk before it is sent, and stays
there until the central system has answered or has failed to process it often enough. Being offline
is not a failure. Nothing here knows what a message means: a `Delivery` does.

The queue is bounded. When it is full, every second MeterValues is dropped, oldest kept; starts and
stops are never dropped. A transaction begins only if there is room for its start and its stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.emptiness import Emptiness
from txocpp.chargepoint.journal import Change, Journal
from txocpp.errors import CallWithdrawn, ConnectionGone, InvalidMessage
from txocpp.interfaces import Delete, Put

TABLE = "outbox"

log = Logger()


@attrs.frozen(eq=False)
class Entry:
    """One message that must arrive."""

    number: int
    """Place in the order of all messages of this charge point."""
    action: str
    payload: Mapping[str, Any]
    transaction: str | None
    """Key of the transaction that it tells about."""
    message_id: str
    droppable: bool
    """An intermediate value that may be thinned out when the queue is full."""
    failures: int = 0
    """Transmissions that the central system failed to process."""

    @property
    def key(self) -> str:
        """Key in the journal; sorts as the numbers do."""
        return f"{self.number:012}"

    def put(self) -> Put:
        """The change that saves the entry."""
        document = attrs.asdict(self, filter=attrs.filters.exclude("number"))
        return Put(TABLE, self.key, document)


class Delivery(Protocol):
    """Knows what the messages mean."""

    def deliver(self, entry: Entry) -> Deferred[Any]:
        """Send the message; gives the answer or fails with a `CallFailed`."""

    def settle(self, entry: Entry, answer: Any) -> Sequence[Change]:
        """What the answer changes; it is saved together with the entry's deletion. None as answer:
        it was given up (TX-25, TX-29)."""


@attrs.frozen
class RetryRules:
    """How failures are met, as configured now (TX-23, TX-26, TX-27)."""

    attempts: Callable[[], int]
    """TransactionMessageAttempts."""
    interval_s: Callable[[], int]
    """TransactionMessageRetryInterval."""
    new_id: bool = False
    """A retransmission takes a new message id instead of keeping the old one."""


class Outbox:
    """The queue of transaction-related messages.

    `saved` is the table of an earlier life. Sends only between `online` and `offline`.
    """

    def __init__(
        self,
        journal: Journal,
        clock: IReactorTime,
        delivery: Delivery,
        rules: RetryRules,
        *,
        limit: int = 10_000,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._delivery = delivery
        self._rules = rules
        self._limit = limit
        self._queue = [Entry(int(key), **document) for key, document in (saved or {}).items()]
        self._number = self._queue[-1].number if self._queue else 0
        self._saved_to = self._number
        """Number of the last entry that is on the disk."""
        self._running: set[str] = set()
        """Transactions whose stop has yet to find its place here."""
        self._online = False
        self._sending: Entry | None = None
        self._cancel_sending: Callable[[], None] = lambda: None
        self._retry: IDelayedCall | None = None
        self._emptiness = Emptiness(lambda: not self._queue)
        if journal.waiting:
            # Rebooted while the disk was full: save, then send, all the same.
            self._saved_to = 0
            journal.settled().addCallback(self._earlier_saved, self._number)

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Whether another transaction may begin: its start and stop will fit."""
        lasting = sum(not entry.droppable for entry in self._queue)
        return lasting + len(self._running) + 2 <= self._limit

    def hold_room(self, transaction: str) -> None:
        """Keep a place for the stop of a running transaction until it is added."""
        self._running.add(transaction)

    def free_room(self, transaction: str) -> None:
        """The transaction needs no place for a stop any more."""
        self._running.discard(transaction)

    def add(
        self,
        action: str,
        payload: Mapping[str, Any],
        *changes: Change,
        transaction: str | None = None,
        droppable: bool = False,
        promise: bool = False,
    ) -> Deferred[None]:
        """Queue a message, saved together with `changes`; fires when that is done.

        With `promise` it is saved now or not at all (`StoreError`); otherwise it waits for the
        disk. A droppable message that finds the queue full of lasting ones is dropped.
        """
        dropped = self._make_room() if len(self._queue) >= self._limit else []
        if dropped:
            # Gone from the queue whether or not the new message finds its way to the disk.
            self._journal.keep(*dropped)
        if droppable and len(self._queue) >= self._limit:
            return self._journal.keep(*changes)
        self._number += 1
        entry = Entry(self._number, action, payload, transaction, str(uuid4()), droppable)
        self._queue.append(entry)
        write = self._journal.promise if promise else self._journal.keep
        written = write(entry.put(), *changes)
        written.addCallbacks(self._entry_saved, self._entry_refused, (entry,), {}, (entry,), {})
        return written

    def online(self) -> None:
        """The central system takes messages."""
        self._online = True
        self._send_next()

    def offline(self) -> None:
        """Nothing can be sent; what was under way without an answer goes out again."""
        self._online = False

    def stop(self) -> None:
        """Send nothing more; everything stays on the disk."""
        self._online = False
        self._cancel_sending()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def emptied(self) -> Deferred[None]:
        """Fires when nothing is left to send. May be cancelled."""
        return self._emptiness.reached()

    # Saving.

    def _entry_saved(self, _: None, entry: Entry) -> None:
        self._saved_to = max(self._saved_to, entry.number)
        self._send_next()

    def _earlier_saved(self, _: None, number: int) -> None:
        self._saved_to = max(self._saved_to, number)
        self._send_next()

    def _entry_refused(self, failure: Failure, entry: Entry) -> Failure:
        self._queue.remove(entry)
        return failure

    def _make_room(self) -> list[Change]:
        """Drop every second intermediate value, but never one that is on the line."""
        candidates = [e for e in self._queue if e.droppable and e is not self._sending]
        dropped = set(candidates[1::2] or candidates)
        if dropped:
            log.warn(
                "{count} meter values dropped: the queue for the central system is full",
                count=len(dropped),
            )
            self._queue = [entry for entry in self._queue if entry not in dropped]
        return [Delete(TABLE, entry.key) for entry in dropped]

    # Sending.

    def _send_next(self) -> None:
        if not self._online or self._sending or self._retry or not self._queue:
            return
        entry = self._queue[0]
        if entry.number > self._saved_to:
            return
        self._sending = entry
        sent = self._delivery.deliver(entry)
        self._cancel_sending = sent.cancel
        sent.addCallbacks(self._delivered, self._failed, (entry,), {}, (entry,), {})
        sent.addErrback(self._stumbled, entry)

    def _delivered(self, answer: Any, entry: Entry) -> None:
        self._remove(entry, self._delivery.settle(entry, answer))

    def _failed(self, failure: Failure, entry: Entry) -> None:
        if failure.check(ConnectionGone, CallWithdrawn, CancelledError) is not None:
            # TX-24: being offline uses up no attempt.
            self._sending = None
            return
        if failure.check(InvalidMessage) is not None:
            log.failure("{action} cannot be sent and is given up", failure, action=entry.action)
            self._remove(entry, self._delivery.settle(entry, None))
            return
        self._failed_once_more(entry, failure.getErrorMessage())

    def _failed_once_more(self, entry: Entry, reason: str) -> None:
        """TX-23: wait n times the interval after the n-th failure, give up after the last."""
        failures = entry.failures + 1
        log.warn(
            "{action} was not processed ({failures} times): {reason}",
            action=entry.action,
            failures=failures,
            reason=reason,
        )
        if failures >= max(1, self._rules.attempts()):
            log.error("{action} is given up", action=entry.action)
            self._remove(entry, self._delivery.settle(entry, None))
            return
        message_id = str(uuid4()) if self._rules.new_id else entry.message_id
        self._sending = None
        self._queue[0] = attrs.evolve(entry, failures=failures, message_id=message_id)
        self._journal.keep(self._queue[0].put())
        delay_s = failures * self._rules.interval_s()
        self._retry = self._clock.callLater(delay_s, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self._send_next()

    def _remove(self, entry: Entry, changes: Sequence[Change]) -> None:
        self._sending = None
        self._queue.remove(entry)
        self._journal.keep(Delete(TABLE, entry.key), *changes)
        self._emptiness.look()
        self._send_next()

    def _stumbled(self, failure: Failure, entry: Entry) -> None:
        """A mistake of our own must not hold up the queue for ever."""
        log.failure("{action} met a mistake of our own", failure, action=entry.action)
        if self._sending is entry:
            self._failed_once_more(entry, failure.getErrorMessage())
