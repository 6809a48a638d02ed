"""Ready means that what charge points say can be kept."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from txocpp.csms.readiness import PROVEN_FOR_S, Readiness
from txocpp.errors import StoreError
from txocpp.storage.central import CentralStore


class Disk:
    """A store whose disk may be full."""

    def __init__(self) -> None:
        self.full = False
        self.writes = 0

    def write(self, change: Any) -> Deferred[None]:
        """Takes what there is room for."""
        self.writes += 1
        return fail(StoreError("database or disk is full")) if self.full else succeed(None)

    def read(self, question: Any) -> Deferred[int]:
        """Works, full or not."""
        return succeed(0)


async def test_a_full_disk_is_not_ready_though_it_can_be_read() -> None:
    """It is tried with a write, but not by everybody who asks; and again until it works."""
    disk, clock = Disk(), Clock()
    readiness = Readiness(disk, clock.seconds)  # type: ignore[arg-type]
    await readiness.prove()
    await readiness.prove()
    assert disk.writes == 1
    disk.full = True
    clock.advance(PROVEN_FOR_S)
    for _ in range(2):
        with pytest.raises(StoreError, match="full"):
            await readiness.prove()
    disk.full = False
    await readiness.prove()
    assert disk.writes == 4


async def test_the_real_store_is_tried() -> None:
    """The write changes nothing, and fails when the store is closed."""
    store = CentralStore.in_memory()
    readiness = Readiness(store, Clock().seconds)
    await readiness.prove()
    await store.close()
    with pytest.raises(StoreError):
        await readiness.prove()
