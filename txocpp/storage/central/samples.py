"""Meter values: one row per instant of a connector, clustered by station, connector and time, so
that a chart reads the rows it shows and no others. What is older is there as summaries (see
`txocpp.storage.central.thinning`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Integer, Select, Table, bindparam, func, null, select

from txocpp.storage.central import schema
from txocpp.storage.central.schema import EPOCH
from txocpp.storage.central.statements import Append, Prepared


@attrs.frozen
class SampleRecord:
    """What a meter said at one instant, or the summary of one interval that ended there."""

    at: datetime
    connector: int
    transaction_id: int | None = None
    context: str | None = None
    energy_wh: float | None = None
    power_w: float | None = None
    power_max_w: float | None = None
    """Only in summaries."""
    current_a: float | None = None
    """The highest of the phases."""
    offered_a: float | None = None
    soc_percent: float | None = None
    sampled_values: str | None = None
    """All that was sent, as JSON text; None once it was thinned out."""


_COLUMNS: Final = tuple(column.name for column in schema.sample.columns)


def _insert_sample(dialect: str) -> Any:
    build = import_module(f"sqlalchemy.dialects.{dialect}").insert
    fresh = build(schema.sample).values({name: bindparam(name) for name in _COLUMNS})
    # A repeated message is no second sample.
    return fresh.on_conflict_do_nothing()


SAMPLE: Final = Append("meter sample", _insert_sample)
"""Rows: station_id, connector, at, digest, transaction_id, context, energy_wh, power_w,
current_a, offered_a, soc_percent, sampled_values; moments in milliseconds."""

SAMPLE_FIELDS: Final = tuple(
    getattr(schema.sample.c, field.name)
    for field in attrs.fields(SampleRecord)
    if field.name != "power_max_w"
)


def _of_connector(table: Table) -> Select[Any]:
    """Rows of a connector in [since, until), as the fields of a `SampleRecord`."""
    columns: dict[str, Any] = {
        field.name: table.c.get(field.name, null()) for field in attrs.fields(SampleRecord)
    }
    # Summaries outside of transactions have 0, since a key cannot be empty.
    columns["transaction_id"] = func.nullif(table.c.transaction_id, 0)
    return (
        select(*columns.values())
        .where(
            table.c.station_id == bindparam("station_id"),
            table.c.connector == bindparam("connector"),
            table.c.at >= bindparam("since"),
            table.c.at < bindparam("until"),
        )
        .order_by(table.c.at)
        .limit(bindparam("most", type_=Integer))
    )


def _of_transaction(table: Table) -> Select[Any]:
    return _of_connector(table).where(table.c.transaction_id == bindparam("transaction_id"))


_SERIES: Final = {
    table: (Prepared(_of_connector(table)), Prepared(_of_transaction(table)))
    for table in (schema.sample, schema.thinned)
}
"""For each table: all rows, and those of one transaction. A chart asks for thousands of rows."""

FAR_FUTURE: Final = datetime(9999, 1, 1, tzinfo=UTC)
LONGEST_INTERVAL: Final = timedelta(days=1)


class Samples:
    """The meter values of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Enter rows of the form that `SAMPLE` takes."""
        if rows:
            SAMPLE.run(self._connection, rows)

    def latest(self, station_id: int, connector: int) -> SampleRecord | None:
        """The newest sample of a connector, with the values of its other messages filled in."""
        table = schema.sample
        newest = self._connection.execute(
            select(func.max(table.c.at)).where(
                table.c.station_id == station_id, table.c.connector == connector
            )
        ).scalar()
        if newest is None:
            return None
        found = self.series(station_id, connector, since=newest, until=None)
        return found[-1] if found else None

    def latest_of(self, station_ids: Sequence[int]) -> dict[tuple[int, int], SampleRecord]:
        """The same for every connector of these stations, by station and connector, at once."""
        plug, table, later = schema.connector, schema.sample, schema.sample.alias()
        newest = (
            select(func.max(later.c.at))
            .where(later.c.station_id == plug.c.station_id, later.c.connector == plug.c.connector)
            .correlate(plug)
            .scalar_subquery()
        )
        rows = self._connection.execute(
            select(table.c.station_id, *SAMPLE_FIELDS)
            .select_from(plug)
            .join(
                table,
                (table.c.station_id == plug.c.station_id)
                & (table.c.connector == plug.c.connector)
                & (table.c.at == newest),
            )
            .where(plug.c.station_id.in_(station_ids))
        )
        samples: dict[tuple[int, int], list[SampleRecord]] = {}
        for row in rows:
            facts = dict(row._mapping)
            key = facts.pop("station_id"), facts["connector"]
            samples.setdefault(key, []).append(SampleRecord(**facts))
        return {key: _joined(found)[-1] for key, found in samples.items()}

    def series(
        self,
        station_id: int,
        connector: int,
        *,
        since: datetime,
        until: datetime | None,
        transaction_id: int | None = None,
        limit: int = 100_000,
    ) -> list[SampleRecord]:
        """Samples of [since, until), oldest first; messages of one instant are put together."""
        earlier = since
        if transaction_id is not None and since > EPOCH + LONGEST_INTERVAL:
            # The interval in which it began has the time of its own beginning.
            earlier = since - LONGEST_INTERVAL
        asked = (station_id, connector, until or FAR_FUTURE, transaction_id, limit)
        old = self._series(schema.thinned, earlier, *asked)
        return old + _joined(self._series(schema.sample, since, *asked))

    def _series(
        self,
        table: Table,
        since: datetime,
        station_id: int,
        connector: int,
        until: datetime,
        transaction_id: int | None,
        limit: int,
    ) -> list[SampleRecord]:
        values: dict[str, Any] = {
            "station_id": station_id,
            "connector": connector,
            "since": since,
            "until": until,
            "most": limit,
        }
        question, of_transaction = _SERIES[table]
        if transaction_id is not None:
            question = of_transaction
            values["transaction_id"] = transaction_id
        return [SampleRecord(*row) for row in question.rows(self._connection, values)]

    def mentions(self, station_id: int, connector: int, transaction_id: int) -> bool:
        """True if the station has ever used this transaction id with a meter value."""
        table = schema.sample
        return (
            self._connection.execute(
                select(table.c.at)
                .where(
                    table.c.station_id == station_id,
                    table.c.connector == connector,
                    table.c.transaction_id == transaction_id,
                )
                .limit(1)
            ).first()
            is not None
        )

    def last_register(
        self, station_id: int, connector: int, since: datetime, until: datetime
    ) -> SampleRecord | None:
        """The newest energy register value of [since, until), or None."""
        table = schema.sample
        row = self._connection.execute(
            select(*SAMPLE_FIELDS)
            .where(
                table.c.station_id == station_id,
                table.c.connector == connector,
                table.c.at >= since,
                table.c.at < until,
                table.c.energy_wh.is_not(None),
            )
            .order_by(table.c.at.desc())
            .limit(1)
        ).first()
        return None if row is None else SampleRecord(**row._mapping)


def _joined(samples: list[SampleRecord]) -> list[SampleRecord]:
    """Put messages of the same instant and transaction together; the first value said stays."""
    joined: list[SampleRecord] = []
    for sample in samples:
        before = joined[-1] if joined else None
        if (
            before is None
            or before.at != sample.at
            or before.transaction_id != sample.transaction_id
        ):
            joined.append(sample)
            continue
        joined[-1] = _merged(before, sample)
    return joined


def _merged(one: SampleRecord, other: SampleRecord) -> SampleRecord:
    facts = attrs.asdict(one)
    for name, value in attrs.asdict(other).items():
        if facts[name] is None:
            facts[name] = value
    if one.sampled_values and other.sampled_values:
        facts["sampled_values"] = one.sampled_values[:-1] + "," + other.sampled_values[1:]
    return SampleRecord(**facts)
