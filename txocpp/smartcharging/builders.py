"""Profiles out of what people say: by the clock, at most, ready by.

Every builder checks its profile as `sending` does and raises `InvalidMessage` rather than give
one that a charge point would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_UP, Decimal

import attrs

from txocpp.evse import MINIMUM_CURRENT_A
from txocpp.smartcharging.instants import to_instant, to_seconds
from txocpp.smartcharging.profiles import Kind, Period, Profile, Purpose, RateUnit, Recurrency
from txocpp.smartcharging.sending import ensure_sendable
from txocpp.smartcharging.station import StationKeys
from txocpp.smartcharging.timezone import stretches

_DAY_S = 86_400
_YEAR_S = 366 * _DAY_S


@attrs.frozen
class Band:
    """From this local time of day on, this limit."""

    begins: time
    limit: Decimal
    phases: int | None = None


@attrs.frozen
class Tariff:
    """From this local time of day on, this price. Any currency: prices are only compared."""

    begins: time
    price: Decimal


def daily(
    bands: Iterable[Band],
    *,
    profile_id: int,
    zone: tzinfo,
    now: datetime,
    unit: RateUnit = RateUnit.A,
    stack_level: int = 0,
    valid_to: datetime | None = None,
    keys: StationKeys | None = None,
) -> Profile:
    """A TxDefaultProfile that follows the local clock, every day the same.

    Before the first band of the day the last one of the day before goes on. The schedule begins
    on today's local midnight, which is never ahead (SR-A06). A charge point that counts in UTC
    is an hour off after the clocks change: send it anew then, see `next_clock_change`.
    """
    periods = _day(list(bands))
    return _by_the_clock(
        periods, Recurrency.DAILY, _midnight(now.astimezone(zone).date(), zone),
        profile_id=profile_id, now=now, unit=unit, stack_level=stack_level, valid_to=valid_to,
        keys=keys,
    )  # fmt: skip


def weekly(
    week: Mapping[int, Sequence[Band]],
    *,
    profile_id: int,
    zone: tzinfo,
    now: datetime,
    unit: RateUnit = RateUnit.A,
    stack_level: int = 0,
    valid_to: datetime | None = None,
    keys: StationKeys | None = None,
) -> Profile:
    """A TxDefaultProfile that follows the local clock, every week the same.

    ``week`` maps weekdays, Monday 0 to Sunday 6, to their bands; a day that is missing goes on
    with the last band before it. Begins on this week's Monday, local midnight.
    """
    bands = [
        (weekday * _DAY_S + _seconds_of_day(band.begins), band)
        for weekday, day in week.items()
        for band in day
    ]
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return _by_the_clock(
        _from_the_start(bands), Recurrency.WEEKLY, _midnight(monday, zone),
        profile_id=profile_id, now=now, unit=unit, stack_level=stack_level, valid_to=valid_to,
        keys=keys,
    )  # fmt: skip


def at_most(
    limit: Decimal,
    *,
    profile_id: int,
    now: datetime,
    unit: RateUnit = RateUnit.A,
    phases: int | None = None,
    stack_level: int = 0,
    valid_to: datetime | None = None,
    keys: StationKeys | None = None,
) -> Profile:
    """A ChargePointMaxProfile: from now on no more than this, for the whole charge point."""
    profile = Profile(
        profile_id=profile_id,
        purpose=Purpose.CHARGE_POINT_MAX_PROFILE,
        # Not Relative, which has nothing to relate to here, and which some stations refuse.
        kind=Kind.ABSOLUTE,
        start=_whole(now),
        stack_level=stack_level,
        unit=unit,
        periods=[Period(0, limit, phases)],
        valid_to=valid_to,
    )
    return ensure_sendable(profile, 0, now=now, keys=keys)


def ready_by(
    departure: datetime,
    energy_wh: int,
    *,
    profile_id: int,
    transaction_id: int,
    now: datetime,
    maximum_a: Decimal,
    phases: int = 3,
    voltage_v: Decimal = Decimal(230),
    tariffs: Sequence[Tariff] = (),
    zone: tzinfo = UTC,
    stack_level: int = 0,
    keys: StationKeys | None = None,
) -> Profile:
    """A TxProfile that brings this much energy into the car before it leaves.

    With tariffs: at full current in the cheapest hours, the earlier of equally cheap ones first,
    and paused in between. Without: at the lowest steady current that suffices, at least 6 A. If
    time is short: at full current all the time. From the departure on at full current, in case
    that it is late.
    """
    full_w = maximum_a * voltage_v * phases
    seconds_left = to_seconds(departure) - to_seconds(now)
    if seconds_left <= 0 or full_w <= 0:
        energy_wh = 0
    if energy_wh * 3600 >= full_w * seconds_left or energy_wh <= 0:
        periods = [Period(0, maximum_a, phases)]
    elif tariffs:
        needed_s = int((Decimal(energy_wh * 3600) / full_w).to_integral_value(ROUND_UP))
        hours = _cheapest(_slots(tariffs, zone, now, departure), needed_s)
        periods = _on_and_off(hours, seconds_left, maximum_a, phases)
    else:
        steady_a = Decimal(energy_wh) * 3600 / seconds_left / voltage_v / phases
        steady_a = steady_a.quantize(Decimal("0.1"), ROUND_UP)
        steady_a = min(max(steady_a, MINIMUM_CURRENT_A), maximum_a)
        periods = [Period(0, steady_a, phases), Period(seconds_left, maximum_a, phases)]
    profile = Profile(
        profile_id=profile_id,
        transaction_id=transaction_id,
        purpose=Purpose.TX_PROFILE,
        kind=Kind.ABSOLUTE,
        start=_whole(now),
        stack_level=stack_level,
        periods=periods,
    )
    return ensure_sendable(profile, 1, now=now, keys=keys)


def next_clock_change(zone: tzinfo, after: datetime) -> datetime | None:
    """When the clocks are next changed, daylight saving or other; None: not within two years."""
    after_s = to_seconds(after)
    parts = stretches(zone, after_s, after_s + 2 * _YEAR_S)
    return to_instant(parts[1][0]) if len(parts) > 1 else None


def _by_the_clock(
    periods: list[Period],
    recurrency: Recurrency,
    start: datetime,
    *,
    profile_id: int,
    now: datetime,
    unit: RateUnit,
    stack_level: int,
    valid_to: datetime | None,
    keys: StationKeys | None,
) -> Profile:
    profile = Profile(
        profile_id=profile_id,
        purpose=Purpose.TX_DEFAULT_PROFILE,
        kind=Kind.RECURRING,
        recurrency=recurrency,
        start=start,
        duration_s=recurrency.period_s,
        stack_level=stack_level,
        unit=unit,
        periods=periods,
        valid_to=valid_to,
    )
    return ensure_sendable(profile, 0, now=now, keys=keys)


def _day(bands: list[Band]) -> list[Period]:
    return _from_the_start([(_seconds_of_day(band.begins), band) for band in bands])


def _from_the_start(bands: list[tuple[int, Band]]) -> list[Period]:
    periods = [
        Period(start_s, band.limit, band.phases)
        for start_s, band in sorted(bands, key=lambda entry: entry[0])
    ]
    if periods and periods[0].start_s > 0:
        periods.insert(0, attrs.evolve(periods[-1], start_s=0))
    return periods


def _seconds_of_day(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _whole(instant: datetime) -> datetime:
    return to_instant(to_seconds(instant))


def _slots(
    tariffs: Sequence[Tariff], zone: tzinfo, now: datetime, departure: datetime
) -> list[tuple[Decimal, int, int]]:
    """``(price, from, to)`` in seconds from now, until the departure."""
    now_s, departure_s = to_seconds(now), to_seconds(departure)
    day = now.astimezone(zone).date() - timedelta(days=1)
    changes: list[tuple[int, Decimal]] = []
    while not changes or changes[-1][0] < departure_s:
        changes += sorted(
            (to_seconds(datetime.combine(day, tariff.begins, tzinfo=zone)), tariff.price)
            for tariff in tariffs
        )
        day += timedelta(days=1)
    ends = [at_s for at_s, _ in changes[1:]]
    cut = (
        (price, max(begin, now_s) - now_s, min(end, departure_s) - now_s)
        for (begin, price), end in zip(changes, ends, strict=False)
    )
    return [(price, begin, end) for price, begin, end in cut if begin < end]


def _cheapest(slots: list[tuple[Decimal, int, int]], needed_s: int) -> list[tuple[int, int]]:
    chosen = []
    for _, begin, end in sorted(slots):
        if needed_s <= 0:
            break
        used_s = min(needed_s, end - begin)
        chosen.append((begin, begin + used_s))
        needed_s -= used_s
    return sorted(chosen)


def _on_and_off(
    hours: list[tuple[int, int]], departure_s: int, maximum_a: Decimal, phases: int
) -> list[Period]:
    edges: list[tuple[int, Decimal]] = [(0, Decimal(0))]
    for begin, end in hours:
        edges += [(begin, maximum_a), (end, Decimal(0))]
    edges.append((departure_s, maximum_a))
    periods: list[Period] = []
    # Of several edges at one second the last one holds; equal neighbours are one period.
    for start_s, limit in dict(edges).items():
        if not periods or periods[-1].limit != limit:
            periods.append(Period(start_s, limit, phases))
    return periods
