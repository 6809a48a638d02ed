"""The composite of all purposes (SR-4xx), of the station and of GetCompositeSchedule (SR-5xx)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from smart_stations import NOON, profile, rows, running, stack, station

from txocpp.errors import PropertyConstraintViolation
from txocpp.smartcharging import (
    Composite,
    RateUnit,
    Stack,
    StationKeys,
    Status,
    Switches,
    Transaction,
    report,
)

A, W = RateUnit.A, RateUnit.W
MAXIMUM = "ChargePointMaxProfile"


def after(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def limit(
    installed: Stack, unit: RateUnit = A, *, connector: int = 1, at: int = 0, connectors: int = 1,
    switches: Switches | None = None, phases_in_use: int | None = None, **facts: Any,
) -> tuple[Decimal, int | None]:  # fmt: skip
    composite = Composite(installed, station(connectors, **facts), switches or Switches())
    found = composite.limit_at(connector, after(at), unit, phases_in_use=phases_in_use)
    return found.limit, found.phases


@pytest.mark.rule("SR-401")
@pytest.mark.parametrize(
    ("maximum", "transaction", "local", "composite"),
    [(10, 16, 32, 10), (20, 16, 32, 16), (20, 16, 13, 13), (0, 16, 32, 0)],
)
def test_the_lowest_of_maximum_transaction_and_local_limit(
    maximum: int, transaction: int, local: int, composite: int
) -> None:
    """The composite is the lowest of the three."""
    installed = stack(
        (0, profile((0, maximum), purpose=MAXIMUM)),
        profile((0, transaction), profile_id=2, purpose="TxProfile"),
    )
    found = limit(installed, limit_a=local, transactions=running())
    assert found == (composite, None)


@pytest.mark.rule("SR-402")
def test_a_transaction_profile_replaces_the_default_even_upwards() -> None:
    """TxProfile and TxDefaultProfile are not compared: the former counts, at any level."""
    installed = stack(
        profile((0, 6), level=5), profile((0, 16), profile_id=2, purpose="TxProfile", level=0)
    )
    assert limit(installed, transactions=running()) == (16, None)
    assert limit(installed) == (6, None)


@pytest.mark.rule("SR-403")
def test_a_gap_in_the_transaction_profile() -> None:
    """Where it gives no limit the default does; with the switch of C1 it does not."""
    installed = stack(
        profile((0, 6)), profile((0, 16), profile_id=2, purpose="TxProfile", duration_s=60)
    )
    busy = {"transactions": running()}
    assert limit(installed, at=60, **busy) == (6, None)
    strict = Switches(tx_profile_hides_tx_default=True)
    assert limit(installed, at=59, switches=strict, **busy) == (16, None)
    assert limit(installed, at=60, switches=strict, **busy) == (32, None)
    assert limit(installed, at=60, switches=strict) == (6, None)


@pytest.mark.rule("SR-404")
def test_nothing_applies() -> None:
    """One period with the local limit, in A and in W."""
    composite = Composite(Stack(), station(limit_a=16))
    assert rows(composite.schedule(1, NOON, 3600, A)) == [[0, 16, None]]
    assert rows(composite.schedule(1, NOON, 3600, W)) == [[0, 11040, None]]


@pytest.mark.rule("SR-405")
def test_the_default_counts_without_a_transaction() -> None:
    """An idle connector reports what a transaction would get."""
    assert limit(stack((0, profile((0, 6))))) == (6, None)


@pytest.mark.rule("SR-406")
def test_the_maximum_is_not_divided() -> None:
    """Each connector alone may use all of the maximum; see share for the sum."""
    maximum = stack((0, profile((0, 16), purpose=MAXIMUM)))
    for connector in (1, 2):
        assert limit(maximum, connector=connector, connectors=2) == (16, None)


@pytest.mark.rule("SR-407")
def test_a_period_begins_where_value_or_phases_change() -> None:
    """Equal neighbours are one period, also across profiles; other phases are another one."""
    installed = stack(
        profile((0, 10, 3), (60, 10, 3), (120, 10, 1), (180, 10, 1), duration_s=240, level=1),
        profile((0, 10, 1), profile_id=2),
    )
    schedule = Composite(installed, station()).schedule(1, NOON, 600)
    assert rows(schedule) == [[0, 10, 3], [120, 10, 1]]


@pytest.mark.rule("SR-411")
@pytest.mark.parametrize(
    ("limits", "voltage_v", "current_a"),
    [((11_000, 3), 230, "15.9"), ((3680, 1), 230, "16"), ((11_000, None), 230, "15.9"),
     ((3300, 2), 110, "15"), ((0, 3), 230, "0")],
)  # fmt: skip
def test_power_into_current(limits: tuple[Any, ...], voltage_v: int, current_a: str) -> None:
    """P / (U * n), with the nominal voltage and 3 phases where none are stated."""
    installed = stack(profile((0, *limits), unit="W"))
    found, phases = limit(installed, voltage_v=Decimal(voltage_v))
    assert (found, phases) == (Decimal(current_a), limits[1])


@pytest.mark.rule("SR-412")
def test_the_lowest_number_of_phases_converts_all() -> None:
    """A maximum on one phase lets a power on one phase through; C7 converts each by itself."""
    installed = stack(
        (0, profile((0, 16, 1), purpose=MAXIMUM)), profile((0, 2070), profile_id=2, unit="W")
    )
    assert limit(installed) == (9, 1)
    assert limit(installed, W) == (2070, 1)
    each = Switches(phase_conversion="per-period")
    assert limit(installed, switches=each) == (3, 1)


@pytest.mark.rule("SR-413")
def test_the_lowest_stated_number_of_phases_is_reported() -> None:
    """Silent limits take no part; only silent ones leave the number open."""
    two = (0, profile((0, 16, 2), purpose=MAXIMUM))
    assert limit(stack(two, profile((0, 10, 3), profile_id=2))) == (10, 2)
    assert limit(stack(two, profile((0, 10), profile_id=2))) == (10, 2)
    assert limit(stack(profile((0, 10)))) == (10, None)


@pytest.mark.rule("SR-414")
def test_computed_limits_are_cut_down() -> None:
    """15.942 becomes 15.9 and 8.695 becomes 8.6: never more than was allowed."""
    assert limit(stack(profile((0, 11_000), unit="W")))[0] == Decimal("15.9")
    assert limit(stack(profile((0, 6000), unit="W")))[0] == Decimal("8.6")
    odd = {"voltage_v": Decimal("229.9")}
    assert limit(stack(profile((0, Decimal("10.1"), 1))), W, **odd)[0] == Decimal("2321.9")


@pytest.mark.rule("SR-415")
def test_fewer_phases_in_use_do_not_raise_the_current() -> None:
    """A power for three phases is not drawn on one; a power for one is spread over three."""
    three = stack(profile((0, 11_040, 3), unit="W"))
    for in_use in (None, 1, 2, 3):
        assert limit(three, phases_in_use=in_use) == (16, 3)
    one = stack(profile((0, 3680, 1), unit="W"))
    assert limit(one, phases_in_use=1) == (16, 1)
    assert limit(one, phases_in_use=3) == (Decimal("5.3"), 1)
    current = stack(profile((0, 16, 1)))
    assert limit(current, phases_in_use=3) == (16, 1)


@pytest.mark.rule("SR-415")
def test_hardware_with_one_phase() -> None:
    """It draws on one phase: its currents are worth a third of the power, powers stay as given."""
    facts = {"phases": 1}
    assert limit(Stack(), W, **facts) == (7360, None)
    assert limit(stack(profile((0, 10))), W, **facts) == (2300, None)
    assert limit(stack(profile((0, 6000), unit="W")), W, **facts) == (6000, None)
    assert limit(stack(profile((0, 6000), unit="W")), A, **facts) == (Decimal("8.6"), None)


@pytest.mark.rule("SR-501", "SR-502")
def test_the_window_begins_with_the_question() -> None:
    """Periods count from the start of the window, the first is 0, its end is outside."""
    composite = Composite(stack(profile((0, 6), (100, 8), (200, 10))), station())
    at = datetime(2024, 6, 3, 14, 0, 50, 900_000, tzinfo=timezone(timedelta(hours=2)))
    schedule = composite.schedule(1, at, 150)
    assert rows(schedule) == [[0, 6, None], [50, 8, None]]
    assert (schedule.start, schedule.duration_s, schedule.unit) == (after(50), 150, A)
    assert rows(composite.schedule(1, at, 151))[-1] == [150, 10, None]


KEYS = StationKeys()


def answer(
    installed: Stack | None = None, connector: int = 1, duration_s: int = 60,
    unit: str | None = None, keys: StationKeys = KEYS, **options: Any,
) -> Any:  # fmt: skip
    composite = Composite(installed or Stack(), station())
    return report(composite, connector, NOON, duration_s, unit, keys=keys, **options)


@pytest.mark.rule("SR-502")
def test_the_report_has_what_the_answer_needs() -> None:
    """Connector, start, duration and unit as asked, and the periods."""
    found = answer(stack(profile((0, 6))), unit="W")
    assert found.status is Status.ACCEPTED
    schedule = found.schedule
    assert (schedule.connector_id, schedule.start, schedule.duration_s) == (1, NOON, 60)
    assert (schedule.unit, rows(schedule)) == (W, [[0, 4140, None]])


@pytest.mark.rule("SR-503")
def test_report_for_an_unknown_connector() -> None:
    """Rejected, without a schedule."""
    found = answer(connector=2)
    assert (found.status, found.rule, found.schedule) == (Status.REJECTED, "SR-503", None)


@pytest.mark.rule("SR-504")
def test_report_in_an_unknown_unit() -> None:
    """A CALLERROR that names the field."""
    with pytest.raises(PropertyConstraintViolation, match="chargingRateUnit: 'kW'"):
        answer(unit="kW")


@pytest.mark.rule("SR-505")
def test_report_in_a_unit_that_is_not_allowed() -> None:
    """Rejected; without a unit the one of the profiles, or the first of the list, is taken."""
    only_a = StationKeys(units=(A,))
    assert answer(unit="W", keys=only_a).rule == "SR-505"
    watts_first = StationKeys(units=(W, A))
    assert answer(keys=watts_first).schedule.unit is W
    assert answer(stack(profile()), keys=watts_first).schedule.unit is A
    mixed = stack(profile(), profile(profile_id=2, level=1, unit="W"))
    assert answer(mixed, keys=watts_first).schedule.unit is W


@pytest.mark.rule("SR-506")
def test_report_of_long_empty_and_negative_windows() -> None:
    """Too long: cut and said so. Empty: one period. Negative: a CALLERROR."""
    assert answer(duration_s=2**31, longest_s=86_400).schedule.duration_s == 86_400
    assert rows(answer(duration_s=0).schedule) == [[0, 32, None]]
    with pytest.raises(PropertyConstraintViolation, match="duration"):
        answer(duration_s=-1)
    with pytest.raises(ValueError, match="below 0"):
        Composite(Stack(), station()).schedule(1, NOON, -1)


@pytest.mark.rule("SR-507")
def test_a_composite_is_a_snapshot() -> None:
    """What is installed later is not in it."""
    before = Composite(Stack(), station())
    Stack().put(stack(profile((0, 6))).profiles[0])
    assert before.limit_at(1, NOON).limit == 32


@pytest.mark.rule("SR-508")
def test_connector_0_is_the_sum_under_the_maximum() -> None:
    """Idle connectors count as if charging, those without a profile with their local limit; no
    connector with more than its hardware can draw."""
    default = (1, profile((0, 10)))
    two = {"connector": 0, "connectors": 2}
    assert limit(stack(default), **two) == (42, None)
    assert limit(stack((1, profile((0, 40)))), **two) == (64, None)
    assert limit(stack(default, (2, profile((0, 40), profile_id=2))), **two) == (42, None)
    assert limit(stack(default), station_limit_a=Decimal(25), **two) == (25, None)
    maximum = (0, profile((0, 16, 1), profile_id=3, purpose=MAXIMUM))
    assert limit(stack(default, maximum), **two) == (16, 1)
    alone = Switches(connector0="max-only")
    assert limit(stack(default, maximum), switches=alone, **two) == (16, 1)
    assert limit(stack(default), switches=alone, **two) == (64, None)


@pytest.mark.rule("SR-508")
def test_phases_of_connector_0() -> None:
    """The highest of the connectors, where silence may mean three, then the maximum's if lower."""
    one, three = (1, profile((0, 10, 1))), (2, profile((0, 10, 3), profile_id=2))
    silent = (2, profile((0, 10), profile_id=2))
    two = {"connector": 0, "connectors": 2}
    assert limit(stack(one, three), **two) == (20, 3)
    assert limit(stack(one, silent), **two) == (20, None)
    maximum = (0, profile((0, 99, 2), profile_id=3, purpose=MAXIMUM))
    assert limit(stack(one, three, maximum), **two) == (20, 2)
    assert limit(stack(one, silent, maximum), **two) == (20, 2)


