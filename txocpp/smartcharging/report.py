"""Answering GetCompositeSchedule: what may be asked, and the schedule (OCPP 1.6 §5.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from txocpp.errors import PropertyConstraintViolation
from txocpp.smartcharging.acceptance import Status
from txocpp.smartcharging.composite import Composite, Schedule
from txocpp.smartcharging.profiles import RateUnit
from txocpp.smartcharging.station import StationKeys

LONGEST_S: Final = 366 * 86_400
"""The longest window that is worked out unless another one is given (SR-506)."""


@attrs.frozen(kw_only=True)
class Report:
    """The answer: a schedule, or the reason why there is none."""

    status: Status
    schedule: Schedule | None = None
    rule: str = ""
    reason: str = ""


def report(
    composite: Composite,
    connector_id: int,
    asked_at: datetime,
    duration_s: int,
    unit: str | None = None,
    *,
    keys: StationKeys,
    longest_s: int = LONGEST_S,
) -> Report:
    """The composite schedule of ``[asked_at, asked_at + duration_s)``, cut to ``longest_s``.

    Without a unit: the one that all installed profiles share, else the first that the station
    lists (SR-505). Raises `PropertyConstraintViolation` for a unit that does not exist (SR-504)
    and for a negative duration (SR-506).
    """
    wanted = _unit(composite, unit, keys)
    if duration_s < 0:
        raise PropertyConstraintViolation(f"duration: {duration_s} is below 0")
    if not composite.station.knows(connector_id):
        return _rejected("SR-503", f"connectorId {connector_id}: no such connector")
    if wanted not in keys.units:
        return _rejected("SR-505", f"chargingRateUnit {wanted} is not allowed here")
    duration_s = min(duration_s, longest_s)
    schedule = composite.schedule(connector_id, asked_at, duration_s, wanted)
    return Report(status=Status.ACCEPTED, schedule=schedule)


def _unit(composite: Composite, unit: str | None, keys: StationKeys) -> RateUnit:
    if unit is None:
        installed = {one.profile.unit for one in composite.stack}
        return installed.pop() if len(installed) == 1 else keys.units[0]
    try:
        return RateUnit(unit)
    except ValueError:
        raise PropertyConstraintViolation(
            f"chargingRateUnit: {unit!r} is neither A nor W"
        ) from None


def _rejected(rule: str, reason: str) -> Report:
    return Report(status=Status.REJECTED, rule=rule, reason=reason)
