"""A charge point's journal in memory, with the accidents that a real disk can have.

It is the store of tests and simulations: every write can be refused (disk full), or the power can
be cut right before or right after it, and `survivor` gives what a restarted process would find.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from txocpp.errors import StoreError
from txocpp.interfaces import Delete, IChargePointStore, Put

Tables = dict[str, dict[str, dict[str, Any]]]


class Fate(Enum):
    """What happens to one write."""

    KEPT = "kept"
    REFUSED = "refused"
    """The disk is full: `StoreError`, nothing is applied."""
    CUT_BEFORE = "cut before"
    """The power goes before the changes are on the disk."""
    CUT_AFTER = "cut after"
    """The power goes when the changes are on the disk, but before anybody heard of it."""


@implementer(IChargePointStore)
class MemoryChargePointStore:
    """Keeps documents as JSON text, so that nothing but plain values gets through.

    `fate` is asked for the fate of each write, by its number from 0. After a power cut the store
    is dead: it applies nothing more and no Deferred of it fires; `power_cut` is called once.
    Writes take `latency_s` on `clock`; without a clock they are done at once.
    """

    def __init__(
        self,
        *,
        clock: IReactorTime | None = None,
        latency_s: float = 0.0,
        fate: Callable[[int], Fate] = lambda number: Fate.KEPT,
        power_cut: Callable[[], None] = lambda: None,
    ) -> None:
        self.damage: str | None = None
        self.writes = 0
        self.dead = False
        self.fate = fate
        self.power_cut = power_cut
        self._clock = clock
        self._latency_s = latency_s
        self._synced: dict[str, dict[str, str]] = {}

    def survivor(self) -> MemoryChargePointStore:
        """The store that a process finds when it starts after this one died."""
        store = MemoryChargePointStore(clock=self._clock, latency_s=self._latency_s)
        store._synced = {table: dict(rows) for table, rows in self._synced.items()}
        return store

    def contents(self) -> Tables:
        """What would survive a power cut now."""
        return {
            table: {key: json.loads(rows[key]) for key in sorted(rows)}
            for table, rows in self._synced.items()
            if rows
        }

    def load(self) -> Deferred[Tables]:
        """See `IChargePointStore.load`."""
        return succeed(self.contents())

    def write(self, *changes: Put | Delete) -> Deferred[None]:
        """See `IChargePointStore.write`."""
        # Encoded at once: the caller may change its document as soon as this returns.
        encoded = [(change, _encoded(change)) for change in changes]
        if self.dead:
            return Deferred()
        if self._clock is None:
            return self._settle(encoded)
        done: Deferred[None] = Deferred()
        self._clock.callLater(self._latency_s, self._settle_later, encoded, done)
        return done

    def close(self) -> Deferred[None]:
        """See `IChargePointStore.close`."""
        return succeed(None)

    def _settle_later(self, encoded: list[tuple[Put | Delete, str]], done: Deferred[None]) -> None:
        if not self.dead:
            self._settle(encoded).chainDeferred(done)

    def _settle(self, encoded: list[tuple[Put | Delete, str]]) -> Deferred[None]:
        fate = self.fate(self.writes)
        self.writes += 1
        if fate is Fate.REFUSED:
            return fail(StoreError("the disk is full"))
        if fate is not Fate.CUT_BEFORE:
            for change, document in encoded:
                _apply(self._synced.setdefault(change.table, {}), change, document)
        if fate in (Fate.CUT_BEFORE, Fate.CUT_AFTER):
            self.dead = True
            self.power_cut()
            return Deferred()
        return succeed(None)


def _encoded(change: Put | Delete) -> str:
    return plain_json(change.document) if isinstance(change, Put) else ""


def _apply(rows: dict[str, str], change: Put | Delete, document: str) -> None:
    if isinstance(change, Put):
        rows[change.key] = document
    else:
        rows.pop(change.key, None)


def plain_json(document: Mapping[str, Any]) -> str:
    """Compact JSON text of a document; raises `TypeError` if it holds anything but plain values."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
