"""Limits that move from one car to another."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from txocpp.chargepoint.handover import FOLLOWING, Handover

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
AMPERES = st.integers(0, 32).map(Decimal)


def test_a_lower_limit_counts_for_another_five_seconds() -> None:
    """What one car has to give is given to the other five seconds later."""
    handover = Handover()
    shares = {1: Decimal(0), 2: Decimal(20)}
    offered = handover.offers(shares, {1: Decimal(10), 2: Decimal(10)}, [1, 2], Decimal(20), NOW)
    assert offered == {1: 0, 2: 10}
    assert handover.next_end() == NOW + FOLLOWING
    offered = handover.offers(shares, offered, [1, 2], Decimal(20), NOW + FOLLOWING)
    assert offered == shares
    assert handover.next_end() is None


def test_nobody_waits_where_there_is_enough() -> None:
    """Below the ceiling a limit is raised at once."""
    shares = {1: Decimal(6), 2: Decimal(20)}
    present = {1: Decimal(10), 2: Decimal(10)}
    assert Handover().offers(shares, present, [1, 2], Decimal(40), NOW) == shares


@given(
    steps=st.lists(st.tuples(st.integers(0, 7), AMPERES, AMPERES, AMPERES), min_size=1, max_size=20)
)
def test_cars_that_take_their_time_never_draw_too_much(
    steps: list[tuple[int, Decimal, Decimal, Decimal]],
) -> None:
    """Whatever shares follow each other, the limits of the last five seconds stay below the
    ceiling together."""
    ceiling = Decimal(32)
    handover = Handover()
    now, present = NOW, {c: Decimal(0) for c in (1, 2, 3)}
    history: list[tuple[datetime, dict[int, Decimal]]] = []
    for pause_s, *wishes in steps:
        now += timedelta(seconds=pause_s)
        total = sum(wishes, Decimal(0))
        scale = min(Decimal(1), ceiling / total) if total else Decimal(1)
        shares = {c: wish * scale for c, wish in zip((1, 2, 3), wishes, strict=True)}
        offered = handover.offers(shares, present, [1, 2, 3], ceiling, now)
        assert all(offered[c] <= max(shares[c], present[c]) for c in shares)
        history.append((now, present))
        recent = [limits for until, limits in history if until > now - FOLLOWING]
        drawn = [max(offered[c], *(limits[c] for limits in recent)) for c in shares]
        assert sum(drawn) <= ceiling + Decimal("0.0000001")
        present = offered
