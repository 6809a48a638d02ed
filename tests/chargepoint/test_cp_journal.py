"""What must survive is written in order; what has happened is tried until the disk takes it."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txocpp.chargepoint.journal import Journal
from txocpp.errors import StoreError
from txocpp.interfaces import Delete, Put
from txocpp.storage.memory import Fate, MemoryChargePointStore


class Disk(MemoryChargePointStore):
    """A disk that can be full for a while."""

    def __init__(self, **more: object) -> None:
        super().__init__(fate=lambda number: Fate.REFUSED if self.full else Fate.KEPT, **more)
        self.full = False


def outcome(done: Deferred[None]) -> list[str]:
    """Notes how a write ends."""
    seen: list[str] = []
    done.addCallbacks(lambda _: seen.append("written"), lambda f: seen.append(f.type.__name__))
    return seen


def test_a_promise_is_written_at_once() -> None:
    """A promise that the disk takes is written when its Deferred fires."""
    disk = Disk()
    assert outcome(Journal(disk, Clock()).promise(Put("t", "a", {"n": 1}))) == ["written"]
    assert disk.contents() == {"t": {"a": {"n": 1}}}


def test_a_promise_is_refused_for_good_when_the_disk_is_full() -> None:
    """What could not be promised is not written later behind the asker's back."""
    clock, disk = Clock(), Disk()
    journal = Journal(disk, clock)
    disk.full = True
    assert outcome(journal.promise(Put("t", "a", {}))) == [StoreError.__name__]
    disk.full = False
    clock.advance(100)
    assert (disk.contents(), journal.waiting) == ({}, 0)


def test_what_has_happened_is_tried_until_the_disk_takes_it() -> None:
    """A kept change waits for room, and its Deferred with it."""
    clock, disk = Clock(), Disk()
    journal = Journal(disk, clock, retry_s=10)
    disk.full = True
    kept = outcome(journal.keep(Put("t", "a", {})))
    clock.advance(10)
    assert (kept, journal.healthy, journal.waiting) == ([], False, 1)
    disk.full = False
    clock.advance(10)
    assert (kept, journal.healthy, journal.waiting) == (["written"], True, 0)
    assert disk.contents() == {"t": {"a": {}}}
    assert not clock.getDelayedCalls()


def test_the_newest_word_on_a_key_wins_over_waiting_ones() -> None:
    """Changes that waited are written before newer ones, never over them."""
    clock, disk = Clock(), Disk()
    journal = Journal(disk, clock)
    disk.full = True
    journal.keep(Put("t", "a", {"n": 1}))
    disk.full = False
    journal.keep(Put("t", "a", {"n": 2}))
    assert disk.contents() == {"t": {"a": {"n": 2}}}
    clock.advance(100)
    assert disk.contents() == {"t": {"a": {"n": 2}}}


def test_a_refused_promise_does_not_hold_up_what_must_be_kept() -> None:
    """After refusing a promise the rest of the same write is tried again without it."""
    clock = Clock()
    disk = Disk(clock=clock, latency_s=1)
    journal = Journal(disk, clock, retry_s=50)
    first = outcome(journal.keep(Put("t", "first", {})))
    promised = outcome(journal.promise(Put("t", "promised", {})))
    kept = outcome(journal.keep(Delete("t", "first")))
    clock.advance(1)
    disk.full = True
    clock.advance(1)
    disk.full = False
    clock.pump([0, 1])
    assert (first, promised, kept) == (["written"], [StoreError.__name__], ["written"])
    assert disk.contents() == {}


def test_health_is_told_once_per_change() -> None:
    """Whoever shows the state of the store hears of a full disk, and of the end of it."""
    clock, disk = Clock(), Disk()
    journal = Journal(disk, clock)
    told: list[bool] = []
    journal.on_health = told.append
    disk.full = True
    journal.keep(Put("t", "a", {}))
    clock.advance(10)
    disk.full = False
    clock.advance(10)
    assert told == [False, True]


def test_a_stopped_journal_leaves_no_timer() -> None:
    """Stopping ends the trying."""
    clock, disk = Clock(), Disk()
    journal = Journal(disk, clock)
    disk.full = True
    journal.keep(Put("t", "a", {}))
    journal.stop()
    assert not clock.getDelayedCalls()


def test_who_hears_that_the_disk_is_full_may_write() -> None:
    """A change that follows from the news is kept too, and nobody is told anything twice."""
    clock, disk = Clock(), Disk()
    journal = Journal(disk, clock)
    journal.on_health = lambda healthy: journal.keep(Put("t", "health", {"healthy": healthy}))
    disk.full = True
    refused = outcome(journal.promise(Put("t", "a", {})))
    assert refused == [StoreError.__name__]
    disk.full = False
    clock.advance(10)
    assert disk.contents() == {"t": {"health": {"healthy": True}}}
    assert (refused, journal.waiting) == ([StoreError.__name__], 0)
