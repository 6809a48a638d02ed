"""From a reading to the values that were asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from txocpp.chargepoint.measurands import (
    Choice,
    Context,
    Snapshot,
    can_deliver,
    from_documents,
    parse_choice,
    plain,
    samples,
    to_documents,
)
from txocpp.evse import MeterReading

D = Decimal

READING = MeterReading(
    energy_wh=1234,
    power_w=D("10350.0"),
    currents_a=(D(15), D("15.5"), D(16)),
    voltages_v=(D("230.10"), D(231), D(229)),
    powers_w=(D(3450), D(3450), D(3450)),
    frequency_hz=D("50.02"),
    power_factor=D("0.98"),
    temperature_c=D(31),
    soc_percent=D("42.5"),
)
SNAPSHOT = Snapshot(READING, offered_a=D(16), interval_wh=100)


def taken(*items: str, snapshot: Snapshot = SNAPSHOT) -> list[str]:
    """The samples of a list in short: measurand, phase, value, unit, location."""
    return [
        " ".join(filter(None, (s.measurand, s.phase, s.value, s.unit, s.location)))
        for s in samples(items, snapshot, Context.PERIODIC)
    ]


@pytest.mark.rule("M-11")
def test_all_phases_of_a_measurand_are_reported() -> None:
    """A measurand without a phase gives every phase that is measured."""
    assert taken("Voltage", "Current.Import") == [
        "Voltage L1-N 230.1 V",
        "Voltage L2-N 231 V",
        "Voltage L3-N 229 V",
        "Current.Import L1 15 A",
        "Current.Import L2 15.5 A",
        "Current.Import L3 16 A",
    ]
    assert taken("Power.Active.Import")[0] == "Power.Active.Import 10350 W"


@pytest.mark.rule("M-11")
def test_one_phase_can_be_chosen() -> None:
    """A phase behind the measurand chooses that phase alone, and nothing is told twice."""
    assert taken("Voltage.L2-N") == ["Voltage L2-N 231 V"]
    assert len(taken("Voltage.L2-N", "Voltage")) == 3


@pytest.mark.rule("M-13")
def test_units_and_places_are_spelt_out() -> None:
    """Every value says its unit where the standard has one, and its place where it is not the
    outlet."""
    assert taken(
        "Energy.Active.Import.Register",
        "Energy.Active.Import.Interval",
        "Frequency",
        "Power.Factor",
        "Temperature",
        "SoC",
        "Current.Offered",
        "Power.Offered",
    ) == [
        "Energy.Active.Import.Register 1234 Wh",
        "Energy.Active.Import.Interval 100 Wh",
        "Frequency 50.02",
        "Power.Factor 0.98",
        "Temperature 31 Celcius Body",
        "SoC 42.5 Percent EV",
        "Current.Offered 16 A",
        "Power.Offered 11040 W",
    ]


def test_what_is_not_measured_is_left_out() -> None:
    """A device without a meter gives no value rather than a wrong one."""
    assert taken("Voltage", "SoC", "RPM", snapshot=Snapshot(MeterReading())) == []


@pytest.mark.rule("M-12")
@pytest.mark.parametrize(
    ("items", "can"),
    [
        (["Voltage", "Current.Offered"], True),
        (["Voltage.L1-N"], True),
        (["Voltage.L1"], False),
        (["Voltage.L3-N"], False),
        (["Energy.Active.Import.Register.L1"], False),
        (["Energy.Active.Import.Interval"], True),
        (["RPM"], False),
        (["voltage"], False),
        ([], True),
    ],
)
def test_a_list_holds_only_what_can_be_measured(items: list[str], can: bool) -> None:
    """A list is possible if every item is, its phase included."""
    measured = {"Voltage", "Energy.Active.Import.Register"}
    assert can_deliver(items, measured, phases=2) is can


def test_a_phase_is_told_from_a_measurand_by_its_name() -> None:
    """The last word counts as a phase only if it is one."""
    assert parse_choice("Current.Import") == Choice("Current.Import")
    assert parse_choice("Current.Import.N") == Choice("Current.Import", "N")


@pytest.mark.rule("M-14")
@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (D("16.0"), "16"), (D("1E+3"), "1000"), (D("0.10"), "0.1"), (D("1E-3"), "0.001")],
)
def test_numbers_are_written_plainly(value: D | int, text: str) -> None:
    """A value is a text of digits, without exponent or needless zeros."""
    assert plain(value) == text


def test_samples_can_be_stored() -> None:
    """What is written for the journal reads back the same."""
    some = samples(("Voltage", "SoC"), SNAPSHOT, Context.END)
    assert from_documents(to_documents(some)) == some
