"""A register that never goes back, whatever the meter behind it does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.devices.esp8266.energy import MARGIN_WH, EnergyRegister
from txocpp.errors import StoreError


def register() -> EnergyRegister:
    """Of an outlet with 11 kW, at 1000 Wh."""
    made = EnergyRegister(maximum_power_w=11_000)
    made.read(1000, 0.0)
    return made


def test_a_good_meter_is_passed_on() -> None:
    """Its register is ours."""
    one = register()
    assert one.read(1003, 1.0) == 1003
    assert one.read(12_000, 3601.0) == 12_000
    assert EnergyRegister(maximum_power_w=1).total_wh is None


def test_a_silent_meter_shows_the_last_register() -> None:
    """Null, and nonsense below zero, change nothing."""
    one = register()
    assert one.read(None, 1.0) == 1000
    assert one.read(-5, 1.0) == 1000


@pytest.mark.rule("M-01")
def test_a_meter_that_goes_back_is_gone_on_with() -> None:
    """Cleared by somebody, or the pulses of a power cut lost: the difference is added for ever."""
    one = register()
    assert one.read(10, 1.0) == 1000
    assert one.read(13, 2.0) == 1003
    assert one.offset_wh == 990


def test_a_jump_is_held_back_and_then_made_the_new_base() -> None:
    """Energy that cannot have flowed is never told; what flows later is."""
    one = register()
    assert one.read(900_000, 1.0) == 1000
    assert one.doubted
    assert one.read(900_001, 2.0) == 1000
    assert one.read(900_001, 3.0) == 1000
    assert not one.doubted
    assert one.read(900_005, 10.0) == 1004


def test_a_single_wild_reading_is_forgotten() -> None:
    """The meter comes back to what it was."""
    one = register()
    one.read(900_000, 1.0)
    assert one.read(1001, 2.0) == 1001
    assert not one.doubted
    assert one.offset_wh == 0
    assert one.read(0, 3.0) == 1001
    assert one.read(1002, 4.0) == 1001  # held back: a thousand Wh in a second
    assert [one.read(1002 + i, 5.0 + i) for i in range(4)] == [1001, 1001, 1002, 1003]


def test_after_a_start_of_the_host_anything_can_have_flowed() -> None:
    """Nobody knows how long it was away."""
    one = EnergyRegister(maximum_power_w=11_000)
    one.recall({"meter_wh": 1000, "offset_wh": 7})
    assert one.read(500_000, 0.0) == 500_007
    assert one.memory() == {"meter_wh": 500_000, "offset_wh": 7}


def test_another_meter_goes_on_where_the_old_one_ended() -> None:
    """Larger or smaller, its first reading is the last one of the old."""
    for first in (5, 7_000_000):
        one = register()
        one.replaced()
        assert one.read(first, 1.0) == 1000
        assert one.read(first + 2, 2.0) == 1002


def test_another_meter_is_another_one_after_a_start_of_the_host_too() -> None:
    """The host may die before it has read the new meter for the first time."""
    one, again = register(), EnergyRegister(maximum_power_w=11_000)
    one.replaced()
    again.recall(one.memory())
    assert again.read(7_000_000, 0.0) == 1000
    assert again.memory() == {"meter_wh": 7_000_000, "offset_wh": 1000 - 7_000_000}


def test_a_foreign_memory_is_refused() -> None:
    """With what was found."""
    with pytest.raises(StoreError, match="not the memory of an energy register"):
        EnergyRegister(maximum_power_w=1).recall({"meter_wh": "x", "offset_wh": 0})


@given(st.lists(st.tuples(st.none() | st.integers(-5, 10**7), st.floats(0, 5000)), max_size=40))
def test_it_never_goes_back_and_never_leaps(story: list[tuple[int | None, float]]) -> None:
    """Whatever the meter shows: the register grows, and no faster than power allows."""
    one = register()
    now = waited = 0.0
    last = one.total_wh
    assert last is not None
    for meter_wh, seconds in story:
        now += seconds
        waited += seconds
        told = one.read(meter_wh, now)
        assert told is not None
        assert last <= told <= last + 11_000 * waited / 3600 + MARGIN_WH
        if told != last:
            waited = 0.0
        last = told
