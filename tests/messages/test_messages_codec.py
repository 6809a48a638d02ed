"""There and back: what is encoded can be decoded, whatever was done to the value."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import payloads
import pytest
import schema_oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from txocpp import errors
from txocpp.messages.codec import decode, encode
from txocpp.messages.explain import explain_payload, explain_value
from txocpp.messages.fields import fields_of
from txocpp.messages.kinds import Nested
from txocpp.messages.v16 import (
    AuthorizeRequest,
    ChangeAvailabilityRequest,
    ChargingSchedulePeriod,
    GetConfigurationRequest,
    GetConfigurationResponse,
    Measurand,
    MessageFactory16,
    MeterValue,
    MeterValuesRequest,
    RegistrationStatus,
    SampledValue,
    SecurityEvent,
    SecurityEventNotificationRequest,
    StartTransactionRequest,
    StopTransactionRequest,
    same_cistring,
)

FACTORY = MessageFactory16()
NOON = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)
CLASSES = [c for r in FACTORY.actions.values() for c in (r, r.response)]


def test_payloads_are_plain_json() -> None:
    """Encoding gives dicts, lists, plain text and numbers, with the names of the wire."""
    message = MeterValuesRequest(
        connector_id=0,
        meter_value=(
            MeterValue(
                timestamp=NOON.replace(microsecond=500_000),
                sampled_value=(
                    SampledValue(value="230.4", measurand=Measurand.VOLTAGE),
                    SampledValue(value="7"),
                ),
            ),
        ),
    )
    payload = FACTORY.payload(message)
    assert payload == {
        "connectorId": 0,
        "meterValue": [
            {
                "timestamp": "2024-06-03T12:00:00.500Z",
                "sampledValue": [{"value": "230.4", "measurand": "Voltage"}, {"value": "7"}],
            }
        ],
    }
    measurand = payload["meterValue"][0]["sampledValue"][0]["measurand"]
    assert type(measurand) is str
    assert FACTORY.request("MeterValues", json.loads(json.dumps(payload))) == message


def test_text_of_other_types_goes_out_as_plain_text() -> None:
    """Members of an enumeration in a text field leave as text."""
    told = SecurityEventNotificationRequest(type=SecurityEvent.MEMORY_EXHAUSTION, timestamp=NOON)
    kind = FACTORY.payload(told)["type"]
    assert (kind, type(kind)) == ("MemoryExhaustion", str)


@pytest.mark.parametrize(
    ("wire", "limit"),
    [(16, Decimal(16)), (16.0, Decimal(16)), (0.7, Decimal("0.7")), (-0.0, Decimal(0)),
     (1e13, Decimal("1e13")), (99999999999999.9, Decimal("99999999999999.9"))],
)  # fmt: skip
def test_decimals_are_read_as_they_are_written(wire: float, limit: Decimal) -> None:
    """0.7 is seven tenths, not the float next to it; whole numbers go out whole."""
    period = decode(ChargingSchedulePeriod, {"startPeriod": 0, "limit": wire})
    assert period.limit == limit
    assert type(period.limit) is Decimal
    sent = encode(period)["limit"]
    assert sent == wire
    assert type(sent) is (int if limit == limit.to_integral_value() else float)


def test_instants_come_in_utc() -> None:
    """Whatever the offset on the wire was, a decoded instant is in UTC."""
    payload = {
        "connectorId": 1,
        "idTag": "TAG1",
        "meterStart": 0,
        "timestamp": "2024-06-03T14:00:00+02:00",
    }
    start = FACTORY.request("StartTransaction", payload)
    assert start.timestamp == NOON
    assert start.timestamp.tzinfo is UTC
    there = start.replace(timestamp=NOON.astimezone(timezone(timedelta(hours=9))))
    assert FACTORY.payload(there)["timestamp"] == "2024-06-03T12:00:00Z"


def test_empty_lists_and_missing_ones_are_different() -> None:
    """An empty list stays one, where it is allowed."""
    assert FACTORY.request("GetConfiguration", {}) == GetConfigurationRequest()
    assert FACTORY.request("GetConfiguration", {"key": []}) == GetConfigurationRequest(key=())
    assert FACTORY.payload(GetConfigurationResponse(unknown_key=())) == {"unknownKey": []}


def test_decoded_messages_are_like_built_ones() -> None:
    """Equal, of the same class, equally hashable and frozen."""
    decoded = FACTORY.request("Authorize", {"idTag": "TAG1"})
    built = AuthorizeRequest(id_tag="TAG1")
    assert (type(decoded), decoded, hash(decoded)) == (AuthorizeRequest, built, hash(built))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        decoded.id_tag = "TAG2"
    assert decoded.replace(id_tag="TAG2") == AuthorizeRequest(id_tag="TAG2")


def test_decoding_leaves_the_payload_alone() -> None:
    """The caller may go on using what it gave."""
    payload = {"key": ["A"]}
    FACTORY.request("GetConfiguration", payload)
    assert payload == {"key": ["A"]}


@pytest.mark.rule("A-04", "K-03")
def test_case_does_not_matter_in_cistrings() -> None:
    """Messages carry identifiers as they came; comparing is another thing."""
    assert FACTORY.request("Authorize", {"idTag": "TaG1"}).id_tag == "TaG1"
    assert same_cistring("TaG1", "tAg1")
    assert not same_cistring("TAG1", "TAG2")


def test_a_fault_that_nobody_can_name_is_refused_all_the_same() -> None:
    """Should the second look find nothing, the first no still counts."""
    found = explain_payload(AuthorizeRequest, {"idTag": "TAG1"})
    assert found.code == "FormationViolation"
    assert "AuthorizeRequest" in found.description
    assert "AuthorizeRequest" in str(explain_value(AuthorizeRequest(id_tag="TAG1")))


def test_only_messages_can_be_encoded() -> None:
    """Anything else is named, not written."""

    @attrs.frozen
    class Foreign:
        x: int = 1

    for thing in (object(), Foreign(), {"idTag": "TAG1"}, None, AuthorizeRequest):
        with pytest.raises(errors.InvalidMessage, match="is not declared as a message"):
            FACTORY.payload(thing)


WRONG: list[Any] = [
    None, True, 1, -1, 1.5, "", "x" * 600, b"x", "\ud800", 2**63, Decimal("1.25"), Decimal("NaN"),
    Decimal(3), datetime(2024, 6, 3), NOON, datetime.max.replace(tzinfo=timezone.max), (), [], {},
    ("x",), (None,), RegistrationStatus.PENDING, SampledValue(value="1"), object(),
    (SampledValue(value="1"),), [SampledValue(value="1")],
]  # fmt: skip


@pytest.mark.parametrize("declared", CLASSES, ids=lambda c: c.__name__)
def test_what_is_encoded_can_be_decoded(declared: type[Any]) -> None:
    """Past all checks, any value is put into any field: encoding refuses, or decoding accepts."""
    name = declared.action + ("" if declared.__name__.endswith("Request") else "Response")
    good = decode(declared, payloads.full(schema_oracle.amended(name)))
    for holder, path in holders(good):
        for field in fields_of(type(holder)):
            before = getattr(holder, field.name)
            for wrong in WRONG:
                object.__setattr__(holder, field.name, wrong)
                payload = encoded(good, f"{path}{field.name}")
                assert payload is None or decode(declared, payload) == good
            object.__setattr__(holder, field.name, before)


def encoded(message: Any, path: str) -> dict[str, Any] | None:
    """The payload; None if encoding refused and named the field."""
    try:
        return encode(message)
    except errors.InvalidMessage as refusal:
        if path not in str(refusal):
            raise
    return None


def holders(value: Any, path: str = "") -> list[tuple[Any, str]]:
    """The message and every value inside of it, with the path to its fields."""
    found = [(value, path)]
    for field in fields_of(type(value)):
        if not isinstance(field.kind, Nested):
            continue
        inner = getattr(value, field.name)
        if field.many is None:
            found += holders(inner, f"{path}{field.name}.")
        else:
            for index, item in enumerate(inner):
                found += holders(item, f"{path}{field.name}[{index}].")
    return found


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(
    id_tag=st.text(st.characters(codec="utf-8"), max_size=20) | st.none(),
    meter_stop=st.integers(-(2**63), 2**63 - 1),
    timestamp=st.datetimes(
        min_value=datetime(2, 1, 1),
        max_value=datetime(9998, 12, 31),
        timezones=st.timezones() | st.just(UTC),
    ),
)
def test_round_trip_of_built_messages(
    id_tag: str | None, meter_stop: int, timestamp: datetime
) -> None:
    """Build, encode, write, read, decode: the same message."""
    message = StopTransactionRequest(
        id_tag=id_tag, meter_stop=meter_stop, timestamp=timestamp, transaction_id=-1
    )
    frame = json.dumps(FACTORY.payload(message))
    assert FACTORY.request("StopTransaction", json.loads(frame)) == message


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(tenths=st.integers(-(10**15) + 10, 10**15 - 10))
def test_round_trip_of_decimals(tenths: int) -> None:
    """One decimal place survives JSON, at any size that is allowed."""
    period = ChargingSchedulePeriod(start_period=0, limit=Decimal(tenths) / 10)
    assert decode(ChargingSchedulePeriod, json.loads(json.dumps(encode(period)))) == period


def test_wrong_types_smuggled_in_are_found() -> None:
    """The check of the constructor is not the only one."""
    message = ChangeAvailabilityRequest(
        connector_id=1, type=FACTORY.request("ChangeAvailability", {
            "connectorId": 1, "type": "Operative"}).type,
    )  # fmt: skip
    object.__setattr__(message, "type", "Operative")
    with pytest.raises(errors.InvalidMessage, match=r"ityRequest\.type: 'Operative' is no"):
        FACTORY.payload(message)
    start = StartTransactionRequest(connector_id=1, id_tag="T", meter_start=0, timestamp=NOON)
    object.__setattr__(start, "timestamp", None)
    with pytest.raises(errors.InvalidMessage, match="timestamp: is None, but required"):
        FACTORY.payload(start)
