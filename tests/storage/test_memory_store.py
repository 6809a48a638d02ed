"""The journal in memory, and its accidents."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from txocpp.errors import StoreError
from txocpp.interfaces import Delete, IChargePointStore, Put
from txocpp.storage.memory import Fate, MemoryChargePointStore


def fates(*planned: Fate):
    """The fate of each write in turn; the rest are kept."""
    return lambda number: planned[number] if number < len(planned) else Fate.KEPT


def failed(done: Deferred[None]) -> bool:
    """Whether a write was refused."""
    seen: list[object] = []
    done.addErrback(lambda failure: seen.append(failure.trap(StoreError)))
    return bool(seen)


def test_it_is_a_store() -> None:
    """It provides what a charge point asks of a journal."""
    assert verifyObject(IChargePointStore, MemoryChargePointStore())


async def test_what_was_written_is_loaded() -> None:
    """Documents come back by table and key, keys in ascending order."""
    store = MemoryChargePointStore()
    await store.write(Put("queue", "2", {"a": 1}), Put("queue", "1", {"b": [True, None]}))
    await store.write(Put("tags", "x", {}), Delete("tags", "y"))
    loaded = await store.load()
    assert loaded == {"queue": {"1": {"b": [True, None]}, "2": {"a": 1}}, "tags": {"x": {}}}
    assert list(loaded["queue"]) == ["1", "2"]


async def test_a_deleted_document_is_gone() -> None:
    """Deleting forgets the key; an empty table is no table."""
    store = MemoryChargePointStore()
    await store.write(Put("tags", "x", {}))
    await store.write(Delete("tags", "x"))
    assert await store.load() == {}


def test_only_plain_values_are_taken() -> None:
    """A document with anything but JSON values is a mistake of the caller."""
    with pytest.raises(TypeError):
        MemoryChargePointStore().write(Put("tags", "x", {"when": object()}))


def test_a_write_takes_its_time() -> None:
    """With a clock a write counts only when its latency is over."""
    clock = Clock()
    store = MemoryChargePointStore(clock=clock, latency_s=2)
    done = store.write(Put("tags", "x", {}))
    clock.advance(1)
    assert (done.called, store.contents()) == (False, {})
    clock.advance(1)
    assert (done.called, store.contents()) == (True, {"tags": {"x": {}}})


def test_a_full_disk_refuses_whole_writes() -> None:
    """A refused write changes nothing, and the next one may work again."""
    store = MemoryChargePointStore(fate=fates(Fate.REFUSED))
    assert failed(store.write(Put("tags", "x", {}), Put("tags", "y", {})))
    assert not failed(store.write(Put("tags", "z", {})))
    assert store.contents() == {"tags": {"z": {}}}


@pytest.mark.parametrize(
    ("fate", "survives"), [(Fate.CUT_BEFORE, {}), (Fate.CUT_AFTER, {"tags": {"x": {}}})]
)
def test_a_power_cut_ends_it(fate: Fate, survives: dict[str, object]) -> None:
    """After a power cut nobody hears of the write, and only what was synced survives."""
    cuts: list[str] = []
    store = MemoryChargePointStore(fate=fates(fate), power_cut=lambda: cuts.append("cut"))
    done = store.write(Put("tags", "x", {}))
    late = store.write(Put("tags", "later", {}))
    assert (done.called, late.called, cuts) == (False, False, ["cut"])
    assert store.survivor().contents() == survives


def test_a_survivor_lives_its_own_life() -> None:
    """What the restarted process writes does not change the dead store."""
    store = MemoryChargePointStore()
    store.write(Put("tags", "x", {}))
    survivor = store.survivor()
    survivor.write(Put("tags", "y", {}))
    assert store.contents() == {"tags": {"x": {}}}


def test_a_cut_reaches_writes_under_way() -> None:
    """A write whose latency is not over when the power goes is lost without a word."""
    clock = Clock()
    store = MemoryChargePointStore(clock=clock, latency_s=1, fate=fates(Fate.CUT_BEFORE))
    store.write(Put("tags", "x", {}))
    late = store.write(Put("tags", "y", {}))
    clock.advance(1)
    assert (late.called, store.survivor().contents()) == (False, {})
