"""What OCPP allows, written down a second time, for the referee alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

NAMES = {
    "A": "Available",
    "B": "Preparing",
    "C": "Charging",
    "D": "SuspendedEV",
    "E": "SuspendedEVSE",
    "F": "Finishing",
    "G": "Reserved",
    "H": "Unavailable",
    "I": "Faulted",
}
FOLLOWERS = {
    "A": "BCDEGHI",
    "B": "ACDEFI",
    "C": "ADEFHI",
    "D": "ACEFHI",
    "E": "ACDFHI",
    "F": "ABHI",
    "G": "ABHI",
    "H": "ABCDEI",
    "I": "ABCDEFGH",
}
LETTERS = {name: letter for letter, name in NAMES.items()}


def may_follow(before: str, after: str) -> bool:
    """Whether a connector of 1 or more may go from one status to the other; staying is no step."""
    return before == after or LETTERS[after] in FOLLOWERS[LETTERS[before]]


@attrs.frozen
class Accepted:
    """A charging profile that the station has accepted, as it was on the wire."""

    connector: int
    wire: dict[str, Any]

    @property
    def purpose(self) -> str:
        return str(self.wire["chargingProfilePurpose"])

    def replaces(self, other: Accepted) -> bool:
        """The same id, or the same place."""
        mine, its = self.wire, other.wire
        return mine["chargingProfileId"] == its["chargingProfileId"] or (
            self.connector == other.connector
            and mine["stackLevel"] == its["stackLevel"]
            and self.purpose == other.purpose
        )

    def limit(self, now: datetime, began: datetime | None) -> Decimal | None:
        """A at this moment; None: it says nothing about it."""
        if any(
            now < _time(self.wire[name]) if name == "validFrom" else now >= _time(self.wire[name])
            for name in ("validFrom", "validTo")
            if name in self.wire
        ):
            return None
        schedule = self.wire["chargingSchedule"]
        kind = self.wire["chargingProfileKind"]
        # Schedules count in whole seconds.
        start = began if kind == "Relative" else _time(schedule["startSchedule"])
        start = None if start is None else start.replace(microsecond=0)
        if start is None or now < start:
            return None
        elapsed = now - start
        if kind == "Recurring":
            elapsed %= timedelta(days=1)
        if "duration" in schedule and elapsed >= timedelta(seconds=schedule["duration"]):
            return None
        periods = [
            p
            for p in schedule["chargingSchedulePeriod"]
            if timedelta(seconds=p["startPeriod"]) <= elapsed
        ]
        return Decimal(str(periods[-1]["limit"])) if periods else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _first(profiles: Iterable[Accepted], now: datetime, began: datetime | None) -> Decimal | None:
    """Of the highest stack level that says something."""
    ranked = sorted(profiles, key=lambda p: -p.wire["stackLevel"])
    limits = (profile.limit(now, began) for profile in ranked)
    return next((limit for limit in limits if limit is not None), None)


def connector_limit_a(
    profiles: Sequence[Accepted],
    connector: int,
    transaction_id: int | None,
    now: datetime,
    began: datetime,
    hardware_a: Decimal,
) -> Decimal:
    """The most that a transaction may be offered, per phase."""
    of_tx = [
        p
        for p in profiles
        if p.purpose == "TxProfile"
        and p.connector == connector
        and p.wire["transactionId"] == transaction_id
    ]
    defaults = [p for p in profiles if p.purpose == "TxDefaultProfile"]
    own = [p for p in defaults if p.connector == connector]
    # A connector's own profile stands in for that of connector 0 at its level.
    levels = {p.wire["stackLevel"] for p in own}
    common = [p for p in defaults if p.connector == 0 and p.wire["stackLevel"] not in levels]
    limit = _first(of_tx, now, began)
    if limit is None:
        limit = _first([*own, *common], now, began)
    limits = [hardware_a, station_limit_a(profiles, now)]
    return min(one for one in [*limits, limit] if one is not None)


def station_limit_a(profiles: Sequence[Accepted], now: datetime) -> Decimal | None:
    """The most that all connectors together may be offered, per phase."""
    return _first([p for p in profiles if p.purpose == "ChargePointMaxProfile"], now, None)