@pytest.mark.rule("SR-705")
def test_a_new_default_counts_for_the_running_transaction() -> None:
    """Unless it has a TxProfile."""
    busy = {"transactions": running()}
    changed = stack(profile((0, 10)), profile((0, 6), profile_id=2))
    assert limit(changed, **busy) == (6, None)
    bound = changed.put(stack(profile((0, 20), profile_id=3, purpose="TxProfile")).profiles[0])
    assert limit(bound.stack, **busy) == (20, None)


@pytest.mark.rule("SR-708")
def test_a_transaction_without_a_number() -> None:
    """Started offline: the default applies, and Relative counts from its local start."""
    default = stack((0, profile((0, 6), (600, 8), kind="Relative")))
    offline = {"transactions": {1: Transaction(None, after(-300))}}
    assert limit(default, at=299, **offline) == (6, None)
    assert limit(default, at=300, **offline) == (8, None)


@pytest.mark.rule("SR-710")
def test_a_limit_of_0_is_a_limit() -> None:
    """It pauses charging; it is not taken for no limit, in no unit and no sum."""
    paused = stack((0, profile((0, 0), purpose=MAXIMUM)))
    assert limit(paused) == (0, None)
    assert limit(paused, W) == (0, None)
    assert limit(paused, connector=0, connectors=2) == (0, None)


