"""The charge point's wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from twisted.internet.task import Clock

from txocpp.chargepoint.clock import StationClock

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


def test_it_begins_with_the_computers_time() -> None:
    """Before the central system has spoken it shows what the computer shows."""
    clock = Clock()
    clock.advance(90)
    station = StationClock(clock)
    clock.advance(1.5)
    assert station.now() == datetime(1970, 1, 1, 0, 1, 31, 500_000, tzinfo=UTC)


@pytest.mark.rule("H-02", "B-03", "H-06")
def test_it_follows_the_central_system() -> None:
    """After a word of the central system its time counts, whatever offset it was told with."""
    clock = Clock()
    station = StationClock(clock)
    station.adjust(NOON.astimezone(timezone(timedelta(hours=5, minutes=30))))
    clock.advance(10)
    assert station.now() == NOON + timedelta(seconds=10)
    assert station.now().tzinfo is UTC


@pytest.mark.rule("H-07")
def test_small_differences_are_left_alone() -> None:
    """A difference that the network explains does not set the clock, and nobody is told."""
    clock = Clock()
    station = StationClock(clock)
    steps: list[timedelta] = []
    station.adjust(NOON)
    station.on_step(steps.append)
    station.adjust(NOON + timedelta(seconds=0.9))
    assert (station.now(), steps) == (NOON, [])
    station.adjust(NOON - timedelta(seconds=5))
    assert (station.now(), steps) == (NOON - timedelta(seconds=5), [timedelta(seconds=-5)])


def test_a_jump_of_the_computers_clock_does_not_matter() -> None:
    """With a monotonic clock beneath, the time goes on evenly when the computer's is set."""
    computer, ticks = Clock(), Clock()
    station = StationClock(computer, monotonic=ticks.seconds)
    station.adjust(NOON)
    computer.advance(86_400)
    ticks.advance(3)
    assert station.now() == NOON + timedelta(seconds=3)


@pytest.mark.rule("B-15")
def test_a_clock_that_stood_still_is_not_valid_until_told() -> None:
    """A computer without a clock of its own has no time before the central system gives it one."""
    station = StationClock(Clock(), trust_computer=False)
    assert not station.valid
    station.adjust(NOON)
    assert station.valid


def test_it_wakes_at_a_moment() -> None:
    """A call for a moment comes at that moment; one for the past comes at the next turn."""
    clock = Clock()
    station = StationClock(clock)
    station.adjust(NOON)
    calls: list[datetime] = []
    station.call_at(NOON + timedelta(seconds=30), lambda: calls.append(station.now()))
    station.call_at(NOON - timedelta(seconds=30), lambda: calls.append(station.now()))
    assert calls == []
    clock.advance(0)
    clock.advance(30)
    assert calls == [NOON, NOON + timedelta(seconds=30)]
