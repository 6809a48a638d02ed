"""Random stations, profiles and moments, crowded around the borders where mistakes live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from txocpp.smartcharging import (
    Connector0,
    Installed,
    Kind,
    Period,
    PhaseConversion,
    Profile,
    Purpose,
    RateUnit,
    Recurrency,
    RelativeTxBase,
    RelativeWithoutTx,
    Stack,
    Station,
    Switches,
    Transaction,
    TxDefaultScope,
)

DAY_S = 86_400
NEAR_S = 60
"""Instants lie at most so far from the anchor, apart from whole days and hours."""

ANCHORS = [
    datetime(2024, 6, 3, 12, tzinfo=UTC),
    datetime(2024, 6, 3, 0, tzinfo=UTC),
    datetime(2024, 3, 31, 1, tzinfo=UTC),  # Berlin: 02:00 becomes 03:00
    datetime(2024, 10, 27, 1, tzinfo=UTC),  # Berlin: 03:00 becomes 02:00
    datetime(2024, 11, 3, 6, tzinfo=UTC),  # New York: 02:00 becomes 01:00
    datetime(2024, 4, 6, 15, tzinfo=UTC),  # Lord Howe: half an hour back
]
ZONES: list[tzinfo | None] = [
    None,
    None,
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),
]

near = st.sampled_from([-30, -1, 0, 0, 1, 2, 29, 30, 31]) | st.integers(-NEAR_S, NEAR_S)
"""Often one of few values, so that borders meet, or miss each other by a second."""
levels = st.sampled_from([0, 0, 0, 1, 1, 2])
purposes = st.sampled_from(Purpose)
units = st.sampled_from(RateUnit)
phases = st.sampled_from([None, None, 1, 2, 3])
amperes = st.sampled_from([0, 6, 6, 10, 13, 16, 32, 40]) | st.integers(0, 400)
watts = st.sampled_from([0, 1380, 2070, 4140, 11000, 22080]) | st.integers(0, 250_000)


def steady(examples: int = 100) -> settings:
    """The same examples in every run, however busy the machine is."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@attrs.frozen
class World:
    """Everything that an answer depends on."""

    anchor: datetime
    stack: Stack
    station: Station
    switches: Switches
    zone: tzinfo | None


def limits(unit: RateUnit) -> st.SearchStrategy[Decimal]:
    whole = amperes if unit is RateUnit.A else watts
    return st.builds(
        lambda number, tenths: Decimal(number) + Decimal(tenths) / 10,
        whole,
        st.sampled_from([0, 0, 0, 5, 9]),
    )


@st.composite
def instants(draw: st.DrawFn, anchor: datetime, *, whole_days: bool = False) -> datetime:
    """Near the anchor; with whole_days, some days and clock hours off."""
    instant = anchor + timedelta(seconds=draw(near))
    if draw(st.integers(0, 9)) == 0:
        instant += timedelta(microseconds=draw(st.integers(1, 999_999)))
    if whole_days:
        days = draw(st.sampled_from([0, 0, -1, -7, -8, -200, 1]))
        shift_s = draw(st.sampled_from([0, 0, 3600, -3600, 1800, -1800]))
        instant += timedelta(days=days, seconds=shift_s)
    return instant


@st.composite
def starts(draw: st.DrawFn) -> list[int]:
    """startPeriods: 0, some soon after, some around the end of a day or week."""
    soon = st.sampled_from([1, 2, 29, 30, 31, 60]) | st.integers(1, 2 * NEAR_S)
    late = st.builds(
        lambda days, off: days * DAY_S + off, st.sampled_from([1, 1, 7]), st.integers(-90, 30)
    )
    some = st.integers(0, 3)
    others = [draw(soon) for _ in range(draw(some))] + [draw(late) for _ in range(draw(some))]
    return sorted({0, *others})


