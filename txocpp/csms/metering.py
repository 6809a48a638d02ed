"""Meter values on their way to the store: units made equal, what matters picked out, all kept.

Rules of this room: values come as OCPP 1.6 says them (§7.43): texts, with defaults left out; they
are read, never refused (M-15). Nothing is rounded in what is kept; the picked figures are floats,
good for charts and totals, not for bills: those use the whole-Wh registers of Start and Stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from zlib import crc32

import msgspec

from txocpp.storage.central.schema import to_ms

ENERGY: Final = "Energy.Active.Import.Register"
POWER: Final = "Power.Active.Import"
CURRENT: Final = "Current.Import"
CURRENT_OFFERED: Final = "Current.Offered"
SOC: Final = "SoC"

UNKNOWN_CONNECTOR: Final = -1
"""Where values are kept that came with a StopTransaction of an unknown transaction."""

_PHASES: Final = {"L1": "L1", "L2": "L2", "L3": "L3", "L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}
_TEXT: Final = msgspec.json.Encoder().encode

SampleRow = tuple[Any, ...]
"""A row of `txocpp.storage.central.samples.SAMPLE`."""


class MeterValue(Protocol):
    """Values of one instant (§7.33), each with the fields of §7.43; None stands for the default."""

    @property
    def timestamp(self) -> datetime: ...

    @property
    def sampled_value(self) -> Sequence[Any]: ...


def sample_rows(
    station_key: int,
    connector: int,
    transaction_id: int | None,
    meter_values: Iterable[MeterValue],
) -> list[SampleRow]:
    """One row for each instant."""
    rows = []
    for meter_value in meter_values:
        values = meter_value.sampled_value
        kept = _TEXT([_kept(value) for value in values])
        context, figures = _figures(values)
        rows.append(
            (
                station_key,
                connector,
                to_ms(meter_value.timestamp),
                crc32(kept),
                transaction_id,
                context,
                *figures,
                kept.decode(),
            )
        )
    return rows


def first_register_wh(meter_values: Iterable[MeterValue], context: str) -> float | None:
    """The energy register of the first instant with this context (Transaction.Begin, say)."""
    for meter_value in meter_values:
        chosen = [v for v in meter_value.sampled_value if (v.context or "") == context]
        energy = _figures(chosen)[1][0] if chosen else None
        if energy is not None:
            return energy
    return None


def _kept(value: Any) -> list[str]:
    """[value, measurand, phase, unit, location, context, format]; what is left out, or empty, is
    what OCPP takes for it (§7.43)."""
    context = value.context
    if context == "Sample.Periodic":
        context = None
    if context is None and value.location is None and value.format is None:
        # Almost all are like this.
        return [value.value, value.measurand or "", value.phase or "", value.unit or ""]
    rest = [value.location or "", context or "", value.format or ""]
    while rest and not rest[-1]:
        rest.pop()
    return [value.value, value.measurand or "", value.phase or "", value.unit or "", *rest]


def read_kept(text: str) -> list[dict[str, str]]:
    """What `_kept` wrote, with names and with the defaults of §7.43 filled in."""
    found = []
    told: list[str]
    for told in msgspec.json.decode(text):
        value, measurand, phase, unit, location, context, form = (told + [""] * 6)[:7]
        measurand = measurand or ENERGY
        facts = {
            "value": value,
            "measurand": measurand,
            "phase": phase,
            "unit": unit or ("Wh" if measurand.startswith("Energy.Active") else ""),
            "location": location or "Outlet",
            "context": context or "Sample.Periodic",
            "format": form or "Raw",
        }
        found.append({name: fact for name, fact in facts.items() if fact or name == "value"})
    return found


def _figures(values: Iterable[Any]) -> tuple[str | None, tuple[float | None, ...]]:
    """Context, and (energy Wh, power W, highest current A, offered A, state of charge %)."""
    context: str | None = None
    energy: float | None = None
    energy_rank = 9
    power: float | None = None
    powers: dict[str, float] = {}
    energies: dict[str, float] = {}
    current: float | None = None
    offered: float | None = None
    soc: float | None = None
    for value in values:
        if context is None and value.context is not None:
            context = value.context
        if value.format == "SignedData":
            continue
        try:
            number = float(value.value)
        except ValueError:
            continue
        if number != number or number in (float("inf"), float("-inf")):
            continue
        measurand = value.measurand or ENERGY
        phase = _PHASES.get(value.phase) if value.phase else None
        if value.unit in ("kWh", "kW"):
            number *= 1000.0
        if measurand == ENERGY:
            rank = _rank(value.location)
            if value.phase is None and rank < energy_rank:
                energy, energy_rank = number, rank
            elif phase:
                energies[phase] = number
        elif measurand == POWER:
            if value.phase is None:
                power = number
            elif phase:
                powers[phase] = number
        elif measurand == CURRENT:
            if value.phase != "N":
                current = number if current is None else max(current, number)
        elif measurand == CURRENT_OFFERED:
            offered = number if offered is None else max(offered, number)
        elif measurand == SOC:
            soc = number
    if energy is None and energies:
        energy = sum(energies.values())
    if power is None and powers:
        power = sum(powers.values())
    return context, (energy, power, current, offered, soc)


def _rank(location: Any) -> int:
    """The outlet's register is the one that is paid for."""
    if location is None or location == "Outlet":
        return 0
    return 1 if location == "Inlet" else 2
