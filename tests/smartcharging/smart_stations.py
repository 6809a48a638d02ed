"""Readers for vectors.json, and short ways to write stations and profiles in tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from txocpp.smartcharging import (
    Installed,
    Profile,
    RateUnit,
    Schedule,
    Stack,
    Station,
    StationKeys,
    Transaction,
    read_profile,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"), parse_float=Decimal
)
NOON = datetime(2024, 6, 3, 12, tzinfo=UTC)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def station_of(vector: Mapping[str, Any]) -> Station:
    facts = vector["station"]
    limit_a = Decimal(facts.get("localLimitA", 32))
    cp_limit_a = facts.get("cpLimitA")
    return Station(
        limits_a=dict.fromkeys(range(1, facts.get("connectors", 1) + 1), limit_a),
        station_limit_a=None if cp_limit_a is None else Decimal(cp_limit_a),
        voltage_v=Decimal(facts.get("voltage", 230)),
        transactions={
            one["connectorId"]: Transaction(one["transactionId"], instant(one["start"]))
            for one in vector["transactions"]
        },
    )


def keys_of(vector: Mapping[str, Any]) -> StationKeys:
    facts = vector["station"]
    names = {"Current": RateUnit.A, "Power": RateUnit.W}
    units = facts.get("ChargingScheduleAllowedChargingRateUnit", "Current,Power").split(",")
    keys = StationKeys(
        max_stack_level=facts.get("ChargeProfileMaxStackLevel", 10),
        max_installed=facts.get("MaxChargingProfilesInstalled", 20),
        max_periods=facts.get("ChargingScheduleMaxPeriods", 100),
        units=tuple(names[unit] for unit in units),
    )
    if facts.get("smartCharging", True):
        return keys
    return StationKeys(purposes=frozenset())


def stack_of(entries: Iterable[Mapping[str, Any]], station: Station, keys: StationKeys) -> Stack:
    """Install wire objects one after the other; each must be accepted."""
    stack = Stack()
    for entry in entries:
        outcome = stack.install(
            read_profile(entry["csChargingProfiles"]),
            entry["connectorId"],
            received_at=instant(entry.get("receivedAt", "2024-06-03T00:00:00Z")),
            station=station,
            keys=keys,
        )
        assert outcome.accepted, outcome
        stack = outcome.stack
    return stack


def stack(*profiles: Profile | tuple[int, Profile] | Installed) -> Stack:
    """A stack of profiles on connector 1, or of pairs (connector, profile)."""
    made = Stack()
    for one in profiles:
        if isinstance(one, Profile):
            one = (1, one)
        if isinstance(one, tuple):
            connector_id, profile = one
            one = Installed(profile, connector_id, NOON, profile.transaction_id)
        made = made.put(one).stack
    return made


def rows(schedule: Schedule) -> list[list[Any]]:
    """A schedule in the notation of the vectors."""
    return [[period.start_s, period.limit, period.phases] for period in schedule.periods]


def profile(
    *periods: tuple[Any, ...],
    purpose: str = "TxDefaultProfile",
    kind: str = "Absolute",
    profile_id: int = 1,
    level: int = 0,
    start: datetime | None = NOON,
    **fields: Any,
) -> Profile:
    """A profile that starts at noon; periods as (start_s, limit[, phases])."""
    if kind == "Relative":
        start = None
    return Profile(
        profile_id=profile_id,
        purpose=purpose,
        kind=kind,
        stack_level=level,
        start=start,
        periods=periods or [(0, 10)],
        **fields,
    )


def station(connectors: int = 1, limit_a: int | str = 32, **facts: Any) -> Station:
    """A station of 32 A connectors."""
    numbers = range(1, connectors + 1)
    return Station(limits_a=dict.fromkeys(numbers, Decimal(limit_a)), **facts)


def running(transaction_id: int | None = 7, started_at: datetime = NOON) -> dict[int, Transaction]:
    """A transaction on connector 1."""
    return {1: Transaction(transaction_id, started_at)}