@st.composite
def profiles(
    draw: st.DrawFn,
    anchor: datetime,
    profile_id: int,
    purposes: st.SearchStrategy[Purpose] = purposes,
    units: st.SearchStrategy[RateUnit] = units,
    numbers_of_phases: st.SearchStrategy[int | None] = phases,
) -> Profile:
    """A profile that a charge point would accept."""
    purpose = draw(purposes)
    kind = draw(st.sampled_from(Kind))
    unit = draw(units)
    fixed = draw(st.booleans())
    start = draw(instants(anchor, whole_days=True))
    valid = sorted([draw(instants(anchor)), draw(instants(anchor))])
    if valid[0] == valid[1]:
        valid[1] += timedelta(seconds=1)
    duration = st.sampled_from([0, 1, 30, 31, 100, DAY_S - 30, DAY_S, DAY_S + 30, 7 * DAY_S - 20])
    return Profile(
        profile_id=profile_id,
        purpose=purpose,
        kind=kind,
        stack_level=draw(levels),
        unit=unit,
        periods=[
            Period(start_s, draw(limits(unit)), draw(numbers_of_phases))
            for start_s in draw(starts())
        ],
        recurrency=draw(st.sampled_from(Recurrency)) if kind is Kind.RECURRING else None,
        start=start if kind is Kind.RECURRING or fixed else None,
        duration_s=draw(st.none() | duration),
        valid_from=valid[0] if draw(st.integers(0, 3)) == 0 else None,
        valid_to=valid[1] if draw(st.integers(0, 3)) == 0 else None,
    )


@st.composite
def stations(draw: st.DrawFn, anchor: datetime) -> Station:
    connectors = range(1, draw(st.sampled_from([1, 1, 2, 3])) + 1)
    hardware = st.sampled_from([Decimal(32), Decimal(16), Decimal("13.3"), Decimal(48)])
    running = [connector for connector in connectors if draw(st.integers(0, 2))]
    return Station(
        limits_a={connector: draw(hardware) for connector in connectors},
        station_limit_a=draw(st.none() | st.sampled_from([Decimal(25), Decimal("31.9")])),
        voltage_v=draw(
            st.sampled_from([Decimal(230), Decimal(230), Decimal(110), Decimal("229.5")])
        ),
        phases=draw(st.sampled_from([3, 3, 3, 1])),
        transactions={
            connector: Transaction(
                draw(st.sampled_from([7, 7, 8, None])), draw(instants(anchor, whole_days=True))
            )
            for connector in running
        },
    )


switches = st.just(Switches()) | st.builds(
    Switches,
    tx_profile_hides_tx_default=st.booleans(),
    tx_default_scope=st.sampled_from(TxDefaultScope),
    valid_to_inclusive=st.booleans(),
    recur_backwards=st.booleans(),
    relative_without_tx=st.sampled_from(RelativeWithoutTx),
    cap_at_local_limit=st.booleans(),
    phase_conversion=st.sampled_from(PhaseConversion),
    connector0=st.sampled_from(Connector0),
    relative_tx_base=st.sampled_from(RelativeTxBase),
)


@st.composite
def installed(draw: st.DrawFn, anchor: datetime, station: Station, profile: Profile) -> Installed:
    """The profile on a connector where its purpose may be."""
    connector_id = 0
    if profile.purpose is Purpose.TX_PROFILE:
        connector_id = draw(st.sampled_from(station.connectors))
    elif profile.purpose is Purpose.TX_DEFAULT_PROFILE:
        connector_id = draw(st.sampled_from([0, *station.connectors]))
    transaction_id = None
    if profile.purpose is Purpose.TX_PROFILE:
        transaction_id = draw(st.sampled_from([None, 7, 7, 8]))
    return Installed(profile, connector_id, draw(instants(anchor)), transaction_id)


@st.composite
def worlds(
    draw: st.DrawFn,
    readings: st.SearchStrategy[Switches] = switches,
    units: st.SearchStrategy[RateUnit] = units,
    numbers_of_phases: st.SearchStrategy[int | None] = phases,
) -> World:
    """A station with some profiles, at a moment where something may be about to happen."""
    anchor = draw(st.sampled_from(ANCHORS))
    station = draw(stations(anchor))
    stack = Stack()
    for profile_id in range(1, draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6])) + 1):
        profile = draw(
            profiles(anchor, profile_id, units=units, numbers_of_phases=numbers_of_phases)
        )
        stack = stack.put(draw(installed(anchor, station, profile))).stack
    return World(anchor, stack, station, draw(readings), draw(st.sampled_from(ZONES)))
