"""What a central system should look at before it sends a profile (SR-A01 to SR-A06)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import attrs

from txocpp.errors import InvalidMessage
from txocpp.smartcharging.acceptance import Fault, faults_of_shape
from txocpp.smartcharging.profiles import Kind, Profile, Purpose
from txocpp.smartcharging.stack import Stack
from txocpp.smartcharging.station import StationKeys

_MOST_DIGITS = Decimal(10) ** 6
_ANY_STATION = StationKeys(max_stack_level=2**31 - 1, max_periods=2**31 - 1)


def faults_before_sending(
    profile: Profile,
    connector_id: int,
    *,
    now: datetime,
    keys: StationKeys | None = None,
    remote_start: bool = False,
    record: Stack | None = None,
) -> list[Fault]:
    """Everything that speaks against sending a profile to this connector.

    ``keys`` are the configuration keys that the station has reported; without them only what no
    station can accept is found. ``record`` is what the station is known to have installed: with
    it, a replacement that would open a gap is found (SR-A06).
    """
    return [
        *_purpose(profile, connector_id, remote_start),
        *_instants(profile, now),
        *_periods(profile, keys or _ANY_STATION),
        *_recurrence(profile),
        *_gap(profile, connector_id, now, record or Stack()),
    ]


def ensure_sendable(
    profile: Profile,
    connector_id: int,
    *,
    now: datetime,
    keys: StationKeys | None = None,
    remote_start: bool = False,
    record: Stack | None = None,
) -> Profile:
    """The profile itself, or `InvalidMessage` with all that `faults_before_sending` found."""
    faults = faults_before_sending(
        profile, connector_id, now=now, keys=keys, remote_start=remote_start, record=record
    )
    if faults:
        reasons = "; ".join(f"{fault.reason} ({fault.rule})" for fault in faults)
        raise InvalidMessage(f"charging profile {profile.profile_id}: {reasons}")
    return profile


def _purpose(profile: Profile, connector_id: int, remote_start: bool) -> Iterator[Fault]:
    purpose = profile.purpose
    if remote_start:
        if purpose is not Purpose.TX_PROFILE:
            yield Fault("SR-A02", f"a remote start takes a TxProfile, not a {purpose}")
        if profile.transaction_id is not None:
            yield Fault("SR-A02", "a remote start must not name a transaction")
        return
    if purpose is Purpose.CHARGE_POINT_MAX_PROFILE and connector_id != 0:
        yield Fault("SR-A01", "a ChargePointMaxProfile goes to connector 0 only")
    if purpose is Purpose.TX_PROFILE:
        if connector_id <= 0:
            yield Fault("SR-A01", "a TxProfile goes to one connector, not to 0")
        if profile.transaction_id is None:
            yield Fault("SR-A01", "a TxProfile has to name its transaction")
    elif profile.transaction_id is not None:
        yield Fault("SR-A02", f"a {purpose} must not name a transaction")


def _instants(profile: Profile, now: datetime) -> Iterator[Fault]:
    start, valid_from, valid_to = profile.start, profile.valid_from, profile.valid_to
    if valid_to is not None and valid_to <= now:
        yield Fault("SR-A03", "validTo is over already")
    if valid_to is not None and valid_from is not None:
        if valid_to <= valid_from:
            yield Fault("SR-A03", "validTo does not come after validFrom")
        elif start is not None and not valid_from <= start <= valid_to:
            yield Fault("SR-A03", "startSchedule lies outside validFrom and validTo")


def _periods(profile: Profile, keys: StationKeys) -> Iterator[Fault]:
    # Recurrence and validity have rules of their own here.
    elsewhere = ("SR-616", "SR-617")
    for fault in faults_of_shape(profile, keys):
        if fault.rule not in elsewhere:
            yield attrs.evolve(fault, rule="SR-A04")
    if any(period.limit >= _MOST_DIGITS for period in profile.periods):
        yield Fault("SR-A04", "a limit has more than six digits before the point")


def _recurrence(profile: Profile) -> Iterator[Fault]:
    recurring = profile.kind is Kind.RECURRING
    if recurring and profile.recurrency is None:
        yield Fault("SR-A05", "a Recurring profile needs a recurrencyKind")
    if recurring and profile.start is None:
        yield Fault("SR-A05", "a Recurring profile needs a startSchedule")
    if not recurring and profile.recurrency is not None:
        yield Fault("SR-A05", f"recurrencyKind does not go with kind {profile.kind}")


def _gap(profile: Profile, connector_id: int, now: datetime, record: Stack) -> Iterator[Fault]:
    slot = connector_id, profile.purpose, profile.stack_level
    if not any(one.profile_id == profile.profile_id or one.slot == slot for one in record):
        return
    late = [
        name
        for name, instant in (("startSchedule", profile.start), ("validFrom", profile.valid_from))
        if instant is not None and instant > now
    ]
    if late:
        yield Fault("SR-A06", f"{' and '.join(late)} ahead: the profile it replaces leaves a gap")
