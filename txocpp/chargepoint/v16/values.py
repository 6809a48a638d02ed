"""Values that several features translate: tags, samples, charging profiles."""

from __future__ import annotations

from txocpp.chargepoint.measurands import Sample
from txocpp.chargepoint.metering import Taken
from txocpp.chargepoint.tags import TagInfo, TagStatus
from txocpp.messages import v16
from txocpp.smartcharging import Period, Profile


def tag_info(info: v16.IdTagInfo) -> TagInfo:
    """What was said about a tag."""
    return TagInfo(TagStatus(info.status.value), info.parent_id_tag, info.expiry_date)


def meter_value(taken: Taken) -> v16.MeterValue:
    """Values of one instant; context, measurand and unit are always spelt out."""
    return v16.MeterValue(
        timestamp=taken.at, sampled_value=tuple(sampled_value(one) for one in taken.samples)
    )


def sampled_value(sample: Sample) -> v16.SampledValue:
    """One value."""
    return v16.SampledValue(
        value=sample.value,
        context=v16.ReadingContext(sample.context),
        measurand=v16.Measurand(sample.measurand),
        unit=None if sample.unit is None else v16.UnitOfMeasure(sample.unit),
        phase=None if sample.phase is None else v16.Phase(sample.phase),
        location=None if sample.location is None else v16.Location(sample.location),
    )


def profile(message: v16.ChargingProfile) -> Profile:
    """A charging profile, not yet checked."""
    schedule = message.charging_schedule
    return Profile(
        profile_id=message.charging_profile_id,
        purpose=message.charging_profile_purpose.value,
        kind=message.charging_profile_kind.value,
        stack_level=message.stack_level,
        unit=schedule.charging_rate_unit.value,
        periods=tuple(
            Period(one.start_period, one.limit, one.number_phases)
            for one in schedule.charging_schedule_period
        ),
        recurrency=None if message.recurrency_kind is None else message.recurrency_kind.value,
        start=schedule.start_schedule,
        duration_s=schedule.duration,
        valid_from=message.valid_from,
        valid_to=message.valid_to,
        transaction_id=message.transaction_id,
        minimum_rate=schedule.min_charging_rate,
    )


def clipped(text: str | None, length: int) -> str | None:
    """Text for people that has to fit a field; None if there is none."""
    return text[:length] if text else None
