"""The limits that the central system gives: what may be sent, and what should be in force.

A charge point keeps its limits itself (`txocpp.chargepoint`); here is only what we asked it for.
The record of acknowledged profiles is taken through the same arithmetic that a charge point uses,
so pages can show the limit that should be in force without asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from txocpp.errors import CallRefused, StoreError
from txocpp.smartcharging import (
    Composite,
    Installed,
    Kind,
    Period,
    Profile,
    Purpose,
    RateUnit,
    Stack,
    Station,
    StationKeys,
    Transaction,
    read_profile,
    write_profile,
)
from txocpp.smartcharging.acceptance import Candidate, first_fault, first_fault_of_remote_start
from txocpp.storage.central.profiles import ProfileRecord
from txocpp.storage.central.records import Records

UNKNOWN_LIMIT_A: Final = Decimal(10_000)
"""Stands for the local limit of a connector, which a central system cannot know."""

OUR_PROFILES: Final = 1_000_000
"""Profiles with ids from here on are made by `simple_profile`."""

_PURPOSE_NUMBER: Final = {
    Purpose.CHARGE_POINT_MAX_PROFILE: 0,
    Purpose.TX_DEFAULT_PROFILE: 10_000,
    Purpose.TX_PROFILE: 20_000,
}

_UNITS: Final = {"current": RateUnit.A, "power": RateUnit.W}


def profile_objection(
    records: Records, station_id: int, payload: Mapping[str, Any], now: datetime
) -> str | None:
    """Why this SetChargingProfile should not be sent (SR-A01 to SR-A05); None if it may."""
    try:
        profile = read_profile(payload["csChargingProfiles"], "csChargingProfiles")
    except CallRefused as refusal:
        return refusal.description
    connector = int(payload["connectorId"])
    if profile.purpose is Purpose.TX_PROFILE and connector > 0 and profile.transaction_id is None:
        return "a TxProfile must name its transaction (SR-A01)"
    station = station_facts(records, station_id, now, connector)
    keys = station_keys(records, station_id)
    fault = first_fault(Candidate(profile, connector, station, keys))
    return _reason(fault) if fault is not None else _timing_objection(profile, now)


def remote_start_objection(
    records: Records, station_id: int, payload: Mapping[str, Any], now: datetime
) -> str | None:
    """Why a RemoteStartTransaction with this profile should not be sent (SR-A02, SR-701)."""
    try:
        profile = read_profile(payload["chargingProfile"])
    except CallRefused as refusal:
        return refusal.description
    fault = first_fault_of_remote_start(profile, station_keys(records, station_id))
    return _reason(fault) if fault is not None else _timing_objection(profile, now)


def _reason(fault: Any) -> str:
    return f"{fault.reason} ({fault.rule})"


def _timing_objection(profile: Profile, now: datetime) -> str | None:
    if profile.valid_to is not None and profile.valid_to <= now:
        return "validTo is over already (SR-A03)"
    if profile.recurrency is not None and profile.kind is not Kind.RECURRING:
        return f"recurrencyKind does not go with a profile of kind {profile.kind} (SR-A05)"
    return None


def station_keys(records: Records, station_id: int) -> StationKeys:
    """The smart charging keys of a station as last read; generous where they never were."""

    def number(name: str, otherwise: int) -> int:
        value = records.configuration.value(station_id, name)
        return int(value) if value is not None and value.strip().isdecimal() else otherwise

    listed = records.configuration.value(station_id, "ChargingScheduleAllowedChargingRateUnit")
    units = [_UNITS.get(word.strip().lower()) for word in (listed or "").split(",")]
    known = tuple(unit for unit in units if unit is not None)
    return StationKeys(
        max_stack_level=number("ChargeProfileMaxStackLevel", 1_000),
        max_periods=number("ChargingScheduleMaxPeriods", 10_000),
        max_installed=number("MaxChargingProfilesInstalled", 10_000),
        units=known or (RateUnit.A, RateUnit.W),
    )


def station_facts(records: Records, station_id: int, now: datetime, connector: int = 0) -> Station:
    """What the arithmetic needs to know of a station, as far as we do.

    `connector`: is taken to exist, though the station may never have spoken of it.
    """
    told = [c.connector for c in records.stations.connectors([station_id]) if c.connector > 0]
    connectors = told or [c for c in (connector,) if c > 0]
    running = {
        found.connector: Transaction(found.id, found.started_at)
        for found in records.transactions.running(station_id)
        if found.connector is not None and found.started_at is not None
    }
    return Station(
        limits_a=dict.fromkeys(sorted({*connectors, *running}), UNKNOWN_LIMIT_A),
        transactions=running,
    )


def composite(
    records: Records, station_id: int, now: datetime, *, thought_of: Installed | None = None
) -> Composite:
    """What should be in force at a station, as far as its acknowledged profiles say.

    `thought_of`: as if this one had been acknowledged too; it replaces as SetChargingProfile does.
    """
    installed = []
    for record in records.profiles.of(station_id):
        try:
            installed.append(as_installed(record))
        except StoreError:
            # Was sent with force and accepted, though nobody can tell what it means.
            continue
    where = 0
    if thought_of is not None:
        where = thought_of.connector_id
        installed = [one for one in installed if not _replaced(one, thought_of)] + [thought_of]
    return Composite(Stack(tuple(installed)), station_facts(records, station_id, now, where))


def _replaced(one: Installed, fresh: Installed) -> bool:
    """Whether a new profile takes the place of this one (SR-631, SR-632)."""
    return one.profile_id == fresh.profile_id or one.slot == fresh.slot


def as_installed(record: ProfileRecord) -> Installed:
    """The record as the arithmetic wants it. Raises `StoreError` if it cannot be read."""
    try:
        profile = read_profile(record.document)
    except CallRefused as refusal:
        raise StoreError(f"profile {record.profile_id}: {refusal.description}") from refusal
    return Installed(profile, record.connector, record.acknowledged_at, record.transaction_id)


def limit_now(
    made: Composite, connector: int, now: datetime, unit: RateUnit = RateUnit.A
) -> Decimal | None:
    """The limit that should be in force; None where no profile says anything."""
    if not made.station.knows(connector) or not made.station.limits_a:
        return None
    found = made.limit_at(connector, now, unit).limit
    free = UNKNOWN_LIMIT_A if unit is RateUnit.A else UNKNOWN_LIMIT_A * 230
    return None if found >= free else found


def simple_profile(
    purpose: Purpose,
    connector: int,
    limit: Decimal,
    unit: RateUnit,
    *,
    now: datetime,
    transaction_id: int | None = None,
    phases: int | None = None,
    duration_s: int | None = None,
    stack_level: int = 0,
) -> dict[str, Any]:
    """One number as a charging profile: for the station, a connector, or a transaction.

    The same question gives the same profile id, so that a new limit replaces the old one. It
    begins a little in the past (SR-A06): a station whose clock is behind must not leave a gap.
    """
    number = OUR_PROFILES + _PURPOSE_NUMBER[purpose] + connector
    in_time = duration_s is not None
    return write_profile(
        Profile(
            profile_id=number,
            transaction_id=transaction_id,
            stack_level=stack_level,
            purpose=purpose,
            kind=Kind.ABSOLUTE,
            unit=unit,
            start=(now if in_time else now - timedelta(days=1)).replace(microsecond=0),
            duration_s=duration_s,
            periods=(Period(start_s=0, limit=limit, phases=phases),),
        )
    )
