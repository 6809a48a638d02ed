"""The declarations as documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from txocpp.messages.declaration import Datatype
from txocpp.messages.describe import describe, reference
from txocpp.messages.v16 import MessageFactory16, StartTransactionRequest, types

ACTIONS = MessageFactory16().actions
REFERENCE = Path(__file__).parents[2] / "docs" / "messages-reference.md"


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_everything_is_documented(action: str) -> None:
    """Every message says what it is and where it stands; every field says what it means."""
    for declared in (ACTIONS[action], ACTIONS[action].response):
        assert declared.__doc__
        assert "§" in declared.__doc__ or "WP" in declared.__doc__
        for field in describe(declared):
            assert field.meaning, f"{declared.__name__}.{field.name}"


def test_datatypes_are_documented() -> None:
    """The same for what is inside of messages."""
    for found in vars(types).values():
        if isinstance(found, type) and issubclass(found, Datatype) and found is not Datatype:
            assert all(field.meaning for field in describe(found)), found


def test_a_field_is_described_by_its_declaration() -> None:
    """Name, wire name, rule, whether it is required, and the docstring."""
    first = describe(StartTransactionRequest)[0]
    assert (first.name, first.wire, first.required) == ("connector_id", "connectorId", True)
    assert first.rule == "whole number, at least 1"
    assert first.meaning == "Where."


def test_the_reference_is_up_to_date() -> None:
    """docs/messages-reference.md is what `python -m txocpp.messages.describe` prints."""
    assert REFERENCE.read_text("utf-8") == (
        reference("Messages of OCPP 1.6", ACTIONS.values()) + "\n"
    )
