"""Charging transactions: rows and how to find them. Which row is meant by a message is decided in
`txocpp.csms.transactions`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs
from sqlalchemy import Connection, Select, func, insert, select, update

from txocpp.storage.central import schema
from txocpp.storage.central.tags import tag_key


class TransactionState(StrEnum):
    """How far a transaction has come."""

    RUNNING = "running"
    STOPPED = "stopped"
    """Its StopTransaction has come."""
    ABANDONED = "abandoned"
    """Its end was never told, but the next one began on the connector, or an operator closed it.
    A StopTransaction that comes after all still completes it."""


@attrs.frozen
class TransactionRecord:
    """One charging transaction."""

    id: int
    station_id: int
    connector: int | None
    """None: only its end was ever told, which does not name the connector."""
    id_tag: str | None
    meter_start: int | None
    """Wh; None: its start was never told."""
    started_at: datetime | None
    received_at: datetime
    start_status: str | None
    """The authorization status that the start was answered with."""
    reservation_id: int | None
    state: str
    stopped_at: datetime | None
    meter_stop: int | None
    stop_reason: str | None
    stop_id_tag: str | None
    stop_received_at: datetime | None
    reported_id: int | None
    """The id that the station used where it was not ours (for example -1)."""
    note: str
    """What was odd about it, for people."""

    @property
    def energy_wh(self) -> int | None:
        """Energy delivered, once both register values are known (M-01)."""
        if self.meter_start is None or self.meter_stop is None:
            return None
        return self.meter_stop - self.meter_start


class Transactions:
    """The charging transactions of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, transaction_id: int) -> TransactionRecord | None:
        """The transaction with this id, or None."""
        return self._first(
            select(schema.transaction).where(schema.transaction.c.id == transaction_id)
        )

    def find_start(
        self, station_id: int, connector: int, id_tag: str, started_at: datetime, meter_start: int
    ) -> TransactionRecord | None:
        """The transaction that began with exactly this message (TX-05)."""
        table = schema.transaction
        found = self._all(
            select(table).where(
                table.c.station_id == station_id,
                table.c.connector == connector,
                table.c.started_at == started_at,
                table.c.meter_start == meter_start,
            )
        )
        return next((t for t in found if tag_key(t.id_tag or "") == tag_key(id_tag)), None)

    def find_stop_only(
        self, station_id: int, reported_id: int, stopped_at: datetime, meter_stop: int
    ) -> TransactionRecord | None:
        """The row made for this StopTransaction that belonged to no transaction of ours."""
        table = schema.transaction
        return self._first(
            select(table).where(
                table.c.station_id == station_id,
                table.c.reported_id == reported_id,
                table.c.stopped_at == stopped_at,
                table.c.meter_stop == meter_stop,
            )
        )

    def running(self, station_id: int, connector: int | None = None) -> list[TransactionRecord]:
        """Running transactions of a station, oldest first."""
        table = schema.transaction
        question = select(table).where(
            table.c.station_id == station_id, table.c.state == TransactionState.RUNNING
        )
        if connector is not None:
            question = question.where(table.c.connector == connector)
        return self._all(question.order_by(table.c.started_at, table.c.id))

    def all_running(self, station_ids: list[int]) -> list[TransactionRecord]:
        """Running transactions of many stations."""
        table = schema.transaction
        return self._all(
            select(table)
            .where(table.c.state == TransactionState.RUNNING, table.c.station_id.in_(station_ids))
            .order_by(table.c.station_id, table.c.connector)
        )

    def count_running(self, id_tag: str) -> int:
        """How many transactions this tag has running, over all stations."""
        table = schema.transaction
        return int(
            self._connection.execute(
                select(func.count())
                .select_from(table)
                .where(
                    table.c.state == TransactionState.RUNNING,
                    func.upper(table.c.id_tag) == tag_key(id_tag),
                )
            ).scalar_one()
        )

    def add(self, **facts: Any) -> TransactionRecord:
        """Enter a transaction; its id is new and never used again (TX-03)."""
        row = self._connection.execute(
            insert(schema.transaction).values(facts).returning(schema.transaction)
        ).one()
        return TransactionRecord(**row._mapping)

    def set(self, transaction_id: int, **facts: Any) -> TransactionRecord:
        """Change a transaction that is there."""
        row = self._connection.execute(
            update(schema.transaction)
            .where(schema.transaction.c.id == transaction_id)
            .values(facts)
            .returning(schema.transaction)
        ).one()
        return TransactionRecord(**row._mapping)

    def page(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        station_id: int | None = None,
        connector: int | None = None,
        id_tag: str | None = None,
        state: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[TransactionRecord]:
        """Transactions, newest id first, from before the id `before` on."""
        table = schema.transaction
        question = select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            question = question.where(table.c.id < before)
        if station_id is not None:
            question = question.where(table.c.station_id == station_id)
        if connector is not None:
            question = question.where(table.c.connector == connector)
        if id_tag is not None:
            question = question.where(func.upper(table.c.id_tag) == tag_key(id_tag))
        if state is not None:
            question = question.where(table.c.state == state)
        if since is not None:
            question = question.where(
                func.coalesce(table.c.started_at, table.c.stopped_at) >= since
            )
        if until is not None:
            question = question.where(func.coalesce(table.c.started_at, table.c.stopped_at) < until)
        return self._all(question)

    def _first(self, question: Select[Any]) -> TransactionRecord | None:
        row = self._connection.execute(question.limit(1)).first()
        return None if row is None else TransactionRecord(**row._mapping)

    def _all(self, question: Select[Any]) -> list[TransactionRecord]:
        return [TransactionRecord(**row._mapping) for row in self._connection.execute(question)]
