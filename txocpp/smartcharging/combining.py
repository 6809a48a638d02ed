"""The lowest of several limits, across units and numbers of phases.

Everything is counted in whole tenths of the unit asked for; every value is cut down before it is
compared, which gives the same as cutting the lowest (SR-414).

One number of phases converts all limits of an instant: the lowest that is stated, else 3
(SR-412). A current that becomes a power counts no more phases than the hardware has.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from txocpp.smartcharging.course import Cell
from txocpp.smartcharging.station import Station
from txocpp.smartcharging.switches import PhaseConversion, Switches
from txocpp.smartcharging.units import NUMBER_OF_PHASES_ASSUMED, from_tenths


class Merged(NamedTuple):
    """What is left when limits are combined."""

    tenths: int
    phases: int | None
    """The lowest number of phases that a limit states; None: none does (SR-413)."""


class Weighed(NamedTuple):
    """A limit in the unit asked for, under each number of phases that it may meet."""

    phases: int
    """The number it asks for: the stated one, else 3."""
    stated: bool
    tenths: tuple[int, ...]
    """By number of phases, 1 to 3; the place 0 is not used."""


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
        self.capped = switches.cap_at_local_limit
        """False: a local limit counts only where nothing else does (C6)."""
        self._per_period = switches.phase_conversion is PhaseConversion.PER_PERIOD
        self._in_watts = in_watts
        self._phases_in_use = phases_in_use or 1
        self._volts = Fraction(station.voltage_v)
        self._weighed: dict[Cell, Weighed] = {}

    def weigh(self, cell: Cell) -> Weighed:
        """A profile's limit in the unit asked for, cut down (SR-411, SR-414)."""
        weighed = self._weighed.get(cell)
        if weighed is None:
            tenths = tuple(_cut(self._exact(cell, phases)) for phases in (1, 1, 2, 3))
            number = cell.phases or NUMBER_OF_PHASES_ASSUMED
            weighed = self._weighed[cell] = Weighed(number, cell.phases is not None, tenths)
        return weighed

    def alone(self, cell: Cell) -> Decimal:
        """A profile's limit in the unit asked for, if no other one had a say."""
        weighed = self.weigh(cell)
        return from_tenths(weighed.tenths[weighed.phases])

    def weigh_local(self, connector_id: int) -> Weighed:
        """The local limit of a connector or, for 0, of the station."""
        tenths = tuple(_cut(self._exact_local(connector_id, phases)) for phases in (1, 1, 2, 3))
        return Weighed(NUMBER_OF_PHASES_ASSUMED, False, tenths)

    def of_station(self, maximum: Cell | None, transactions: Sequence[Cell | None]) -> Merged:
        """The composite of connector 0: the sum of the connectors under the maximum (SR-508)."""
        phases = phases_of_station(maximum, transactions)
        number = phases or NUMBER_OF_PHASES_ASSUMED
        values = [self.sum_of_connectors(maximum, transactions)]
        if maximum is not None:
            values.append(self.weigh(maximum).tenths[number])
        if self.capped or not (maximum or any(transactions)):
            values.append(self.weigh_local(0).tenths[number])
        return Merged(min(values), phases)

    def sum_of_connectors(self, maximum: Cell | None, transactions: Sequence[Cell | None]) -> int:
        """Tenths that all connectors may draw together, idle ones as if charging."""
        total = Fraction(0)
        for connector_id, cell in zip(self._station.connectors, transactions, strict=True):
            # Converted as in the connector's own composite: the parts make up the whole.
            phases = lowest_phases((cell, maximum)) or NUMBER_OF_PHASES_ASSUMED
            limits = [self._exact(cell, phases)] if cell else []
            if self.capped or not limits:
                limits.append(self._exact_local(connector_id, phases))
            total += min(limits)
        return _cut(total)

    def _exact(self, cell: Cell, phases: int) -> Fraction:
        """Tenths of the unit asked for; ``phases`` is the lowest number that is stated, or 3."""
        tenths = Fraction(cell.tenths)
        if cell.in_watts is self._in_watts:
            return tenths
        if self._per_period:
            phases = cell.phases or NUMBER_OF_PHASES_ASSUMED
        if self._in_watts:
            return tenths * self._volts * min(phases, self._station.phases)
        # Power that is meant for fewer phases than are in use is spread over those in use.
        return tenths / (self._volts * max(phases, self._phases_in_use))

    def _exact_local(self, connector_id: int, phases: int) -> Fraction:
        tenths = Fraction(self._station.local_limit_a(connector_id)) * 10
        if not self._in_watts:
            return tenths
        if self._per_period:
            phases = NUMBER_OF_PHASES_ASSUMED
        return tenths * self._volts * min(phases, self._station.phases)


def lowest_phases(cells: Sequence[Cell | None]) -> int | None:
    """The lowest number of phases that is stated (SR-413)."""
    return min((cell.phases for cell in cells if cell and cell.phases), default=None)


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


def _cut(exact: Fraction) -> int:
    return exact.numerator // exact.denominator
