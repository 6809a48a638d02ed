"""The whole central system of txocpp, as `twistd ocpp-csms` runs it, on an SQLite file.

Written and synced before it is answered: transactions, statuses, meter values.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from bench.servers.twisted_door import log, open_door
from txocpp.csms.service import central_system
from txocpp.csms.settings import Database, Listen, Settings, Stations
from txocpp.messages.v16 import ClearCacheRequest


def main() -> None:
    """Serve until the benchmark ends."""
    log(LogLevel.info)
    folder = Path(os.environ["BENCH_FOLDER"])
    settings = Settings(
        listen=Listen(ocpp=("tcp:0:interface=127.0.0.1:backlog=4096",), http=""),
        database=Database(url=str(folder / "central.sqlite3")),
        stations=Stations(ping_interval_s=0),
    )
    service = central_system(reactor, settings)

    def look_for_port() -> None:
        port = service.servers[0].port
        if port is None:
            reactor.callLater(0.01, look_for_port)  # type: ignore[attr-defined]
            return
        open_door(
            port.getHost().port,
            lambda: list(service.central.stations),
            lambda station: station.call(ClearCacheRequest()),
        )

    def stop() -> Deferred[None]:
        return Deferred.fromCoroutine(service.stopService())

    reactor.callWhenRunning(service.startService)  # type: ignore[attr-defined]
    reactor.addSystemEventTrigger("before", "shutdown", stop)  # type: ignore[attr-defined]
    reactor.callWhenRunning(look_for_port)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
