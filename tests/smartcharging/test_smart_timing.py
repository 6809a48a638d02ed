"""When a profile gives a limit (SR-2xx), and which of several prevails (SR-3xx)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from smart_stations import NOON, profile, rows, running, stack, station

from txocpp.smartcharging import Composite, Installed, Profile, Stack, Switches

HONOLULU = ZoneInfo("Pacific/Honolulu")
NOTHING = Decimal(32)
"""What the local limit of 32 A shows where no profile gives a limit."""


def after(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def limits(
    installed: Stack | Profile, *seconds: int, switches: Switches | None = None, **facts: Any
) -> list[Decimal]:
    """Limits of connector 1 so many seconds after noon."""
    if isinstance(installed, Profile):
        installed = stack(installed)
    composite = Composite(installed, station(**facts), switches or Switches())
    return [composite.limit_at(1, after(s), asked_at=NOON).limit for s in seconds]


@pytest.mark.rule("SR-201")
def test_validity_begins_with_its_first_and_ends_before_its_last_second() -> None:
    """validFrom counts, validTo does not; with the switch of C3 it does."""
    valid = profile(start=NOON - timedelta(1), valid_from=after(10), valid_to=after(20))
    assert limits(valid, 9, 10, 19, 20) == [NOTHING, 10, 10, NOTHING]
    inclusive = Switches(valid_to_inclusive=True)
    assert limits(valid, 20, 21, switches=inclusive) == [10, NOTHING]


@pytest.mark.rule("SR-201")
def test_fractions_of_a_second_are_cut_off() -> None:
    """Instants count in whole seconds, wherever they come from."""
    half = timedelta(microseconds=500_000)
    valid = profile(start=NOON, valid_from=after(10) + half, valid_to=after(20) + half)
    assert limits(valid, 9, 10, 19, 20) == [NOTHING, 10, 10, NOTHING]


@pytest.mark.rule("SR-202")
def test_an_absolute_profile_waits_for_its_start() -> None:
    """Before startSchedule it gives nothing."""
    assert limits(profile((0, 6), (10, 8)), -1, 0, 9, 10) == [NOTHING, 6, 6, 8]


@pytest.mark.rule("SR-203")
def test_an_absolute_profile_without_start_counts_from_the_transaction() -> None:
    """Like a Relative one: from the start of charging."""
    wanted = profile((0, 6), (600, 8), start=None)
    assert limits(wanted, 299, 300, transactions=running(7, after(-300))) == [6, 8]


@pytest.mark.rule("SR-204")
def test_daily_and_weekly_begin_anew() -> None:
    """Daily at the same time of day, weekly also on the same weekday, in plain UTC seconds."""
    days = 86_400
    daily = profile((0, 6), (60, 8), kind="Recurring", recurrency="Daily")
    assert limits(daily, 59, 60, days - 1, days, days + 60) == [6, 8, 8, 6, 8]
    weekly = profile((0, 6), (60, 8), kind="Recurring", recurrency="Weekly")
    assert limits(weekly, days, 7 * days - 1, 7 * days, 7 * days + 60) == [8, 8, 6, 8]


@pytest.mark.rule("SR-205")
def test_no_recurrence_before_the_start() -> None:
    """A Recurring profile is silent before startSchedule; with the switch of C4 it is not."""
    daily = profile((0, 6), (60, 8), kind="Recurring", recurrency="Daily")
    assert limits(daily, -1) == [NOTHING]
    assert limits(daily, -1, switches=Switches(recur_backwards=True)) == [8]


@pytest.mark.rule("SR-206")
def test_relative_counts_from_the_start_of_the_transaction() -> None:
    """Also when received later, and whatever startSchedule says; C11 counts from reception."""
    wanted = Profile(
        profile_id=1, purpose="TxProfile", kind="Relative", start=after(5000),
        periods=[(0, 6), (600, 8)],
    )  # fmt: skip
    received_late = Stack((Installed(wanted, 1, after(300), 7),))
    facts = {"transactions": running(7, NOON)}
    assert limits(received_late, 599, 600, **facts) == [6, 8]
    from_reception = Switches(relative_tx_base="received")
    assert limits(received_late, 600, 899, 900, switches=from_reception, **facts) == [6, 6, 8]


@pytest.mark.rule("SR-207")
def test_relative_without_a_transaction_begins_with_the_question() -> None:
    """An idle connector is answered for as if it began to charge now; with C5 it is not."""
    wanted = profile((0, 6), (600, 8), kind="Relative")
    assert limits(wanted, 0, 599, 600) == [6, 6, 8]
    ignore = Switches(relative_without_tx="ignore")
    assert limits(wanted, 0, 600, switches=ignore) == [NOTHING, NOTHING]


@pytest.mark.rule("SR-208")
def test_a_relative_maximum_counts_from_its_acceptance() -> None:
    """There is no transaction to relate it to, even while one runs."""
    maximum = profile((0, 6), (600, 8), kind="Relative", purpose="ChargePointMaxProfile")
    accepted = Stack((Installed(maximum, 0, after(-60)),))
    assert limits(accepted, 539, 540, transactions=running(7, after(-9000))) == [6, 8]


@pytest.mark.rule("SR-209")
def test_the_period_with_the_greatest_start_counts() -> None:
    """Each period holds from its first second to the one before the next."""
    wanted = profile((0, 6), (1, 7), (2, 8), (100, 9))
    assert limits(wanted, 0, 1, 2, 99, 100, 10**7) == [6, 7, 8, 8, 9, 9]


@pytest.mark.rule("SR-210")
def test_duration_ends_the_schedule() -> None:
    """Periods behind it are not executed; if it is longer, the last period holds until it."""
    assert limits(profile((0, 6), (100, 8), duration_s=50), 49, 50, 100) == [6, NOTHING, NOTHING]
    assert limits(profile((0, 6), (100, 8), duration_s=150), 149, 150) == [8, NOTHING]
    assert limits(profile(duration_s=0), 0) == [NOTHING]


@pytest.mark.rule("SR-211")
def test_a_recurrence_is_cut_where_the_next_one_begins() -> None:
    """Periods and duration beyond a day are never reached."""
    wanted = profile(
        (0, 6), (86_400, 7), (90_000, 8), kind="Recurring", recurrency="Daily", duration_s=100_000
    )
    assert limits(wanted, 86_399, 86_400, 90_000) == [6, 6, 6]
    schedule = Composite(stack(wanted), station()).schedule(1, NOON, 2 * 86_400)
    assert rows(schedule) == [[0, 6, None]]


@pytest.mark.rule("SR-212")
def test_a_gap_in_the_recurrence_lets_the_lower_level_through() -> None:
    """From the end of duration to the next day a lower profile counts, or none."""
    window = profile((0, 6), level=1, kind="Recurring", recurrency="Daily", duration_s=3600)
    below = profile((0, 20), profile_id=2)
    assert limits(window, 3599, 3600, 86_399, 86_400) == [6, NOTHING, NOTHING, 6]
    assert limits(stack(window, below), 3599, 3600, 86_399, 86_400) == [6, 20, 20, 6]
    almost = profile((0, 6), level=1, kind="Recurring", recurrency="Daily", duration_s=86_399)
    schedule = Composite(stack(almost, below), station()).schedule(1, NOON, 100_000)
    assert rows(schedule) == [[0, 6, None], [86_399, 20, None], [86_400, 6, None]]


@pytest.mark.rule("SR-213")
def test_without_duration_the_last_period_goes_on() -> None:
    """For ever if Absolute, to the end of the recurrence, or as long as the transaction runs."""
    years = 10 * 366 * 86_400
    assert limits(profile((0, 6), (60, 8)), years) == [8]
    daily = profile((0, 6), (60, 8), kind="Recurring", recurrency="Daily")
    assert limits(daily, 86_399, 86_400) == [8, 6]
    relative = profile((0, 6), (60, 8), kind="Relative")
    assert limits(relative, years, transactions=running(7, NOON)) == [8]


@pytest.mark.rule("SR-301")
def test_the_highest_level_that_gives_a_limit_prevails() -> None:
    """Not yet started, not valid or over: the next lower level shows through."""
    installed = stack(
        profile((0, 20), profile_id=1, level=0),
        profile((0, 6), profile_id=2, level=1, duration_s=100),
        profile((0, 8), profile_id=3, level=2, start=after(50), duration_s=100),
        profile((0, 9), profile_id=4, level=9, valid_from=after(120), valid_to=after(130)),
    )
    assert limits(installed, 0, 49, 50, 119, 120, 129, 130, 149, 150) == [
        6, 6, 8, 8, 9, 9, 8, 8, 20
    ]  # fmt: skip


@pytest.mark.rule("SR-302")
def test_a_level_without_end_never_gives_way() -> None:
    """No duration and no validTo: what lies below is never seen again."""
    installed = stack(profile((0, 20)), profile((0, 6), profile_id=2, level=1))
    composite = Composite(installed, station())
    assert limits(installed, 0, 10**9) == [6, 6]
    assert composite.next_change(1, NOON) is None


@pytest.mark.rule("SR-303")
def test_a_replacement_that_is_valid_later_opens_a_gap() -> None:
    """The old profile does not survive until then."""
    old = profile((0, 6), profile_id=1)
    new = profile((0, 8), profile_id=2, valid_from=after(600))
    assert limits(stack(old, new), 0, 599, 600) == [NOTHING, NOTHING, 8]


@pytest.mark.rule("SR-304")
def test_the_own_default_stands_in_for_the_common_one_at_its_level() -> None:
    """Even while it gives nothing; other levels of connector 0 are still seen, and with C2 the
    own stack comes first."""
    own = profile((0, 20), profile_id=1, duration_s=100)
    same_level, higher = profile((0, 6), profile_id=2), profile((0, 8), profile_id=3, level=1)
    assert limits(stack((1, own), (0, same_level)), 99, 100) == [20, NOTHING]
    assert limits(stack((1, own), (0, higher)), 99, 100) == [8, 8]
    own_first = Switches(tx_default_scope="connector-first")
    assert limits(stack((1, own), (0, higher)), 99, 100, switches=own_first) == [20, 8]


@pytest.mark.rule("SR-304")
def test_the_common_default_is_seen_again_when_the_own_one_is_cleared() -> None:
    """It was covered, not removed (C13), and a later one does not push the own one out (C14)."""
    installed = stack((1, profile((0, 20), profile_id=1)), (0, profile((0, 6), profile_id=2)))
    assert limits(installed, 0) == [20]
    assert limits(installed.clear(connector_id=1).stack, 0) == [6]


def test_years_at_the_edge_of_the_calendar() -> None:
    """Schedules that start in year 1 or never end break nothing."""
    first = datetime(1, 1, 1, tzinfo=UTC)
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    old = profile((0, 6), start=first, kind="Recurring", recurrency="Daily", valid_to=last)
    assert limits(old, 0) == [6]
    assert Composite(stack(old), station()).next_change(1, NOON) == last
    west = Composite(stack(old, profile((0, 8), level=1, start=first)), station(), zone=HONOLULU)
    assert west.limit_at(1, NOON).explanation.text.startswith("8 A because")
    assert west.limit_at(1, last).limit == 8
    far = profile((0, 6), (2**62, 8), duration_s=2**63)
    assert Composite(stack(far), station()).next_change(1, NOON) is None
    assert rows(Composite(stack(far), station()).schedule(1, NOON, 60)) == [[0, 6, None]]
