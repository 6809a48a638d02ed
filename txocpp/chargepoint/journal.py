"""What must survive is written here before it counts.

Two verbs, because two things can be asked of a full disk. `promise` is for what somebody asks of us
(a profile, a key, a new transaction): it is written now, or refused. `keep` is for what has already
happened (a transaction has ended): it is tried until the disk takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.errors import StoreError
from txocpp.interfaces import Delete, IChargePointStore, Put

Change = Put | Delete
Tables = dict[str, dict[str, dict[str, Any]]]
"""Table name to key to document."""

log = Logger()


@attrs.frozen(eq=False)
class _Request:
    changes: tuple[Change, ...]
    lasting: bool
    """Stays in the queue until it is written."""
    done: Deferred[None]


class Journal:
    """Writes to the store strictly in order, one write at a time; what gathers meanwhile goes along
    with the next one. While the store refuses, `healthy` is False."""

    def __init__(
        self, store: IChargePointStore, clock: IReactorTime, *, retry_s: float = 10.0
    ) -> None:
        self.healthy = True
        self.on_health: Callable[[bool], None] = lambda healthy: None
        self._store = store
        self._clock = clock
        self._retry_s = retry_s
        self._queue: list[_Request] = []
        self._writing = False
        self._retry: IDelayedCall | None = None
        self._stopped = False

    def promise(self, *changes: Change) -> Deferred[None]:
        """Fires when the changes would survive a power cut; fails with `StoreError`, and then they
        are not written and never will be."""
        return self._enqueue(changes, lasting=False)

    def keep(self, *changes: Change) -> Deferred[None]:
        """Fires when the changes would survive a power cut, however long that takes."""
        return self._enqueue(changes, lasting=True)

    def settled(self) -> Deferred[None]:
        """Fires when everything so far is on the disk. May be cancelled."""
        return self.keep()

    def stop(self) -> None:
        """Try no more; what still waits is as good as lost in a power cut."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def as_if_written(self, tables: Tables) -> Tables:
        """What the store holds, with everything on top that is kept and waits for the disk: what a
        reboot has to go on from while the disk is full."""
        kept = [change for one in self._queue if one.lasting for change in one.changes]
        for change in kept:
            rows = tables.setdefault(change.table, {})
            rows.pop(change.key, None)
            if isinstance(change, Put):
                rows[change.key] = dict(change.document)
        for table in {change.table for change in kept}:
            tables[table] = dict(sorted(tables[table].items()))
        return tables

    @property
    def waiting(self) -> int:
        """How many changes are not on the disk yet."""
        return sum(len(request.changes) for request in self._queue)

    def _enqueue(self, changes: tuple[Change, ...], *, lasting: bool) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self._queue.append(_Request(changes, lasting, done))
        self._write_next()
        return done

    def _write_next(self) -> None:
        if self._writing or self._stopped or not self._queue:
            return
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        batch = tuple(self._queue)
        self._writing = True
        written = self._store.write(*(change for request in batch for change in request.changes))
        written.addCallbacks(
            self._written, self._refused, callbackArgs=(batch,), errbackArgs=(batch,)
        )

    def _written(self, _: None, batch: Sequence[_Request]) -> None:
        self._writing = False
        del self._queue[: len(batch)]
        # Who hears of it may write at once.
        self._note_health(True)
        for request in batch:
            request.done.callback(None)
        self._write_next()

    def _refused(self, failure: Failure, batch: Sequence[_Request]) -> None:
        self._writing = False
        late = self._queue[len(batch) :]
        self._queue = [*_merged(request for request in batch if request.lasting), *late]
        if self._queue and not self._stopped:
            # Without the promises, or with later ones, the rest may fit at once.
            same = not late and all(request.lasting for request in batch)
            delay_s = self._retry_s if same else 0.0
            self._retry = self._clock.callLater(delay_s, self._try_again)
        self._note_health(False, failure.getErrorMessage())
        for request in batch:
            if not request.lasting:
                request.done.errback(StoreError(failure.getErrorMessage()))

    def _try_again(self) -> None:
        self._retry = None
        self._write_next()

    def _note_health(self, healthy: bool, reason: str = "") -> None:
        if healthy == self.healthy:
            return
        self.healthy = healthy
        if healthy:
            log.info("the store takes changes again")
        else:
            log.error("the store refuses changes: {reason}", reason=reason)
        self.on_health(healthy)


def _merged(requests: Iterable[_Request]) -> list[_Request]:
    """One request in place of many, with the last word on each key: what waits for the disk must
    not grow with the time that it waits."""
    changes: dict[tuple[str, str], Change] = {}
    waiting: list[Deferred[None]] = []
    for request in requests:
        waiting.append(request.done)
        for change in request.changes:
            changes.pop((change.table, change.key), None)
            changes[change.table, change.key] = change
    if not waiting:
        return []
    done: Deferred[None] = Deferred()
    done.addCallback(_tell_all, waiting)
    return [_Request(tuple(changes.values()), True, done)]


def _tell_all(_: None, waiting: Sequence[Deferred[None]]) -> None:
    for done in waiting:
        done.callback(None)
