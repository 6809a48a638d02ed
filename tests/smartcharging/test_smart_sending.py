"""What a central system looks at before it sends a profile (SR-A01 to SR-A06)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from smart_stations import NOON, profile, stack

from txocpp.errors import InvalidMessage
from txocpp.smartcharging import (
    Profile,
    RateUnit,
    StationKeys,
    ensure_sendable,
    faults_before_sending,
)

HOUR = timedelta(hours=1)


def rules(wanted: Profile, connector_id: int = 1, **options: Any) -> list[str]:
    return [f.rule for f in faults_before_sending(wanted, connector_id, now=NOON, **options)]


@pytest.mark.rule("SR-A01")
def test_purpose_and_connector() -> None:
    """The maximum to 0, a TxProfile to a connector and with its transaction."""
    assert rules(profile(purpose="ChargePointMaxProfile"), 1) == ["SR-A01"]
    assert rules(profile(purpose="ChargePointMaxProfile"), 0) == []
    assert rules(profile(purpose="TxProfile"), 0) == ["SR-A01", "SR-A01"]
    assert rules(profile(purpose="TxProfile", transaction_id=7), 1) == []
    assert rules(profile(), 0) == rules(profile(), 1) == []


@pytest.mark.rule("SR-A02")
def test_a_transaction_id_only_where_it_belongs() -> None:
    """Never with another purpose, never in a remote start, which takes only a TxProfile."""
    assert rules(profile(transaction_id=7)) == ["SR-A02"]
    assert rules(profile(purpose="TxProfile", transaction_id=7), remote_start=True) == ["SR-A02"]
    assert rules(profile(purpose="TxProfile"), remote_start=True) == []
    assert rules(profile(), remote_start=True) == ["SR-A02"]


@pytest.mark.rule("SR-A03")
def test_validity() -> None:
    """validTo after now and after validFrom, startSchedule between them."""
    assert rules(profile(valid_to=NOON)) == ["SR-A03"]
    assert rules(profile(valid_from=NOON + 2 * HOUR, valid_to=NOON + HOUR)) == ["SR-A03"]
    assert rules(profile(valid_from=NOON + HOUR, valid_to=NOON + 2 * HOUR)) == ["SR-A03"]
    assert rules(profile(valid_from=NOON, valid_to=NOON + HOUR)) == []


@pytest.mark.rule("SR-A04")
@pytest.mark.parametrize(
    "wanted",
    [
        profile((1, 10)),
        profile((0, 10, 4)),
        profile((0, Decimal("10.55"))),
        profile((0, 1_000_000)),
        profile((0, 10), (60, 11), (120, 12)),
        profile(level=3),
        profile(unit="W"),
    ],
)
def test_periods_and_keys(wanted: Profile) -> None:
    """Order, phases, decimals, digits, and what the station says that it can hold."""
    keys = StationKeys(max_periods=2, max_stack_level=2, units=(RateUnit.A,))
    assert rules(wanted, keys=keys) == ["SR-A04"]


@pytest.mark.rule("SR-A04")
def test_without_keys_only_the_impossible_is_found() -> None:
    """As long as the station has not told its keys it is taken to hold anything."""
    assert rules(profile(*((s, 10) for s in range(5000)), level=99, unit="W")) == []
    assert rules(attrs.evolve(profile(), periods=())) == ["SR-A04"]


@pytest.mark.rule("SR-A05")
def test_recurrency_exactly_with_recurring() -> None:
    """Then with startSchedule, too."""
    assert rules(profile(kind="Recurring", start=None)) == ["SR-A05", "SR-A05"]
    assert rules(profile(recurrency="Daily")) == ["SR-A05"]
    assert rules(profile(kind="Recurring", recurrency="Daily")) == []


@pytest.mark.rule("SR-A06")
def test_a_refresh_leaves_no_gap() -> None:
    """What replaces a profile must not begin later than now."""
    record = stack(profile(profile_id=1), profile(profile_id=2, level=1))
    later = profile(profile_id=1, level=5, start=NOON + HOUR)
    assert rules(later, record=record) == ["SR-A06"]
    same_slot = profile(profile_id=9, valid_from=NOON + HOUR)
    assert rules(same_slot, record=record) == ["SR-A06"]
    assert rules(profile(profile_id=1), record=record) == []
    assert rules(profile(profile_id=9, level=7, start=NOON + HOUR), record=record) == []


def test_all_faults_in_one_text() -> None:
    """Nothing is sent, and the text says everything that is wrong."""
    wrong = profile((0, -1), transaction_id=7)
    with pytest.raises(InvalidMessage) as fault:
        ensure_sendable(wrong, 1, now=NOON)
    assert str(fault.value) == (
        "charging profile 1: a TxDefaultProfile must not name a transaction (SR-A02); "
        "limit -1 is out of range (SR-A04)"
    )
    right = profile()
    assert ensure_sendable(right, 1, now=NOON) is right
