"""From a meter reading to the values that were asked for (OCPP 1.6 §3.16, §7.31 to §7.43).

Pure: a selection of measurands and a snapshot in, samples out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import attrs

from txocpp.evse import MeterReading

REGISTER: Final = "Energy.Active.Import.Register"
INTERVAL: Final = "Energy.Active.Import.Interval"
CURRENT_OFFERED: Final = "Current.Offered"
POWER_OFFERED: Final = "Power.Offered"

MEASURANDS: Final = (
    "Energy.Active.Export.Register",
    REGISTER,
    "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register",
    "Energy.Active.Export.Interval",
    INTERVAL,
    "Energy.Reactive.Export.Interval",
    "Energy.Reactive.Import.Interval",
    "Power.Active.Export",
    "Power.Active.Import",
    POWER_OFFERED,
    "Power.Reactive.Export",
    "Power.Reactive.Import",
    "Power.Factor",
    "Current.Import",
    "Current.Export",
    CURRENT_OFFERED,
    "Voltage",
    "Frequency",
    "Temperature",
    "SoC",
    "RPM",
)
"""Every name that OCPP has (OCPP 1.6 §7.31), whether a device measures it or not."""

PHASES: Final = ("L1", "L2", "L3")
PHASES_TO_NEUTRAL: Final = ("L1-N", "L2-N", "L3-N")
ALL_PHASES: Final = (*PHASES, "N", *PHASES_TO_NEUTRAL, "L1-L2", "L2-L3", "L3-L1")


class Context(StrEnum):
    """Why a value was taken (OCPP 1.6 §7.35)."""

    BEGIN = "Transaction.Begin"
    END = "Transaction.End"
    PERIODIC = "Sample.Periodic"
    CLOCK = "Sample.Clock"
    TRIGGER = "Trigger"


@attrs.frozen
class Sample:
    """One value, in the words of the wire."""

    value: str
    measurand: str
    context: str
    unit: str | None = None
    phase: str | None = None
    location: str | None = None


@attrs.frozen
class Snapshot:
    """All that is known of one EVSE at one instant."""

    reading: MeterReading
    offered_a: Decimal = Decimal(0)
    """What the car is offered, per phase."""
    phases: int = 3
    """Phases in use."""
    voltage_v: Decimal = Decimal(230)
    """Nominal, for the power offered."""
    interval_wh: int | None = None
    """Energy since the last value of the same series."""


@attrs.frozen
class Choice:
    """One item of a measurand list: a measurand, and one phase of it or all that there are."""

    measurand: str
    phase: str | None = None


def parse_choice(item: str) -> Choice:
    """Read an item such as ``Voltage`` or ``Voltage.L1-N`` (M-11)."""
    measurand, dot, last = item.rpartition(".")
    return Choice(measurand, last) if dot and last in ALL_PHASES else Choice(item)


def deliverable(measurands: Collection[str]) -> frozenset[str]:
    """What a charge point can report if its device measures these: some follow from others."""
    derived = {CURRENT_OFFERED, POWER_OFFERED}
    if REGISTER in measurands:
        derived.add(INTERVAL)
    return frozenset(measurands) | derived


def can_deliver(items: Iterable[str], measurands: Collection[str], phases: int) -> bool:
    """Whether each item of a list can be measured, phase included (M-12)."""
    return not undeliverable(items, measurands, phases)


def undeliverable(items: Iterable[str], measurands: Collection[str], phases: int) -> list[str]:
    """The items of a list that cannot be measured, for the measurand or for the phase (M-12)."""
    possible = deliverable(measurands)
    return [
        item
        for item, choice in ((item, parse_choice(item)) for item in items)
        if choice.measurand not in possible
        or (choice.phase is not None and choice.phase not in _phases_of(choice.measurand, phases))
    ]


def is_choice(item: str) -> bool:
    """Whether an item of a list is a name that OCPP has, with or without a phase (M-11)."""
    return parse_choice(item).measurand in MEASURANDS


def samples(items: Sequence[str], snapshot: Snapshot, context: Context) -> tuple[Sample, ...]:
    """The values of a list that the snapshot has, each once, in the order of the list."""
    found: dict[Sample, None] = {}
    for choice in map(parse_choice, items):
        for sample in _values(choice.measurand, snapshot, context):
            if choice.phase is None or sample.phase == choice.phase:
                found[sample] = None
    return tuple(found)


def to_documents(taken: Iterable[Sample]) -> list[dict[str, Any]]:
    """Plain JSON values, for the journal."""
    return [attrs.asdict(sample, filter=lambda _, value: value is not None) for sample in taken]


def from_documents(documents: Iterable[dict[str, Any]]) -> tuple[Sample, ...]:
    """Read what `to_documents` wrote."""
    return tuple(Sample(**document) for document in documents)


def _phases_of(measurand: str, phases: int) -> tuple[str, ...]:
    names = {
        "Voltage": PHASES_TO_NEUTRAL,
        "Current.Import": PHASES,
        "Power.Active.Import": PHASES,
    }.get(measurand, ())
    return names[:phases]


def _values(measurand: str, snapshot: Snapshot, context: Context) -> Iterator[Sample]:
    for value, unit, phase, location in _raw_values(measurand, snapshot):
        if value is not None:
            yield Sample(plain(value), measurand, context.value, unit, phase, location)


def _raw_values(
    measurand: str, snapshot: Snapshot
) -> list[tuple[Decimal | int | None, str | None, str | None, str | None]]:
    reading = snapshot.reading
    match measurand:
        case "Energy.Active.Import.Register":
            return [(reading.energy_wh, "Wh", None, None)]
        case "Energy.Active.Import.Interval":
            return [(snapshot.interval_wh, "Wh", None, None)]
        case "Power.Active.Import":
            total = [(reading.power_w, "W", None, None)]
            return total + _per_phase(reading.powers_w, "W", PHASES)
        case "Current.Import":
            return _per_phase(reading.currents_a, "A", PHASES)
        case "Voltage":
            return _per_phase(reading.voltages_v, "V", PHASES_TO_NEUTRAL)
        case "Current.Offered":
            return [(snapshot.offered_a, "A", None, None)]
        case "Power.Offered":
            return [(snapshot.offered_a * snapshot.voltage_v * snapshot.phases, "W", None, None)]
        case "Frequency":
            # The standard has no unit for hertz.
            return [(reading.frequency_hz, None, None, None)]
        case "Power.Factor":
            return [(reading.power_factor, None, None, None)]
        case "Temperature":
            return [(reading.temperature_c, "Celcius", None, "Body")]
        case "SoC":
            return [(reading.soc_percent, "Percent", None, "EV")]
        case _:
            return []


def _per_phase(
    values: Sequence[Decimal], unit: str, names: Sequence[str]
) -> list[tuple[Decimal | int | None, str | None, str | None, str | None]]:
    return [(value, unit, name, None) for value, name in zip(values, names, strict=False)]


def plain(value: Decimal | int) -> str:
    """A number in plain digits, without exponent and without needless zeros."""
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
