"""Share one limit among several EVSEs, so that their sum stays below it (SR-709).

Max-min fair: nobody can get more without somebody who has less getting even less. A car cannot
charge below its floor (6 A by IEC 61851-1), so where the limit does not suffice for all, some
pause; who, rotates with the turn. Phases are looked after one by one, because a limit in amperes
holds for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import attrs

from txocpp.evse import MINIMUM_CURRENT_A
from txocpp.smartcharging.instants import to_seconds
from txocpp.smartcharging.units import cut


@attrs.frozen(kw_only=True)
class Claim:
    """What one EVSE could use now."""

    connector_id: int
    maximum_a: Decimal
    """Its own composite limit, or less if car or cable take less; A per phase."""
    lines: tuple[int, ...] = (1, 2, 3)
    """The lines of the supply (1 to 3) that its phases in use are connected to."""
    minimum_a: Decimal = MINIMUM_CURRENT_A
    """Below this it pauses. For a box that only knows one current: that current."""


def share(
    limit_a: Decimal | Sequence[Decimal], claims: Sequence[Claim], *, turn: int = 0
) -> dict[int, Decimal]:
    """A per phase for every connector that claims, 0 for those that pause.

    ``limit_a`` is the limit of every line, or one limit for each of the lines 1, 2, 3. A higher
    ``turn`` moves the right of the first one up by one connector; see `turn_at`. The same
    arguments give the same shares, in whatever order the claims come.
    """
    room = _lines(limit_a)
    claims = sorted(claims, key=lambda claim: claim.connector_id)
    charging = _admitted(room, _rotated(claims, turn))
    shares = dict.fromkeys((claim.connector_id for claim in claims), Decimal(0))
    shares.update(_filled(room, charging))
    return shares


def turn_at(instant: datetime, every_s: int = 900) -> int:
    """The number of the turn at an instant, if turns change every ``every_s`` seconds."""
    return to_seconds(instant) // every_s


def _lines(limit_a: Decimal | Sequence[Decimal]) -> dict[int, Fraction]:
    limits = [limit_a] * 3 if isinstance(limit_a, Decimal) else list(limit_a)
    return {line: Fraction(limit) for line, limit in enumerate(limits, 1)}


def _rotated(claims: list[Claim], turn: int) -> list[Claim]:
    first = turn % len(claims) if claims else 0
    return claims[first:] + claims[:first]


def _admitted(room: Mapping[int, Fraction], claims: Sequence[Claim]) -> list[Claim]:
    """Those who may charge: in order, everybody whose floor still fits beside the others'."""
    left = dict(room)
    admitted = []
    for claim in claims:
        floor = Fraction(claim.minimum_a)
        if claim.maximum_a < claim.minimum_a or claim.maximum_a <= 0:
            continue
        if all(left[line] >= floor for line in claim.lines):
            admitted.append(claim)
            for line in claim.lines:
                left[line] -= floor
    return admitted


def _filled(room: Mapping[int, Fraction], admitted: Sequence[Claim]) -> dict[int, Decimal]:
    """Raise a common level until lines are full; who hangs on a full line stays there, the others
    rise on."""
    shares: dict[int, Fraction] = {}
    rising = list(admitted)
    while rising:
        levels = {line: _level_that_fills(line, room, admitted, shares) for line in room}
        level = min((one for one in levels.values() if one is not None), default=None)
        full = {line for line in room if level is not None and levels[line] == level}
        for claim in rising:
            if level is None or full.intersection(claim.lines):
                shares[claim.connector_id] = _at_level(claim, level)
        rising = [claim for claim in rising if claim.connector_id not in shares]
    return {connector_id: cut(amount) for connector_id, amount in shares.items()}


def _level_that_fills(
    line: int,
    room: Mapping[int, Fraction],
    admitted: Sequence[Claim],
    shares: Mapping[int, Fraction],
) -> Fraction | None:
    """The common level at which a line is full; None if those who still rise cannot fill it."""
    there = [claim for claim in admitted if line in claim.lines]
    rising = [claim for claim in there if claim.connector_id not in shares]
    left = room[line] - sum(shares.get(claim.connector_id, Fraction(0)) for claim in there)

    def drawn(level: Fraction | None) -> Fraction:
        return sum((_at_level(claim, level) for claim in rising), Fraction(0))

    if drawn(None) <= left:
        return None
    corners = {Fraction(c.minimum_a) for c in rising} | {Fraction(c.maximum_a) for c in rising}
    corner = max(level for level in corners if drawn(level) <= left)
    steepness = sum(claim.minimum_a <= corner < claim.maximum_a for claim in rising)
    return corner + (left - drawn(corner)) / steepness


def _at_level(claim: Claim, level: Fraction | None) -> Fraction:
    if level is None:
        return Fraction(claim.maximum_a)
    return max(Fraction(claim.minimum_a), min(level, Fraction(claim.maximum_a)))