@pytest.mark.rule("SR-711")
def test_the_minimum_rate_is_advice() -> None:
    """minChargingRate above the limit raises nothing."""
    advised = stack(profile((0, 6), minimum_rate=Decimal(10)))
    assert limit(advised) == (6, None)


def test_the_ceiling_is_what_enforcement_shares_out() -> None:
    """Maximum and local limit of the station, whatever the connectors could use of them."""
    installed = stack(
        (0, profile((0, 11_040), purpose=MAXIMUM, unit="W")), (0, profile((0, 6), profile_id=2))
    )
    generous = Composite(installed, station(2), Switches(cap_at_local_limit=False))
    assert generous.limit_at(0, NOON).limit == 12
    assert generous.ceiling.limit_at(0, NOON).limit == 16
    assert generous.ceiling.limit_at(0, after(-1)).limit == 64
    assert generous.ceiling.next_change(0, after(-1)) == NOON


def test_the_next_change_reaches_far() -> None:
    """Years ahead, over recurrences that change nothing, in a moment."""
    flat = profile(*((s, 10 + s % 2) for s in range(1000)), kind="Recurring", recurrency="Daily")
    lid = (0, profile((0, 6), profile_id=2, purpose=MAXIMUM, duration_s=10 * 366 * 86_400))
    composite = Composite(stack(flat, lid), station())
    assert composite.next_change(1, after(1)) == NOON + timedelta(days=3660)
    assert Composite(stack(flat), station()).next_change(1, after(5)) == after(6)
    assert Composite(Stack(), station()).next_change(1, NOON) is None
    season = profile((0, 10), (100 * 86_400, 6), (200 * 86_400, 16))
    assert Composite(stack(season), station()).next_change(1, after(1)) == (
        NOON + timedelta(days=100)
    )
    yearly = profile(
        (0, 10), start=NOON + timedelta(days=300), kind="Recurring", recurrency="Weekly"
    )
    assert Composite(stack(yearly), station()).next_change(1, NOON) == NOON + timedelta(days=300)


