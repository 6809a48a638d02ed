"""Profiles from what people say: by the clock, at most, ready by."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smart_stations import NOON, running, stack, station
from strategies import steady

from txocpp.errors import InvalidMessage
from txocpp.smartcharging import Composite, Profile, StationKeys, builders
from txocpp.smartcharging.builders import Band, Tariff

BERLIN = ZoneInfo("Europe/Berlin")
DAY = [
    Band(time(6), Decimal(8)),
    Band(time(17), Decimal(6)),
    Band(time(22), Decimal(16), 3),
]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def limit(wanted: Profile, at: datetime, **facts: Any) -> Decimal:
    return Composite(stack((1, wanted)), station(**facts)).limit_at(1, at).limit


@pytest.mark.rule("SR-A05", "SR-A06")
def test_every_day_the_same() -> None:
    """Begins at today's local midnight, with the last band of the day before."""
    made = builders.daily(DAY, profile_id=5, zone=BERLIN, now=NOON, stack_level=2)
    assert made.start == datetime(2024, 6, 2, 22, tzinfo=UTC)
    assert made.start <= NOON
    assert [(p.start_s // 3600, p.limit, p.phases) for p in made.periods] == [
        (0, 16, 3), (6, 8, None), (17, 6, None), (22, 16, 3)
    ]  # fmt: skip
    assert (made.profile_id, made.stack_level, made.duration_s) == (5, 2, 86_400)
    clock = ["05:59", "06:00", "17:00", "23:00"]
    assert [limit(made, local(f"2024-06-05T{at}")) for at in clock] == [16, 8, 6, 16]


def test_every_week_the_same() -> None:
    """A weekend of its own; Monday begins with what Sunday ended with."""
    week = {0: DAY[:2], 5: [Band(time(0), Decimal(32))]}
    made = builders.weekly(week, profile_id=5, zone=BERLIN, now=NOON)
    assert made.start == local("2024-06-03T00:00")
    assert limit(made, local("2024-06-10T05:00")) == 32
    assert limit(made, local("2024-06-10T06:00")) == 8
    assert limit(made, local("2024-06-13T06:00")) == 6
    assert limit(made, local("2024-06-15T00:00")) == 32
    assert limit(made, local("2024-06-16T23:00")) == 32


@pytest.mark.rule("SR-A04")
def test_no_profile_that_would_be_refused() -> None:
    """Nothing to say, the same time twice, too much for the station: said before sending."""
    for bands in ([], [DAY[0], DAY[0]]):
        with pytest.raises(InvalidMessage, match="charging profile 5"):
            builders.daily(bands, profile_id=5, zone=BERLIN, now=NOON)
    keys = StationKeys(max_periods=2)
    with pytest.raises(InvalidMessage, match="ChargingScheduleMaxPeriods is 2"):
        builders.daily(DAY, profile_id=5, zone=BERLIN, now=NOON, keys=keys)


@pytest.mark.rule("SR-A01")
def test_at_most() -> None:
    """A maximum for the whole charge point, from now on."""
    made = builders.at_most(Decimal(11_000), profile_id=1, now=NOON, unit="W", phases=3)
    assert (made.purpose, made.kind, made.start) == ("ChargePointMaxProfile", "Absolute", NOON)
    installed = stack((0, made))
    assert Composite(installed, station(2)).limit_at(0, NOON).limit == Decimal("15.9")


def ready(departure: datetime, energy_wh: int, **options: Any) -> Profile:
    return builders.ready_by(
        departure, energy_wh, profile_id=9, transaction_id=7, now=NOON,
        maximum_a=Decimal(16), **options,
    )  # fmt: skip


def test_ready_by_steadily() -> None:
    """The lowest steady current that suffices, at least 6 A, in full after the departure."""
    departure = NOON + timedelta(hours=4)
    assert [(p.start_s, p.limit) for p in ready(departure, 27_600).periods] == [
        (0, 10), (14_400, 16)
    ]  # fmt: skip
    assert ready(departure, 100).periods[0].limit == 6
    assert [p.limit for p in ready(departure, 10**6).periods] == [16]
    assert [p.limit for p in ready(NOON, 1000).periods] == [16]
    assert [p.limit for p in ready(departure, 0).periods] == [16]


def test_ready_by_in_the_cheapest_hours() -> None:
    """Charges when it is cheapest, the earlier of equal hours first, pauses otherwise."""
    tariffs = [
        Tariff(time(6), Decimal("0.30")),
        Tariff(time(16), Decimal("0.45")),
        Tariff(time(22), Decimal("0.20")),
    ]
    tomorrow = local("2024-06-04T07:00")
    made = ready(tomorrow, 11_040 * 9, tariffs=tariffs, zone=BERLIN)
    found = [
        ((NOON + timedelta(seconds=p.start_s)).astimezone(BERLIN).strftime("%d %H:%M"), p.limit)
        for p in made.periods
    ]
    assert found == [
        ("03 14:00", 16), ("03 15:00", 0), ("03 22:00", 16), ("04 06:00", 0), ("04 07:00", 16)
    ]  # fmt: skip


@steady()
@given(
    hours=st.integers(1, 40),
    energy_wh=st.integers(1, 200_000),
    prices=st.lists(st.integers(1, 4), max_size=4),
    phases=st.sampled_from([1, 3]),
)
def test_the_energy_is_there_in_time(
    hours: int, energy_wh: int, prices: list[int], phases: int
) -> None:
    """If full current suffices at all, the profile brings the energy before the departure."""
    departure = NOON + timedelta(hours=hours)
    tariffs = [Tariff(time(5 * number), Decimal(price)) for number, price in enumerate(prices)]
    made = ready(departure, energy_wh, tariffs=tariffs, zone=BERLIN, phases=phases)
    facts = station(transactions=running())
    schedule = Composite(stack((1, made)), facts).schedule(1, NOON, hours * 3600)
    ends = [period.start_s for period in schedule.periods[1:]] + [hours * 3600]
    charged = sum(
        period.limit * 230 * phases * (end - period.start_s)
        for period, end in zip(schedule.periods, ends, strict=True)
    )
    possible = 16 * 230 * phases * hours * 3600
    assert charged >= min(energy_wh * 3600, possible)


def test_when_the_clocks_change_next() -> None:
    """So that a central system can send its profiles anew; in UTC never."""
    assert builders.next_clock_change(BERLIN, NOON) == datetime(2024, 10, 27, 1, tzinfo=UTC)
    assert builders.next_clock_change(ZoneInfo("UTC"), NOON) is None
