"""Meter values: one row per instant of a connector, thinned to intervals as they grow old.

A year of a thousand connectors at one sample a minute is half a billion rows: too many to keep,
and no more telling than their means. So complete samples are kept for some weeks; what is older
remains as one row per interval (a quarter of an hour), with the register at its end and the mean
and highest power, 35 million rows for that year. Both tables are clustered by station, connector
and time: a chart reads the rows it shows and no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Table, and_, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from txocpp.storage.central import schema
from txocpp.storage.central.database import Append
from txocpp.storage.central.schema import from_ms, to_ms


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
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    fresh = build(schema.sample).values({name: bindparam(name) for name in _COLUMNS})
    # A repeated message is no second sample.
    return fresh.on_conflict_do_nothing()


SAMPLE: Final = Append("meter sample", _insert_sample)
"""Rows: station_id, connector, at, digest, transaction_id, context, energy_wh, power_w,
current_a, offered_a, soc_percent, sampled_values; moments in milliseconds."""

_FIELDS: Final = tuple(
    getattr(schema.sample.c, field.name)
    for field in attrs.fields(SampleRecord)
    if field.name != "power_max_w"
)
_THINNED_FIELDS: Final = tuple(
    getattr(schema.thinned.c, field.name)
    for field in attrs.fields(SampleRecord)
    if field.name not in ("context", "sampled_values")
)


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
        old = self._summaries(station_id, connector, since, until, transaction_id, limit)
        table = schema.sample
        question = select(*_FIELDS).where(
            table.c.station_id == station_id, table.c.connector == connector, table.c.at >= since
        )
        if until is not None:
            question = question.where(table.c.at < until)
        if transaction_id is not None:
            question = question.where(table.c.transaction_id == transaction_id)
        rows = self._connection.execute(question.order_by(table.c.at).limit(limit))
        return old + _joined([SampleRecord(**row._mapping) for row in rows])

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
            select(*_FIELDS)
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

    def _summaries(
        self,
        station_id: int,
        connector: int,
        since: datetime,
        until: datetime | None,
        transaction_id: int | None,
        limit: int,
    ) -> list[SampleRecord]:
        table = schema.thinned
        question = select(*_THINNED_FIELDS).where(
            table.c.station_id == station_id, table.c.connector == connector, table.c.at >= since
        )
        if until is not None:
            question = question.where(table.c.at < until)
        if transaction_id is not None:
            question = question.where(table.c.transaction_id == transaction_id)
        found = []
        for row in self._connection.execute(question.order_by(table.c.at).limit(limit)):
            facts = dict(row._mapping)
            facts["transaction_id"] = facts["transaction_id"] or None
            found.append(SampleRecord(**facts))
        return found

    def connectors_with_samples(self) -> list[tuple[int, int]]:
        """Every (station, connector) that has samples."""
        return self._connectors_in(schema.sample)

    def connectors_with_intervals(self) -> list[tuple[int, int]]:
        """Every (station, connector) that has summaries."""
        return self._connectors_in(schema.thinned)

    def _connectors_in(self, table: Table) -> list[tuple[int, int]]:
        """One step of the index for each, however many rows there are."""
        found: list[tuple[int, int]] = []
        question = select(table.c.station_id, table.c.connector).order_by(
            table.c.station_id, table.c.connector
        )
        while True:
            step = question
            if found:
                station_id, connector = found[-1]
                step = question.where(
                    (table.c.station_id > station_id)
                    | and_(table.c.station_id == station_id, table.c.connector > connector)
                )
            row = self._connection.execute(step.limit(1)).first()
            if row is None:
                return found
            found.append((row[0], row[1]))

    def thin(
        self, station_id: int, connector: int, before: datetime, interval: timedelta, limit: int
    ) -> int:
        """Sum up at most `limit` samples older than `before`; returns how many rows went.

        Only whole intervals are summed up, so that none is summed up twice.
        """
        table = schema.sample
        oldest = select(*_FIELDS).where(
            table.c.station_id == station_id, table.c.connector == connector, table.c.at < before
        )
        rows = self._connection.execute(oldest.order_by(table.c.at).limit(limit)).all()
        if not rows:
            return 0
        samples = [SampleRecord(**row._mapping) for row in rows]
        step_ms = interval // timedelta(milliseconds=1)
        end_ms = to_ms(before) // step_ms * step_ms
        if len(rows) == limit:
            # The last interval may be cut in two by the limit; leave it for the next time.
            end_ms = min(end_ms, max(to_ms(samples[-1].at) // step_ms, 1) * step_ms)
            if end_ms <= to_ms(samples[0].at):
                end_ms = (to_ms(samples[0].at) // step_ms + 1) * step_ms
        groups: dict[tuple[int, int], list[SampleRecord]] = {}
        for sample in samples:
            at_ms = to_ms(sample.at)
            if at_ms < end_ms:
                key = (at_ms // step_ms * step_ms, sample.transaction_id or 0)
                groups.setdefault(key, []).append(sample)
        for (start_ms, transaction_id), members in groups.items():
            self._sum_up(station_id, connector, from_ms(start_ms), transaction_id, members)
        gone = self._connection.execute(
            delete(table).where(
                table.c.station_id == station_id,
                table.c.connector == connector,
                table.c.at >= samples[0].at,
                table.c.at < from_ms(end_ms),
            )
        )
        return gone.rowcount

    def _sum_up(
        self,
        station_id: int,
        connector: int,
        start: datetime,
        transaction_id: int,
        members: list[SampleRecord],
    ) -> None:
        table = schema.thinned
        key = {
            "station_id": station_id,
            "connector": connector,
            "at": start,
            "transaction_id": transaction_id,
        }
        facts = summary(members)
        same = and_(*(getattr(table.c, name) == value for name, value in key.items()))
        if self._connection.execute(select(table.c.samples).where(same)).first() is None:
            self._connection.execute(table.insert().values(**key, **facts))

    def prune_summaries(self, station_id: int, connector: int, before: datetime) -> int:
        """Forget summaries older than `before`."""
        table = schema.thinned
        return self._connection.execute(
            delete(table).where(
                table.c.station_id == station_id,
                table.c.connector == connector,
                table.c.at < before,
            )
        ).rowcount


def summary(samples: Sequence[SampleRecord]) -> dict[str, Any]:
    """What remains of the samples of one interval."""

    def mean(values: list[float]) -> float | None:
        return sum(values) / len(values) if values else None

    def last(values: list[float]) -> float | None:
        return values[-1] if values else None

    def all_of(name: str) -> list[float]:
        return [v for sample in samples if (v := getattr(sample, name)) is not None]

    powers = all_of("power_w")
    return {
        "energy_wh": last(all_of("energy_wh")),
        "power_w": mean(powers),
        "power_max_w": max(powers, default=None),
        "current_a": mean(all_of("current_a")),
        "offered_a": last(all_of("offered_a")),
        "soc_percent": last(all_of("soc_percent")),
        "samples": len(samples),
    }


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
