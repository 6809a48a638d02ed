"""Profiles as JSON, and what is said about JSON that is no profile."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from smart_stations import NOON, VECTORS, profile

from txocpp.errors import CallRefused
from txocpp.smartcharging import Profile, read_profile, write_profile

ALL_PROFILES = [
    entry["csChargingProfiles"]
    for vector in VECTORS["vectors"]
    for entry in [*vector["profiles"], *(step["set"] for step in vector["steps"] if "set" in step)]
]
WHOLE: dict[str, Any] = {
    "chargingProfileId": 5,
    "transactionId": 7,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Weekly",
    "validFrom": "2024-06-03T12:00:00Z",
    "validTo": "2024-06-04T12:00:00.500000Z",
    "chargingSchedule": {
        "duration": 60,
        "startSchedule": "2024-06-03T12:00:00Z",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1380.5, "numberPhases": 1}],
        "minChargingRate": 0.1,
    },
}


@pytest.mark.parametrize("payload", [*ALL_PROFILES, WHOLE])
def test_there_and_back(payload: dict[str, Any]) -> None:
    """Read, written as text and read again, a profile is the same."""
    read = read_profile(payload)
    assert read_profile(json.loads(json.dumps(write_profile(read)))) == read


def test_every_field_has_its_place() -> None:
    """All fields of the wire arrive, and leave as they came."""
    read = read_profile(WHOLE)
    assert read == Profile(
        profile_id=5, transaction_id=7, stack_level=1, purpose="TxProfile", kind="Recurring",
        recurrency="Weekly", valid_from=NOON,
        valid_to=datetime(2024, 6, 4, 12, 0, 0, 500_000, tzinfo=UTC), duration_s=60, start=NOON,
        unit="W", periods=[(0, Decimal("1380.5"), 1)], minimum_rate=Decimal("0.1"),
    )  # fmt: skip
    assert write_profile(read) == WHOLE


def test_numbers_of_any_kind_are_exact() -> None:
    """A float is the decimal that it prints as."""
    for number in (10.1, Decimal("10.1")):
        payload = WHOLE["chargingSchedule"] | {
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": number}]
        }
        read = read_profile(WHOLE | {"chargingSchedule": payload})
        assert read.periods[0].limit == Decimal("10.1")


def test_an_instant_without_offset_is_utc() -> None:
    """Stations and central systems that forget the Z mean UTC."""
    read = read_profile(WHOLE | {"validFrom": "2024-06-03T12:00:00"})
    assert read.valid_from == NOON
    assert profile().start == NOON


def schedule(**fields: Any) -> dict[str, Any]:
    return {"chargingSchedule": WHOLE["chargingSchedule"] | fields}


@pytest.mark.rule("SR-602")
@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"stackLevel": None}, "ProtocolError", "here.stackLevel: is missing"),
        ({"stackLevel": "1"}, "TypeConstraintViolation", "here.stackLevel: must be an integer"),
        ({"stackLevel": True}, "TypeConstraintViolation", "is true or false"),
        ({"stackLevel": 1.0}, "TypeConstraintViolation", "is a number"),
        ({"chargingProfileKind": 3}, "TypeConstraintViolation", "must be a string"),
        ({"chargingProfileKind": "Now"}, "PropertyConstraintViolation",
         "here.chargingProfileKind: 'Now' is none of Absolute, Recurring, Relative"),
        ({"validFrom": "tomorrow"}, "PropertyConstraintViolation", "here.validFrom: 'tomorrow'"),
        ({"validFrom": "2024-06-03"}, "PropertyConstraintViolation", "not a date and time"),
        ({"validFrom": "0001-01-01T00:00:00+02:00"}, "PropertyConstraintViolation", "validFrom"),
        ({"validFrom": 3}, "TypeConstraintViolation", "must be a date and time"),
        ({"chargingSchedule": []}, "TypeConstraintViolation", "must be an object, is a list"),
        (schedule(chargingSchedulePeriod={}), "TypeConstraintViolation",
         "here.chargingSchedule.chargingSchedulePeriod: must be a list, is an object"),
        (schedule(chargingSchedulePeriod=[{"startPeriod": 0, "limit": "10"}]),
         "TypeConstraintViolation", "here.chargingSchedule.chargingSchedulePeriod[0].limit"),
        (schedule(chargingSchedulePeriod=[{"startPeriod": 0, "limit": float("inf")}]),
         "PropertyConstraintViolation", "finite"),
        (schedule(chargingSchedulePeriod=[7]), "TypeConstraintViolation", "[0]: must be an obj"),
        (schedule(chargingRateUnit="kW"), "PropertyConstraintViolation", "none of A, W"),
    ],
)  # fmt: skip
def test_faults_name_their_place(change: dict[str, Any], code: str, text: str) -> None:
    """What is wrong is told by the code that a peer gets and by the path of the field."""
    with pytest.raises(CallRefused) as refusal:
        read_profile(WHOLE | change, "here")
    assert refusal.value.code == code
    assert text in refusal.value.description


def test_something_else_altogether() -> None:
    """A payload that is no object is refused as such."""
    with pytest.raises(CallRefused, match="chargingProfile: must be an object, is null"):
        read_profile(None)
