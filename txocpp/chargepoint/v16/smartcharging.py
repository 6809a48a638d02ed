"""Feature profile SmartCharging: what the central system asks (OCPP 1.6 §5.5, §5.7, §5.16)."""

from __future__ import annotations

import attrs

from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.limits import Limits
from txocpp.chargepoint.v16 import values
from txocpp.errors import InternalError, NotSupported, StoreError
from txocpp.messages import v16
from txocpp.smartcharging import Outcome, Purpose, Schedule, Status
from txocpp.transport.peer import Responder


@attrs.frozen(kw_only=True)
class SmartCharging:
    """Answers the requests of profile SmartCharging."""

    limits: Limits
    configuration: Configuration

    def responders(self) -> dict[type, Responder]:
        """By request class."""
        return {
            v16.ClearChargingProfileRequest: self.clear,
            v16.GetCompositeScheduleRequest: self.composite,
            v16.SetChargingProfileRequest: self.set,
        }

    async def set(self, request: v16.SetChargingProfileRequest) -> v16.SetChargingProfileResponse:
        """Install a profile (§5.16)."""
        self._require_feature()
        try:
            outcome = await self.limits.install(
                values.profile(request.cs_charging_profiles), request.connector_id
            )
        except StoreError:
            return v16.SetChargingProfileResponse(status=v16.ChargingProfileStatus.REJECTED)
        _raise_refusal(outcome)
        status = v16.ChargingProfileStatus(outcome.status.value)
        return v16.SetChargingProfileResponse(status=status)

    async def clear(
        self, request: v16.ClearChargingProfileRequest
    ) -> v16.ClearChargingProfileResponse:
        """Forget profiles (§5.5)."""
        self._require_feature()
        purpose = request.charging_profile_purpose
        try:
            outcome = await self.limits.clear(
                profile_id=request.id,
                connector_id=request.connector_id,
                purpose=None if purpose is None else Purpose(purpose.value),
                stack_level=request.stack_level,
            )
        except StoreError:
            # Neither Accepted nor Unknown would be true.
            raise InternalError("the store takes no changes") from None
        status = v16.ClearChargingProfileStatus(outcome.status.value)
        return v16.ClearChargingProfileResponse(status=status)

    def composite(
        self, request: v16.GetCompositeScheduleRequest
    ) -> v16.GetCompositeScheduleResponse:
        """What is allowed from now on (§5.7)."""
        self._require_feature()
        unit = request.charging_rate_unit
        report = self.limits.composite_schedule(
            request.connector_id, request.duration, None if unit is None else unit.value
        )
        if report.status is not Status.ACCEPTED or report.schedule is None:
            rejected = v16.GetCompositeScheduleStatus.REJECTED
            return v16.GetCompositeScheduleResponse(status=rejected)
        return v16.GetCompositeScheduleResponse(
            status=v16.GetCompositeScheduleStatus.ACCEPTED,
            connector_id=report.schedule.connector_id,
            schedule_start=report.schedule.start,
            charging_schedule=_charging_schedule(
                report.schedule.with_phases(self.limits.hardware_phases(request.connector_id))
            ),
        )

    def _require_feature(self) -> None:
        if not self.configuration.supports("SmartCharging"):
            # SR-601
            raise NotSupported("this charge point has no smart charging")


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


def _raise_refusal(outcome: Outcome) -> None:
    if outcome.refusal is not None:
        raise outcome.refusal
