"""Whole days by the dice: whatever happens, nothing is lost, doubled or offered beyond the limit.

More of them: ``python -m tests.simulation --seeds 10000``.
"""

from __future__ import annotations

import pytest

from .schedule import live_a_day

SEEDS = 200
GROUPS = 10


@pytest.mark.slow
@pytest.mark.rule("TX-20", "TX-21", "TX-24", "TX-25", "TX-30", "TX-31", "J-08", "M-01", "S-01")
@pytest.mark.parametrize("group", range(GROUPS))
def test_days(group: int) -> None:
    """Every transaction is told exactly once, with the energy that was metered."""
    for seed in range(group, SEEDS, GROUPS):
        live_a_day(seed)


def test_a_seed_is_one_run() -> None:
    """The same seed gives the same day, to the last event."""
    assert live_a_day(7).log == live_a_day(7).log
