"""Pictures for terminals: a composite schedule in block characters."""

from __future__ import annotations

from bisect import bisect_right
from datetime import tzinfo
from decimal import Decimal

from txocpp.smartcharging.composite import Schedule
from txocpp.smartcharging.instants import to_seconds
from txocpp.smartcharging.profiles import RateUnit
from txocpp.smartcharging.timezone import full_hours
from txocpp.smartcharging.units import from_tenths, to_tenths

_BLOCKS = " ▁▂▃▄▅▆▇█"
_LABEL = 10


def sketch(
    schedule: Schedule, zone: tzinfo | None = None, *, width: int = 80, height: int = 8
) -> str:
    """The limits of a schedule as a skyline, with the clock below.

    Each column shows the lowest limit of its stretch of time, so a short pause is not lost.
    """
    columns = max(width - _LABEL, 12)
    values = [_lowest(schedule, column, columns) for column in range(columns)]
    highest = max(*values, Decimal(1))
    eighths = [int(value * height * 8 / highest) for value in values]
    lines = []
    for row in range(height, 0, -1):
        label = _label(highest, schedule.unit) if row == height else ""
        blocks = "".join(_BLOCKS[max(0, min(8, e - 8 * (row - 1)))] for e in eighths)
        lines.append(f"{label:>{_LABEL - 2}} ┤{blocks}")
    return "\n".join([*(line.rstrip() for line in lines), *_clock(schedule, zone, columns)])


def _label(limit: Decimal, unit: RateUnit) -> str:
    in_kilowatts = unit is RateUnit.W and limit >= 1000
    value = from_tenths(to_tenths(limit / 1000 if in_kilowatts else limit))
    return f"{value:f} {'kW' if in_kilowatts else unit}"


def _lowest(schedule: Schedule, column: int, columns: int) -> Decimal:
    begin, end = (schedule.duration_s * edge // columns for edge in (column, column + 1))
    starts = [period.start_s for period in schedule.periods]
    first = bisect_right(starts, begin) - 1
    last = max(bisect_right(starts, end - 1), first + 1)
    return min(period.limit for period in schedule.periods[first:last])


def _clock(schedule: Schedule, zone: tzinfo | None, columns: int) -> list[str]:
    start_s, length_s = to_seconds(schedule.start), max(schedule.duration_s, 1)
    axis, marks = ["─"] * columns, ""
    for at_s, clock in full_hours(zone, start_s, start_s + length_s - 1, columns // 8):
        column = (at_s - start_s) * columns // length_s
        text = f"{clock:%H:%M}" if clock.hour or length_s <= 86_400 else f"{clock:%a %d}"
        if column >= len(marks):
            axis[column] = "┬"
            marks = f"{marks:<{column}}{text} "
    name = "UTC" if zone is None else str(zone)
    space = " " * (_LABEL - 2)
    return [
        f"{_label(Decimal(0), schedule.unit):>{_LABEL - 2}} └{''.join(axis)}",
        f"{space}  {marks} {name}",
    ]
