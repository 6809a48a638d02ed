"""Which fault becomes which word on the wire, which field is named, which of several faults."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from txocpp import errors
from txocpp.messages.v16 import MessageFactory16

FACTORY = MessageFactory16()

METER_VALUES: dict[str, Any] = {
    "connectorId": 1,
    "transactionId": 7,
    "meterValue": [
        {
            "timestamp": "2024-06-03T12:00:00Z",
            "sampledValue": [{"value": "1"}, {"value": "2", "unit": "kWh"}],
        }
    ],
}
PROFILE: dict[str, Any] = {
    "connectorId": 1,
    "csChargingProfiles": {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        },
    },
}
PERIOD = "csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0]"


def spoilt(payload: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the payload with another value at a path; `...` removes what is there."""
    changed = copy.deepcopy(payload)
    steps = path.replace("[", ".[").split(".")
    place: Any = changed
    for step in steps[:-1]:
        place = place[int(step[1:-1]) if step.startswith("[") else step]
    last = int(steps[-1][1:-1]) if steps[-1].startswith("[") else steps[-1]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


def refusal(action: str, payload: object) -> errors.CallRefused:
    with pytest.raises(errors.CallRefused) as caught:
        FACTORY.request(action, payload)
    return caught.value


@pytest.mark.rule("J-20")
@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("connectorId", ..., "ProtocolError"),
        ("meterValue", ..., "ProtocolError"),
        ("meterValue[0].sampledValue[1].value", ..., "ProtocolError"),
        ("connectorId", "1", "TypeConstraintViolation"),
        ("connectorId", True, "TypeConstraintViolation"),
        ("connectorId", 1.0, "TypeConstraintViolation"),
        ("connectorId", None, "TypeConstraintViolation"),
        ("transactionId", None, "TypeConstraintViolation"),
        ("meterValue", {}, "TypeConstraintViolation"),
        ("meterValue[0]", [], "TypeConstraintViolation"),
        ("meterValue[0]", None, "TypeConstraintViolation"),
        ("meterValue[0].timestamp", 1717416000, "TypeConstraintViolation"),
        ("meterValue[0].sampledValue[0].value", 230.4, "TypeConstraintViolation"),
        ("meterValue[0].sampledValue[1].unit", ["Wh"], "TypeConstraintViolation"),
        ("connectorId", -1, "PropertyConstraintViolation"),
        ("transactionId", 2**63, "PropertyConstraintViolation"),
        ("meterValue[0].timestamp", "yesterday", "PropertyConstraintViolation"),
        ("meterValue[0].sampledValue[1].unit", "Joule", "PropertyConstraintViolation"),
        ("meterValue[0].sampledValue[1].unit", "wh", "PropertyConstraintViolation"),
        ("meterValue[0].sampledValue[1].value", "\ud800", "PropertyConstraintViolation"),
        ("color", "red", "FormationViolation"),
        ("meterValue[0].color", "red", "FormationViolation"),
        ("meterValue[0].sampledValue[1].color", "red", "FormationViolation"),
        ("meterValue", [], "OccurenceConstraintViolation"),
        ("meterValue[0].sampledValue", [], "OccurenceConstraintViolation"),
    ],
)
def test_one_fault_has_one_name(path: str, value: Any, code: str) -> None:
    """Each kind of fault has its code, and the path of the field is told."""
    found = refusal("MeterValues", spoilt(METER_VALUES, path, value))
    assert found.code == code
    assert found.details == {"field": path}
    assert found.description.startswith(f"{path}: ")


@pytest.mark.rule("J-20", "SR-602", "SR-603", "SR-611", "SR-615")
@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("connectorId", -1, "PropertyConstraintViolation"),
        ("csChargingProfiles.stackLevel", -1, "PropertyConstraintViolation"),
        ("csChargingProfiles.chargingProfileKind", "Once", "PropertyConstraintViolation"),
        (
            "csChargingProfiles.chargingSchedule.chargingRateUnit",
            "kW",
            "PropertyConstraintViolation",
        ),
        (f"{PERIOD}.limit", 10.55, "PropertyConstraintViolation"),
        (f"{PERIOD}.limit", float("inf"), "PropertyConstraintViolation"),
        (f"{PERIOD}.limit", float("nan"), "PropertyConstraintViolation"),
        (f"{PERIOD}.limit", 1e14, "PropertyConstraintViolation"),
        (f"{PERIOD}.limit", 10**400, "PropertyConstraintViolation"),
        (f"{PERIOD}.limit", "10", "TypeConstraintViolation"),
        (f"{PERIOD}.limit", True, "TypeConstraintViolation"),
        (PERIOD.removesuffix("[0]"), [], "OccurenceConstraintViolation"),
    ],
)
def test_charging_profiles_that_are_no_messages(path: str, value: Any, code: str) -> None:
    """Enumerations, decimals and empty schedules are refused before any charge point sees them."""
    found = refusal("SetChargingProfile", spoilt(PROFILE, path, value))
    assert (found.code, found.details["field"]) == (code, path)


