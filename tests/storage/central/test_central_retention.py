"""Histories forget what is older than somebody wants to know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from txocpp.storage.central import CentralStore, Records
from txocpp.storage.central.retention import MESSAGES, prune
from txocpp.storage.central.schema import from_ms, to_ms

NOON = from_ms(1_780_315_200_000)


def moments(store: CentralStore) -> list[int]:
    """Minutes after noon of all messages in the log, oldest first."""
    found: list[Any] = []
    store.read(lambda records: records.notices.messages(1)).addCallback(found.extend)
    return [(message.at - NOON) // timedelta(minutes=1) for message in reversed(found)]


def enter(*minutes: int) -> Any:
    """A change that logs messages of these minutes after noon."""

    def change(records: Records) -> None:
        records.stations.meet("CP1", NOON)
        records.notices.log([(1, to_ms(NOON) + minute * 60_000, "in", "x") for minute in minutes])

    return change


def forget(store: CentralStore, minute: int, limit: int) -> int:
    """Forget what is older than that; how many rows went."""
    gone: list[int] = []
    before = NOON + timedelta(minutes=minute)
    store.write(lambda r: prune(r.connection, MESSAGES, before, limit)).addCallback(gone.append)
    return gone[0]


def test_the_oldest_go_first_some_at_a_time(inline: CentralStore) -> None:
    """So that no station waits for long behind it; what is young enough stays."""
    inline.write(enter(0, 1, 2, 3, 4))
    assert forget(inline, 3, 2) == 2
    assert moments(inline) == [2, 3, 4]
    assert forget(inline, 3, 2) == 1
    assert forget(inline, 3, 2) == 0
    assert moments(inline) == [3, 4]


def test_a_clock_that_was_set_back_costs_nothing_young(inline: CentralStore) -> None:
    """What came behind a younger row goes later, with it."""
    inline.write(enter(0, 9, 1, 2))
    assert forget(inline, 5, 100) == 1
    assert moments(inline) == [9, 1, 2]
    assert forget(inline, 10, 100) == 3
