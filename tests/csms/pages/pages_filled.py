"""A store with a large site in it: stations, transactions, meter values and messages by the row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from txocpp.storage.central import schema

STATUSES = ("Available", "Charging", "Available", "Preparing", "SuspendedEV", "Available")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def fill(records: Any, *, stations: int, transactions: int, messages: int, samples: int) -> None:
    """Enter so many rows; all transactions and messages belong to the first stations."""
    put = records.connection.execute
    now = datetime.now(UTC)
    put(insert(schema.station), [_station(number) for number in range(1, stations + 1)])
    put(
        insert(schema.connector),
        [_connector(number, plug) for number in range(1, stations + 1) for plug in (1, 2)],
    )
    for start in range(0, transactions, 10_000):
        some = range(start, min(start + 10_000, transactions))
        put(insert(schema.transaction), [_transaction(number, stations) for number in some])
    for start in range(0, messages, 10_000):
        some = range(start, min(start + 10_000, messages))
        put(insert(schema.message_log), [_message(number) for number in some])
    put(insert(schema.sample), [_sample(number, now, samples) for number in range(samples)])


def _station(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "identity": f"SITE-{number:04}",
        "name": f"Row {number // 20}, place {number % 20}" if number % 3 else "",
        "registration": "Accepted",
        "vendor": "Acme",
        "model": "Wall" if number % 2 else "Pole",
        "first_seen": LONG_AGO,
        "last_seen": LONG_AGO + timedelta(minutes=number),
    }


def _connector(number: int, plug: int) -> dict[str, Any]:
    faulted = number % 100 == 7 and plug == 2
    return {
        "station_id": number,
        "connector": plug,
        "status": "Faulted" if faulted else STATUSES[(number + plug) % len(STATUSES)],
        "error_code": "GroundFailure" if faulted else "NoError",
        "changed_at": LONG_AGO,
        "received_at": LONG_AGO,
    }


def _transaction(number: int, stations: int) -> dict[str, Any]:
    at = LONG_AGO + timedelta(minutes=number)
    return {
        "station_id": 1 + number % min(stations, 50),
        "connector": 1,
        "id_tag": f"TAG-{number % 500}",
        "meter_start": number,
        "meter_stop": number + 7_400,
        "started_at": at,
        "received_at": at,
        "stopped_at": at + timedelta(hours=2),
        "start_status": "Accepted",
        "stop_reason": "Local",
        "state": "stopped",
    }


def _message(number: int) -> dict[str, Any]:
    asks = number % 2 == 0
    return {
        "station_id": 1,
        "at": LONG_AGO + timedelta(seconds=number),
        "direction": "in" if asks else "out",
        "frame": f'[2,"n{number}","Heartbeat",{{}}]' if asks else f'[3,"n{number - 1}",{{}}]',
    }


def _sample(number: int, now: datetime, samples: int) -> dict[str, Any]:
    return {
        "station_id": 1,
        "connector": 1,
        "at": now - timedelta(minutes=samples - number),
        "digest": 0,
        "current_a": 6.0 + number % 26,
        "power_w": 690.0 * (6 + number % 26),
        "energy_wh": 100.0 * number,
    }
