"""The whole site in a few figures, counted by the database and not by looking at every station."""

from __future__ import annotations

import attrs
from sqlalchemy import ColumnElement, Connection, case, func, select

from txocpp.storage.central import schema
from txocpp.storage.central.transactions import TransactionState


@attrs.frozen
class RunningTotals:
    """What goes on at this moment, over all stations."""

    transactions: int
    power_w: float
    energy_wh: float
    """Delivered so far by the transactions that run."""


class Totals:
    """The figures of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def statuses(self) -> dict[str, int]:
        """How many connectors were last said to be in which status."""
        table = schema.connector
        rows = self._connection.execute(
            select(table.c.status, func.count().label("number"))
            .where(table.c.connector > 0)
            .group_by(table.c.status)
        )
        return {row.status: row.number for row in rows}

    def stations(self) -> tuple[int, int]:
        """How many there are, and how many of them wait for somebody to decide about them."""
        table = schema.station
        undecided = (table.c.registration == "Pending") & (
            func.coalesce(table.c.admission, "pending") == "pending"
        )
        row = self._connection.execute(
            select(
                func.count().label("number"),
                func.coalesce(func.sum(case((undecided, 1), else_=0)), 0).label("waiting"),
            ).select_from(table)
        ).one()
        return int(row.number), int(row.waiting)

    def running(self) -> RunningTotals:
        """The transactions that run, and what their meters said last."""
        table = schema.transaction
        power = _newest(schema.sample.c.power_w)
        register = _newest(schema.sample.c.energy_wh)
        count, watts, energy = self._connection.execute(
            select(
                func.count(),
                func.coalesce(func.sum(power), 0.0),
                func.coalesce(func.sum(register - table.c.meter_start), 0.0),
            )
            .select_from(table)
            .where(table.c.state == TransactionState.RUNNING)
        ).one()
        return RunningTotals(int(count), float(watts), float(energy))


def _newest(column: ColumnElement[float]) -> ColumnElement[float]:
    """The newest value of a transaction's meter: one step in the index of the samples."""
    sample, transaction = schema.sample, schema.transaction
    return (
        select(column)
        .where(
            sample.c.station_id == transaction.c.station_id,
            sample.c.connector == transaction.c.connector,
            sample.c.at >= transaction.c.started_at,
            column.is_not(None),
        )
        .order_by(sample.c.at.desc())
        .limit(1)
        .correlate(transaction)
        .scalar_subquery()
    )
