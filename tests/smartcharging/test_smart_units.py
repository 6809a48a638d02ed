"""Amperes, watts and tenths."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import steady

from txocpp.smartcharging import Period, RateUnit, amperes, watts
from txocpp.smartcharging.units import convert, cut, from_tenths, to_tenths


@pytest.mark.rule("SR-411", "SR-414")
def test_formulas_of_the_standard() -> None:
    """P = I * U * n and I = P / (U * n), cut to one decimal."""
    assert watts(Decimal(16)) == 11_040
    assert watts(Decimal("10.1"), voltage_v=Decimal("229.9"), phases=1) == Decimal("2321.9")
    assert amperes(Decimal(11_000)) == Decimal("15.9")
    assert amperes(Decimal(3680), phases=1) == 16
    assert amperes(Decimal(3300), voltage_v=Decimal(110), phases=3) == 10


def test_a_unit_into_itself_is_exact() -> None:
    """Nothing is cut where nothing is converted."""
    limit = Decimal("10.37")
    assert convert(limit, RateUnit.A, RateUnit.A, voltage_v=Decimal(230), phases=3) == Fraction(
        1037, 100
    )


@steady()
@given(st.decimals(0, 10**6, places=1), st.sampled_from([110, 230]), st.integers(1, 3))
def test_there_and_back_never_gains(power_w: Decimal, voltage_v: int, phases: int) -> None:
    """Watts to amperes to watts loses at most what a tenth of an ampere is worth."""
    volts = Decimal(voltage_v)
    back = watts(amperes(power_w, voltage_v=volts, phases=phases), voltage_v=volts, phases=phases)
    assert power_w - volts * phases / 10 - Decimal("0.1") < back <= power_w


@steady()
@given(st.integers(0, 10**9))
def test_tenths_there_and_back(tenths: int) -> None:
    """A number of tenths is the decimal it stands for."""
    value = from_tenths(tenths)
    assert to_tenths(value) == tenths
    assert value * 10 == tenths
    assert cut(value + Decimal("0.09")) == value


def test_floats_are_not_let_in() -> None:
    """A binary float as a limit is a mistake of the caller, found at once."""
    with pytest.raises(TypeError, match="not float"):
        Period(0, 10.1)  # type: ignore[arg-type]
