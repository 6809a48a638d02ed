"""txocpp and the schemas of another project have to agree, payload by payload."""

from __future__ import annotations

import copy
import re
from typing import Any

import payloads
import pytest
import schema_oracle
from hypothesis import given, settings

from txocpp import errors
from txocpp.messages.v16 import MessageFactory16

FACTORY = MessageFactory16()


def decode(name: str, payload: object) -> Any:
    """Decode as request or as response, as the name of the schema says."""
    if name.endswith("Response"):
        return FACTORY.response(name.removesuffix("Response"), payload)
    return FACTORY.request(name, payload)


def agree(name: str, payload: object) -> None:
    """Both accept or both refuse; a refusal names one of the faults that the oracle sees."""
    faults = schema_oracle.verdicts(name, payload)
    if not faults:
        message = decode(name, payload)
        assert decode(name, FACTORY.payload(message)) == message
        return
    with pytest.raises(errors.CallRefused) as caught:
        decode(name, payload)
    where, code = caught.value.details["field"], caught.value.code
    assert (where, code) in faults, (payload, caught.value)
    if (where, "TypeConstraintViolation") in faults:
        assert code == "TypeConstraintViolation"


@pytest.mark.parametrize("name", schema_oracle.schema_names())
@pytest.mark.rule("J-16", "J-20")
def test_every_place_spoilt_once(name: str) -> None:
    """A full payload is good; with one thing done to it, in any place, both sides still agree."""
    schema = schema_oracle.amended(name)
    payload = payloads.full(schema)
    assert not schema_oracle.verdicts(name, payload)
    agree(name, payload)
    for mutation in payloads.mutations(payload, schema):
        agree(name, mutation)


@pytest.mark.parametrize("name", schema_oracle.schema_names())
def test_random_payloads(name: str) -> None:
    """Good payloads, and spoilt ones, are judged alike."""
    schema = schema_oracle.amended(name)

    @settings(max_examples=30, deadline=None, derandomize=True, database=None)
    @given(payload=payloads.good(schema) | payloads.spoiled(schema))
    def both_sides_agree(payload: object) -> None:
        agree(name, payload)

    both_sides_agree()


def test_all_schemas_are_there() -> None:
    """39 actions, each with a request and a response, no more and no less."""
    names = {f"{action}{part}" for action in FACTORY.actions for part in ("", "Response")}
    assert names == set(schema_oracle.schema_names())
    assert len(FACTORY.actions) == 28 + 11


@pytest.mark.parametrize("amendment", schema_oracle.AMENDMENTS, ids=lambda a: a.place)
def test_every_amendment_is_needed(amendment: schema_oracle.Amendment) -> None:
    """No amendment stands in the list that changes nothing."""
    changed = 0
    for name in schema_oracle.schema_names():
        if not re.fullmatch(amendment.schema, name):
            continue
        for place, part in schema_oracle.places(schema_oracle.published(name)):
            if re.fullmatch(amendment.place, place):
                before = repr(part)
                copied = copy.deepcopy(part)
                amendment.change(copied)
                changed += repr(copied) != before
    assert changed
    assert amendment.reason
