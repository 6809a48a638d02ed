"""Profiles as JSON objects: as they stand on the wire, in files and in the store.

Reads tolerantly what means nothing to a schedule (unknown fields) and strictly what does; a fault
is raised as the `CallRefused` that a peer would be told, its text beginning with the place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from txocpp.errors import (
    PropertyConstraintViolation,
    ProtocolError,
    TypeConstraintViolation,
)
from txocpp.smartcharging.profiles import Kind, Period, Profile, Purpose, RateUnit, Recurrency

_Value = TypeVar("_Value")
_Enum = TypeVar("_Enum", bound=StrEnum)
_REQUIRED: Any = object()


def read_profile(payload: object, place: str = "chargingProfile") -> Profile:
    """A profile from a ChargingProfile object of OCPP 1.6.

    Numbers may be int, Decimal or float (a float is read as the decimal it prints as). Raises one
    of the `txocpp.errors.CallRefused` family, naming the field by its path below ``place``.
    """
    fields = _object(payload, place)
    schedule_place = f"{place}.chargingSchedule"
    schedule = _field(fields, place, "chargingSchedule", _object)
    return Profile(
        profile_id=_field(fields, place, "chargingProfileId", _integer),
        transaction_id=_field(fields, place, "transactionId", _integer, None),
        stack_level=_field(fields, place, "stackLevel", _integer),
        purpose=_field(fields, place, "chargingProfilePurpose", _one_of(Purpose)),
        kind=_field(fields, place, "chargingProfileKind", _one_of(Kind)),
        recurrency=_field(fields, place, "recurrencyKind", _one_of(Recurrency), None),
        valid_from=_field(fields, place, "validFrom", _instant, None),
        valid_to=_field(fields, place, "validTo", _instant, None),
        duration_s=_field(schedule, schedule_place, "duration", _integer, None),
        start=_field(schedule, schedule_place, "startSchedule", _instant, None),
        unit=_field(schedule, schedule_place, "chargingRateUnit", _one_of(RateUnit)),
        minimum_rate=_field(schedule, schedule_place, "minChargingRate", _number, None),
        periods=_field(schedule, schedule_place, "chargingSchedulePeriod", _periods),
    )


def write_profile(profile: Profile) -> dict[str, Any]:
    """The ChargingProfile object of OCPP 1.6, in plain JSON values; absent fields are left out."""
    schedule = {
        "duration": profile.duration_s,
        "startSchedule": _write_instant(profile.start),
        "chargingRateUnit": str(profile.unit),
        "chargingSchedulePeriod": [_write_period(period) for period in profile.periods],
        "minChargingRate": _write_number(profile.minimum_rate),
    }
    return _present(
        {
            "chargingProfileId": profile.profile_id,
            "transactionId": profile.transaction_id,
            "stackLevel": profile.stack_level,
            "chargingProfilePurpose": str(profile.purpose),
            "chargingProfileKind": str(profile.kind),
            "recurrencyKind": str(profile.recurrency) if profile.recurrency else None,
            "validFrom": _write_instant(profile.valid_from),
            "validTo": _write_instant(profile.valid_to),
            "chargingSchedule": _present(schedule),
        }
    )


def read_instant(text: object, place: str) -> datetime:
    """A datetime in UTC from RFC 3339 text; without an offset it is taken as UTC."""
    return _instant(text, place)


def write_instant(instant: datetime) -> str:
    """RFC 3339 text in UTC, to the second or as exact as the instant is."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _object(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeConstraintViolation(f"{place}: must be an object, is {_name(value)}")
    return value


def _field(
    fields: Mapping[str, Any],
    place: str,
    name: str,
    read: Callable[[object, str], _Value],
    absent: _Value = _REQUIRED,
) -> _Value:
    value = fields.get(name)
    if value is None:
        if absent is _REQUIRED:
            raise ProtocolError(f"{place}.{name}: is missing")
        return absent
    return read(value, f"{place}.{name}")


def _integer(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeConstraintViolation(f"{place}: must be an integer, is {_name(value)}")
    return value


def _number(value: object, place: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeConstraintViolation(f"{place}: must be a number, is {_name(value)}")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise PropertyConstraintViolation(f"{place}: must be a finite number")
    return number


def _one_of(kind: type[_Enum]) -> Callable[[object, str], _Enum]:
    def read(value: object, place: str) -> _Enum:
        if not isinstance(value, str):
            raise TypeConstraintViolation(f"{place}: must be a string, is {_name(value)}")
        try:
            return kind(value)
        except ValueError:
            # SR-602, SR-504
            choices = ", ".join(kind)
            raise PropertyConstraintViolation(f"{place}: {value!r} is none of {choices}") from None

    return read


def _instant(value: object, place: str) -> datetime:
    if not isinstance(value, str):
        raise TypeConstraintViolation(f"{place}: must be a date and time, is {_name(value)}")
    try:
        instant = datetime.fromisoformat(value)
        if "T" not in value.upper():
            raise ValueError
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PropertyConstraintViolation(
            f"{place}: {value!r} is not a date and time such as 2026-01-31T17:00:00Z"
        ) from None


def _periods(value: object, place: str) -> tuple[Period, ...]:
    if not isinstance(value, list | tuple):
        raise TypeConstraintViolation(f"{place}: must be a list, is {_name(value)}")
    return tuple(_period(item, f"{place}[{index}]") for index, item in enumerate(value))


def _period(value: object, place: str) -> Period:
    fields = _object(value, place)
    return Period(
        _field(fields, place, "startPeriod", _integer),
        _field(fields, place, "limit", _number),
        _field(fields, place, "numberPhases", _integer, None),
    )


def _write_period(period: Period) -> dict[str, Any]:
    return _present(
        {
            "startPeriod": period.start_s,
            "limit": _write_number(period.limit),
            "numberPhases": period.phases,
        }
    )


def _write_instant(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)


def _write_number(number: Decimal | None) -> int | float | None:
    # A number of few decimals prints as itself, so it comes back as the decimal that it was.
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    return names.get(type(value), "null" if value is None else "a number")
