"""Wall clocks: 22:00 stays at 22:00 when daylight saving begins and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smart_stations import profile, stack, station
from strategies import steady

from txocpp.errors import ConfigurationError
from txocpp.smartcharging import Composite, Profile, read_zone
from txocpp.smartcharging.instants import to_instant, to_seconds
from txocpp.smartcharging.timezone import ahead_of_utc_s, stretches

BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


NIGHT = profile(
    (0, 16), (8 * 3600, 6), kind="Recurring", recurrency="Daily", start=local("2024-01-01T22:00")
)
"""16 A from 22:00, 6 A from 06:00."""


def limit(wanted: Profile, at: datetime, zone: ZoneInfo | None = BERLIN) -> Decimal:
    return Composite(stack(wanted), station(), zone=zone).limit_at(1, at).limit


@pytest.mark.rule("SR-204")
@pytest.mark.parametrize("day", ["2024-02-01", "2024-03-31", "2024-07-01", "2024-10-27"])
def test_ten_at_night_stays_ten_at_night(day: str) -> None:
    """In winter, in summer and on the days between, the clock on the wall decides."""
    assert limit(NIGHT, local(f"{day}T21:59:59")) == 6
    assert limit(NIGHT, local(f"{day}T22:00:00")) == 16
    assert limit(NIGHT, local(f"{day}T05:59:59")) == 16
    assert limit(NIGHT, local(f"{day}T06:00:00")) == 6


@pytest.mark.rule("SR-204")
def test_without_a_zone_a_day_has_86400_seconds() -> None:
    """As the standard has it: in summer 22:00 of winter is 23:00 on the wall."""
    assert limit(NIGHT, local("2024-07-01T22:30"), None) == 6
    assert limit(NIGHT, local("2024-07-01T23:00"), None) == 16


def test_the_hour_that_is_skipped_and_the_hour_that_comes_twice() -> None:
    """Spring skips what the schedule has there, autumn executes it twice."""
    hour = profile(
        (0, 8), kind="Recurring", recurrency="Daily", duration_s=3600,
        start=local("2024-01-01T02:00"),
    )  # fmt: skip
    composite = Composite(stack(hour), station(), zone=BERLIN)
    spring = composite.schedule(1, local("2024-03-31T00:00"), 6 * 3600)
    assert [period.limit for period in spring.periods] == [32]
    autumn = composite.schedule(1, local("2024-10-27T00:00"), 6 * 3600)
    assert [(p.start_s, p.limit) for p in autumn.periods] == [(0, 32), (7200, 8), (14_400, 32)]


def test_a_week_follows_the_wall_too() -> None:
    """Monday 07:00 stays Monday 07:00."""
    monday = profile(
        (0, 6), kind="Recurring", recurrency="Weekly", duration_s=3600,
        start=local("2024-01-01T07:00"),
    )  # fmt: skip
    assert limit(monday, local("2024-07-01T07:00")) == 6
    assert limit(monday, local("2024-07-01T06:59:59")) == 32
    assert limit(monday, local("2024-07-02T07:00")) == 32


def test_absolute_profiles_know_no_wall_clock() -> None:
    """Their seconds count on through a change of the clocks."""
    through = profile((0, 6), (7200, 8), start=local("2024-03-31T01:00"))
    assert limit(through, local("2024-03-31T03:59:59")) == 6
    assert limit(through, local("2024-03-31T04:00:00")) == 8


def test_the_next_change_is_found_across_the_clock_change() -> None:
    """From the evening before the clocks go forward, 06:00 is only seven hours away."""
    composite = Composite(stack(NIGHT), station(), zone=BERLIN)
    change = composite.next_change(1, local("2024-03-30T22:00"))
    assert change == local("2024-03-31T06:00")
    assert change - local("2024-03-30T22:00").astimezone(UTC) == timedelta(hours=7)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "", "Europe"])
def test_an_unknown_zone_is_a_fault_of_the_configuration(name: str) -> None:
    """The text names what was given and what a name looks like."""
    with pytest.raises(ConfigurationError, match="Europe/Berlin"):
        read_zone(name)
    assert read_zone("Europe/Berlin") == BERLIN


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo"]  # fmt: skip


@steady()
@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    begin=st.integers(0, 2**31),
    length=st.integers(1, 800 * 86_400),
    share=st.floats(0, 0.999),
)
def test_stretches_cover_the_window(zone: ZoneInfo, begin: int, length: int, share: float) -> None:
    """Joined they are the window; within each the clocks are as they say; between two they are
    changed."""
    found = stretches(zone, begin, begin + length)
    assert (found[0][0], found[-1][1]) == (begin, begin + length)
    for one, next_one in pairwise(found):
        assert one[1] == next_one[0]
        assert one[2] != next_one[2]
    for first, last, ahead in found:
        inside = first + int((last - first) * share)
        for at in (first, inside, last - 1):
            assert ahead_of_utc_s(zone, at) == ahead


def test_seconds_and_instants() -> None:
    """Instants are cut to whole seconds, also before 1970; the calendar has two ends."""
    assert to_seconds(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)) == -1
    assert to_instant(-1) == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert to_instant(10**15).year == 9999
    assert to_instant(-(10**15)).year == 1
    with pytest.raises(ValueError, match="UTC offset"):
        to_seconds(datetime(2024, 1, 1))
