"""What the API shows of stations, transactions, tags and operations.

Names carry their units; moments are RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from txocpp.csms.authorization import tag_status
from txocpp.csms.central import CentralSystem
from txocpp.csms.logins import document_without_logins
from txocpp.csms.metering import read_kept
from txocpp.storage.central.operations import OperationRecord
from txocpp.storage.central.profiles import ProfileRecord
from txocpp.storage.central.reservations import ReservationRecord
from txocpp.storage.central.samples import SampleRecord
from txocpp.storage.central.stations import ConnectorRecord, StationRecord
from txocpp.storage.central.tags import TagRecord
from txocpp.storage.central.transactions import TransactionRecord


class SampleView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a meter said at one instant, or a summary of an interval that began there."""

    at: datetime
    connector_id: int
    transaction_id: int | None = None
    context: str | None = None
    energy_wh: float | None = None
    power_w: float | None = None
    power_max_w: float | None = None
    current_a: float | None = None
    offered_a: float | None = None
    soc_percent: float | None = None
    values: list[dict[str, str]] | None = None


class TransactionView(msgspec.Struct, frozen=True):
    """One charging transaction."""

    id: int
    station: str
    connector_id: int | None
    id_tag: str | None
    state: str
    started_at: datetime | None
    meter_start_wh: int | None
    stopped_at: datetime | None
    meter_stop_wh: int | None
    energy_wh: float | None
    """So far, while it runs."""
    start_status: str | None
    stop_reason: str | None
    stop_id_tag: str | None
    reservation_id: int | None
    received_at: datetime
    note: str


class ConnectorView(msgspec.Struct, frozen=True):
    """One connector; 0 is the station as a whole."""

    connector_id: int
    status: str
    error_code: str
    info: str | None
    vendor_error_code: str | None
    changed_at: datetime
    limit_a: float | None = None
    """What should be in force by the profiles that were acknowledged; null: no limit."""
    transaction: TransactionView | None = None
    last_sample: SampleView | None = None


class StationSummary(msgspec.Struct, frozen=True):
    """One charge point in a list."""

    identity: str
    name: str
    connected: bool
    registration: str | None
    admission: str | None
    vendor: str | None
    model: str | None
    firmware_version: str | None
    last_seen: datetime | None
    connectors: list[ConnectorView]


class StationView(msgspec.Struct, frozen=True):
    """All that is known of one charge point."""

    identity: str
    name: str
    connected: bool
    connected_since: datetime | None
    address: str | None
    registration: str | None
    """What its last BootNotification was answered."""
    admission: str | None
    """What an operator decided; null: the general policy rules."""
    has_password: bool
    vendor: str | None
    model: str | None
    serial_number: str | None
    box_serial_number: str | None
    firmware_version: str | None
    iccid: str | None
    imsi: str | None
    meter_type: str | None
    meter_serial_number: str | None
    protocol: str | None
    first_seen: datetime
    last_seen: datetime | None
    booted_at: datetime | None
    local_list_version: int | None
    """Of the list that it acknowledged from here."""
    local_list_told: int | None
    """What it said last itself."""
    firmware_status: str | None
    diagnostics_status: str | None
    log_status: str | None
    version: int
    connectors: list[ConnectorView]
    transactions: list[TransactionView]
    """The running ones."""


class TagView(msgspec.Struct, frozen=True):
    """One tag."""

    id_tag: str
    parent_id_tag: str | None
    expires_at: datetime | None
    blocked: bool
    max_running: int | None
    note: str
    status: str
    """What a station is told about it now."""
    version: int


class OperationView(msgspec.Struct, frozen=True):
    """What was asked of a station, and what became of it."""

    id: int
    station: str
    action: str
    payload: dict[str, Any]
    state: str
    """waiting, sent or done."""
    outcome: str | None
    """answered, refused, timeout, offline, disconnected, invalid, cancelled, expired or lost."""
    answer: dict[str, Any] | None
    error_code: str | None
    error: str | None
    asked_by: str
    asked_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    batch: str | None


class ProfileView(msgspec.Struct, frozen=True):
    """A charging profile that a station has acknowledged."""

    connector_id: int
    profile_id: int
    purpose: str
    stack_level: int
    transaction_id: int | None
    acknowledged_at: datetime
    operation_id: int | None
    profile: dict[str, Any]


class ReservationView(msgspec.Struct, frozen=True):
    """A connector held for a tag."""

    station: str
    reservation_id: int
    connector_id: int
    id_tag: str
    parent_id_tag: str | None
    state: str
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    transaction_id: int | None


