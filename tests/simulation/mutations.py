"""Planted mistakes: each is one that somebody could make, and that a day or two must bring out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from txocpp.chargepoint import statusreports
from txocpp.chargepoint.charge import Charge
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.limits import Limits
from txocpp.chargepoint.outbox import Entry, Outbox
from txocpp.chargepoint.recovery import Recovery
from txocpp.chargepoint.register import EnergyRegister
from txocpp.chargepoint.transactions import NEVER_CONFIRMED, Transactions
from txocpp.errors import ConnectionGone
from txocpp.rpc.conversation import Conversation


@contextmanager
def _instead(owner: Any, name: str, new: Any) -> Iterator[None]:
    with mock.patch.object(owner, name, new):
        yield


def forgets_on_disconnection() -> Any:
    """What is under way when the line breaks counts as delivered."""
    failed = Outbox._failed

    def forgetful(self: Any, failure: Any, entry: Entry) -> None:
        if failure.check(ConnectionGone) is None:
            failed(self, failure, entry)
        else:
            self._remove(entry, ())

    return _instead(Outbox, "_failed", forgetful)


def numbers_are_not_patched() -> Any:
    """Messages go out with the number that was known when they were queued: none."""
    return _instead(Transactions, "wire_id", lambda self, entry: NEVER_CONFIRMED)


def new_id_for_each_transmission() -> Any:
    """A repetition looks like another message to a server that honours ids."""
    count = iter(range(10**9))

    def ask(self: Any, call: Any, deadline: float, **facts: Any) -> Any:
        renamed = type(call)(f"m{next(count)}", call.action, call.payload)
        return ASK(self, renamed, deadline, **facts)

    return _instead(Conversation, "ask", ask)


def sends_before_saving() -> Any:
    """A message goes out while the disk is still at it."""
    add = Outbox.add

    def hasty(self: Any, *args: Any, **more: Any) -> Any:
        written = add(self, *args, **more)
        self._saved_to = self._number
        self._send_next()
        return written

    return _instead(Outbox, "add", hasty)


def limits_come_late() -> Any:
    """Timers of the wall clock go off some seconds late."""

    def call_at(self: Any, moment: datetime, call: Callable[[], None]) -> Any:
        return CALL_AT(self, moment + timedelta(seconds=4), call)

    return _instead(StationClock, "call_at", call_at)


def station_limit_is_not_shared() -> Any:
    """Each connector takes what it may have alone."""

    def shares(self: Any, ceiling: Any, now: Any, wanted: Mapping[int, Decimal]) -> Any:
        return dict(wanted)

    return _instead(Limits, "_shares", shares)


def statuses_are_skipped() -> Any:
    """The new status is told, whatever the old one was."""
    return _instead(statusreports.StatusReporter, "_steps", lambda self: ())


def register_follows_the_charger() -> Any:
    """The register is shown as the charger has it, even if that goes back."""

    def observe(self: Any, reading: Any, at: Any) -> Any:
        self.seen_at, self.shown_wh = at, reading.energy_wh or 0
        return reading

    return _instead(EnergyRegister, "observe", observe)


def stop_without_a_last_look() -> Any:
    """A transaction ends with the register as it was read before the car let go."""

    async def end(self: Any, transaction: Any, reason: Any, id_tag: Any) -> None:
        with mock.patch.object(self.outlet, "snapshot_or_last", _nothing(self.outlet)):
            await END(self, transaction, reason, id_tag)

    return _instead(Charge, "_end", end)


def power_cuts_go_unnoticed() -> Any:
    """Transactions that were running before a power cut are left alone."""

    async def run(self: Any) -> None:
        self._limits.resume()

    return _instead(Recovery, "run", run)


def does_not_wait_for_its_turn() -> Any:
    """Calls go out while another one is."""
    return _instead(Conversation, "may_ask", property(lambda self: True))


def queue_has_no_end() -> Any:
    """Nothing is ever dropped."""
    add = Outbox.add

    def endless(self: Any, *args: Any, **more: Any) -> Any:
        self._limit = 10**6
        return add(self, *args, **more)

    return _instead(Outbox, "add", endless)


def starts_are_given_up_at_once() -> Any:
    """One failure is enough to drop a message."""

    def failed(self: Any, entry: Entry, reason: str) -> None:
        self._remove(entry, self._delivery.settle(entry, None))

    return _instead(Outbox, "_failed_once_more", failed)


def _nothing(outlet: Any) -> Any:
    async def snapshot() -> Any:
        return outlet._as_snapshot()

    return snapshot


ASK = Conversation.ask
CALL_AT = StationClock.call_at
END = Charge._end
