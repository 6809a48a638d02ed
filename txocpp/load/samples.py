"""What the meter of a simulated connector shows, in the words of OCPP 1.6 §7.43."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

from txocpp.load.car import VOLTAGE_V, Car
from txocpp.messages.v16 import (
    Location,
    Measurand,
    MeterValue,
    Phase,
    ReadingContext,
    SampledValue,
    UnitOfMeasure,
)

MEASURANDS: Final = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Current.Offered",
    "Voltage",
    "SoC",
)
"""All that can be measured; all of it is sent unless the central system wants less."""

_LINES: Final = (Phase.L1, Phase.L2, Phase.L3)


@attrs.frozen(kw_only=True)
class Reading:
    """Everything that a connector shows at one instant."""

    at: datetime
    energy_wh: int
    current_a: Decimal
    offered_a: Decimal
    car: Car | None


def meter_value(reading: Reading, context: ReadingContext, measurands: Iterable[str]) -> MeterValue:
    """The reading as a message has it; with no measurand at all, the energy (M-04)."""
    wanted = tuple(measurands) or MEASURANDS[:1]
    values = tuple(value for name in wanted for value in _values(Measurand(name), reading, context))
    return MeterValue(timestamp=reading.at, sampled_value=values)


def _values(
    measurand: Measurand, reading: Reading, context: ReadingContext
) -> Iterable[SampledValue]:
    car = reading.car
    phases = 3 if car is None else car.phases
    if measurand is Measurand.ENERGY_ACTIVE_IMPORT_REGISTER:
        yield SampledValue(
            value=str(reading.energy_wh),
            context=context,
            measurand=measurand,
            unit=UnitOfMeasure.WH,
        )
    elif measurand is Measurand.POWER_ACTIVE_IMPORT:
        power_w = Decimal(0) if car is None else car.power_w(reading.current_a)
        yield SampledValue(
            value=f"{power_w:f}", context=context, measurand=measurand, unit=UnitOfMeasure.W
        )
    elif measurand is Measurand.CURRENT_IMPORT:
        for line in _LINES[:phases]:
            yield SampledValue(
                value=f"{reading.current_a:f}",
                context=context,
                measurand=measurand,
                phase=line,
                unit=UnitOfMeasure.A,
            )
    elif measurand is Measurand.CURRENT_OFFERED:
        yield SampledValue(
            value=f"{reading.offered_a:f}",
            context=context,
            measurand=measurand,
            unit=UnitOfMeasure.A,
        )
    elif measurand is Measurand.VOLTAGE:
        yield SampledValue(
            value=str(VOLTAGE_V), context=context, measurand=measurand, unit=UnitOfMeasure.V
        )
    elif measurand is Measurand.SOC and car is not None:
        yield SampledValue(
            value=str(car.soc_percent),
            context=context,
            measurand=measurand,
            location=Location.EV,
            unit=UnitOfMeasure.PERCENT,
        )
