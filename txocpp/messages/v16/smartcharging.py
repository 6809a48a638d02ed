"""Feature profile SmartCharging: limits over time, set by the central system."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from txocpp.messages.declaration import CENTRAL_SYSTEM, Request, Response, request, response_to
from txocpp.messages.fields import enumerated, instant, integer, nested
from txocpp.messages.v16.types import (
    ChargingProfile,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    ChargingSchedule,
)

PROFILE = "SmartCharging"


# ClearChargingProfile: central system -> charge point


class ClearChargingProfileStatus(StrEnum):
    """Whether anything was cleared (OCPP 1.6 §7.21, SR-645)."""

    ACCEPTED = "Accepted"
    UNKNOWN = "Unknown"


@request("ClearChargingProfile", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class ClearChargingProfileRequest(Request):
    """Forget one or several charging profiles; all without any field (OCPP 1.6 §5.5, §6.13)."""

    id: int | None = integer("id", default=None)
    """This profile only; the other fields do not count then (SR-642)."""
    connector_id: int | None = integer("connectorId", minimum=0, default=None)
    """Those installed on this connector; 0 is connector 0, not all of them (SR-644)."""
    charging_profile_purpose: ChargingProfilePurposeType | None = enumerated(
        "chargingProfilePurpose", ChargingProfilePurposeType, default=None
    )
    """Those with this purpose."""
    stack_level: int | None = integer("stackLevel", minimum=0, default=None)
    """Those on this level."""


@response_to(ClearChargingProfileRequest)
class ClearChargingProfileResponse(Response):
    """Whether anything was cleared (OCPP 1.6 §6.14)."""

    status: ClearChargingProfileStatus = enumerated("status", ClearChargingProfileStatus)
    """What came of it."""


# GetCompositeSchedule: central system -> charge point


class GetCompositeScheduleStatus(StrEnum):
    """Whether the station can tell (OCPP 1.6 §7.26)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@request("GetCompositeSchedule", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class GetCompositeScheduleRequest(Request):
    """Which limit will hold, all profiles taken together? (OCPP 1.6 §5.7, §6.21)"""

    connector_id: int = integer("connectorId", minimum=0)
    """The connector; 0 asks for the station as a whole."""
    duration: int = integer("duration", minimum=0)
    """Seconds from now on (SR-506)."""
    charging_rate_unit: ChargingRateUnitType | None = enumerated(
        "chargingRateUnit", ChargingRateUnitType, default=None
    )
    """Unit of the answer; without it the station chooses."""


@response_to(GetCompositeScheduleRequest)
class GetCompositeScheduleResponse(Response):
    """The limits to come, as things are now; only the status when rejected (OCPP 1.6 §6.22)."""

    status: GetCompositeScheduleStatus = enumerated("status", GetCompositeScheduleStatus)
    """Whether the station can tell."""
    connector_id: int | None = integer("connectorId", default=None)
    """The connector that was asked for."""
    schedule_start: datetime | None = instant("scheduleStart", default=None)
    """Second 0 of the schedule."""
    charging_schedule: ChargingSchedule | None = nested(
        "chargingSchedule", ChargingSchedule, default=None
    )
    """The limits; without a start of its own (SR-502)."""


# SetChargingProfile: central system -> charge point


class ChargingProfileStatus(StrEnum):
    """What came of a charging profile (OCPP 1.6 §7.11)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"


@request("SetChargingProfile", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class SetChargingProfileRequest(Request):
    """Keep to these limits (OCPP 1.6 §5.16, §6.43)."""

    connector_id: int = integer("connectorId", minimum=0)
    """The connector; 0 is all of them together, or each by default, as the purpose says."""
    cs_charging_profiles: ChargingProfile = nested("csChargingProfiles", ChargingProfile)
    """The profile, one in spite of the name."""


@response_to(SetChargingProfileRequest)
class SetChargingProfileResponse(Response):
    """Whether the profile is installed (OCPP 1.6 §6.44)."""

    status: ChargingProfileStatus = enumerated("status", ChargingProfileStatus)
    """What came of it."""
