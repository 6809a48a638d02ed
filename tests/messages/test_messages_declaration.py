"""Values of our own: checked when built, frozen, discreet about secrets."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest

from txocpp import errors
from txocpp.messages.declaration import (
    CHARGE_POINT,
    Datatype,
    Request,
    Response,
    datatype,
    request,
    response_to,
)
from txocpp.messages.describe import describe
from txocpp.messages.fields import boolean, decimal, integer, many, nested, text, uri
from txocpp.messages.v16 import (
    AuthorizationStatus,
    AuthorizeRequest,
    AuthorizeResponse,
    BootNotificationResponse,
    ChangeConfigurationRequest,
    ChargingSchedulePeriod,
    GetConfigurationRequest,
    GetDiagnosticsRequest,
    HeartbeatRequest,
    IdTagInfo,
    MeterValue,
    MeterValuesRequest,
    RegistrationStatus,
    SampledValue,
    SecurityEvent,
    SecurityEventNotificationRequest,
    StartTransactionRequest,
    UnitOfMeasure,
)

NOON = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)
START: dict[str, Any] = {
    "connector_id": 1,
    "id_tag": "TAG1",
    "meter_start": 0,
    "timestamp": NOON,
}


def test_a_message_that_could_not_be_sent_cannot_be_built() -> None:
    """The exception names class and field, in Python's words."""
    for field, value, words in (
        ("connector_id", 0, "StartTransactionRequest.connector_id: is below 1"),
        ("connector_id", True, "connector_id: is a boolean, not a whole number"),
        ("connector_id", "1", "connector_id: is text, not a whole number"),
        ("connector_id", None, "connector_id: is None, but required"),
        ("meter_start", 1.0, "meter_start: is a number, not a whole number"),
        ("meter_start", 2**63, "meter_start: is above 9223372036854775807"),
        ("id_tag", "x" * 21, "id_tag: has 21 characters, at most 20 may be"),
        ("id_tag", b"TAG1", "id_tag: is a bytes, not text"),
        ("id_tag", "\udcff", "id_tag: holds half of a surrogate pair"),
        ("timestamp", "2024-06-03T12:00:00Z", "timestamp: is of type str, not datetime"),
        ("timestamp", datetime(2024, 6, 3), "timestamp: has no time zone"),
    ):
        with pytest.raises(errors.InvalidMessage) as caught:
            StartTransactionRequest(**{**START, field: value})
        assert words in str(caught.value)


def test_nested_values_enumerations_and_lists_are_checked() -> None:
    """The path goes down to the item."""
    with pytest.raises(errors.InvalidMessage, match=r"\.status: .*is no member of Authoriz"):
        IdTagInfo(status="Accepted")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessage, match="id_tag_info: is of type dict, not IdTagInfo"):
        AuthorizeResponse(id_tag_info={"status": "Accepted"})  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessage, match="sampled_value: has 0 items, at least 1"):
        MeterValue(timestamp=NOON, sampled_value=())
    with pytest.raises(errors.InvalidMessage, match=r"meter_value\[1\]: is of type str"):
        MeterValuesRequest(
            connector_id=1,
            meter_value=(
                MeterValue(timestamp=NOON, sampled_value=(SampledValue(value="1"),)),
                "230",  # type: ignore[arg-type]
            ),
        )
    with pytest.raises(errors.InvalidMessage, match="key: is of type str, not tuple"):
        GetConfigurationRequest(key="HeartbeatInterval")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessage, match=r"key\[0\]: is a number, not text"):
        GetConfigurationRequest(key=(5,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (16, "is of type int, not Decimal"),
        (16.5, "is of type float, not Decimal"),
        (Decimal("16.55"), "has more than 1 decimal place"),
        (Decimal("0.1000000000000000000000001"), "has more than 1 decimal place"),
        (Decimal("NaN"), "is not between"),
        (Decimal("sNaN"), "is not between"),
        (Decimal("-Infinity"), "is not between"),
        (Decimal("1e14"), "is not between"),
        (Decimal("1e999999"), "is not between"),
    ],
)
def test_decimals_are_exact(limit: Any, words: str) -> None:
    """Limits are Decimals with one place that a float can carry."""
    with pytest.raises(errors.InvalidMessage, match=words):
        ChargingSchedulePeriod(start_period=0, limit=limit)


def test_decimals_are_judged_by_value() -> None:
    """How a Decimal was written does not matter."""
    for limit in (Decimal("16.50"), Decimal("1E+3"), Decimal(-1), Decimal("99999999999999.9")):
        assert ChargingSchedulePeriod(start_period=0, limit=limit).limit == limit


def test_lists_become_tuples() -> None:
    """Any iterable will do for several items; the value stays hashable."""
    asked = GetConfigurationRequest(key=["A", "B"])  # type: ignore[arg-type]
    assert asked.key == ("A", "B")
    assert hash(asked) == hash(GetConfigurationRequest(key=("A", "B")))


