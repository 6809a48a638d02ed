"""Why a limit is what it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from smart_stations import NOON, profile, running, stack, station

from txocpp.smartcharging import Composite, RateUnit, Source, Stack, Switches

MAXIMUM = "ChargePointMaxProfile"
EVENING = profile(
    (0, 16), (17 * 3600, 6), (21 * 3600, 16), profile_id=12, kind="Recurring", recurrency="Daily",
    start=datetime(2024, 6, 1, tzinfo=UTC),
)  # fmt: skip
AT_SIX = datetime(2024, 6, 3, 18, tzinfo=UTC)


def text(installed: Stack, at: datetime = AT_SIX, connector: int = 1, **facts: Any) -> str:
    return Composite(installed, station(2, **facts)).limit_at(connector, at).explanation.text


def test_one_line_for_people() -> None:
    """Limit, profile, level, period, and what the others would have allowed."""
    installed = stack((0, EVENING), (0, profile((0, 16), profile_id=3, purpose=MAXIMUM)))
    assert text(installed) == (
        "6 A because TxDefaultProfile 12, level 0, period from 17:00 UTC; "
        "ChargePointMaxProfile would allow 16 A"
    )


def test_on_the_wall_clock_of_a_time_zone() -> None:
    """With a time zone times are local, and say no UTC."""
    at = datetime(2024, 6, 3, 15, 30, tzinfo=UTC)
    composite = Composite(stack((0, EVENING)), station(), zone=ZoneInfo("Europe/Berlin"))
    line = "6 A because TxDefaultProfile 12, level 0, period from 19:00"
    assert composite.limit_at(1, at + timedelta(hours=3)).explanation.text == line


def test_a_period_of_another_day_has_its_date() -> None:
    """A profile that began long ago says when; seconds are shown where there are any."""
    old = profile(start=NOON - timedelta(days=2, seconds=-5), level=2)
    assert text(stack(old), NOON) == (
        "10 A because TxDefaultProfile 1, level 2, period from 2024-06-01 12:00:05 UTC"
    )


def test_the_hardware_decides() -> None:
    """With profiles that would allow more, and without any."""
    generous = stack((1, profile((0, 40))))
    assert text(generous, NOON) == (
        "32 A because of the local limit; TxDefaultProfile would allow 40 A"
    )
    assert text(Stack()) == "32 A because no profile applies (local limit)"


def test_the_station_as_a_whole() -> None:
    """The sum of the connectors, with its parts, or what holds it down."""
    installed = stack((1, profile((0, 10))))
    explanation = Composite(installed, station(2)).limit_at(0, NOON).explanation
    assert explanation.text == "42 A because of the sum of the connectors"
    assert [part.decided_by.limit for part in explanation.parts] == [10, 32]
    assert explanation.parts[0].text.startswith("10 A because TxDefaultProfile 1")
    maximum = (0, profile((0, 16), profile_id=2, purpose=MAXIMUM))
    assert text(stack((1, profile((0, 10))), maximum), NOON, 0).startswith(
        "16 A because ChargePointMaxProfile 2"
    )
    assert text(Stack(), station_limit_a=Decimal(25), connector=0).startswith("25 A because")


def test_the_structure_for_programs() -> None:
    """Everything in plain JSON values: who decided, in which unit, what the others say."""
    installed = stack(
        (0, EVENING), (0, profile((0, 3450), profile_id=3, purpose=MAXIMUM, unit="W"))
    )
    limit = Composite(installed, station()).limit_at(1, AT_SIX, RateUnit.W)
    document = limit.explanation.as_document()
    assert json.loads(json.dumps(document)) == document
    assert document["decidedBy"] == {
        "source": "profile",
        "limit": "3450",
        "purpose": "ChargePointMaxProfile",
        "chargingProfileId": 3,
        "stackLevel": 0,
        "connectorId": 0,
        "periodFrom": "2024-06-03T12:00:00Z",
    }
    assert [(one["source"], one["limit"]) for one in document["others"]] == [
        ("profile", "4140"),
        ("local limit", "22080"),
    ]
    of_station = Composite(installed, station(2)).limit_at(0, AT_SIX).explanation.as_document()
    assert len(of_station["parts"]) == 2


def test_without_the_cap_the_hardware_takes_no_part() -> None:
    """With C6 the local limit is heard only where no profile gives one."""
    composite = Composite(stack(profile((0, 40))), station(), Switches(cap_at_local_limit=False))
    explanation = composite.limit_at(1, NOON).explanation
    assert (explanation.decided_by.limit, explanation.others) == (40, ())
    assert composite.limit_at(1, NOON - timedelta(1)).explanation.decided_by.source is (
        Source.LOCAL_LIMIT
    )


def test_the_transaction_profile_is_named_first_among_equals() -> None:
    """Of two equal limits the one nearer to the car is named."""
    installed = stack(
        (0, profile((0, 10), purpose=MAXIMUM)), profile((0, 10), profile_id=2, purpose="TxProfile")
    )
    assert text(installed, NOON, transactions=running()).startswith("10 A because TxProfile 2")
