"""The status table of a connector, and what makes a status."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.chargepoint.connector import (
    STATION,
    TRANSITIONS,
    Facts,
    Flow,
    Status,
    route,
    status,
    way,
)

FORBIDDEN = """
Available: Finishing
Preparing: Reserved Unavailable
Charging: Preparing Reserved
SuspendedEV: Preparing Reserved
SuspendedEVSE: Preparing Reserved
Finishing: Charging SuspendedEV SuspendedEVSE Reserved
Reserved: Charging SuspendedEV SuspendedEVSE Finishing
Unavailable: Finishing Reserved
Faulted:
"""
"""The table of the specification, told by what it forbids."""

facts = st.builds(
    Facts,
    fault=st.booleans(),
    operative=st.booleans(),
    flow=st.none() | st.sampled_from(Flow),
    granted=st.booleans(),
    plugged=st.booleans(),
    finished=st.booleans(),
    reserved=st.booleans(),
)


@pytest.mark.rule("S-01")
def test_the_table_is_that_of_the_specification() -> None:
    """Every pair of different statuses is allowed, except those that the table crosses out."""
    crossed_out = {
        (Status(before.strip()), Status(after))
        for before, _, row in (line.partition(":") for line in FORBIDDEN.strip().splitlines())
        for after in row.split()
    }
    allowed = {(before, after) for before in Status for after in TRANSITIONS[before]}
    assert (
        allowed
        == {pair for pair in product(Status, repeat=2) if pair[0] is not pair[1]} - crossed_out
    )


@pytest.mark.rule("S-01")
@pytest.mark.parametrize(("before", "after"), list(product(Status, repeat=2)))
def test_every_route_keeps_to_the_table(before: Status, after: Status) -> None:
    """However far apart two statuses are, each step that is told is allowed, and none is vain."""
    steps = route(before, after)
    for here, there in zip((before, *steps), steps, strict=False):
        assert there in TRANSITIONS[here]
    assert (steps[-1] if steps else before) is after
    assert len(steps) <= 2


@pytest.mark.rule("S-01")
@given(st.sets(st.sampled_from(Status), min_size=1), st.sampled_from(Status))
def test_a_way_is_allowed_whatever_was_heard_last(possible: set[Status], after: Status) -> None:
    """Whoever may have heard any of several statuses last is led to the new one step by step."""
    steps = way(possible, after)
    for origin in possible:
        here = origin
        for there in steps:
            assert here is there or there in TRANSITIONS[here]
            here = there
    assert steps[-1] is after


def test_a_route_goes_by_what_happened() -> None:
    """What lies between two statuses is told as somebody at the station would have seen it."""
    assert route(Status.FINISHING, Status.CHARGING) == (Status.PREPARING, Status.CHARGING)
    assert route(Status.CHARGING, Status.RESERVED) == (Status.AVAILABLE, Status.RESERVED)
    assert route(Status.PREPARING, Status.UNAVAILABLE) == (Status.AVAILABLE, Status.UNAVAILABLE)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Facts(), "Available"),
        (Facts(plugged=True), "Preparing"),
        (Facts(granted=True), "Preparing"),
        (Facts(plugged=True, flow=Flow.FLOWING), "Charging"),
        (Facts(plugged=True, flow=Flow.NOT_TAKEN), "SuspendedEV"),
        (Facts(plugged=True, flow=Flow.HELD_BACK), "SuspendedEVSE"),
        (Facts(plugged=True, finished=True), "Finishing"),
        (Facts(plugged=True, finished=True, granted=True), "Preparing"),
        (Facts(reserved=True), "Reserved"),
        (Facts(operative=False), "Unavailable"),
        (Facts(operative=False, plugged=True, flow=Flow.FLOWING), "Charging"),
        (Facts(fault=True, plugged=True, flow=Flow.FLOWING), "Faulted"),
        (Facts(fault=True, operative=False), "Faulted"),
    ],
)
def test_a_status_follows_from_the_facts(known: Facts, expected: str) -> None:
    """Each situation has its status."""
    assert status(known, Status.AVAILABLE) == expected


def test_a_car_without_the_reserved_tag_leaves_the_reservation() -> None:
    """Reserved stays Reserved when a car is plugged in without the reserved tag."""
    assert status(Facts(reserved=True, plugged=True), Status.RESERVED) is Status.RESERVED
    assert status(Facts(reserved=True, granted=True), Status.RESERVED) is Status.PREPARING


@pytest.mark.parametrize("before", [Status.CHARGING, Status.SUSPENDED_EV, Status.SUSPENDED_EVSE])
def test_a_fresh_offer_changes_nothing_yet(before: Status) -> None:
    """Until the car has had time to follow, the status of a running transaction stays."""
    assert status(Facts(plugged=True, flow=Flow.BEGINNING), before) is before
    assert status(Facts(plugged=True, flow=Flow.BEGINNING), Status.RESERVED) is Status.PREPARING


@given(facts, st.sampled_from(Status))
def test_every_situation_has_a_status(known: Facts, before: Status) -> None:
    """No combination of facts is without a status, and faults come before everything."""
    assert (status(known, before) is Status.FAULTED) == known.fault


@pytest.mark.rule("S-02")
def test_the_station_itself_knows_three() -> None:
    """Connector 0 is Available, Unavailable or Faulted."""
    assert {s.value for s in STATION} == {"Available", "Unavailable", "Faulted"}
