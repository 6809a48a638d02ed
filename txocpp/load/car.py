"""A car with a simple battery: full power up to four fifths, then ever less.

Rules of this file: currents are A per phase in tenths, energies whole joules.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Final

import attrs

VOLTAGE_V: Final = 230
LEAST_A: Final = Decimal(6)
"""What a car needs to charge at all (IEC 61851-1)."""
TENTH: Final = Decimal("0.1")
TAPER_FROM: Final = 80
"""Percent of the battery."""
WH_J: Final = 3600

BATTERIES_WH: Final = (24_000, 40_000, 58_000, 77_000)
CHARGERS: Final = ((1, Decimal(16)), (1, Decimal(32)), (3, Decimal(16)), (3, Decimal(16)))
"""Phases and A of on-board chargers; three phases of 16 A are twice as frequent."""


@attrs.define(kw_only=True)
class Car:
    """One car, as long as it is plugged in."""

    capacity_j: int
    stored_j: int
    phases: int = 3
    maximum_a: Decimal = Decimal(16)

    @property
    def soc_percent(self) -> int:
        """State of charge."""
        return 100 * self.stored_j // self.capacity_j

    @property
    def is_full(self) -> bool:
        """It wants nothing more."""
        return self.stored_j >= self.capacity_j

    def current_a(self, offered_a: Decimal) -> Decimal:
        """What it draws per phase of what it is offered."""
        if offered_a < LEAST_A or self.is_full:
            return Decimal(0)
        wanted_a = self.maximum_a
        if self.soc_percent > TAPER_FROM:
            share = Decimal(100 - self.soc_percent) / (100 - TAPER_FROM)
            wanted_a = max(LEAST_A, self.maximum_a * share)
        return min(offered_a, wanted_a).quantize(TENTH, ROUND_DOWN)

    def power_w(self, current_a: Decimal) -> Decimal:
        """From all phases."""
        return current_a * VOLTAGE_V * self.phases

    def take(self, energy_j: int) -> int:
        """Charge the battery; gives what of it found room."""
        taken_j = min(energy_j, self.capacity_j - self.stored_j)
        self.stored_j += taken_j
        return taken_j


def some_car(dice: Random) -> Car:
    """One that may drive by."""
    capacity_j = dice.choice(BATTERIES_WH) * WH_J
    phases, maximum_a = dice.choice(CHARGERS)
    stored_j = capacity_j * dice.randint(15, 70) // 100
    return Car(capacity_j=capacity_j, stored_j=stored_j, phases=phases, maximum_a=maximum_a)
