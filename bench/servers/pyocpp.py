"""A central system of the PyPI package `ocpp` on `websockets`, as its documentation shows it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from websockets.asyncio.server import serve

stations: list[ChargePoint] = []
transaction_ids = count(1)


def now() -> str:
    """The time as the wire wants it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Station(ChargePoint):
    """Answers what the benchmark's stations say."""

    @on(Action.boot_notification)
    def on_boot(self, **_: Any) -> Any:
        return call_result.BootNotification(
            current_time=now(), interval=300, status=RegistrationStatus.accepted
        )

    @on(Action.heartbeat)
    def on_heartbeat(self) -> Any:
        return call_result.Heartbeat(current_time=now())

    @on(Action.status_notification)
    def on_status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on(Action.authorize)
    def on_authorize(self, **_: Any) -> Any:
        return call_result.Authorize(id_tag_info={"status": AuthorizationStatus.accepted})

    @on(Action.start_transaction)
    def on_start(self, **_: Any) -> Any:
        return call_result.StartTransaction(
            transaction_id=next(transaction_ids),
            id_tag_info={"status": AuthorizationStatus.accepted},
        )

    @on(Action.meter_values)
    def on_meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on(Action.stop_transaction)
    def on_stop(self, **_: Any) -> Any:
        return call_result.StopTransaction()


async def welcome(connection: Any) -> None:
    """Serve one station until it goes."""
    station = Station(connection.request.path.rsplit("/", 1)[-1], connection)
    stations.append(station)
    try:
        await station.start()
    except websockets.ConnectionClosed:
        stations.remove(station)


async def time_calls(wanted: int) -> None:
    """Call stations one after the other."""
    latencies_us = []
    for turn in range(wanted):
        begin = time.perf_counter_ns()
        await stations[turn % len(stations)].call(call.ClearCache())
        latencies_us.append((time.perf_counter_ns() - begin) / 1000)
    print(json.dumps({"latencies_us": latencies_us}), flush=True)


async def main() -> None:
    """Serve until the benchmark ends."""
    server = await serve(
        welcome,
        "127.0.0.1",
        0,
        subprotocols=[websockets.Subprotocol("ocpp1.6")],
        backlog=4096,
        open_timeout=60,
        ping_interval=None,
    )
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    port = next(iter(server.sockets)).getsockname()[1]
    print(json.dumps({"listening": port}), flush=True)
    while line := await lines.readline():
        await time_calls(json.loads(line)["call"])


if __name__ == "__main__":
    asyncio.run(main())
