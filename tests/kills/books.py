"""What stations were told, line by line, against what the central system has kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import Connection, create_engine, select

from txocpp.messages.v16 import (
    MeterValuesRequest,
    StartTransactionRequest,
    StopTransactionRequest,
)
from txocpp.storage.central import schema
from txocpp.storage.central.store import database_url

StartKey = tuple[str, int, str, int, Any]
"""Station, connector, tag, register and instant: what makes a start the same start (TX-05)."""


@attrs.define
class Books:
    """Everything that the central system has acknowledged, as the stations saw it."""

    starts: dict[StartKey, int] = attrs.field(factory=dict)
    """The number that each start was given."""
    stops: dict[int, tuple[str, int, Any, str]] = attrs.field(factory=dict)
    """By transaction: station, register, instant, reason."""
    samples: dict[tuple[str, int, Any], tuple[int | None, float]] = attrs.field(factory=dict)
    """By station, connector and instant: transaction and register."""
    faults: list[str] = attrs.field(factory=list)

    def write(self, identity: str, request: Any, response: Any) -> None:
        """One message was settled."""
        if response is None:
            self.faults.append(f"{identity} gave up {request}")
        elif isinstance(request, StartTransactionRequest):
            self._write_start(identity, request, response.transaction_id)
        elif isinstance(request, StopTransactionRequest):
            if request.transaction_id in self.stops:
                self.faults.append(f"{identity} stopped {request.transaction_id} twice")
            facts = (identity, request.meter_stop, request.timestamp, str(request.reason))
            self.stops[request.transaction_id] = facts
        elif isinstance(request, MeterValuesRequest):
            (value,) = request.meter_value
            register = float(value.sampled_value[0].value)
            key = (identity, request.connector_id, value.timestamp)
            self.samples[key] = (request.transaction_id, register)

    def _write_start(self, identity: str, request: StartTransactionRequest, number: int) -> None:
        if number in self.starts.values():
            self.faults.append(f"transaction {number} was given twice")
        self.starts[
            identity,
            request.connector_id,
            request.id_tag,
            request.meter_start,
            request.timestamp,
        ] = number

    @property
    def energy_wh(self) -> int:
        """Of all transactions that have ended."""
        begun = {number: key[3] for key, number in self.starts.items()}
        return sum(stop[1] - begun[number] for number, stop in self.stops.items())

    def compare(self, database: str | Path) -> None:
        """Fails unless the central system has kept exactly this: nothing missing, nothing twice."""
        assert self.faults == []
        unended = set(self.starts.values()) ^ set(self.stops)
        assert not unended, [key for key, number in self.starts.items() if number in unended]
        engine = create_engine(database_url(database))
        try:
            with engine.connect() as connection:
                stations = select(schema.station.c.id, schema.station.c.identity)
                names = {row.id: row.identity for row in connection.execute(stations)}
                self._compare_transactions(connection, names)
                self._compare_samples(connection, names)
        finally:
            engine.dispose()

    def _compare_transactions(self, connection: Connection, names: dict[int, str]) -> None:
        table = schema.transaction
        kept_starts, kept_stops, energy_wh = {}, {}, 0
        rows = connection.execute(select(table)).mappings().all()
        for row in rows:
            key = (names[row["station_id"]], row["connector"], row["id_tag"])
            kept_starts[(*key, row["meter_start"], row["started_at"])] = row["id"]
            kept_stops[row["id"]] = (
                names[row["station_id"]],
                row["meter_stop"],
                row["stopped_at"],
                row["stop_reason"],
            )
            energy_wh += row["meter_stop"] - row["meter_start"]
        assert len(rows) == len(self.starts), "transactions are kept twice"
        assert Counter(row["state"] for row in rows) == {"stopped": len(rows)}
        assert kept_starts == self.starts, _difference(kept_starts, self.starts)
        assert kept_stops == self.stops, _difference(kept_stops, self.stops)
        assert energy_wh == self.energy_wh

    def _compare_samples(self, connection: Connection, names: dict[int, str]) -> None:
        table = schema.sample
        rows = connection.execute(select(table)).mappings().all()
        kept = {
            (names[row["station_id"]], row["connector"], row["at"]): (
                row["transaction_id"],
                row["energy_wh"],
            )
            for row in rows
        }
        assert len(rows) == len(kept), "meter values are kept twice"
        assert kept == self.samples, _difference(kept, self.samples)


def _difference(kept: dict[Any, Any], told: dict[Any, Any]) -> str:
    """What one side has and the other has not, for failure messages."""
    only_kept = [item for item in kept.items() if told.get(item[0]) != item[1]]
    only_told = [item for item in told.items() if kept.get(item[0]) != item[1]]
    return f"only kept: {only_kept[:5]}; only told: {only_told[:5]}"
