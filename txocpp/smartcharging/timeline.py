"""Profiles laid out on the time axis: from when to when each one is the one that counts.

A *layer* is one profile with its place in time; layers in order of precedence cover each other
like sheets of paper, gaps let the next one show through (SR-301). Work is done for what is seen
only: a sheet that is covered all over costs nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

import attrs

from txocpp.smartcharging.course import Course, Track
from txocpp.smartcharging.installed import Installed
from txocpp.smartcharging.instants import to_seconds
from txocpp.smartcharging.profiles import Kind, Profile
from txocpp.smartcharging.timezone import ahead_of_utc_s, stretches


class Piece(NamedTuple):
    """A stretch of time in which one layer is seen, within one recurrence of its schedule."""

    from_s: int
    to_s: int
    base_s: int
    """The second at which this run of the schedule began."""
    layer: Layer


@attrs.frozen(eq=False)
class Layer:
    """An installed profile with its place in time."""

    installed: Installed
    begin_s: int
    """Start of the schedule, or of its first recurrence."""
    valid_from_s: int | None
    valid_until_s: int | None
    """The first second that is outside again."""
    recur_backwards: bool
    zone: tzinfo | None
    """Wall clock that a Recurring schedule follows; None: UTC."""

    @property
    def profile(self) -> Profile:
        """What is laid out."""
        return self.installed.profile

    @property
    def course(self) -> Course:
        """Its periods, prepared for searching."""
        return self.installed.course

    @property
    def run_s(self) -> int | None:
        """How long one run of the schedule gives limits; None: for ever (SR-210 to SR-213)."""
        period_s, duration_s = self.profile.repeats_every_s, self.profile.duration_s
        if period_s is None:
            return duration_s
        return period_s if duration_s is None else min(duration_s, period_s)

    def pieces(self, from_s: int, to_s: int) -> list[Piece]:
        """Where the profile gives a limit within a window, in order of time."""
        if self.valid_from_s is not None:
            from_s = max(from_s, self.valid_from_s)
        if self.valid_until_s is not None:
            to_s = min(to_s, self.valid_until_s)
        if from_s >= to_s:
            return []
        if self.profile.repeats_every_s is None:
            piece = self._run(self.begin_s, from_s, to_s)
            return [piece] if piece else []
        return self._recurrences(from_s, to_s)

    def _run(self, base_s: int, from_s: int, to_s: int) -> Piece | None:
        begin = max(from_s, base_s + self.course.starts[0])
        end = to_s if self.run_s is None else min(to_s, base_s + self.run_s)
        return Piece(begin, end, base_s, self) if begin < end else None

    def _recurrences(self, from_s: int, to_s: int) -> list[Piece]:
        if not self.recur_backwards:
            # SR-205: nothing before the first one.
            from_s = max(from_s, self.begin_s)
        if from_s >= to_s:
            return []
        period_s = self.profile.repeats_every_s
        assert period_s is not None
        begin_on_wall = self.begin_s + (ahead_of_utc_s(self.zone, self.begin_s) if self.zone else 0)
        found = []
        for stretch_from, stretch_to, ahead in stretches(self.zone, from_s, to_s):
            begin = begin_on_wall - ahead
            # SR-204: the latest beginning up to now, in whole days or weeks.
            base = begin + (stretch_from - begin) // period_s * period_s
            while base < stretch_to:
                if piece := self._run(base, stretch_from, stretch_to):
                    # A run is cut where the next one begins (SR-211); run_s sees to that.
                    found.append(piece)
                base += period_s
        return found

    def milestone_after(self, at_s: int) -> int | None:
        """The next second at which something happens that does not recur: the beginning or end
        of the schedule, of a period, of the validity. None: nothing is left."""
        return min((mark for mark in self._milestones(at_s) if mark > at_s), default=None)

    def milestone_up_to(self, at_s: int) -> int | None:
        """The latest such second that is not after this one."""
        return max((mark for mark in self._milestones(at_s) if mark <= at_s), default=None)

    def _milestones(self, near_s: int) -> list[int]:
        marks = [self.begin_s, self.valid_from_s, self.valid_until_s]
        if self.profile.repeats_every_s is None:
            if self.run_s is not None:
                marks.append(self.begin_s + self.run_s)
            starts = self.course.starts
            following = bisect_right(starts, near_s - self.begin_s)
            marks += [
                self.begin_s + start for start in starts[max(following - 1, 0) : following + 1]
            ]
        return [mark for mark in marks if mark is not None]


def lay(
    installed: Installed,
    base_s: int | None,
    *,
    valid_to_inclusive: bool = False,
    recur_backwards: bool = False,
    zone: tzinfo | None = None,
) -> Layer | None:
    """Place a profile in time; ``base_s`` for what counts from a transaction or from reception.

    None if such a base is needed and there is none.
    """
    profile = installed.profile
    begin = base_s if profile.counts_from_transaction else _seconds(profile.start)
    if begin is None or not profile.periods:
        return None
    valid_until = _seconds(profile.valid_to)
    if valid_until is not None and valid_to_inclusive:
        valid_until += 1
    return Layer(
        installed=installed,
        begin_s=begin,
        valid_from_s=_seconds(profile.valid_from),
        valid_until_s=valid_until,
        recur_backwards=recur_backwards,
        zone=zone if profile.kind is Kind.RECURRING else None,
    )


def seen(layers: Iterable[Layer], from_s: int, to_s: int) -> list[Piece]:
    """What is seen of layers that cover each other, highest first, in order of time."""
    visible: list[Piece] = []
    holes = [(from_s, to_s)]
    for layer in layers:
        left: list[tuple[int, int]] = []
        for hole_from, hole_to in holes:
            cursor = hole_from
            for piece in layer.pieces(hole_from, hole_to):
                visible.append(piece)
                if piece.from_s > cursor:
                    left.append((cursor, piece.from_s))
                cursor = piece.to_s
            if cursor < hole_to:
                left.append((cursor, hole_to))
        holes = left
        if not holes:
            break
    visible.sort()
    return visible


def track_of(layers: Sequence[Layer], from_s: int, to_s: int) -> Track:
    """The limits of a stack of layers over a window, beginning with the window."""
    track = Track([], [])
    cursor = from_s
    for begin, end, base, layer in seen(layers, from_s, to_s):
        if begin > cursor:
            track.times.append(cursor)
            track.cells.append(None)
        layer.course.write(track, begin, end, base)
        cursor = end
    if cursor < to_s:
        track.times.append(cursor)
        track.cells.append(None)
    return track


def _seconds(instant: datetime | None) -> int | None:
    return None if instant is None else to_seconds(instant)
