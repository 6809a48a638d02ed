"""The periods of one profile, prepared for searching and comparing; made once per profile."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import NamedTuple

import attrs

from txocpp.smartcharging.profiles import Period, Profile, RateUnit
from txocpp.smartcharging.units import to_tenths


class Cell(NamedTuple):
    """A limit without its time, ready for comparing: whole tenths of its unit."""

    in_watts: bool
    tenths: int
    phases: int | None


class Track(NamedTuple):
    """Limits over a window: from each second on, this cell; None: no profile gives a limit."""

    times: list[int]
    cells: list[Cell | None]


@attrs.frozen(eq=False)
class Course:
    """The periods of a profile, prepared for searching; made once per profile."""

    profile: Profile

    @cached_property
    def starts(self) -> list[int]:
        """startPeriod of every period."""
        return [period.start_s for period in self.profile.periods]

    @cached_property
    def _changes(self) -> tuple[list[int], list[Cell]]:
        in_watts = self.profile.unit is RateUnit.W
        starts: list[int] = []
        cells: list[Cell] = []
        for period in self.profile.periods:
            cell = Cell(in_watts, to_tenths(period.limit), period.phases)
            if not cells or cell != cells[-1]:
                starts.append(period.start_s)
                cells.append(cell)
        return starts, cells

    def period_at(self, offset_s: int) -> Period:
        """The period with the greatest startPeriod up to an offset (SR-209)."""
        return self.profile.periods[bisect_right(self.starts, offset_s) - 1]

    def cell_at(self, offset_s: int) -> Cell:
        """The limit at an offset that lies within a run."""
        starts, cells = self._changes
        return cells[bisect_right(starts, offset_s) - 1]

    def write(self, track: Track, from_s: int, to_s: int, base_s: int) -> None:
        """Append the limits of a stretch of time that lies within one run."""
        starts, cells = self._changes
        first = bisect_right(starts, from_s - base_s)
        last = bisect_left(starts, to_s - base_s, lo=first)
        track.times.append(from_s)
        track.times.extend([base_s + start for start in starts[first:last]])
        track.cells.extend(cells[first - 1 : last])
