"""Save, then send, in order, until acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.outbox import Entry, Outbox, RetryRules
from txocpp.errors import CallTimeout, ConnectionGone, InvalidMessage, RemoteError, StoreError
from txocpp.interfaces import Put
from txocpp.storage.memory import Fate, MemoryChargePointStore


class Office:
    """The other end: notes what it gets, answers when told to."""

    def __init__(self) -> None:
        self.got: list[tuple[float, str, str]] = []
        self.settled: list[tuple[str, Any]] = []
        self.waiting: list[Deferred[Any]] = []
        self.clock = Clock()

    def deliver(self, entry: Entry) -> Deferred[Any]:
        self.got.append((self.clock.seconds(), entry.payload["name"], entry.message_id))
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def settle(self, entry: Entry, answer: Any) -> Sequence[Change]:
        self.settled.append((entry.payload["name"], answer))
        return [Put("settled", entry.payload["name"], {})]

    def answer(self, result: Any = "yes") -> None:
        waiting = self.waiting.pop(0)
        if isinstance(result, Exception):
            waiting.errback(result)
        else:
            waiting.callback(result)

    @property
    def names(self) -> str:
        """What was got, in order, one letter each."""
        return "".join(name for _, name, _ in self.got)


class Posting:
    """An outbox with its surroundings."""

    def __init__(
        self, *, store: MemoryChargePointStore | None = None, limit: int = 100, **rules: Any
    ) -> None:
        self.office = Office()
        self.clock = self.office.clock
        self.store = store or MemoryChargePointStore()
        self.journal = Journal(self.store, self.clock)
        self.outbox = Outbox(
            self.journal,
            self.clock,
            self.office,
            RetryRules(**{"attempts": lambda: 3, "interval_s": lambda: 60, **rules}),
            limit=limit,
            saved=self.store.contents().get("outbox"),
        )

    def add(self, *names: str, **more: Any) -> None:
        for name in names:
            self.outbox.add("StopTransaction", {"name": name}, **more)

    def stored(self) -> str:
        rows = self.store.contents().get("outbox", {})
        return "".join(row["payload"]["name"] for row in rows.values())


@pytest.mark.rule("TX-20", "TX-22")
def test_messages_go_out_one_by_one_in_order() -> None:
    """The next message waits for the answer to the one before."""
    p = Posting()
    p.outbox.online()
    p.add("a", "b", "c")
    assert p.office.names == "a"
    p.office.answer()
    p.office.answer()
    assert p.office.names == "abc"
    assert (p.office.settled, p.stored()) == ([("a", "yes"), ("b", "yes")], "c")


@pytest.mark.rule("TX-21")
def test_offline_messages_wait_on_the_disk() -> None:
    """Without a line everything is saved; with one it goes out in order."""
    p = Posting()
    p.add("a", "b")
    assert (p.office.names, p.stored()) == ("", "ab")
    p.outbox.online()
    p.office.answer()
    assert p.office.names == "ab"


@pytest.mark.rule("TX-21")
def test_order_survives_a_restart() -> None:
    """What was not acknowledged goes out again after a restart, with its old id, before new."""
    p = Posting()
    p.outbox.online()
    p.add("a", "b")
    sent_id = p.office.got[0][2]
    again = Posting(store=p.store.survivor())
    again.add("c")
    again.outbox.online()
    assert again.office.got[0][1:] == ("a", sent_id)
    again.office.answer()
    again.office.answer()
    assert again.office.names == "abc"


def test_nothing_is_sent_that_is_not_saved() -> None:
    """A message goes out when it is on the disk, not earlier."""
    clock = Clock()
    p = Posting(store=MemoryChargePointStore(clock=clock, latency_s=1))
    p.outbox.online()
    p.add("a")
    assert p.office.names == ""
    clock.advance(1)
    assert p.office.names == "a"


@pytest.mark.rule("TX-23", "TX-25", "J-14")
@pytest.mark.parametrize("failure", [RemoteError("InternalError"), CallTimeout("none")])
def test_failures_are_met_with_growing_patience(failure: Exception) -> None:
    """After the n-th failure it waits n intervals; after the last attempt the next one goes."""
    p = Posting()
    p.outbox.online()
    p.add("a", "b")
    for wait_s in (60, 120):
        p.office.answer(failure)
        p.clock.advance(wait_s - 1)
        p.clock.advance(1)
    p.office.answer(failure)
    assert [(at, name) for at, name, _ in p.office.got] == [
        (0, "a"),
        (60, "a"),
        (180, "a"),
        (180, "b"),
    ]
    assert p.office.settled == [("a", None)]


@pytest.mark.rule("TX-26")
def test_no_attempts_means_one() -> None:
    """With TransactionMessageAttempts 0 a message is sent once."""
    p = Posting(attempts=lambda: 0)
    p.outbox.online()
    p.add("a")
    p.office.answer(RemoteError("GenericError"))
    assert (p.office.names, len(p.outbox)) == ("a", 0)


@pytest.mark.rule("TX-24", "C-18")
def test_a_lost_line_uses_up_no_attempt() -> None:
    """However often the line breaks, the message goes out again on the next one."""
    p = Posting()
    p.add("a")
    for _ in range(10):
        p.outbox.online()
        p.outbox.offline()
        p.office.answer(ConnectionGone("cut"))
    p.outbox.online()
    p.office.answer()
    assert (p.office.names, p.office.settled) == ("a" * 11, [("a", "yes")])


def test_patience_holds_over_a_new_connection() -> None:
    """Reconnecting does not shorten the wait after a failure."""
    p = Posting()
    p.outbox.online()
    p.add("a")
    p.office.answer(CallTimeout("none"))
    p.outbox.offline()
    p.outbox.online()
    assert p.office.names == "a"
    p.clock.advance(60)
    assert p.office.names == "aa"


@pytest.mark.rule("TX-27", "J-06")
@pytest.mark.parametrize("new_id", [False, True])
def test_a_retransmission_keeps_its_id_or_takes_a_new_one(new_id: bool) -> None:
    """Which of the two is a setting, since servers differ."""
    p = Posting(new_id=new_id)
    p.outbox.online()
    p.add("a")
    p.office.answer(CallTimeout("none"))
    p.clock.advance(60)
    (_, _, first), (_, _, second) = p.office.got
    assert (first != second) is new_id


def test_attempts_survive_a_restart() -> None:
    """Failures before a power cut count after it."""
    p = Posting()
    p.outbox.online()
    p.add("a")
    p.office.answer(RemoteError("InternalError"))
    again = Posting(store=p.store.survivor(), attempts=lambda: 2)
    again.outbox.online()
    again.office.answer(RemoteError("InternalError"))
    assert again.office.settled == [("a", None)]


def test_the_answer_counts_together_with_the_deletion() -> None:
    """What an answer changes is saved in the same write that takes the message out."""
    writes: list[int] = []
    store = MemoryChargePointStore(fate=lambda number: writes.append(number) or Fate.KEPT)
    p = Posting(store=store)
    p.outbox.online()
    p.add("a")
    writes.clear()
    p.office.answer()
    assert len(writes) == 1
    assert list(store.contents()) == ["settled"]


def test_a_promised_message_is_saved_or_not_there() -> None:
    """A start that the disk refuses is not sent and does not stay in the queue."""
    p = Posting(store=MemoryChargePointStore(fate=lambda number: Fate.REFUSED))
    p.outbox.online()
    failures: list[Any] = []
    p.outbox.add("StartTransaction", {"name": "a"}, promise=True).addErrback(failures.append)
    assert failures[0].check(StoreError)
    assert (p.office.names, len(p.outbox)) == ("", 0)


def test_a_full_queue_drops_every_second_meter_value() -> None:
    """Intermediate values are thinned out; starts and stops are not, and order is kept."""
    p = Posting(limit=6)
    p.add("S")
    p.add("1", "2", "3", "4", droppable=True)
    p.add("E", "S")
    assert p.stored() == "S13ES"
    p.add("E", "S", "E")
    assert p.stored() == "SESESE"
    p.add("x", droppable=True)
    assert p.stored() == "SESESE"


def test_what_was_dropped_stays_dropped_when_the_disk_is_full() -> None:
    """The value that made room for a promise that was refused does not come back after a reboot."""
    p = Posting(limit=4)
    p.add("1", "2", "3", "4", droppable=True)
    p.store.fate = lambda number: Fate.REFUSED
    p.outbox.add("MeterValues", {"name": "5"}, droppable=True, promise=True).addErrback(repr)
    p.store.fate = lambda number: Fate.KEPT
    p.clock.advance(20)
    assert (p.stored(), len(p.outbox)) == ("13", 2)


def test_the_message_on_the_line_is_not_dropped() -> None:
    """Thinning leaves out the message whose answer is awaited."""
    p = Posting(limit=3)
    p.outbox.online()
    p.add("1", "2", "3", "4", droppable=True)
    p.office.answer()
    assert p.office.settled == [("1", "yes")]


def test_a_transaction_begins_only_with_room_for_its_end() -> None:
    """Start and stop of every running transaction have their places."""
    p = Posting(limit=4)
    p.add("S")
    p.outbox.hold_room("tx1")
    assert p.outbox.has_room
    p.add("S")
    p.outbox.hold_room("tx2")
    assert not p.outbox.has_room
    p.add("E")
    p.outbox.free_room("tx1")
    assert not p.outbox.has_room


def test_a_message_that_cannot_be_said_does_not_hold_up_the_others(logged_failures: Any) -> None:
    """A message that breaks the schema is given up at once, with a log entry."""
    p = Posting()
    p.outbox.online()
    p.add("a", "b")
    p.office.answer(InvalidMessage("too long"))
    assert (p.office.names, p.office.settled) == ("ab", [("a", None)])
    assert logged_failures.flush(InvalidMessage)


def test_a_mistake_of_our_own_is_tried_again_like_a_failure(logged_failures: Any) -> None:
    """If taking in the answer goes wrong, the queue does not stop for ever."""
    p = Posting()
    p.outbox.online()
    p.add("a", "b")
    p.office.settle = lambda entry, answer: 1 / 0 if answer else []  # type: ignore[method-assign]
    for wait_s in (60, 120, 0):
        p.office.answer()
        p.clock.advance(wait_s)
    assert p.office.names == "aaab"
    assert len(logged_failures.flush(ZeroDivisionError)) == 3


def test_it_tells_when_it_is_empty() -> None:
    """A reset can wait for the queue, and can stop waiting."""
    p = Posting()
    p.outbox.online()
    p.add("a")
    done, cancelled = p.outbox.emptied(), p.outbox.emptied()
    cancelled.addErrback(lambda _: None)
    cancelled.cancel()
    assert not done.called
    p.office.answer()
    assert done.called
    assert p.outbox.emptied().called


def test_a_stopped_outbox_sends_nothing() -> None:
    """Stopping withdraws the message on the line; it is on the disk for the next start, and no
    attempt is used up."""
    p = Posting()
    p.outbox.online()
    p.add("a")
    p.outbox.stop()
    p.clock.advance(1000)
    assert (p.office.names, p.stored(), p.clock.getDelayedCalls()) == ("a", "a", [])
    assert p.store.contents()["outbox"]["000000000001"]["failures"] == 0
