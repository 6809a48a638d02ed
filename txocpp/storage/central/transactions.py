"""Charging transactions: rows and how to find them. Which row is meant by a message is decided in
`txocpp.csms.transactions`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs
from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from txocpp.storage.central import schema
from txocpp.storage.central.schema import EPOCH
from txocpp.storage.central.statements import Prepared
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


_TABLE = schema.transaction
_COLUMNS = [_TABLE.c[field.name] for field in attrs.fields(TransactionRecord)]
_RUNNING_OF = (
    select(*_COLUMNS)
    .where(
        _TABLE.c.station_id == bindparam("station_id"),
        _TABLE.c.state == TransactionState.RUNNING,
    )
    .order_by(_TABLE.c.started_at, _TABLE.c.id)
)

# What every start, stop and meter value asks.
_BY_ID = Prepared(select(*_COLUMNS).where(_TABLE.c.id == bindparam("transaction_id")))
_BY_START = Prepared(
    union_all(
        select(literal(1).label("same"), *_COLUMNS).where(
            _TABLE.c.station_id == bindparam("station_id"),
            _TABLE.c.connector == bindparam("connector"),
            _TABLE.c.started_at == bindparam("started_at"),
            _TABLE.c.meter_start == bindparam("meter_start"),
        ),
        select(literal(0).label("same"), *_COLUMNS).where(
            _TABLE.c.station_id == bindparam("station_id"),
            _TABLE.c.connector == bindparam("connector"),
            _TABLE.c.state == TransactionState.RUNNING,
        ),
    )
)
"""What may be the same start, and what runs on the connector."""
_BY_STOP = Prepared(
    select(*_COLUMNS).where(
        _TABLE.c.station_id == bindparam("station_id"),
        _TABLE.c.reported_id == bindparam("reported_id"),
        _TABLE.c.stopped_at == bindparam("stopped_at"),
        _TABLE.c.meter_stop == bindparam("meter_stop"),
    )
)
_RUNNING = Prepared(_RUNNING_OF)
_RUNNING_AT = Prepared(_RUNNING_OF.where(_TABLE.c.connector == bindparam("connector")))
_COUNT_RUNNING = Prepared(
    select(func.count())
    .select_from(_TABLE)
    .where(
        _TABLE.c.state == TransactionState.RUNNING,
        # A start that was refused takes up nothing, though the station has yet to end it.
        _TABLE.c.start_status == "Accepted",
        func.upper(_TABLE.c.id_tag) == bindparam("tag_key"),
    )
)
_changes: dict[tuple[str, ...], tuple[Prepared, Prepared]] = {}


def _add_and_set(columns: tuple[str, ...]) -> tuple[Prepared, Prepared]:
    """INSERT and UPDATE of these columns: the same few sets of them come again and again."""
    found = _changes.get(columns)
    if found is None:
        add = insert(_TABLE).returning(*_COLUMNS)
        set_ = update(_TABLE).where(_TABLE.c.id == bindparam("the_id")).returning(*_COLUMNS)
        found = _changes[columns] = (Prepared(add, columns), Prepared(set_, columns))
    return found


class Transactions:
    """The charging transactions of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, transaction_id: int) -> TransactionRecord | None:
        """The transaction with this id, or None."""
        found = self._asked(_BY_ID, transaction_id=transaction_id)
        return found[0] if found else None

    def at_start(
        self, station_id: int, connector: int, id_tag: str, started_at: datetime, meter_start: int
    ) -> tuple[TransactionRecord | None, list[TransactionRecord]]:
        """The transaction that began with exactly this message (TX-05), and those that run on the
        connector, oldest first."""
        values = {
            "station_id": station_id,
            "connector": connector,
            "started_at": started_at,
            "meter_start": meter_start,
        }
        same: TransactionRecord | None = None
        running = []
        for alike, *row in _BY_START.rows(self._connection, values):
            found = TransactionRecord(*row)
            if not alike:
                running.append(found)
            elif same is None and tag_key(found.id_tag or "") == tag_key(id_tag):
                same = found
        running.sort(key=lambda one: (one.started_at or EPOCH, one.id))
        return same, running

    def find_stopped(
        self, station_id: int, reported_id: int, stopped_at: datetime, meter_stop: int
    ) -> TransactionRecord | None:
        """The transaction that exactly this StopTransaction ended, under an id not of ours."""
        found = self._asked(
            _BY_STOP,
            station_id=station_id,
            reported_id=reported_id,
            stopped_at=stopped_at,
            meter_stop=meter_stop,
        )
        return found[0] if found else None

    def running(self, station_id: int, connector: int | None = None) -> list[TransactionRecord]:
        """Running transactions of a station, oldest first."""
        if connector is None:
            return self._asked(_RUNNING, station_id=station_id)
        return self._asked(_RUNNING_AT, station_id=station_id, connector=connector)

    def all_running(self, station_ids: list[int]) -> list[TransactionRecord]:
        """Running transactions of many stations."""
        return self._all(
            select(*_COLUMNS)
            .where(_TABLE.c.state == TransactionState.RUNNING, _TABLE.c.station_id.in_(station_ids))
            .order_by(_TABLE.c.station_id, _TABLE.c.connector)
        )

    def count_running(self, id_tag: str) -> int:
        """How many transactions this tag has been granted and has running, over all stations."""
        found = _COUNT_RUNNING.row(self._connection, {"tag_key": tag_key(id_tag)})
        return int(found[0]) if found else 0

    def add(self, **facts: Any) -> TransactionRecord:
        """Enter a transaction; its id is new and never used again (TX-03)."""
        add, _ = _add_and_set(tuple(facts))
        (row,) = add.rows(self._connection, facts)
        return TransactionRecord(*row)

    def set(self, transaction_id: int, **facts: Any) -> TransactionRecord:
        """Change a transaction that is there."""
        _, set_ = _add_and_set(tuple(facts))
        (row,) = set_.rows(self._connection, {**facts, "the_id": transaction_id})
        return TransactionRecord(*row)

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
        table = _TABLE
        question = select(*_COLUMNS).order_by(table.c.id.desc()).limit(limit)
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

    def _all(self, question: Select[Any]) -> list[TransactionRecord]:
        return [TransactionRecord(*row) for row in self._connection.execute(question)]

    def _asked(self, question: Prepared, **values: Any) -> list[TransactionRecord]:
        return [TransactionRecord(*row) for row in question.rows(self._connection, values)]
