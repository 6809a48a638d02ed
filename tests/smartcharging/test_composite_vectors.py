"""The worked examples SC-01 to SC-32: composite schedules to the second and to the decimal."""

from __future__ import annotations

from typing import Any

import pytest
from smart_stations import VECTORS, instant, keys_of, rows, stack_of, station_of

from txocpp.smartcharging import (
    Composite,
    Purpose,
    RateUnit,
    Stack,
    Switches,
    read_profile,
)

BY_ID = {vector["id"]: vector for vector in VECTORS["vectors"]}
OTHER_READINGS = [
    pytest.param(vector, alternative, id=f"{vector['id']}-{'-'.join(alternative['choice'])}")
    for vector in VECTORS["vectors"]
    for alternative in vector.get("alternatives", [])
]


def asked(vector: dict[str, Any], stack: Stack, get: dict[str, Any], **choice: Any) -> list[Any]:
    composite = Composite(stack, station_of(vector), Switches(**choice))
    return rows(
        composite.schedule(
            get["connectorId"],
            instant(get["at"]),
            get["duration"],
            RateUnit(get["chargingRateUnit"]),
        )
    )


def taken(vector: dict[str, Any], stack: Stack, step: dict[str, Any]) -> Stack:
    """Do a set or clear step, check its answer, return the stack afterwards."""
    station, keys = station_of(vector), keys_of(vector)
    if "set" in step:
        entry = step["set"]
        outcome = stack.install(
            read_profile(entry["csChargingProfiles"]),
            entry["connectorId"],
            received_at=instant(entry["receivedAt"]),
            station=station,
            keys=keys,
        )
    else:
        wish = step["clear"]
        purpose = wish.get("chargingProfilePurpose")
        outcome = stack.clear(
            profile_id=wish.get("id"),
            connector_id=wish.get("connectorId"),
            purpose=purpose and Purpose(purpose),
            stack_level=wish.get("stackLevel"),
        )
    assert outcome.status == step["expect"]
    return outcome.stack


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=BY_ID)
def test_worked_example(vector: dict[str, Any]) -> None:
    """Every get, set and clear of the example gives what was worked out by hand."""
    stack = stack_of(vector["profiles"], station_of(vector), keys_of(vector))
    for step in vector["steps"]:
        if "get" in step:
            assert asked(vector, stack, step["get"]) == step["expect"]
        else:
            stack = taken(vector, stack, step)


@pytest.mark.parametrize(("vector", "alternative"), OTHER_READINGS)
def test_other_reading(vector: dict[str, Any], alternative: dict[str, Any]) -> None:
    """With a switch thrown, the example gives what other implementations give."""
    stack = stack_of(vector["profiles"], station_of(vector), keys_of(vector))
    wanted = alternative.get("step", 0)
    for step in vector["steps"][:wanted]:
        if "get" not in step:
            stack = taken(vector, stack, step)
    get = vector["steps"][wanted]["get"]
    assert asked(vector, stack, get, **alternative["choice"]) == alternative["expect"]


def test_nothing_of_the_vectors_is_left_out() -> None:
    """All 32 examples with their 79 checks and all 47 acceptance cases are here."""
    checks = sum(len(vector["steps"]) for vector in VECTORS["vectors"]) + len(OTHER_READINGS)
    assert (len(BY_ID), checks, len(VECTORS["acceptance"])) == (32, 79, 47)