def sample_view(record: SampleRecord, *, complete: bool = False) -> SampleView:
    """A sample; `complete` with every value that was sent."""
    values = None
    if complete and record.sampled_values is not None:
        values = read_kept(record.sampled_values)
    return SampleView(
        record.at,
        record.connector,
        record.transaction_id,
        record.context,
        record.energy_wh,
        record.power_w,
        record.power_max_w,
        record.current_a,
        record.offered_a,
        record.soc_percent,
        values,
    )


def transaction_view(
    record: TransactionRecord, station: str, last: SampleRecord | None = None
) -> TransactionView:
    """A transaction; `last` sample tells the energy of a running one."""
    energy: float | None = record.energy_wh
    so_far = last.energy_wh if last is not None and last.transaction_id == record.id else None
    if energy is None and record.meter_start is not None and so_far is not None:
        energy = so_far - record.meter_start
    return TransactionView(
        id=record.id,
        station=station,
        connector_id=record.connector,
        id_tag=record.id_tag,
        state=record.state,
        started_at=record.started_at,
        meter_start_wh=record.meter_start,
        stopped_at=record.stopped_at,
        meter_stop_wh=record.meter_stop,
        energy_wh=energy,
        start_status=record.start_status,
        stop_reason=record.stop_reason,
        stop_id_tag=record.stop_id_tag,
        reservation_id=record.reservation_id,
        received_at=record.received_at,
        note=record.note,
    )


def connector_view(
    record: ConnectorRecord,
    *,
    limit_a: float | None = None,
    transaction: TransactionView | None = None,
    last_sample: SampleView | None = None,
) -> ConnectorView:
    """A connector with what is going on there."""
    return ConnectorView(
        record.connector,
        record.status,
        record.error_code,
        record.info,
        record.vendor_error_code,
        record.changed_at,
        limit_a,
        transaction,
        last_sample,
    )


def station_summary(
    record: StationRecord, central: CentralSystem, connectors: list[ConnectorView]
) -> StationSummary:
    """A station for a list."""
    return StationSummary(
        identity=record.identity,
        name=record.name,
        connected=record.identity in central.stations,
        registration=record.registration,
        admission=record.admission,
        vendor=record.vendor,
        model=record.model,
        firmware_version=record.firmware_version,
        last_seen=_last_seen(record, central),
        connectors=connectors,
    )


def station_view(
    record: StationRecord,
    central: CentralSystem,
    connectors: list[ConnectorView],
    transactions: list[TransactionView],
) -> StationView:
    """A station with everything."""
    line = central.stations.find(record.identity)
    same = {
        name: getattr(record, name)
        for name in StationView.__struct_fields__
        if hasattr(record, name)
    }
    same["last_seen"] = _last_seen(record, central)
    return StationView(
        **same,
        connected=line is not None,
        connected_since=None if line is None else _moment(line.connected_at),
        address=None if line is None else line.address,
        has_password=record.password_hash is not None,
        connectors=connectors,
        transactions=transactions,
    )


def tag_view(record: TagRecord, now: datetime) -> TagView:
    """A tag."""
    return TagView(
        record.id_tag,
        record.parent_id_tag,
        record.expires_at,
        record.blocked,
        record.max_running,
        record.note,
        str(tag_status(record, now)),
        record.version,
    )


def operation_view(record: OperationRecord, station: str) -> OperationView:
    """An operation."""
    return OperationView(
        id=record.id,
        station=station,
        action=record.action,
        payload=document_without_logins(record.payload),
        state=record.state,
        outcome=record.outcome,
        answer=record.answer,
        error_code=record.error_code,
        error=record.error_text,
        asked_by=record.asked_by,
        asked_at=record.asked_at,
        sent_at=record.sent_at,
        ended_at=record.ended_at,
        expires_at=record.expires_at,
        batch=record.batch,
    )


def profile_view(record: ProfileRecord) -> ProfileView:
    """A charging profile."""
    return ProfileView(
        record.connector,
        record.profile_id,
        record.purpose,
        record.stack_level,
        record.transaction_id,
        record.acknowledged_at,
        record.operation_id,
        record.document,
    )


def reservation_view(record: ReservationRecord, station: str) -> ReservationView:
    """A reservation."""
    return ReservationView(
        station,
        record.reservation_id,
        record.connector,
        record.id_tag,
        record.parent_id_tag,
        record.state,
        record.made_at,
        record.expires_at,
        record.ended_at,
        record.transaction_id,
    )


def _last_seen(record: StationRecord, central: CentralSystem) -> datetime | None:
    line = central.stations.find(record.identity)
    if line is None:
        return record.last_seen
    return _moment(line.last_heard)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
