"""Charge points as the central system knows them, and the state of their connectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any, Final

import attrs
from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select, update

from txocpp.storage.central import schema
from txocpp.storage.central.statements import Append


@attrs.frozen
class StationRecord:
    """One charge point."""

    id: int
    identity: str
    name: str
    admission: str | None
    """``accepted``, ``pending`` or ``rejected`` by an operator; None: the general policy rules."""
    registration: str | None
    """The last BootNotification was answered so; None: it never booted here."""
    protocol: str | None
    vendor: str | None
    model: str | None
    serial_number: str | None
    box_serial_number: str | None
    firmware_version: str | None
    iccid: str | None
    imsi: str | None
    meter_type: str | None
    meter_serial_number: str | None
    password_hash: str | None = attrs.field(repr=False)
    other_password_hash: str | None = attrs.field(repr=False)
    first_seen: datetime
    last_seen: datetime | None
    booted_at: datetime | None
    local_list_version: int | None
    """Of the list that the station acknowledged from us."""
    local_list_told: int | None
    """What the station said last."""
    firmware_status: str | None
    diagnostics_status: str | None
    log_status: str | None
    version: int
    """Grows with every change that an operator makes."""


@attrs.frozen
class ConnectorRecord:
    """What a connector was last said to be. Connector 0 is the station as a whole."""

    station_id: int
    connector: int
    status: str
    error_code: str
    info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    changed_at: datetime
    """When it changed, by the station's clock, but never later than it was received."""
    received_at: datetime


def _upsert_connector(dialect: str, *, always: bool = False) -> Any:
    build = import_module(f"sqlalchemy.dialects.{dialect}").insert
    names = [column.name for column in schema.connector.columns]
    fresh = build(schema.connector).values({name: bindparam(name) for name in names})
    keys = ("station_id", "connector")
    # A late status must not overwrite a newer one (Z-08).
    newer = fresh.excluded.changed_at >= schema.connector.c.changed_at
    return fresh.on_conflict_do_update(
        index_elements=list(keys),
        set_={name: fresh.excluded[name] for name in names if name not in keys},
        where=None if always else newer,
    )


CONNECTOR_STATUS: Final = Append("connector status", _upsert_connector)
"""Rows: station_id, connector, status, error_code, info, vendor_id, vendor_error_code,
changed_at, received_at; moments in milliseconds."""

PRESENT_STATUS: Final = Append("present connector status", partial(_upsert_connector, always=True))
"""The same row, which counts even if an older one has a later time: the clock was set back."""


def _insert_status_change(dialect: str) -> Any:
    names = [c.name for c in schema.status_change.columns if c.name != "id"]
    return insert(schema.status_change).values({name: bindparam(name) for name in names})


STATUS_CHANGE: Final = Append("status change", _insert_status_change)
"""The same row for the history."""


