"""The composite: what a connector, or the station, may draw at an instant or over a window.

A `Composite` is a snapshot: installed profiles, facts of the station, readings. Make a new one
when any of these change; it costs next to nothing. Work grows with the periods that are seen in
the window, never with its seconds.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple

import attrs

from txocpp.smartcharging.combining import Combining
from txocpp.smartcharging.explanation import Explanation
from txocpp.smartcharging.installed import Installed
from txocpp.smartcharging.instants import to_instant, to_seconds
from txocpp.smartcharging.precedence import Precedence
from txocpp.smartcharging.profiles import RateUnit
from txocpp.smartcharging.stack import Stack
from txocpp.smartcharging.station import Station
from txocpp.smartcharging.switches import Connector0, Switches
from txocpp.smartcharging.timeline import track_of
from txocpp.smartcharging.units import from_tenths
from txocpp.smartcharging.views import ConnectorView, StationView, View


@attrs.frozen(kw_only=True)
class Limit:
    """What may be drawn at an instant."""

    connector_id: int
    at: datetime
    limit: Decimal
    """A per phase, or W over all phases; at most one decimal."""
    unit: RateUnit
    phases: int | None
    """The lowest number of phases that a limit states; None: none does."""
    explanation: Explanation


class CompositePeriod(NamedTuple):
    """One period of a composite schedule."""

    start_s: int
    """Seconds from the start of the window."""
    limit: Decimal
    phases: int | None


@attrs.frozen(kw_only=True)
class Schedule:
    """The composite schedule of a window; equal neighbours are merged (SR-407)."""

    connector_id: int
    start: datetime
    duration_s: int
    unit: RateUnit
    periods: tuple[CompositePeriod, ...]

    def with_phases(self, hardware_phases: int) -> Schedule:
        """The same with the number of phases spelt out: where no profile states one, that of the
        hardware."""
        spelt: list[CompositePeriod] = []
        for period in self.periods:
            one = period._replace(phases=period.phases or hardware_phases)
            last = spelt[-1] if spelt else None
            if last is None or (last.limit, last.phases) != (one.limit, one.phases):
                spelt.append(one)
        return attrs.evolve(self, periods=tuple(spelt))


@attrs.frozen(kw_only=True)
class ProfileLine:
    """What one installed profile alone would allow over a window, for pictures."""

    installed: Installed
    periods: tuple[tuple[int, Decimal | None], ...]
    """Seconds from the start of the window, and the limit; None: it gives none."""


@attrs.frozen
class Composite:
    """Answers for a connector, or with connector 0 for the whole station.

    ``asked_at``, wherever it can be given, is the moment at which an idle connector is taken to
    begin a transaction (SR-207); it defaults to the instant or the start of the window.
    """

    stack: Stack
    station: Station
    switches: Switches = attrs.field(factory=Switches)
    zone: tzinfo | None = None
    """Wall clock for Recurring profiles; None: UTC, as the standard has it."""

    @property
    def ceiling(self) -> Composite:
        """The same with connector 0 standing for what the station as a whole may draw: the
        maximum and the local limit, not what the connectors could use of it. This is the limit
        that enforcement shares out; ask it with the number of supply lines in use."""
        switches = attrs.evolve(
            self.switches, connector0=Connector0.MAX_ONLY, cap_at_local_limit=True
        )
        return attrs.evolve(self, switches=switches)

    def limit_at(
        self,
        connector_id: int,
        at: datetime,
        unit: RateUnit = RateUnit.A,
        *,
        asked_at: datetime | None = None,
        phases_in_use: int | None = None,
    ) -> Limit:
        """The limit at an instant, and why.

        With ``phases_in_use``, for enforcement: power that is meant for fewer phases than the car
        uses is spread over those in use, so that the total stays right.
        """
        view = self._view(connector_id, asked_at or at, unit, phases_in_use)
        merged, explanation = view.limit_at(to_seconds(at))
        return Limit(
            connector_id=connector_id,
            at=at,
            limit=from_tenths(merged.tenths),
            unit=unit,
            phases=merged.phases,
            explanation=explanation,
        )

    def next_change(
        self,
        connector_id: int,
        after: datetime,
        unit: RateUnit = RateUnit.A,
        *,
        asked_at: datetime | None = None,
        phases_in_use: int | None = None,
    ) -> datetime | None:
        """The first instant behind ``after`` at which limit or phases differ; None: never again."""
        view = self._view(connector_id, asked_at or after, unit, phases_in_use)
        change_s = view.next_change(to_seconds(after))
        return None if change_s is None else to_instant(change_s)

    def schedule(
        self,
        connector_id: int,
        start: datetime,
        duration_s: int,
        unit: RateUnit = RateUnit.A,
        *,
        asked_at: datetime | None = None,
    ) -> Schedule:
        """The composite schedule of ``[start, start + duration_s)``.

        A duration of 0 gives one period (SR-506). Raises `ValueError` below 0 and `KeyError` for
        a connector that the station does not have.
        """
        if duration_s < 0:
            raise ValueError(f"duration {duration_s} is below 0")
        start_s = to_seconds(start)
        view = self._view(connector_id, asked_at or start, unit)
        times, tenths, phases = view.changes(start_s, start_s + max(duration_s, 1))
        limits = {number: from_tenths(number) for number in set(tenths)}
        columns = ([at_s - start_s for at_s in times], map(limits.__getitem__, tenths), phases)
        return Schedule(
            connector_id=connector_id,
            start=to_instant(start_s),
            duration_s=duration_s,
            unit=unit,
            periods=tuple(map(CompositePeriod, *columns)),
        )

    def profile_lines(
        self,
        connector_id: int,
        start: datetime,
        duration_s: int,
        unit: RateUnit = RateUnit.A,
    ) -> tuple[ProfileLine, ...]:
        """Every profile that has a say in a composite schedule, by itself, the strongest first.

        Converted with its own number of phases and not held down by anything.
        """
        start_s = to_seconds(start)
        view = self._view(connector_id, start, unit)
        lines: dict[int, ProfileLine] = {}
        for layer in (layer for group in view.groups for layer in group):
            track = track_of([layer], start_s, start_s + max(duration_s, 1))
            limits = [None if cell is None else view.combining.alone(cell) for cell in track.cells]
            lines.setdefault(
                layer.installed.profile_id,
                ProfileLine(
                    installed=layer.installed,
                    periods=tuple(
                        zip((at_s - start_s for at_s in track.times), limits, strict=True)
                    ),
                ),
            )
        return tuple(lines.values())

    def _view(
        self,
        connector_id: int,
        asked_at: datetime,
        unit: RateUnit,
        phases_in_use: int | None = None,
    ) -> View:
        if not self.station.knows(connector_id):
            raise KeyError(f"no connector {connector_id}")
        precedence = Precedence(
            self.stack, self.station, self.switches, self.zone, to_seconds(asked_at)
        )
        combining = Combining(
            self.station,
            self.switches,
            in_watts=unit is RateUnit.W,
            phases_in_use=phases_in_use,
        )
        if connector_id or self.switches.connector0 is Connector0.MAX_ONLY:
            return ConnectorView(connector_id, unit, precedence, combining)
        return StationView(connector_id, unit, precedence, combining)
