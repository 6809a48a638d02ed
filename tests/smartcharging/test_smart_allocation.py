"""Sharing one limit: fair, never too much, nobody left out for ever."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smart_stations import NOON
from strategies import steady

from txocpp.smartcharging import Claim, share, turn_at


def claim(
    connector_id: int,
    maximum_a: float | str = 32,
    lines: tuple[int, ...] = (1, 2, 3),
    minimum_a: int = 6,
) -> Claim:
    return Claim(
        connector_id=connector_id,
        maximum_a=Decimal(str(maximum_a)),
        lines=lines,
        minimum_a=Decimal(minimum_a),
    )


def shares(limit_a: int | list[int], *claims: Claim, turn: int = 0) -> list[Decimal]:
    room = Decimal(limit_a) if isinstance(limit_a, int) else [Decimal(one) for one in limit_a]
    return list(share(room, claims, turn=turn).values())


@pytest.mark.rule("SR-709")
def test_equal_claims_get_equal_shares() -> None:
    """32 A for two is 16 A each; for three it is 10.6 A, cut down."""
    assert shares(32, claim(1), claim(2)) == [16, 16]
    assert shares(32, claim(1), claim(2), claim(3)) == [Decimal("10.6")] * 3


@pytest.mark.rule("SR-709")
def test_what_one_cannot_use_goes_to_the_others() -> None:
    """A car that takes 8 A leaves the rest to the one that takes more."""
    assert shares(32, claim(1, 8), claim(2)) == [8, 24]
    assert shares(32, claim(1, 8), claim(2, 10)) == [8, 10]


@pytest.mark.rule("SR-709", "SR-710")
def test_too_little_for_all_pauses_some_in_turn() -> None:
    """At 20 A three of four cars charge; who pauses changes with the turn."""
    four = [claim(number) for number in (1, 2, 3, 4)]
    for turn in range(8):
        found = shares(20, *four, turn=turn)
        assert sorted(found) == [0, Decimal("6.6"), Decimal("6.6"), Decimal("6.6")]
        assert found[(turn + 3) % 4] == 0


@pytest.mark.rule("SR-710")
def test_less_than_the_floor_pauses_all() -> None:
    """Below 6 A nobody can charge; a car that may not have 6 A pauses too."""
    assert shares(5, claim(1)) == [0]
    assert shares(32, claim(1, "5.9"), claim(2)) == [0, 32]
    assert shares(0, claim(1, 0, minimum_a=0)) == [0]


@pytest.mark.rule("SR-709")
def test_lines_are_looked_after_one_by_one() -> None:
    """A full line holds back those on it, and only those."""
    found = shares([16, 32, 32], claim(1, lines=(1,)), claim(2, lines=(2,)), claim(3))
    assert found == [8, 24, 8]


def test_a_box_with_one_current_takes_all_of_it_or_nothing() -> None:
    """A relay behind a 16 A fuse has floor and maximum 16 A."""
    relay = claim(1, 16, minimum_a=16)
    assert shares(32, relay, claim(2)) == [16, 16]
    assert shares(20, relay, claim(2)) == [16, 0]
    assert shares(20, relay, claim(2), turn=1) == [0, 20]


def test_nobody_claims() -> None:
    """Nothing is shared among nobody."""
    assert share(Decimal(32), []) == {}


def test_turns_change_on_the_clock() -> None:
    """Every quarter of an hour by default, for everybody at the same time."""
    assert turn_at(NOON + timedelta(seconds=899)) == turn_at(NOON)
    assert turn_at(NOON + timedelta(seconds=900)) == turn_at(NOON) + 1
    assert turn_at(NOON + timedelta(seconds=60), every_s=60) == turn_at(NOON, every_s=60) + 1


@st.composite
def claims(draw: st.DrawFn) -> list[Claim]:
    lines = st.sampled_from([(1,), (2,), (3,), (1, 2), (1, 2, 3), (1, 2, 3)])
    return [
        claim(number, str(Decimal(draw(st.integers(0, 400))) / 10), draw(lines), draw(floor))
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]


floor = st.sampled_from([6, 6, 6, 8, 16])
rooms = st.lists(
    st.integers(0, 640).map(lambda tenths: Decimal(tenths) / 10), min_size=3, max_size=3
)
TENTH = Decimal("0.1")


@pytest.mark.rule("SR-709")
@steady()
@given(room=rooms, claiming=claims(), turn=st.integers(0, 20))
def test_laws_of_sharing(room: list[Decimal], claiming: list[Claim], turn: int) -> None:
    """No line is overdrawn, nobody gets more than the own maximum or less than the floor without
    pausing, and nobody could get more without taking from somebody who has no more."""
    found = share(room, claiming, turn=turn)
    assert share(room, claiming[::-1], turn=turn) == found
    drawn = {
        line: sum((found[c.connector_id] for c in claiming if line in c.lines), Decimal(0))
        for line in (1, 2, 3)
    }
    assert all(drawn[line] <= room[line - 1] for line in drawn)
    for one in claiming:
        amount = found[one.connector_id]
        assert amount == 0 or one.minimum_a <= amount <= one.maximum_a
        if amount == 0:
            could = one.maximum_a >= one.minimum_a and all(
                room[line - 1] - drawn_at_floors(line, claiming, found) >= one.minimum_a
                for line in one.lines
            )
            assert not could
        elif amount < one.maximum_a - TENTH:
            assert any(is_bottleneck(line, one, claiming, found, drawn, room) for line in one.lines)


def drawn_at_floors(line: int, claiming: list[Claim], found: dict[int, Decimal]) -> Decimal:
    charging = (c for c in claiming if line in c.lines and found[c.connector_id] > 0)
    return sum((c.minimum_a for c in charging), Decimal(0))


def is_bottleneck(
    line: int,
    one: Claim,
    claiming: list[Claim],
    found: dict[int, Decimal],
    drawn: dict[int, Decimal],
    room: list[Decimal],
) -> bool:
    """The line is full, and nobody on it has more than this one, except at the own floor."""
    there = [c for c in claiming if line in c.lines]
    full = room[line - 1] - drawn[line] < TENTH * len(there)
    mine = found[one.connector_id]
    return full and all(found[c.connector_id] <= max(mine, c.minimum_a) + TENTH for c in there)


@steady()
@given(room=rooms, claiming=claims())
def test_everybody_who_could_charge_alone_gets_a_turn(
    room: list[Decimal], claiming: list[Claim]
) -> None:
    """Over as many turns as there are claims, nobody who fits is left out."""
    rounds = [share(room, claiming, turn=turn) for turn in range(len(claiming))]
    for one in claiming:
        fits = one.minimum_a <= one.maximum_a and all(
            room[line - 1] >= one.minimum_a for line in one.lines
        )
        assert any(found[one.connector_id] > 0 for found in rounds) == fits
