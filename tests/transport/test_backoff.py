"""Waiting times between attempts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.transport.backoff import Backoff


@pytest.mark.rule("C-08")
def test_waits_double_up_to_the_longest_and_never_end() -> None:
    """A thousand failures later the next attempt still comes."""
    backoff = Backoff(2, 60, chance=lambda: 0.0)
    waits = [backoff.next_s() for _ in range(1000)]
    assert waits[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert waits[-1] == 60


@pytest.mark.rule("C-08")
def test_success_begins_anew() -> None:
    """The first failure after a good connection waits shortly."""
    backoff = Backoff(2, 60, chance=lambda: 0.0)
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 2


@pytest.mark.rule("C-08")
@given(st.floats(0, 1), st.integers(0, 20), st.floats(0.01, 100), st.floats(0.01, 1000))
def test_chance_shortens_by_half_at_most(
    chance: float, failures: int, first_s: float, longest_s: float
) -> None:
    """No wait is longer than the longest, and none is nothing."""
    backoff = Backoff(first_s, longest_s, chance=lambda: chance)
    full = Backoff(first_s, longest_s, chance=lambda: 0.0)
    for _ in range(failures):
        backoff.next_s()
        full.next_s()
    wait_s, full_s = backoff.next_s(), full.next_s()
    assert full_s / 2 <= wait_s <= full_s <= longest_s