def test_values_are_frozen_and_equal_by_contents() -> None:
    """Built twice they are one; changing means making another."""
    start = StartTransactionRequest(**START)
    assert start == StartTransactionRequest(**START)
    assert start.replace(meter_start=5) == StartTransactionRequest(**{**START, "meter_start": 5})
    assert start.replace(meter_start=5) != start
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        start.meter_start = 5  # type: ignore[misc]
    with pytest.raises(errors.InvalidMessage, match="connector_id"):
        start.replace(connector_id=0)
    with pytest.raises(TypeError):
        StartTransactionRequest(connector_id=1)  # type: ignore[call-arg]
    assert copy.copy(start) == pickle.loads(pickle.dumps(start)) == start
    assert HeartbeatRequest() == HeartbeatRequest()


def test_instants_in_other_zones_are_fine() -> None:
    """An aware datetime is an instant, wherever its clock hangs."""
    there = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert StartTransactionRequest(**{**START, "timestamp": there}).timestamp == NOON


def test_other_text_types_are_text() -> None:
    """A member of an enumeration may stand where any text may."""
    told = SecurityEventNotificationRequest(type=SecurityEvent.RESET_OR_REBOOT, timestamp=NOON)
    assert told.type == "ResetOrReboot"
    assert SecurityEvent.RESET_OR_REBOOT.is_critical
    assert not SecurityEvent.INVALID_MESSAGES.is_critical


def test_shown_are_only_fields_that_are_set_and_no_secret() -> None:
    """Passwords, and URLs that may carry one, do not get into logs."""
    shown = repr(ChangeConfigurationRequest(key="AuthorizationKey", value="s3cret"))
    assert shown == "ChangeConfigurationRequest(key='AuthorizationKey', value=…)"
    assert "s3cret" not in repr(GetDiagnosticsRequest(location="ftp://user:s3cret@host/"))
    assert repr(SampledValue(value="1", unit=UnitOfMeasure.A)) == (
        "SampledValue(value='1', unit=<UnitOfMeasure.A: 'A'>)"
    )


def test_request_and_response_know_each_other() -> None:
    """Both carry the action; the request leads to its answer."""
    assert AuthorizeRequest.action == AuthorizeResponse.action == "Authorize"
    assert AuthorizeRequest.response is AuthorizeResponse
    assert AuthorizeRequest.sent_by is CHARGE_POINT
    assert AuthorizeRequest.profile == "Core"


def test_fields_without_value_are_none() -> None:
    """What may be left out is None unless it is given."""
    info = IdTagInfo(status=AuthorizationStatus.ACCEPTED)
    assert (info.expiry_date, info.parent_id_tag) == (None, None)
    boot = BootNotificationResponse(
        current_time=NOON, interval=300, status=RegistrationStatus.ACCEPTED
    )
    assert boot.interval == 300


@datatype
class Seat(Datatype):
    """A vendor's own datatype, of optional fields only."""

    heated: bool | None = boolean("heated", default=None)
    angle: Decimal | None = decimal("angleDeg", step="0.01", default=None)
    manual: str | None = uri("manual", default=None)


@request("VendorSeats", sent_by=CHARGE_POINT, profile="Vendor")
class SeatsRequest(Request):
    """A vendor's own action, with every kind of limit that OCPP itself does not use."""

    row: int = integer("ROW", minimum=1, maximum=3)
    seats: tuple[Seat, ...] = many("Seats", Seat, at_least=1, at_most=2)
    names: tuple[str, ...] | None = many("names", text("", max_length=3), at_most=2, default=None)
    spare: Seat | None = nested("spare", Seat, default=None)


@response_to(SeatsRequest)
class SeatsResponse(Response):
    """An empty answer."""


def test_vendors_declare_messages_in_the_same_way() -> None:
    """Bounds, steps and counts of a vendor's own messages are kept just as well."""
    seat = Seat(heated=True, angle=Decimal("12.25"), manual="https://host/seat")
    assert SeatsRequest(row=3, seats=(seat, Seat()), spare=seat).spare == seat
    for fields, words in (
        ({"row": 4, "seats": (seat,)}, "row: is above 3"),
        ({"row": 1, "seats": (seat, seat, seat)}, "seats: has 3 items, at most 2 may be"),
        ({"row": 1, "seats": (seat,), "names": ("four",)}, r"names\[0\]: has 4 characters"),
    ):
        with pytest.raises(errors.InvalidMessage, match=words):
            SeatsRequest(**fields)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessage, match="angle: has more than 2 decimal places"):
        Seat(angle=Decimal("0.125"))
    with pytest.raises(errors.InvalidMessage, match="manual: is no URI"):
        Seat(manual="seat.pdf")
    assert [field.rule for field in describe(SeatsRequest)] == [
        "whole number, at least 1, at most 3",
        "list, at least 1, at most 2, of `Seat`",
        "list, at most 2, of text, at most 3 characters",
        "`Seat`",
    ]
    with pytest.raises(errors.InvalidMessage, match="heated: is a number, not a boolean"):
        Seat(heated=1)  # type: ignore[arg-type]
