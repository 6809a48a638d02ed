"""Amperes per phase to watts over all phases and back, exact, cut down to one decimal.

Inside, limits are whole tenths (`int`), so comparing and adding them is exact and quick. Cutting
down instead of rounding keeps every computed limit at or below what was merged (SR-414).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from txocpp.smartcharging.profiles import RateUnit

NUMBER_OF_PHASES_ASSUMED = 3
"""Where a number of phases is needed and none is stated (OCPP 1.6 §7.14)."""


def cut(value: Decimal | Fraction | int) -> Decimal:
    """Cut down to one decimal."""
    return from_tenths(to_tenths(value))


def to_tenths(value: Decimal | Fraction | int) -> int:
    """How many whole tenths there are in a value, cut down."""
    numerator, denominator = value.as_integer_ratio()
    return numerator * 10 // denominator


def from_tenths(tenths: int) -> Decimal:
    """A number of tenths as a decimal: 159 becomes 15.9, 160 becomes 16."""
    whole, rest = divmod(tenths, 10)
    return Decimal(whole) if not rest else Decimal(tenths).scaleb(-1)


def convert(
    limit: Decimal, unit: RateUnit, into: RateUnit, *, voltage_v: Decimal, phases: int
) -> Fraction:
    """A limit in another unit, exact: ``P = I * U * n`` (SR-411, OCPP 1.6 §7.12)."""
    exact = Fraction(limit)
    if unit is into:
        return exact
    volts = Fraction(voltage_v) * phases
    return exact * volts if into is RateUnit.W else exact / volts


def amperes(power_w: Decimal, *, voltage_v: Decimal = Decimal(230), phases: int = 3) -> Decimal:
    """The current per phase that draws at most this power, cut to one decimal."""
    return cut(convert(power_w, RateUnit.W, RateUnit.A, voltage_v=voltage_v, phases=phases))


def watts(current_a: Decimal, *, voltage_v: Decimal = Decimal(230), phases: int = 3) -> Decimal:
    """The power over all phases that this current per phase draws, cut to one decimal."""
    return cut(convert(current_a, RateUnit.A, RateUnit.W, voltage_v=voltage_v, phases=phases))
