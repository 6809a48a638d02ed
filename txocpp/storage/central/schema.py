"""The tables of a central system, the same for SQLite and PostgreSQL.

Rules of this room: moments are whole milliseconds since 1970 UTC on disk and aware datetimes in
Python; documents are JSON text; nothing here knows a message or a rule of OCPP. A table that
grows with every message (samples, statuses, message log) is keyed by station and time, so that
looking at one station costs the same however many there are.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from txocpp.storage.central.statements import storable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970 UTC."""
    return (moment - EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The aware moment that `to_ms` was given, cut to milliseconds."""
    return EPOCH + timedelta(milliseconds=milliseconds)


class Instant(TypeDecorator[datetime]):
    """A moment: aware datetime in Python, integer milliseconds on disk."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_ms(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_ms(value)


class Words(TypeDecorator[str]):
    """Text of a station or a person, without the few characters that a database cannot keep."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class LongWords(Words):
    """The same, of any length."""

    impl = Text
    cache_ok = True


WHOLE = BigInteger().with_variant(Integer, "sqlite")
"""Any whole number: stations may say what fits into 64 bits. SQLite has no other kind."""

ID_TAG = Words(20)
IDENTITY = Words(255)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _station_key(**options: Any) -> Column[int]:
    return Column("station_id", WHOLE, ForeignKey("station.id"), nullable=False, **options)


station = Table(
    "station",
    metadata,
    Column("id", WHOLE, primary_key=True),
    Column("identity", IDENTITY, nullable=False, unique=True),
    Column("name", Words(200), nullable=False, server_default=""),
    # What the operator decided: accepted, pending, rejected; NULL: as the general policy says.
    Column("admission", Words(10)),
    # What the last BootNotification was answered; NULL: it never booted here.
    Column("registration", Words(10)),
    Column("protocol", Words(20)),
    Column("vendor", Words(20)),
    Column("model", Words(20)),
    Column("serial_number", Words(25)),
    Column("box_serial_number", Words(25)),
    Column("firmware_version", Words(50)),
    Column("iccid", Words(20)),
    Column("imsi", Words(20)),
    Column("meter_type", Words(25)),
    Column("meter_serial_number", Words(25)),
    Column("password_hash", Text),
    # While a change of the key is under way: former ones, good until the new one is used.
    Column("other_password_hash", Text),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant),
    Column("booted_at", Instant),
    # Of the list that the station acknowledged from us, and what it said last itself.
    Column("local_list_version", WHOLE),
    Column("local_list_told", WHOLE),
    Column("firmware_status", Words(40)),
    Column("diagnostics_status", Words(40)),
    Column("log_status", Words(40)),
    Column("version", WHOLE, nullable=False, server_default="1"),
)

connector = Table(
    "connector",
    metadata,
    _station_key(primary_key=True),
    Column("connector", WHOLE, primary_key=True),
    Column("status", Words(20), nullable=False),
    Column("error_code", Words(30), nullable=False),
    Column("info", Words(50)),
    Column("vendor_id", Words(255)),
    Column("vendor_error_code", Words(50)),
    Column("changed_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

status_change = Table(
    "status_change",
    metadata,
    Column("id", WHOLE, primary_key=True),
    _station_key(),
    Column("connector", WHOLE, nullable=False),
    Column("status", Words(20), nullable=False),
    Column("error_code", Words(30), nullable=False),
    Column("info", Words(50)),
    Column("vendor_id", Words(255)),
    Column("vendor_error_code", Words(50)),
    Column("changed_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index(None, "station_id", "id"),
)

tag = Table(
    "tag",
    metadata,
    # Tags are case-insensitive: the key is folded, id_tag is as it was written.
    Column("key", ID_TAG, primary_key=True),
    Column("id_tag", ID_TAG, nullable=False),
    Column("parent_id_tag", ID_TAG),
    Column("expires_at", Instant),
    Column("blocked", Boolean, nullable=False, server_default=text("false")),
    Column("max_running", WHOLE),
    Column("note", Words(200), nullable=False, server_default=""),
    Column("version", WHOLE, nullable=False, server_default="1"),
)

# SQLite: AUTOINCREMENT, so that an id is never given twice, not even after a deletion (TX-03).
transaction = Table(
    "charging_transaction",
    metadata,
    Column("id", WHOLE, primary_key=True),
    _station_key(),
    # NULL: only the end of it ever came, and that does not name the connector.
    Column("connector", WHOLE),
    Column("id_tag", ID_TAG),
    Column("meter_start", BigInteger),
    Column("started_at", Instant),
    Column("received_at", Instant, nullable=False),
    Column("start_status", Words(20)),
    Column("reservation_id", WHOLE),
    Column("state", Words(10), nullable=False),
    Column("stopped_at", Instant),
    Column("meter_stop", BigInteger),
    Column("stop_reason", Words(20)),
    Column("stop_id_tag", ID_TAG),
    Column("stop_received_at", Instant),
    # The id a station used for a transaction that we never gave it (for example -1).
    Column("reported_id", WHOLE),
    Column("note", Words(300), nullable=False, server_default=""),
    Index(None, "station_id", "connector", "started_at"),
    Index(None, "station_id", "state"),
    Index(None, "started_at"),
    Index(None, "state"),
    sqlite_autoincrement=True,
)

# Tags are looked up without case.
Index("ix_charging_transaction_tag", func.upper(transaction.c.id_tag))

# One row for one instant of one connector. The columns are what pages and limits look at; the
# complete values are kept as compact JSON until they are thinned out.
sample = Table(
    "meter_sample",
    metadata,
    Column("station_id", WHOLE, primary_key=True),
    Column("connector", WHOLE, primary_key=True),
    Column("at", Instant, primary_key=True),
    # Tells apart messages of the same instant, and makes a repeated one no second row.
    Column("digest", BigInteger, primary_key=True),
    Column("transaction_id", WHOLE),
    Column("context", Words(20)),
    Column("energy_wh", Float),
    Column("power_w", Float),
    Column("current_a", Float),
    Column("offered_a", Float),
    Column("soc_percent", Float),
    Column("sampled_values", Text),
    sqlite_with_rowid=False,
)

# What remains of samples after thinning: one row per connector and interval.
thinned = Table(
    "meter_interval",
    metadata,
    Column("station_id", WHOLE, primary_key=True),
    Column("connector", WHOLE, primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("transaction_id", WHOLE, primary_key=True),
    Column("energy_wh", Float),
    Column("power_w", Float),
    Column("power_max_w", Float),
    Column("current_a", Float),
    Column("offered_a", Float),
    Column("soc_percent", Float),
    Column("samples", WHOLE, nullable=False),
    sqlite_with_rowid=False,
)

reservation = Table(
    "reservation",
    metadata,
    Column("id", WHOLE, primary_key=True),
    _station_key(),
    Column("reservation_id", WHOLE, nullable=False),
    Column("connector", WHOLE, nullable=False),
    Column("id_tag", ID_TAG, nullable=False),
    Column("parent_id_tag", ID_TAG),
    Column("expires_at", Instant, nullable=False),
    Column("made_at", Instant, nullable=False),
    # active, used, cancelled, expired, lost
    Column("state", Words(10), nullable=False),
    Column("ended_at", Instant),
    Column("transaction_id", WHOLE),
    Index(None, "station_id", "state"),
    Index(None, "state", "expires_at"),
)

# The local list as the station has acknowledged it.
local_list = Table(
    "local_list_entry",
    metadata,
    _station_key(primary_key=True),
    Column("key", ID_TAG, primary_key=True),
    Column("id_tag", ID_TAG, nullable=False),
    Column("info", JSON, nullable=False),
    sqlite_with_rowid=False,
)

# Profiles as acknowledged: what the station should have installed (SR-A07).
profile = Table(
    "charging_profile",
    metadata,
    _station_key(primary_key=True),
    Column("profile_id", WHOLE, primary_key=True),
    Column("connector", WHOLE, nullable=False),
    Column("purpose", Words(30), nullable=False),
    Column("stack_level", WHOLE, nullable=False),
    Column("transaction_id", WHOLE),
    Column("document", JSON, nullable=False),
    Column("acknowledged_at", Instant, nullable=False),
    Column("operation_id", WHOLE),
    Index(None, "station_id", "connector", "purpose", "stack_level"),
)

configuration_key = Table(
    "configuration_key",
    metadata,
    _station_key(primary_key=True),
    # Keys are case-insensitive (K-03): folded here, as told by the station in `key`.
    Column("folded", Words(50), primary_key=True),
    Column("key", Words(50), nullable=False),
    Column("value", Words(500)),
    Column("readonly", Boolean),
    Column("read_at", Instant, nullable=False),
    Column("pending_reboot", Boolean, nullable=False, server_default=text("false")),
    sqlite_with_rowid=False,
)

operation = Table(
    "operation",
    metadata,
    Column("id", WHOLE, primary_key=True),
    Column("batch", Words(36)),
    _station_key(),
    Column("action", Words(50), nullable=False),
    Column("payload", JSON, nullable=False),
    # waiting (for the station to connect), sent, done
    Column("state", Words(10), nullable=False),
    # answered, refused, timeout, offline, disconnected, invalid, cancelled, expired, lost
    Column("outcome", Words(15)),
    Column("answer", JSON),
    Column("error_code", Words(40)),
    Column("error_text", LongWords),
    Column("asked_by", Words(100), nullable=False, server_default=""),
    Column("asked_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("ended_at", Instant),
    Column("expires_at", Instant),
    Index(None, "station_id", "id"),
    Index(None, "state"),
    Index(None, "batch"),
    Index(None, "asked_at"),
    sqlite_autoincrement=True,
)

# What stations tell us beyond charging: security events, firmware and log progress, certificate
# requests, vendor data, boots.
notice = Table(
    "notice",
    metadata,
    Column("id", WHOLE, primary_key=True),
    _station_key(),
    Column("kind", Words(40), nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    Index(None, "station_id", "received_at"),
    Index(None, "kind", "received_at"),
    Index(None, "received_at"),
)

message_log = Table(
    "message_log",
    metadata,
    Column("id", WHOLE, primary_key=True),
    _station_key(),
    Column("at", Instant, nullable=False),
    # in: from the station; out: to the station
    Column("direction", Words(3), nullable=False),
    Column("frame", Text, nullable=False),
    # Rows come in the order of time, so the oldest are those with the lowest ids.
    Index(None, "station_id", "id"),
)

account = Table(
    "account",
    metadata,
    Column("id", WHOLE, primary_key=True),
    Column("name", Words(100), nullable=False, unique=True),
    Column("role", Words(10), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Instant, nullable=False),
    Column("version", WHOLE, nullable=False, server_default="1"),
)

token = Table(
    "token",
    metadata,
    Column("id", WHOLE, primary_key=True),
    Column("name", Words(100), nullable=False),
    Column("role", Words(10), nullable=False),
    # SHA-256 of 32 random bytes: nothing to guess, so no slow hash is needed.
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used", Instant),
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", WHOLE, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index(None, "expires_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", WHOLE, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", Words(100), nullable=False),
    Column("address", Words(64), nullable=False, server_default=""),
    Column("what", Words(100), nullable=False),
    Column("target", Words(255), nullable=False, server_default=""),
    Column("details", JSON, nullable=False),
    Index(None, "at"),
)
