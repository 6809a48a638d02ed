"""The lowest of several limits, across units and numbers of phases.

Everything is counted in whole tenths of the unit asked for; every value is cut down before it is
compared, which gives the same as cutting the lowest (SR-414).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from txocpp.smartcharging.course import Cell
from txocpp.smartcharging.station import Station
from txocpp.smartcharging.switches import PhaseConversion, Switches
from txocpp.smartcharging.units import NUMBER_OF_PHASES_ASSUMED


class Phases(NamedTuple):
    """On how many phases a combined limit is."""

    stated: int | None
    """The lowest number that a limit states; None: none does (SR-413)."""
    counted: int
    """The number that it is converted with: the stated one, else 3, or the phases of the hardware
    where only currents are involved."""


class Merged(NamedTuple):
    """What is left when limits are combined."""

    tenths: int
    phases: Phases


class Combining:
    """Combines the limits of one station in one unit."""

    def __init__(
        self,
        station: Station,
        switches: Switches,
        *,
        in_watts: bool,
        phases_in_use: int | None = None,
    ) -> None:
        self._station = station
        self._capped = switches.cap_at_local_limit
        self._per_period = switches.phase_conversion is PhaseConversion.PER_PERIOD
        self._in_watts = in_watts
        self._phases_in_use = phases_in_use or 1
        self._volts, self._volts_below = station.voltage_v.as_integer_ratio()
        self._local_tenths: dict[tuple[int, int], int] = {}

    def of_connector(
        self, connector_id: int, maximum: Cell | None, transaction: Cell | None
    ) -> Merged:
        """The composite of a connector: lowest of maximum, transaction and local limit (SR-401)."""
        cells = _present(transaction, maximum)
        phases = self.phases(cells)
        values = [self.tenths_of(cell, phases.counted) for cell in cells]
        if self._capped or not cells:
            values.append(self.tenths_of_local(connector_id, phases.counted))
        return Merged(min(values), phases)

    def of_station(self, maximum: Cell | None, transactions: Sequence[Cell | None]) -> Merged:
        """The composite of connector 0: the sum of the connectors under the maximum (SR-508)."""
        phases = self.phases_of_station(maximum, transactions)
        values = [self.sum_of_connectors(maximum, transactions)]
        if maximum is not None:
            values.append(self.tenths_of(maximum, phases.counted))
        if self._capped or not (maximum or any(transactions)):
            values.append(self.tenths_of_local(0, phases.counted))
        return Merged(min(values), phases)

    def sum_of_connectors(self, maximum: Cell | None, transactions: Sequence[Cell | None]) -> int:
        """Tenths that all connectors may draw together, idle ones as if charging."""
        total = Fraction(0)
        for connector_id, cell in zip(self._station.connectors, transactions, strict=True):
            # Converted as in the connector's own composite: the parts make up the whole.
            counted = self.phases(_present(cell, maximum)).counted
            limits = [Fraction(*self._ratio(cell, counted))] if cell else []
            if self._capped or not limits:
                limits.append(self._exact_local(connector_id, counted))
            total += min(limits)
        return total.numerator // total.denominator

    def phases(self, cells: Sequence[Cell]) -> Phases:
        """The phases of limits that are combined: the lowest number stated (SR-412, SR-413)."""
        stated = [cell.phases for cell in cells if cell.phases is not None]
        if stated:
            return Phases(min(stated), min(stated))
        # Currents alone need no number of phases; what they draw is up to the hardware.
        in_watts = any(cell.in_watts for cell in cells)
        return Phases(None, NUMBER_OF_PHASES_ASSUMED if in_watts else self._station.phases)

    def phases_of_station(
        self, maximum: Cell | None, transactions: Sequence[Cell | None]
    ) -> Phases:
        """The highest number of the connectors, then the lowest with the maximum (SR-508)."""
        connectors = [self.phases(_present(cell)) for cell in transactions]
        highest = max(
            connectors, key=lambda p: (p.counted, p.stated is not None), default=self.phases(())
        )
        if maximum is None:
            return highest
        of_maximum = self.phases((maximum,))
        stated = [p.stated for p in (highest, of_maximum) if p.stated is not None]
        if stated:
            return Phases(min(stated), min(stated))
        return Phases(None, min(highest.counted, of_maximum.counted))

    def tenths_of(self, cell: Cell, counted_phases: int) -> int:
        """A profile's limit in tenths of the unit asked for, cut down (SR-411, SR-414)."""
        above, below = self._ratio(cell, counted_phases)
        return above // below

    def tenths_of_local(self, connector_id: int, counted_phases: int) -> int:
        """The local limit of a connector or, for 0, of the station."""
        key = connector_id, counted_phases
        if key not in self._local_tenths:
            exact = self._exact_local(connector_id, counted_phases)
            self._local_tenths[key] = exact.numerator // exact.denominator
        return self._local_tenths[key]

    def _ratio(self, cell: Cell, counted_phases: int) -> tuple[int, int]:
        if cell.in_watts is self._in_watts:
            return cell.tenths, 1
        if self._per_period:
            counted_phases = self.phases((cell,)).counted
        if self._in_watts:
            return cell.tenths * self._volts * counted_phases, self._volts_below
        # Power that is meant for fewer phases than are in use is spread over those in use.
        counted_phases = max(counted_phases, self._phases_in_use)
        return cell.tenths * self._volts_below, self._volts * counted_phases

    def _exact_local(self, connector_id: int, counted_phases: int) -> Fraction:
        tenths = Fraction(self._station.local_limit_a(connector_id)) * 10
        if not self._in_watts:
            return tenths
        return tenths * Fraction(self._station.voltage_v) * counted_phases


def _present(*cells: Cell | None) -> list[Cell]:
    return [cell for cell in cells if cell is not None]
