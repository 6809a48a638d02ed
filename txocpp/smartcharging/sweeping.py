"""Several tracks of limits swept from left to right into one answer.

The inner loops of the room: they touch every change once, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from txocpp.smartcharging.combining import Combining, Merged, Weighed
from txocpp.smartcharging.course import Cell, Track

_NEVER: Final = 2**200


class Answers(NamedTuple):
    """The combined limit over a window, three columns; neighbours differ (SR-407)."""

    times: list[int]
    tenths: list[int]
    phases: list[int | None]


def lowest(maximum: Track, transaction: Track, local: Weighed, combining: Combining) -> Answers:
    """At each second the lowest of maximum, transaction limit and local limit (SR-401).

    With the lowest number of phases that one of the two states (SR-412, SR-413).
    """
    answers = times, tenths, phases = Answers([], [], [])
    maxima, transactions = _weighed(maximum, combining), _weighed(transaction, combining)
    maximum_times, transaction_times = [*maximum.times, _NEVER], [*transaction.times, _NEVER]
    lid = local.tenths if combining.capped else (_NEVER,) * 4
    i = j = 0
    at_s = maximum_times[0]
    last_value: int | None = None
    last_number: int | None = None
    while at_s != _NEVER:
        one = transactions[j] or maxima[i]
        other = maxima[i] or one
        if one is None or other is None:
            value, number = local.tenths[local.phases], None
        else:
            # Written out, not with min(): this is where the time goes.
            counted = one.phases if one.phases < other.phases else other.phases
            value, others, most = one.tenths[counted], other.tenths[counted], lid[counted]
            if others < value:
                value = others
            if most < value:
                value = most
            number = counted if one.stated or other.stated else None
        if value != last_value or number != last_number:
            times.append(at_s)
            tenths.append(value)
            phases.append(number)
            last_value, last_number = value, number
        next_maximum, next_transaction = maximum_times[i + 1], transaction_times[j + 1]
        if next_maximum <= next_transaction:
            at_s = next_maximum
            i += 1
        if next_transaction <= next_maximum:
            at_s = next_transaction
            j += 1
    return answers


def together(
    tracks: Sequence[Track], combine: Callable[[Sequence[Cell | None]], Merged]
) -> Answers:
    """Any number of tracks, combined by a function of one cell of each."""
    events = [
        (at_s, number, cell)
        for number, track in enumerate(tracks)
        for at_s, cell in zip(*track, strict=True)
    ]
    events.sort(key=lambda event: event[0])
    cells: list[Cell | None] = [None] * len(tracks)
    known: dict[tuple[Cell | None, ...], Merged] = {}
    answers = Answers([], [], [])
    last: Merged | None = None
    for place, (at_s, number, cell) in enumerate(events, 1):
        cells[number] = cell
        if place < len(events) and events[place][0] == at_s:
            continue
        key = tuple(cells)
        merged = known.get(key)
        if merged is None:
            merged = known[key] = combine(key)
        if merged != last:
            answers.times.append(at_s)
            answers.tenths.append(merged.tenths)
            answers.phases.append(merged.phases)
            last = merged
    return answers


def _weighed(track: Track, combining: Combining) -> list[Weighed | None]:
    weighed = {cell: combining.weigh(cell) if cell else None for cell in set(track.cells)}
    return [weighed[cell] for cell in track.cells]
