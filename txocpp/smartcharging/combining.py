"""The lowest of several limits, across units and numbers of phases.

Everything is counted in whole tenths of the unit asked for; every value is cut down before it is
compared, which gives the same as cutting the lowest (SR-414).

One number of phases converts all limits of an instant: the lowest that is stated, else 3
(SR-412). A current that becomes a power counts no more phases than the hardware has.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from txocpp.smartcharging.course import Cell
from txocpp.smartcharging.station import Station
from txocpp.smartcharging.switches import PhaseConversion, Switches
from txocpp.smartcharging.units import NUMBER_OF_PHASES_ASSUMED


class Merged(NamedTuple):
    """What is left when limits are combined."""

    tenths: int
    phases: int | None
    """The lowest number of phases that a limit states; None: none does (SR-413)."""


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
        self._local_tenths: dict[tuple[int, int | None], int] = {}

    def of_connector(
        self, connector_id: int, maximum: Cell | None, transaction: Cell | None
    ) -> Merged:
        """The composite of a connector: lowest of maximum, transaction and local limit (SR-401)."""
        cells = _present(transaction, maximum)
        phases = lowest_phases(cells)
        values = [self.tenths_of(cell, phases) for cell in cells]
        if self._capped or not cells:
            values.append(self.tenths_of_local(connector_id, phases))
        return Merged(min(values), phases)

    def of_station(self, maximum: Cell | None, transactions: Sequence[Cell | None]) -> Merged:
        """The composite of connector 0: the sum of the connectors under the maximum (SR-508)."""
        phases = phases_of_station(maximum, transactions)
        values = [self.sum_of_connectors(maximum, transactions)]
        if maximum is not None:
            values.append(self.tenths_of(maximum, phases))
        if self._capped or not (maximum or any(transactions)):
            values.append(self.tenths_of_local(0, phases))
        return Merged(min(values), phases)

    def sum_of_connectors(self, maximum: Cell | None, transactions: Sequence[Cell | None]) -> int:
        """Tenths that all connectors may draw together, idle ones as if charging."""
        total = Fraction(0)
        for connector_id, cell in zip(self._station.connectors, transactions, strict=True):
            # Converted as in the connector's own composite: the parts make up the whole.
            phases = lowest_phases(_present(cell, maximum))
            limits = [Fraction(*self._ratio(cell, phases))] if cell else []
            if self._capped or not limits:
                limits.append(self._exact_local(connector_id, phases))
            total += min(limits)
        return total.numerator // total.denominator

    def tenths_of(self, cell: Cell, phases: int | None) -> int:
        """A profile's limit in tenths of the unit asked for, cut down (SR-411, SR-414).

        ``phases`` is the lowest number stated among the limits that are combined.
        """
        above, below = self._ratio(cell, phases)
        return above // below

    def tenths_of_local(self, connector_id: int, phases: int | None) -> int:
        """The local limit of a connector or, for 0, of the station."""
        key = connector_id, phases
        if key not in self._local_tenths:
            exact = self._exact_local(connector_id, phases)
            self._local_tenths[key] = exact.numerator // exact.denominator
        return self._local_tenths[key]

    def _ratio(self, cell: Cell, phases: int | None) -> tuple[int, int]:
        if cell.in_watts is self._in_watts:
            return cell.tenths, 1
        if self._per_period:
            phases = cell.phases
        if self._in_watts:
            return cell.tenths * self._volts * self._drawing(phases), self._volts_below
        # Power that is meant for fewer phases than are in use is spread over those in use.
        spread_over = max(phases or NUMBER_OF_PHASES_ASSUMED, self._phases_in_use)
        return cell.tenths * self._volts_below, self._volts * spread_over

    def _exact_local(self, connector_id: int, phases: int | None) -> Fraction:
        tenths = Fraction(self._station.local_limit_a(connector_id)) * 10
        if not self._in_watts:
            return tenths
        if self._per_period:
            phases = None
        return tenths * Fraction(self._station.voltage_v) * self._drawing(phases)

    def _drawing(self, phases: int | None) -> int:
        return min(phases or NUMBER_OF_PHASES_ASSUMED, self._station.phases)


def lowest_phases(cells: Sequence[Cell]) -> int | None:
    """The lowest number of phases that is stated (SR-413)."""
    return min((cell.phases for cell in cells if cell.phases is not None), default=None)


def phases_of_station(maximum: Cell | None, transactions: Sequence[Cell | None]) -> int | None:
    """The highest number of the connectors, then the lowest with the maximum (SR-508).

    A connector that states none may use 3, so it is the highest one and leaves the number open.
    """
    connectors = [cell.phases if cell else None for cell in transactions]
    stated = [phases for phases in connectors if phases is not None]
    open_ = len(stated) < len(connectors) and NUMBER_OF_PHASES_ASSUMED not in stated
    highest = None if open_ else max(stated, default=None)
    numbers = [highest, maximum.phases if maximum else None]
    return min((phases for phases in numbers if phases is not None), default=None)


def _present(*cells: Cell | None) -> list[Cell]:
    return [cell for cell in cells if cell is not None]
