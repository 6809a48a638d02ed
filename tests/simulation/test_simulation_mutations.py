"""The simulation can fail: each planted mistake comes to light within a few days."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from . import mutations
from .schedule import live_a_day
from .town import Broken

DAYS = 12

BROUGHT_OUT = {
    mutations.forgets_on_disconnection: (
        "has no end",
        "never began",
        "in no transaction",
        "are left",
    ),
    mutations.numbers_are_not_patched: ("never began",),
    mutations.new_id_for_each_transmission: ("stopped twice", "reported twice", "has no end"),
    mutations.sends_before_saving: ("has no end", "twice", "failure was logged"),
    mutations.limits_come_late: ("allowed", "comes after"),
    mutations.station_limit_is_not_shared: ("offered together",),
    mutations.statuses_are_skipped: ("went from",),
    mutations.register_follows_the_charger: ("went back",),
    mutations.stop_without_a_last_look: ("in no transaction",),
    mutations.power_cuts_go_unnoticed: ("has no end", "went from", "in no transaction", "are left"),
    mutations.does_not_wait_for_its_turn: ("another call is out", "failure was logged"),
    mutations.queue_has_no_end: ("messages are queued",),
    mutations.starts_are_given_up_at_once: ("has no end", "never began", "still queued"),
}


HOUSES: dict[Callable[[], Any], dict[str, Any]] = {
    mutations.forgets_on_disconnection: {"troubles": ("network",), "attempts": 10},
    mutations.new_id_for_each_transmission: {"troubles": ("network",), "retry_message_id": "same"},
    mutations.power_cuts_go_unnoticed: {"troubles": ("deaths",)},
    mutations.queue_has_no_end: {
        "troubles": ("network",),
        "queue_limit": 12,
        "MeterValueSampleInterval": 20,
        "ClockAlignedDataInterval": 60,
    },
    mutations.sends_before_saving: {"troubles": ("deaths",), "latency_s": 0.01},
    mutations.starts_are_given_up_at_once: {"troubles": ("central",), "attempts": 10},
}
"""Which houses and troubles bring it out soonest."""


@pytest.mark.slow
@pytest.mark.parametrize("mutation", BROUGHT_OUT, ids=lambda mutation: mutation.__name__)
def test_mistakes_come_to_light(mutation: Callable[[], Any], logged_failures: Any) -> None:
    """With this mistake, a day goes wrong in a way that tells of it."""
    for seed in range(DAYS):
        try:
            with mutation():
                live_a_day(seed, **HOUSES.get(mutation, {}))
        except Broken as broken:
            # What the mistake has left behind must not be blamed on another test.
            gc.collect()
            logged_failures.flush()
            found = str(broken).partition("\n")[0]
            assert any(words in found for words in BROUGHT_OUT[mutation]), found
            return
    pytest.fail(f"{DAYS} days went well in spite of it")
