"""The energy register never goes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.chargepoint.register import EnergyRegister
from txocpp.evse import MeterReading

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


def show(register: EnergyRegister, raw_wh: int | None) -> int | None:
    """What is shown when the device shows this."""
    return register.observe(MeterReading(energy_wh=raw_wh), NOON).energy_wh


@pytest.mark.rule("M-01")
def test_a_new_register_shows_what_the_device_shows() -> None:
    """Values are read as they are."""
    assert [show(EnergyRegister(1), raw) for raw in (0, 512)] == [0, 512]


@pytest.mark.rule("M-01")
def test_a_device_that_begins_anew_does_not_turn_it_back() -> None:
    """After the device forgot its register, its new steps are added to the old value."""
    register = EnergyRegister(1)
    assert [show(register, raw) for raw in (1000, 1500, 0, 20)] == [1000, 1500, 1500, 1520]


def test_it_outlives_the_process() -> None:
    """The register goes on after a restart, whatever became of the device's own."""
    register = EnergyRegister(1)
    show(register, 700)
    again = EnergyRegister.restored(1, register.put().document)
    assert (again.seen_at, again.shown_wh) == (NOON, 700)
    assert [show(again, raw) for raw in (5, 8)] == [700, 703]


def test_a_silent_meter_leaves_it_where_it_is() -> None:
    """A reading without a register shows the last value."""
    register = EnergyRegister(1)
    show(register, 700)
    assert show(register, None) == 700


@pytest.mark.rule("M-01")
@given(st.lists(st.none() | st.integers(0, 10_000), min_size=1))
def test_it_never_goes_back(raws: list[int | None]) -> None:
    """Whatever a device shows, what is told grows or stays."""
    register = EnergyRegister(1)
    shown = [show(register, raw) or 0 for raw in raws]
    assert shown == sorted(shown)
