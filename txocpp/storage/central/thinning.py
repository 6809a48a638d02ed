"""How meter values grow old: complete samples become one summary an interval.

A year of a thousand connectors at one sample a minute is half a billion rows: too many to keep,
and no more telling than their means. So complete samples are kept for some weeks; what is older
remains as one row per interval (a quarter of an hour), with the register at its end and the mean
and highest power: 35 million rows for that year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, select

from txocpp.storage.central import schema
from txocpp.storage.central.samples import SAMPLE_FIELDS, SampleRecord
from txocpp.storage.central.schema import from_ms, to_ms


class Thinning:
    """Summing up, in one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        """Sum up about `limit` samples older than `before`; returns how many rows went.

        Only whole intervals are summed up.
        """
        step_ms = interval // timedelta(milliseconds=1)
        end_ms = to_ms(before) // step_ms * step_ms
        gone = 0
        while gone < limit:
            samples = self._oldest_interval(station_id, connector, step_ms, end_ms)
            if not samples:
                break
            start = from_ms(to_ms(samples[0].at) // step_ms * step_ms)
            groups: dict[int, list[SampleRecord]] = {}
            for sample in samples:
                groups.setdefault(sample.transaction_id or 0, []).append(sample)
            for transaction_id, members in groups.items():
                key = (station_id, connector, start, transaction_id)
                self._sum_up(key, members)
            gone += self._forget(station_id, connector, start, start + interval)
        return gone

    def _oldest_interval(
        self, station_id: int, connector: int, step_ms: int, end_ms: int
    ) -> list[SampleRecord]:
        """All samples of the interval in which the oldest one lies, if that ends by `end_ms`."""
        table = schema.sample
        mine = and_(table.c.station_id == station_id, table.c.connector == connector)
        oldest = self._connection.execute(select(func.min(table.c.at)).where(mine)).scalar()
        if oldest is None:
            return []
        start_ms = to_ms(oldest) // step_ms * step_ms
        if start_ms + step_ms > end_ms:
            return []
        rows = self._connection.execute(
            select(*SAMPLE_FIELDS)
            .where(mine, table.c.at >= from_ms(start_ms), table.c.at < from_ms(start_ms + step_ms))
            .order_by(table.c.at)
        )
        return [SampleRecord(**row._mapping) for row in rows]

    def _sum_up(self, key: tuple[int, int, datetime, int], members: list[SampleRecord]) -> None:
        """Write a summary down, together with the one that late samples find there."""
        table = schema.thinned
        names = ("station_id", "connector", "at", "transaction_id")
        same = and_(*(table.c[name] == value for name, value in zip(names, key, strict=True)))
        facts = summary(members)
        before = self._connection.execute(select(table).where(same)).first()
        if before is not None:
            facts = _together(dict(before._mapping), facts)
            self._connection.execute(delete(table).where(same))
        self._connection.execute(
            table.insert().values(**dict(zip(names, key, strict=True)), **facts)
        )

    def _forget(self, station_id: int, connector: int, start: datetime, end: datetime) -> int:
        table = schema.sample
        return self._connection.execute(
            delete(table).where(
                table.c.station_id == station_id,
                table.c.connector == connector,
                table.c.at >= start,
                table.c.at < end,
            )
        ).rowcount

    def prune(self, station_id: int, connector: int, before: datetime) -> int:
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


def _together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """One summary of two of the same interval."""
    count = one["samples"] + other["samples"]
    facts: dict[str, Any] = {"samples": count}
    for name in ("power_w", "current_a"):
        weighed = [(part[name], part["samples"]) for part in (one, other) if part[name] is not None]
        total = sum(weight for _, weight in weighed)
        facts[name] = sum(v * weight for v, weight in weighed) / total if weighed else None
    for name in ("energy_wh", "power_max_w", "soc_percent"):
        values = [part[name] for part in (one, other) if part[name] is not None]
        facts[name] = max(values, default=None)
    facts["offered_a"] = other["offered_a"] if one["offered_a"] is None else one["offered_a"]
    return facts