@pytest.mark.rule("SR-613", "SR-614", "R-03", "U-05", "J-12")
def test_what_a_charge_point_answers_with_a_status() -> None:
    """Where the response has a status for it, a bad value is the charge point's to answer."""
    for path, value in (
        (f"{PERIOD}.limit", -1),
        (f"{PERIOD}.numberPhases", 4),
        (f"{PERIOD}.startPeriod", -60),
        ("csChargingProfiles.chargingSchedule.duration", -1),
        ("csChargingProfiles.transactionId", 7),
    ):
        FACTORY.request("SetChargingProfile", spoilt(PROFILE, path, value))
    FACTORY.request("RemoteStartTransaction", {"connectorId": 0, "idTag": "TAG1"})
    FACTORY.request("UnlockConnector", {"connectorId": 0})


def test_of_several_faults_always_the_same_one() -> None:
    """Outer objects before inner ones; missing, then unknown, then each field in its order."""
    payload = {
        "zzz": 1,
        "meterValue": [{"sampledValue": [{"unit": "?"}], "aaa": 1}],
    }
    named = []
    for path, value in (
        ("connectorId", "1"),
        ("zzz", ...),
        ("connectorId", 1),
        ("meterValue[0].timestamp", 0),
        ("meterValue[0].aaa", ...),
        ("meterValue[0].timestamp", "2024-06-03T12:00:00Z"),
        ("meterValue[0].sampledValue[0].value", "1"),
        ("meterValue[0].sampledValue[0].unit", "Wh"),
    ):
        found = refusal("MeterValues", payload)
        named.append((found.details["field"], found.code))
        payload = spoilt(payload, path, value)
    FACTORY.request("MeterValues", payload)
    assert named == [
        ("connectorId", "ProtocolError"),
        ("zzz", "FormationViolation"),
        ("connectorId", "TypeConstraintViolation"),
        ("meterValue[0].timestamp", "ProtocolError"),
        ("meterValue[0].aaa", "FormationViolation"),
        ("meterValue[0].timestamp", "TypeConstraintViolation"),
        ("meterValue[0].sampledValue[0].value", "ProtocolError"),
        ("meterValue[0].sampledValue[0].unit", "PropertyConstraintViolation"),
    ]


@pytest.mark.parametrize("payload", [[], [{}], "", "{}", 0, 1.5, True, False])
def test_a_payload_has_to_be_an_object(payload: object) -> None:
    """Anything but an object is no payload."""
    found = refusal("Heartbeat", payload)
    assert found.code == "FormationViolation"
    assert "not an object" in found.description


@pytest.mark.rule("J-11")
def test_null_stands_for_an_empty_payload() -> None:
    """Null is taken for {}, also where {} is not enough."""
    assert FACTORY.request("Heartbeat", None) == FACTORY.request("Heartbeat", {})
    assert FACTORY.response("StatusNotification", None) is not None
    assert refusal("Authorize", None).code == "ProtocolError"


@pytest.mark.rule("J-22")
@pytest.mark.parametrize("action", ["Dance", "authorize", "Authorize.req", "/Authorize", ""])
def test_unknown_actions(action: str) -> None:
    """Actions are known by their exact name only (J-04)."""
    assert FACTORY.request_type(action) is None
    assert refusal(action, {}).code == "NotImplemented"
    with pytest.raises(errors.NotImplementedByUs):
        FACTORY.response(action, {})


def test_the_words_are_fit_to_be_sent_and_logged() -> None:
    """Descriptions stay short, are clean text, and repeat no more than a little of a value."""
    long_unit = spoilt(METER_VALUES, "meterValue[0].sampledValue[1].unit", "x" * 10_000)
    assert len(refusal("MeterValues", long_unit).description) <= 255
    strange = refusal("Heartbeat", {"\ud800\n" + "y" * 10_000: 1})
    strange.description.encode()
    assert strange.description.isascii()
    assert len(strange.details["field"]) <= 50
    secret = refusal("ChangeConfiguration", {"key": "AuthorizationKey", "value": "s3cret" * 100})
    assert "s3cret" not in secret.description


def test_many_measurands_are_named_one_by_one() -> None:
    """A wrong enumeration value is answered with those that are allowed."""
    found = refusal("Reset", {"type": "Gentle"})
    assert found.description == "type: 'Gentle' is not one of Hard, Soft"


def test_huge_and_deep_payloads_are_refused_quickly() -> None:
    """Whatever a parser lets through is judged without descending into what nobody knows."""
    deep: Any = {}
    for _ in range(100_000):
        deep = [deep]
    found = refusal("Authorize", {"idTag": deep})
    assert found.code == "TypeConstraintViolation"
    wide = {f"p{n}": n for n in range(100_000)}
    assert refusal("Heartbeat", wide).code == "FormationViolation"
    while deep:
        deep = deep.pop()
