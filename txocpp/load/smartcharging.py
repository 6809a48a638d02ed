"""Charging profiles between the messages of OCPP 1.6 and the arithmetic (§5.5, §5.7, §5.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from txocpp.load.limits import PHASES
from txocpp.messages import v16
from txocpp.smartcharging import Period, Profile, Purpose, Schedule, Status

if TYPE_CHECKING:
    from txocpp.load.station import Station


def install(
    station: Station, request: v16.SetChargingProfileRequest
) -> v16.SetChargingProfileResponse:
    """SetChargingProfile."""
    outcome = station.limits.install(profile(request.cs_charging_profiles), request.connector_id)
    if outcome.refusal is not None:
        raise outcome.refusal
    status = v16.ChargingProfileStatus(outcome.status.value)
    return v16.SetChargingProfileResponse(status=status)


def clear(
    station: Station, request: v16.ClearChargingProfileRequest
) -> v16.ClearChargingProfileResponse:
    """ClearChargingProfile."""
    purpose = request.charging_profile_purpose
    outcome = station.limits.clear(
        profile_id=request.id,
        connector_id=request.connector_id,
        purpose=None if purpose is None else Purpose(purpose.value),
        stack_level=request.stack_level,
    )
    status = v16.ClearChargingProfileStatus(outcome.status.value)
    return v16.ClearChargingProfileResponse(status=status)


def composite(
    station: Station, request: v16.GetCompositeScheduleRequest
) -> v16.GetCompositeScheduleResponse:
    """GetCompositeSchedule."""
    unit = request.charging_rate_unit
    start, report = station.limits.composite_schedule(
        request.connector_id, request.duration, None if unit is None else unit.value
    )
    if report.status is not Status.ACCEPTED or report.schedule is None:
        rejected = v16.GetCompositeScheduleStatus.REJECTED
        return v16.GetCompositeScheduleResponse(status=rejected)
    return v16.GetCompositeScheduleResponse(
        status=v16.GetCompositeScheduleStatus.ACCEPTED,
        connector_id=request.connector_id,
        schedule_start=start,
        charging_schedule=_charging_schedule(report.schedule.with_phases(PHASES)),
    )


def profile(message: v16.ChargingProfile) -> Profile:
    """A charging profile, not yet checked."""
    schedule = message.charging_schedule
    recurrency = message.recurrency_kind
    return Profile(
        profile_id=message.charging_profile_id,
        purpose=message.charging_profile_purpose.value,
        kind=message.charging_profile_kind.value,
        stack_level=message.stack_level,
        unit=schedule.charging_rate_unit.value,
        periods=tuple(
            Period(period.start_period, period.limit, period.number_phases)
            for period in schedule.charging_schedule_period
        ),
        recurrency=None if recurrency is None else recurrency.value,
        start=schedule.start_schedule,
        duration_s=schedule.duration,
        valid_from=message.valid_from,
        valid_to=message.valid_to,
        transaction_id=message.transaction_id,
        minimum_rate=schedule.min_charging_rate,
    )


def _charging_schedule(schedule: Schedule) -> v16.ChargingSchedule:
    return v16.ChargingSchedule(
        duration=schedule.duration_s,
        charging_rate_unit=v16.ChargingRateUnitType(schedule.unit.value),
        charging_schedule_period=tuple(
            v16.ChargingSchedulePeriod(
                start_period=period.start_s, limit=period.limit, number_phases=period.phases
            )
            for period in schedule.periods
        ),
    )
