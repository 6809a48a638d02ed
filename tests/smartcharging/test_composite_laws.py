"""Laws of the composite, tried on random stations against an evaluation second by second.

The normal run takes some hundred examples. A campaign takes as many as one likes::

    TXOCPP_EXAMPLES=20000 pytest tests/smartcharging/test_composite_laws.py
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from naive import naive_limit
from strategies import NEAR_S, World, installed, near, profiles, steady, units, worlds

from txocpp.smartcharging import (
    Composite,
    Purpose,
    RateUnit,
    Schedule,
    Switches,
    amperes,
)

NORMAL_RUN = 700
"""Examples of all laws together, unless there are to be more."""
CAMPAIGN = int(os.environ.get("TXOCPP_EXAMPLES", "0"))


def examples(number: int) -> settings:
    """So many examples; in a campaign its share of the whole, other ones in every run."""
    if not CAMPAIGN:
        return steady(number)
    return settings(steady(-(-CAMPAIGN * number // NORMAL_RUN)), derandomize=False)


def composite(world: World) -> Composite:
    return Composite(world.stack, world.station, world.switches, world.zone)


def at_second(schedule: Schedule, second: int) -> tuple[Decimal, int | None]:
    period = [one for one in schedule.periods if one.start_s <= second][-1]
    return period.limit, period.phases


def naive(
    world: World, connector: int, at: datetime, asked_at: datetime, unit: RateUnit
) -> tuple[Decimal, int | None]:
    return naive_limit(
        list(world.stack), world.station, world.switches, connector, at,
        asked_at=asked_at, unit=unit, zone=world.zone,
    )  # fmt: skip


def some_connector(data: st.DataObject, world: World) -> int:
    return data.draw(st.sampled_from([0, 1, *world.station.connectors]), label="connector")


def some_start(data: st.DataObject, world: World) -> datetime:
    return world.anchor + timedelta(seconds=data.draw(near, label="start"))


@pytest.mark.rule(
    "SR-201", "SR-202", "SR-203", "SR-204", "SR-205", "SR-206", "SR-207", "SR-208", "SR-209",
    "SR-210", "SR-211", "SR-212", "SR-213", "SR-301", "SR-304", "SR-401", "SR-402", "SR-403",
    "SR-404", "SR-405", "SR-407", "SR-411", "SR-412", "SR-413", "SR-414", "SR-501", "SR-508",
)  # fmt: skip
@examples(200)
@given(world=worlds(), unit=units, length=st.integers(0, 2 * NEAR_S), data=st.data())
def test_every_second_is_as_the_rules_say(
    world: World, unit: RateUnit, length: int, data: st.DataObject
) -> None:
    """A schedule agrees with the rules applied anew for each of its seconds."""
    connector, start = some_connector(data, world), some_start(data, world)
    schedule = composite(world).schedule(connector, start, length, unit)
    assert schedule.periods[0].start_s == 0
    for before, after in zip(schedule.periods, schedule.periods[1:], strict=False):
        assert before.start_s < after.start_s < max(length, 1)
        assert before[1:] != after[1:]
    for second in range(max(length, 1)):
        at = start + timedelta(seconds=second)
        assert at_second(schedule, second) == naive(world, connector, at, start, unit), at


@examples(60)
@given(world=worlds(), unit=units, days=st.integers(1, 40), data=st.data())
def test_long_windows_are_as_the_rules_say(
    world: World, unit: RateUnit, days: int, data: st.DataObject
) -> None:
    """Over weeks, before and behind every change and at random seconds, the rules agree."""
    connector, start = some_connector(data, world), some_start(data, world)
    length = days * 86_400 + 77
    schedule = composite(world).schedule(connector, start, length, unit)
    edges = [period.start_s for period in schedule.periods]
    picked = data.draw(st.lists(st.integers(0, length - 1), max_size=20), label="seconds")
    for second in sorted({*edges[:60], *(edge - 1 for edge in edges[1:60]), *picked}):
        at = start + timedelta(seconds=second)
        assert at_second(schedule, second) == naive(world, connector, at, start, unit), at


@examples(60)
@given(world=worlds(), unit=units, data=st.data())
def test_a_single_answer_agrees_with_the_schedule(
    world: World, unit: RateUnit, data: st.DataObject
) -> None:
    """Limit, phases and reason at an instant are those of the schedule asked at the same time."""
    connector, start = some_connector(data, world), some_start(data, world)
    second = data.draw(st.integers(0, NEAR_S), label="second")
    made = composite(world)
    at = start + timedelta(seconds=second)
    limit = made.limit_at(connector, at, unit, asked_at=start)
    schedule = made.schedule(connector, start, NEAR_S + 1, unit)
    assert (limit.limit, limit.phases) == at_second(schedule, second)
    assert limit.explanation.decided_by.limit == limit.limit
    assert all(other.limit >= limit.limit for other in limit.explanation.others)
    assert limit.explanation.text.startswith(f"{limit.limit:f} {unit} because ")


@examples(60)
@given(world=worlds(), unit=units, data=st.data())
def test_the_next_change_is_the_next_boundary(
    world: World, unit: RateUnit, data: st.DataObject
) -> None:
    """Nothing changes before the next change; at it, something does; None means never."""
    connector, start = some_connector(data, world), some_start(data, world)
    made = composite(world)
    change = made.next_change(connector, start, unit)
    schedule = made.schedule(connector, start, 400 * 86_400, unit)
    if change is None:
        assert len(schedule.periods) == 1
    elif len(schedule.periods) > 1:
        assert change == schedule.start + timedelta(seconds=schedule.periods[1].start_s)
    else:
        assert change >= schedule.start + timedelta(seconds=schedule.duration_s)


@examples(40)
@given(world=worlds(), unit=units, length=st.integers(2, 90_000), data=st.data())
def test_a_window_cut_in_two_is_the_same_window(
    world: World, unit: RateUnit, length: int, data: st.DataObject
) -> None:
    """The schedules of two adjoining windows, joined, are the schedule of the whole."""
    connector, start = some_connector(data, world), some_start(data, world)
    cut = data.draw(st.integers(1, length - 1), label="cut")
    made = composite(world)
    whole = made.schedule(connector, start, length, unit)
    first = made.schedule(connector, start, cut, unit)
    then = start + timedelta(seconds=cut)
    second = made.schedule(connector, then, length - cut, unit, asked_at=start)
    moved = [one._replace(start_s=one.start_s + cut) for one in second.periods]
    if moved[0][1:] == first.periods[-1][1:]:
        del moved[0]
    assert whole.periods == (*first.periods, *moved)


@pytest.mark.rule("SR-401", "SR-414", "SR-709")
@examples(40)
@given(world=worlds(st.just(Switches())), data=st.data())
def test_never_above_a_maximum(world: World, data: st.DataObject) -> None:
    """No composite, of a connector or of the station, exceeds a maximum that applies."""
    start = some_start(data, world)
    connector = some_connector(data, world)
    made = composite(world)
    for second in range(0, NEAR_S, 7):
        at = start + timedelta(seconds=second)
        for unit in RateUnit:
            limit = made.limit_at(connector, at, unit)
            allowed = [limit.explanation.decided_by, *limit.explanation.others]
            assert limit.limit == min(one.limit for one in allowed)
            assert limit.limit <= world.station.local_limit_a(connector) or unit is RateUnit.W
            for one in allowed:
                profile = one.installed.profile if one.installed else None
                if profile is not None and profile.unit is unit:
                    assert limit.limit <= max(period.limit for period in profile.periods)


def without_maxima(world: World) -> World:
    purpose = Purpose.CHARGE_POINT_MAX_PROFILE
    return attrs.evolve(world, stack=world.stack.clear(purpose=purpose).stack)


def with_maximum(data: st.DataObject, world: World, **kind: Any) -> Composite:
    """The world with a ChargePointMaxProfile."""
    only = st.just(Purpose.CHARGE_POINT_MAX_PROFILE)
    profile = data.draw(profiles(world.anchor, 99, only, **kind), label="maximum")
    one = data.draw(installed(world.anchor, world.station, profile), label="installed")
    return composite(attrs.evolve(world, stack=world.stack.put(one).stack))


READINGS_WITH_CAP = st.builds(
    Switches, tx_profile_hides_tx_default=st.booleans(), recur_backwards=st.booleans()
)


@pytest.mark.rule("SR-401", "SR-412")
@examples(40)
@given(world=worlds(READINGS_WITH_CAP), data=st.data())
def test_a_maximum_never_raises_the_power(world: World, data: st.DataObject) -> None:
    """A ChargePointMaxProfile leaves or lowers the power at every second."""
    world = without_maxima(world)
    connector, start = some_connector(data, world), some_start(data, world)
    free = composite(world).schedule(connector, start, NEAR_S, RateUnit.W)
    bound = with_maximum(data, world).schedule(connector, start, NEAR_S, RateUnit.W)
    for second in range(NEAR_S):
        assert at_second(bound, second)[0] <= at_second(free, second)[0]


@pytest.mark.rule("SR-401", "SR-412")
@examples(40)
@given(world=worlds(READINGS_WITH_CAP), data=st.data())
def test_a_maximum_never_raises_the_current_unless_it_takes_phases(
    world: World, data: st.DataObject
) -> None:
    """A ChargePointMaxProfile on no fewer phases leaves or lowers the current at every second."""
    world = without_maxima(world)
    connector, start = some_connector(data, world), some_start(data, world)
    free = composite(world).schedule(connector, start, NEAR_S, RateUnit.A)
    on_all = st.sampled_from([None, 3])
    bound = with_maximum(data, world, numbers_of_phases=on_all).schedule(
        connector, start, NEAR_S, RateUnit.A
    )
    for second in range(NEAR_S):
        assert at_second(bound, second)[0] <= at_second(free, second)[0]


@pytest.mark.rule("SR-411", "SR-412", "SR-414")
@examples(40)
@given(world=worlds(st.just(Switches())), data=st.data())
def test_amperes_and_watts_agree(world: World, data: st.DataObject) -> None:
    """On hardware with three phases the answer in A is the answer in W, converted and cut."""
    assume(world.station.phases == 3)
    connector, start = data.draw(st.sampled_from(world.station.connectors)), world.anchor
    made = composite(world)
    in_a = made.schedule(connector, start, NEAR_S, RateUnit.A)
    in_w = made.schedule(connector, start, NEAR_S, RateUnit.W)
    voltage_v = world.station.voltage_v
    for second in range(NEAR_S):
        (current_a, phases), (power_w, same) = at_second(in_a, second), at_second(in_w, second)
        assert phases == same
        number = phases or 3
        # The watts were cut as well, so they may lack up to a tenth of a watt.
        lowest = amperes(power_w, voltage_v=voltage_v, phases=number)
        highest = amperes(power_w + Decimal("0.1"), voltage_v=voltage_v, phases=number)
        assert lowest <= current_a <= highest


@pytest.mark.rule("SR-631", "SR-632", "SR-633")
@examples(40)
@given(world=worlds(), data=st.data())
def test_replacing_a_profile_by_itself_changes_nothing(world: World, data: st.DataObject) -> None:
    """Installing again what is installed leaves every composite as it was."""
    assume(len(world.stack) > 0)
    one = data.draw(st.sampled_from(world.stack.profiles))
    again = world.stack.put(one)
    assert again.removed == (one,)
    before = composite(world)
    after = Composite(again.stack, world.station, world.switches, world.zone)
    for connector in (0, *world.station.connectors):
        for unit in RateUnit:
            assert after.schedule(connector, world.anchor, 90_000, unit) == before.schedule(
                connector, world.anchor, 90_000, unit
            )


@pytest.mark.rule("SR-713")
@examples(40)
@given(world=worlds(), data=st.data())
def test_pruning_changes_no_composite(world: World, data: st.DataObject) -> None:
    """Deleting expired profiles changes nothing from now on, in any reading."""
    now = some_start(data, world)
    pruned = world.stack.prune(now).stack
    after = Composite(pruned, world.station, world.switches, world.zone)
    for connector in (0, *world.station.connectors):
        whole = composite(world).schedule(connector, now, 10 * 86_400)
        assert after.schedule(connector, now, 10 * 86_400) == whole


@pytest.mark.rule("SR-707")
@examples(40)
@given(world=worlds())
def test_the_store_gives_back_what_it_was_given(world: World) -> None:
    """Profiles written as JSON and read again say the same at every second."""
    stack = type(world.stack).from_documents(world.stack.to_documents())
    assert {one.profile_id: one for one in stack} == {one.profile_id: one for one in world.stack}
