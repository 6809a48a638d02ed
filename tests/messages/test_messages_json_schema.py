"""JSON Schema of messages, as forms are made of it."""

from __future__ import annotations

from typing import Any

import pytest

from txocpp.messages.json_schema import json_schema
from txocpp.messages.v16 import MessageFactory16, SendLocalListRequest, SetChargingProfileRequest


def test_nested_objects_and_lists_stand_in_their_place() -> None:
    """With bounds, enumerations and meanings."""
    schema = json_schema(SetChargingProfileRequest)
    profile = schema["properties"]["csChargingProfiles"]
    periods = profile["properties"]["chargingSchedule"]["properties"]["chargingSchedulePeriod"]
    assert schema["required"] == ["connectorId", "csChargingProfiles"]
    assert profile["properties"]["chargingProfileKind"]["enum"] == [
        "Absolute",
        "Recurring",
        "Relative",
    ]
    assert periods["type"] == "array"
    assert periods["items"]["properties"]["limit"]["multipleOf"] == 0.1
    assert profile["description"]
    entries = json_schema(SendLocalListRequest)["properties"]["localAuthorizationList"]
    assert entries["items"]["properties"]["idTag"]["maxLength"] == 20


def documents(schema: dict[str, Any]) -> Any:
    """Every schema inside of a schema, and itself."""
    yield schema
    for inner in (*schema.get("properties", {}).values(), schema.get("items")):
        if inner is not None:
            yield from documents(inner)


@pytest.mark.parametrize("action", sorted(MessageFactory16().actions))
def test_every_message_has_one(action: str) -> None:
    """Each property has a type; what is required is a property."""
    request = MessageFactory16().actions[action]
    for declared in (request, request.response):
        for schema in documents(json_schema(declared)):
            assert schema["type"] in {"object", "array", "string", "integer", "number", "boolean"}
            assert set(schema.get("required", ())) <= set(schema.get("properties", ()))