def test_two_changes_at_one_second_are_one() -> None:
    """Maximum and default change together: no moment between, also for the next change."""
    installed = stack(
        (0, profile((0, 10), (60, 20), purpose=MAXIMUM)), profile((0, 16), (60, 8), profile_id=2)
    )
    for connector in (1, 0):
        schedule = Composite(installed, station()).schedule(connector, NOON, 600)
        assert rows(schedule) == [[0, 10, None], [60, 8, None]]


def test_a_recurrence_that_begins_within_a_quiet_week() -> None:
    """It may change something more than a week from now."""
    later = profile(
        (0, 10), (6 * 86_400, 6), profile_id=2, level=1, kind="Recurring", recurrency="Weekly",
        start=NOON + timedelta(days=9),
    )  # fmt: skip
    composite = Composite(stack(profile((0, 10)), later), station())
    assert composite.next_change(1, NOON) == NOON + timedelta(days=15)


def test_a_change_late_in_the_week_is_found() -> None:
    """A weekly profile may stay the same for six days, on the wall clock for longer."""
    sunday = profile(
        (0, 10), (6 * 86_400, 6), (6 * 86_400 + 60, 10), kind="Recurring", recurrency="Weekly"
    )
    composite = Composite(stack(sunday), station())
    assert composite.next_change(1, after(1)) == NOON + timedelta(days=6)
    assert composite.next_change(1, after(6 * 86_400 + 60)) == NOON + timedelta(days=13)
    # 02:30 to 02:45 every Sunday; on 31 March 2024 Berlin has no such time.
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2024, 3, 3, 2, 30, tzinfo=berlin)
    rare = profile((0, 6), kind="Recurring", recurrency="Weekly", duration_s=900, start=start)
    asked = datetime(2024, 3, 24, 3, tzinfo=berlin)
    change = Composite(stack(rare), station(), zone=berlin).next_change(1, asked)
    assert change == datetime(2024, 4, 7, 2, 30, tzinfo=berlin)


def test_a_composite_knows_its_connectors() -> None:
    """Asking for one that is not there is a mistake of the caller."""
    with pytest.raises(KeyError, match="no connector 2"):
        Composite(Stack(), station()).limit_at(2, NOON)
    with pytest.raises(ValueError, match="UTC offset"):
        Composite(Stack(), station()).limit_at(1, datetime(2024, 6, 3, 12))
