"""A week of charging: what the car draws, against what GetCompositeSchedule foretold."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from house import NOON, House

from txocpp.messages import v16

DAY_S = 86_400
FOLLOWED_S = 10
"""Long enough for a car that follows within a second."""


def profile(
    profile_id: int,
    purpose: v16.ChargingProfilePurposeType,
    recurrency: v16.RecurrencyKindType,
    *periods: tuple[int, str],
    level: int = 0,
    unit: str = "A",
    duration: int | None = None,
) -> v16.ChargingProfile:
    """A recurring profile that began a week ago."""
    return v16.ChargingProfile(
        charging_profile_id=profile_id,
        stack_level=level,
        charging_profile_purpose=purpose,
        charging_profile_kind=v16.ChargingProfileKindType.RECURRING,
        recurrency_kind=recurrency,
        charging_schedule=v16.ChargingSchedule(
            duration=duration,
            start_schedule=NOON - timedelta(days=7),
            charging_rate_unit=v16.ChargingRateUnitType(unit),
            charging_schedule_period=tuple(
                v16.ChargingSchedulePeriod(start_period=start_s, limit=Decimal(limit))
                for start_s, limit in periods
            ),
        ),
    )


def install(house: House, connector_id: int, what: v16.ChargingProfile) -> None:
    request = v16.SetChargingProfileRequest(connector_id=connector_id, cs_charging_profiles=what)
    assert house.status(request) == "Accepted"


def drawn_a(house: House) -> Decimal:
    """What the car draws, A per phase."""
    return max(house.evse(1).outlet.read().currents_a, default=Decimal(0))


@pytest.mark.slow
@pytest.mark.rule("SR-401", "SR-620", "SR-710")
def test_a_week_goes_as_it_was_foretold() -> None:
    """Day by day the schedule is asked for, and in each of its periods the car draws just that."""
    daily, weekly = v16.RecurrencyKindType.DAILY, v16.RecurrencyKindType.WEEKLY
    default = v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE
    house = House(car={"battery_wh": 1_000_000, "soc_percent": 0, "car_max_a": 32})
    install(
        house,
        0,
        profile(1, default, daily, (0, "16"), (18_000, "6"), (32_400, "0"), (50_000, "10")),
    )
    install(house, 1, profile(2, default, weekly, (0, "8280"), unit="W", duration=30_000, level=2))
    install(house, 0, profile(3, default, daily, (0, "13.5"), duration=3_600, level=1))
    install(
        house,
        0,
        profile(
            4,
            v16.ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE,
            weekly,
            (0, "20"),
            (2 * DAY_S, "12"),
            (5 * DAY_S, "5"),
            (5 * DAY_S + 7_200, "14"),
        ),
    )
    house.charge()
    seen = set()
    for _ in range(7):
        request = v16.GetCompositeScheduleRequest(connector_id=1, duration=DAY_S)
        schedule = house.ask(request).charging_schedule
        assert schedule.charging_rate_unit == v16.ChargingRateUnitType.A
        periods = schedule.charging_schedule_period
        assert all(period.number_phases == 3 for period in periods)
        ends = [period.start_period for period in periods[1:]] + [DAY_S]
        for period, end_s in zip(periods, ends, strict=True):
            length_s = end_s - period.start_period
            expected = period.limit if period.limit >= 6 else Decimal(0)
            house.run(FOLLOWED_S)
            assert drawn_a(house) == expected
            house.run(length_s - FOLLOWED_S - 1)
            assert drawn_a(house) == expected
            house.run(1)
            seen.add(expected)
    assert len(seen) >= 6