class Stations:
    """The stations of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, identity: str) -> StationRecord | None:
        """The station with this identity, or None."""
        return self._one(schema.station.c.identity == identity)

    def get(self, station_id: int) -> StationRecord | None:
        """The station with this key, or None."""
        return self._one(schema.station.c.id == station_id)

    def meet(self, identity: str, now: datetime) -> StationRecord:
        """The station with this identity; entered now if it is new."""
        known = self.find(identity)
        if known is not None:
            return known
        return self.add(identity, now)

    def add(self, identity: str, now: datetime, **facts: Any) -> StationRecord:
        """Enter a new station."""
        row = self._connection.execute(
            insert(schema.station)
            .values(identity=identity, first_seen=now, **facts)
            .returning(schema.station)
        ).one()
        return StationRecord(**row._mapping)

    def set(self, station_id: int, **facts: Any) -> None:
        """Note facts that the station told or that follow from its messages."""
        self._connection.execute(
            update(schema.station).where(schema.station.c.id == station_id).values(facts)
        )

    def edit(self, station_id: int, version: int | None, **facts: Any) -> StationRecord | None:
        """Change what an operator decides. None: it is no longer at `version` (None: any)."""
        table = schema.station
        change = update(table).where(table.c.id == station_id)
        if version is not None:
            change = change.where(table.c.version == version)
        row = self._connection.execute(
            change.values(version=table.c.version + 1, **facts).returning(table)
        ).one_or_none()
        return None if row is None else StationRecord(**row._mapping)

    def seen(self, moments: Mapping[int, datetime]) -> None:
        """Note signs of life, station key to moment (H-03)."""
        if moments:
            self._connection.execute(
                update(schema.station)
                .where(schema.station.c.id == bindparam("key"))
                .values(last_seen=bindparam("moment")),
                [{"key": key, "moment": moment} for key, moment in moments.items()],
            )

    def page(
        self,
        *,
        after: str | None = None,
        limit: int = 100,
        search: str | None = None,
        admission: str | None = None,
        registration: str | None = None,
        identities: Sequence[str] | None = None,
        excluding: Sequence[str] | None = None,
        status: str | None = None,
    ) -> list[StationRecord]:
        """Stations in the order of their identities, from behind `after` on.

        `status`: only those with a connector that was last said to be in it.
        """
        table = schema.station
        question = select(table).order_by(table.c.identity).limit(limit)
        if after is not None:
            question = question.where(table.c.identity > after)
        if search:
            sought = f"%{_escaped(search)}%"
            question = question.where(
                or_(
                    *(
                        column.ilike(sought, escape="\\")
                        for column in (
                            table.c.identity,
                            table.c.name,
                            table.c.vendor,
                            table.c.model,
                        )
                    )
                )
            )
        if admission is not None:
            question = question.where(table.c.admission == admission)
        if registration is not None:
            question = question.where(table.c.registration == registration)
        if identities is not None:
            question = question.where(table.c.identity.in_(identities))
        if excluding is not None:
            question = question.where(table.c.identity.not_in(excluding))
        if status is not None:
            plug = schema.connector
            question = question.where(
                exists().where(plug.c.station_id == table.c.id, plug.c.status == status)
            )
        return [StationRecord(**row._mapping) for row in self._connection.execute(question)]

    def identities(self, station_ids: Iterable[int]) -> dict[int, str]:
        """Identities by key."""
        table = schema.station
        rows = self._connection.execute(
            select(table.c.id, table.c.identity).where(table.c.id.in_(list(station_ids)))
        )
        return {row.id: row.identity for row in rows}

    def count(self) -> int:
        """How many stations are known."""
        return int(
            self._connection.execute(select(func.count()).select_from(schema.station)).scalar_one()
        )

    def count_newcomers(self) -> int:
        """How many of them nobody has decided about."""
        table = schema.station
        question = select(func.count()).select_from(table).where(table.c.admission.is_(None))
        return int(self._connection.execute(question).scalar_one())

    def connectors(self, station_ids: Iterable[int]) -> list[ConnectorRecord]:
        """The connectors of these stations, in order."""
        table = schema.connector
        rows = self._connection.execute(
            select(table)
            .where(table.c.station_id.in_(list(station_ids)))
            .order_by(table.c.station_id, table.c.connector)
        )
        return [ConnectorRecord(**row._mapping) for row in rows]

    def status_history(
        self, station_id: int, *, connector: int | None = None, before: int | None, limit: int
    ) -> list[tuple[int, ConnectorRecord]]:
        """What was reported, newest first, each with its number for paging."""
        table = schema.status_change
        question = select(table).where(table.c.station_id == station_id)
        if connector is not None:
            question = question.where(table.c.connector == connector)
        if before is not None:
            question = question.where(table.c.id < before)
        rows = self._connection.execute(question.order_by(table.c.id.desc()).limit(limit))
        found = []
        for row in rows:
            facts = dict(row._mapping)
            found.append((facts.pop("id"), ConnectorRecord(**facts)))
        return found

    def _one(self, condition: Any) -> StationRecord | None:
        row = self._connection.execute(select(schema.station).where(condition)).one_or_none()
        return None if row is None else StationRecord(**row._mapping)


def _escaped(sought: str) -> str:
    return sought.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
