"""What a composite schedule costs in CPU time, from an ordinary day to a year of 50,000 periods.

Rows differ in what is *seen*: covered profiles cost next to nothing, every period that shows up
in the window costs a little, and its seconds cost nothing at all.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs

from bench.figures import Table, Target, spoken, typical
from txocpp.smartcharging import (
    Composite,
    Installed,
    Profile,
    Purpose,
    RateUnit,
    Stack,
    Station,
    Transaction,
)

DAY_S = 86_400
YEAR_S = 365 * DAY_S
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PROFILES, PERIODS = 50, 1000
STATION = Station(
    limits_a={1: Decimal(32), 2: Decimal(32)}, transactions={1: Transaction(7, NEW_YEAR)}
)

Work = Callable[[], object]


@attrs.frozen
class Row:
    """One question, in milliseconds of CPU time."""

    what: str
    periods_installed: int
    periods_answered: int
    cost_ms: float


def _profile(number: int, purpose: Purpose, step_s: int, **fields: object) -> Profile:
    """One with a thousand periods, hardly two of them alike."""
    periods = [
        (i * step_s, Decimal(60 + (i * 7 + number * 13) % 260) / 10, 3) for i in range(PERIODS)
    ]
    return Profile(profile_id=number, purpose=purpose, periods=periods, **fields)  # type: ignore[arg-type]


def _composite(profiles: Sequence[Profile]) -> Composite:
    stack = Stack()
    for profile in profiles:
        stack = stack.put(Installed(profile, 0, NEW_YEAR)).stack
    return Composite(stack, STATION)


def calendar() -> Composite:
    """Half of the profiles maxima, half defaults, each for its own two weeks of the year: every
    one of the 50,000 periods is seen."""
    half = PROFILES // 2
    share_s = YEAR_S // half
    return _composite(
        [
            _profile(
                number, purpose, share_s // PERIODS, stack_level=number % half, kind="Absolute",
                start=NEW_YEAR + timedelta(seconds=number % half * share_s + number // half * 100),
                duration_s=share_s,
            )
            for number, purpose in enumerate(
                [Purpose.CHARGE_POINT_MAX_PROFILE] * half + [Purpose.TX_DEFAULT_PROFILE] * half
            )
        ]
    )  # fmt: skip


def stacked() -> Composite:
    """Fifty levels, each with a thousand periods over the whole year: only the highest is seen."""
    return _composite(
        [
            _profile(
                number, Purpose.TX_DEFAULT_PROFILE, YEAR_S // PERIODS, stack_level=number,
                kind="Absolute", start=NEW_YEAR,
            )
            for number in range(PROFILES)
        ]
    )  # fmt: skip


def daily() -> Composite:
    """Fifty levels, each a thousand periods a day, every day: 365,000 periods are seen."""
    return _composite(
        [
            _profile(
                number, Purpose.TX_DEFAULT_PROFILE, DAY_S // PERIODS, stack_level=number,
                kind="Recurring", recurrency="Daily", start=NEW_YEAR,
            )
            for number in range(PROFILES)
        ]
    )  # fmt: skip


def ordinary() -> Composite:
    """A maximum and a daily default with four periods."""
    maximum = Profile(
        profile_id=1, purpose="ChargePointMaxProfile", kind="Absolute", start=NEW_YEAR,
        periods=[(0, 25, 3)],
    )  # fmt: skip
    default = Profile(
        profile_id=2, purpose="TxDefaultProfile", kind="Recurring", recurrency="Daily",
        start=NEW_YEAR, unit="W",
        periods=[(0, 22_000, 3), (21_600, 11_000, 3), (61_200, 4140, 3), (79_200, 22_000, 3)],
    )  # fmt: skip
    return _composite([maximum, default])


def rows(rounds: int = 7) -> list[Row]:
    """Measure; the more rounds, the steadier."""
    noon = NEW_YEAR + timedelta(days=100, hours=12)
    found = []
    for name, composite in [
        (f"a year, {PROFILES} profiles in turn", calendar()),
        (f"a year, {PROFILES} profiles one on the other", stacked()),
        (f"a year, {PROFILES} daily profiles one on the other", daily()),
    ]:
        found.append(_row(name, composite, NEW_YEAR, YEAR_S, rounds))
    found.append(_cold_row())
    found.append(_row("a year in watts, in turn", calendar(), NEW_YEAR, YEAR_S, rounds, unit="W"))
    found.append(_row("a year of the station, in turn", calendar(), NEW_YEAR, YEAR_S, rounds, 0))
    found.append(_row("a day, ordinary", ordinary(), noon, DAY_S, rounds))
    for name, composite in [("in turn", calendar()), ("ordinary", ordinary())]:
        installed = _installed(composite)
        questions: list[tuple[str, Work]] = [
            ("limit now, and why", lambda c=composite: c.limit_at(1, noon)),  # type: ignore[misc]
            ("next change", lambda c=composite: c.next_change(1, noon)),  # type: ignore[misc]
        ]
        for what, work in questions:
            found.append(Row(f"{what}, {name}", installed, 1, _measured(work, rounds)))
    return found


def tables(measured: Sequence[Row]) -> list[Table]:
    """The rows for people."""
    lines = [
        [row.what, f"{row.periods_installed:,}", f"{row.periods_answered:,}", spoken(row.cost_ms)]
        for row in measured
    ]
    header = ("composite schedule", "periods installed", "in the answer", "ms")
    remark = "Where nothing else is said, the same profiles have been asked before."
    return [Table("Smart charging, milliseconds of CPU", header, lines, remark)]


def targets(measured: Sequence[Row]) -> list[Target]:
    """What was promised."""
    a_year = measured[0].cost_ms
    what = "composite schedule of a year over 50 profiles with 1,000 periods each"
    return [Target(what, a_year, 1000, 50, more_is_better=False, unit=" ms")]


def _cold_row() -> Row:
    composite = calendar()
    again = [attrs.evolve(one) for one in composite.stack]
    began = time.process_time()
    answer = Composite(Stack(tuple(again)), STATION).schedule(1, NEW_YEAR, YEAR_S)
    cost_ms = (time.process_time() - began) * 1e3
    return Row("a year, in turn, asked for the first time", _installed(composite),
               len(answer.periods), cost_ms)  # fmt: skip


def _row(
    what: str, composite: Composite, start: datetime, duration_s: int, rounds: int,
    connector: int = 1, unit: str = "A",
) -> Row:  # fmt: skip
    def ask() -> object:
        return composite.schedule(connector, start, duration_s, RateUnit(unit))

    answered = len(composite.schedule(connector, start, duration_s, RateUnit(unit)).periods)
    return Row(what, _installed(composite), answered, _measured(ask, rounds))


def _installed(composite: Composite) -> int:
    return sum(len(one.profile.periods) for one in composite.stack)


def _measured(work: Work, rounds: int) -> float:
    began = time.process_time()
    work()
    once_s = time.process_time() - began
    repeats = max(1, min(2000, int(0.05 / max(once_s, 1e-6))))
    windows = []
    gc.collect()
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeats):
            work()
        windows.append((time.process_time() - began) / repeats * 1e3)
    return typical(windows)


if __name__ == "__main__":
    for table in tables(rows()):
        print(table.text())
