"""Wall clocks: how far a time zone is ahead of UTC, and when that changes.

With a time zone, a Recurring profile is a function of what the clock on the wall shows: its
22:00 stays at 22:00 when daylight saving begins or ends. The hour that is skipped in spring is
skipped in the schedule, the hour that comes twice in autumn is executed twice. Without a zone a
day has 86,400 seconds, always (SR-204).
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from txocpp.errors import ConfigurationError
from txocpp.smartcharging.instants import FIRST_S, LAST_S, to_instant

_DAY_S = 86_400
_STRETCH_S = 366 * _DAY_S


def read_zone(name: str) -> ZoneInfo:
    """The time zone of this IANA name, for example ``Europe/Berlin``.

    Raises `ConfigurationError` if there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"time zone {name!r}: not known; names look like Europe/Berlin"
        ) from None


def ahead_of_utc_s(zone: tzinfo, at_s: int) -> int:
    """How many seconds the wall clock is ahead of UTC at a moment."""
    offset = wall_clock(zone, at_s).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def stretches(zone: tzinfo | None, from_s: int, to_s: int) -> list[tuple[int, int, int]]:
    """The window in stretches ``(from, to, seconds ahead of UTC)`` of unchanged clocks."""
    if zone is None:
        return [(from_s, to_s, 0)]
    found = []
    begin, ahead = from_s, ahead_of_utc_s(zone, from_s)
    for number in range(from_s // _STRETCH_S, (to_s - 1) // _STRETCH_S + 1):
        for change_s, ahead_then in _changes(zone, number):
            if begin < change_s < to_s:
                found.append((begin, change_s, ahead))
                begin = change_s
            if change_s < to_s:
                ahead = ahead_then
    found.append((begin, to_s, ahead))
    return found


def full_hours(
    zone: tzinfo | None, from_s: int, to_s: int, at_most: int
) -> list[tuple[int, datetime]]:
    """Moments for the marks of a time axis: full hours of the wall clock, evenly spread over the
    day, at most so many of them (but not fewer than the midnights)."""
    every_h = next((h for h in (1, 2, 3, 6, 12) if to_s - from_s <= h * at_most * 3600), 24)
    quarters = range(from_s + -from_s % 900, to_s + 1, 900)
    clocks = ((at_s, wall_clock(zone, at_s)) for at_s in quarters)
    return [(at_s, now) for at_s, now in clocks if now.minute == 0 and now.hour % every_h == 0]


def wall_clock(zone: tzinfo | None, at_s: int) -> datetime:
    """What the clock on the wall shows, UTC without a zone."""
    if zone is None:
        return to_instant(at_s)
    # A day away from the ends of the calendar, which no offset can pass.
    return to_instant(max(FIRST_S + _DAY_S, min(at_s, LAST_S - _DAY_S))).astimezone(zone)


@lru_cache(maxsize=512)
def _changes(zone: tzinfo, number: int) -> tuple[tuple[int, int], ...]:
    """The clock changes of one stretch of 366 days: ``(second, seconds ahead from then on)``."""
    changes = []
    first = number * _STRETCH_S
    ahead = ahead_of_utc_s(zone, first - 1)
    low = first - 1
    for high in range(first + _DAY_S - 1, first + _STRETCH_S, _DAY_S):
        later = ahead_of_utc_s(zone, high)
        if later != ahead:
            changes.append((_first_second_with(zone, later, low, high), later))
            ahead = later
        low = high
    return tuple(changes)


def _first_second_with(zone: tzinfo, ahead: int, low: int, high: int) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        if ahead_of_utc_s(zone, middle) == ahead:
            high = middle
        else:
            low = middle
    return high
