"""One question to the composite, worked out: which layers take part, how they are combined.

The groups of a view are stacks of layers that are looked at side by side: the maximum, and one
transaction limit for every connector that counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

import attrs

from txocpp.smartcharging.combining import (
    Combining,
    Merged,
    Weighed,
    lowest_phases,
    phases_of_station,
)
from txocpp.smartcharging.course import Cell, Track
from txocpp.smartcharging.explanation import Contribution, Explanation, Source
from txocpp.smartcharging.instants import LAST_S
from txocpp.smartcharging.precedence import Precedence
from txocpp.smartcharging.profiles import RateUnit
from txocpp.smartcharging.sweeping import Answers, lowest, together
from txocpp.smartcharging.timeline import Layer, Piece, seen, track_of
from txocpp.smartcharging.timezone import wall_clock
from txocpp.smartcharging.units import NUMBER_OF_PHASES_ASSUMED, from_tenths

_FIRST_LOOK_S = 3_600
_WEEK_S = 7 * 86_400


@attrs.frozen(slots=False)
class View(ABC):
    """A composite seen for one connector in one unit."""

    connector_id: int
    unit: RateUnit
    precedence: Precedence
    combining: Combining

    @property
    @abstractmethod
    def groups(self) -> list[list[Layer]]:
        """The maximum first, then transaction limits."""

    @abstractmethod
    def combine(self, tracks: Sequence[Track]) -> Answers:
        """One answer out of one track per group."""

    @abstractmethod
    def explain(self, at_s: int, pieces: Sequence[Piece | None]) -> Explanation:
        """Why `combine` gives what it gives for what is seen at a moment."""

    def limit_at(self, at_s: int) -> tuple[Merged, Explanation]:
        """The limit at one second, and why."""
        pieces = [next(iter(seen(group, at_s, at_s + 1)), None) for group in self.groups]
        tracks = [Track([at_s], [_cell(piece, at_s)]) for piece in pieces]
        _, tenths, phases = self.combine(tracks)
        return Merged(tenths[0], phases[0]), self.explain(at_s, pieces)

    def changes(self, from_s: int, to_s: int) -> Answers:
        """The limit at the beginning of a window and wherever it changes within it."""
        return self.combine([track_of(group, from_s, to_s) for group in self.groups])

    def next_change(self, after_s: int) -> int | None:
        """The first second behind this one with another limit; None: there is none.

        Between two milestones everything repeats itself weekly, so a week without a change and
        without a milestone means no change before the next milestone. On a wall clock one week
        may lack an hour; three weeks do not.
        """
        enough_s = _WEEK_S if self.precedence.zone is None else 3 * _WEEK_S
        current: list[int | None] | None = None
        begin, look_s = after_s, _FIRST_LOOK_S
        while begin <= LAST_S:
            end = begin + look_s
            for at_s, *limit in zip(*self.changes(begin, end), strict=True):
                if current is not None and limit != current:
                    return at_s if at_s <= LAST_S else None
                current = limit
            quiet_since = max(after_s, self._milestone_up_to(end - 1))
            if end - quiet_since >= enough_s:
                milestone = self._milestone_after(end - 1)
                if milestone is None:
                    return None
                begin, look_s = milestone, _FIRST_LOOK_S
            else:
                begin, look_s = end, min(4 * look_s, _WEEK_S)
        return None

    def _milestone_after(self, at_s: int) -> int | None:
        marks = (layer.milestone_after(at_s) for group in self.groups for layer in group)
        return min((mark for mark in marks if mark is not None), default=None)

    def _milestone_up_to(self, at_s: int) -> int:
        marks = (layer.milestone_up_to(at_s) for group in self.groups for layer in group)
        return max((mark for mark in marks if mark is not None), default=at_s - 100 * _WEEK_S)

    def contribution(self, piece: Piece, at_s: int, phases: int | None) -> Contribution:
        """What one profile has to say at a moment."""
        cell = _cell(piece, at_s)
        assert cell is not None
        period = piece.layer.course.period_at(at_s - piece.base_s)
        return Contribution(
            source=Source.PROFILE,
            limit=_read(self.combining.weigh(cell), phases),
            installed=piece.layer.installed,
            period_from=wall_clock(self.precedence.zone, piece.base_s + period.start_s),
        )

    def local_contribution(self, connector_id: int, phases: int | None) -> Contribution:
        """What the hardware has to say."""
        limit = _read(self.combining.weigh_local(connector_id), phases)
        return Contribution(source=Source.LOCAL_LIMIT, limit=limit)

    def explanation(
        self,
        at_s: int,
        contributions: Sequence[Contribution],
        parts: tuple[Explanation, ...] = (),
    ) -> Explanation:
        """The lowest one decides; of equal ones the first."""
        decided_by = min(contributions, key=lambda contribution: contribution.limit)
        return Explanation(
            at=wall_clock(self.precedence.zone, at_s),
            unit=self.unit,
            decided_by=decided_by,
            others=tuple(one for one in contributions if one is not decided_by),
            parts=parts,
        )


@attrs.frozen(slots=False)
class ConnectorView(View):
    """A connector; or the maximum of the station alone, for connector 0 (C8 "max-only")."""

    @cached_property
    def groups(self) -> list[list[Layer]]:
        maximum = self.precedence.maximum()
        if not self.connector_id:
            return [maximum]
        return [maximum, self.precedence.transaction(self.connector_id)]

    def combine(self, tracks: Sequence[Track]) -> Answers:
        maximum, *others = tracks
        transaction = others[0] if others else Track(maximum.times[:1], [None])
        local = self.combining.weigh_local(self.connector_id)
        return lowest(maximum, transaction, local, self.combining)

    def explain(self, at_s: int, pieces: Sequence[Piece | None]) -> Explanation:
        taking_part = [piece for piece in reversed(pieces) if piece is not None]
        phases = lowest_phases([_cell(piece, at_s) for piece in taking_part])
        contributions = [self.contribution(piece, at_s, phases) for piece in taking_part]
        if not contributions or self.combining.capped:
            contributions.append(self.local_contribution(self.connector_id, phases))
        return self.explanation(at_s, contributions)


@attrs.frozen(slots=False)
class StationView(View):
    """Connector 0: all connectors together under the maximum (SR-508)."""

    @cached_property
    def groups(self) -> list[list[Layer]]:
        connectors = self.precedence.station.connectors
        return [self.precedence.maximum(), *map(self.precedence.transaction, connectors)]

    def combine(self, tracks: Sequence[Track]) -> Answers:
        return together(tracks, lambda cells: self.combining.of_station(cells[0], cells[1:]))

    def explain(self, at_s: int, pieces: Sequence[Piece | None]) -> Explanation:
        maximum, *transactions = [_cell(piece, at_s) for piece in pieces]
        phases = phases_of_station(maximum, transactions)
        total = self.combining.sum_of_connectors(maximum, transactions)
        contributions = [Contribution(source=Source.SUM_OF_CONNECTORS, limit=from_tenths(total))]
        if pieces[0] is not None:
            contributions.append(self.contribution(pieces[0], at_s, phases))
        nothing_applies = not any(pieces)
        if nothing_applies or self.combining.capped:
            contributions.append(self.local_contribution(0, phases))
        return self.explanation(at_s, contributions, self._parts(at_s, maximum, pieces[1:]))

    def _parts(
        self, at_s: int, maximum: Cell | None, pieces: Sequence[Piece | None]
    ) -> tuple[Explanation, ...]:
        parts = []
        for connector_id, piece in zip(self.precedence.station.connectors, pieces, strict=True):
            phases = lowest_phases((_cell(piece, at_s), maximum))
            contributions = [self.contribution(piece, at_s, phases)] if piece else []
            if not contributions or self.combining.capped:
                contributions.append(self.local_contribution(connector_id, phases))
            parts.append(self.explanation(at_s, contributions))
        return tuple(parts)


def _cell(piece: Piece | None, at_s: int) -> Cell | None:
    if piece is None:
        return None
    return piece.layer.course.cell_at(at_s - piece.base_s)


def _read(weighed: Weighed, phases: int | None) -> Decimal:
    return from_tenths(weighed.tenths[phases or NUMBER_OF_PHASES_ASSUMED])
