"""Standard input and output of a measured server that runs on Twisted."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet import reactor, stdio
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

CallStation = Callable[[Any], Awaitable[Any]]


def say(**facts: Any) -> None:
    """One line to the benchmark."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Door(LineReceiver):
    """Obeys the benchmark; the end of standard input ends the server."""

    delimiter = b"\n"

    def __init__(self, stations: Callable[[], Sequence[Any]], call: CallStation) -> None:
        self.stations = stations
        self.call = call

    def lineReceived(self, line: bytes) -> None:
        """The only command: time calls to stations."""
        wanted = json.loads(line)["call"]
        timing = Deferred.fromCoroutine(self._time_calls(wanted))
        timing.addErrback(lambda failure: say(failed=failure.getErrorMessage()))

    async def _time_calls(self, wanted: int) -> None:
        stations = self.stations()
        latencies_us = []
        for turn in range(wanted):
            begin = time.perf_counter_ns()
            await self.call(stations[turn % len(stations)])
            latencies_us.append((time.perf_counter_ns() - begin) / 1000)
        say(latencies_us=latencies_us)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The benchmark is over."""
        if reactor.running:  # type: ignore[attr-defined]
            reactor.stop()  # type: ignore[attr-defined]


def log(level: LogLevel = LogLevel.warn) -> None:
    """What is logged goes to standard error, which the benchmark keeps in a file."""
    wanted = FilteringLogObserver(
        textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(defaultLogLevel=level)]
    )
    globalLogBeginner.beginLoggingTo([wanted], discardBuffer=True, redirectStandardIO=False)


def endpoint() -> str:
    """Where to listen: in the clear, or with TLS where the program is started with ``tls``."""
    if sys.argv[1:] != ["tls"]:
        return "tcp:0:interface=127.0.0.1:backlog=4096"
    folder = os.environ["BENCH_FOLDER"]
    files = f"privateKey={folder}/key.pem:certKey={folder}/cert.pem"
    return f"ssl:0:{files}:interface=127.0.0.1:backlog=4096"


def open_door(
    port: int,
    stations: Callable[[], Sequence[Any]] = list,
    call: CallStation | None = None,
) -> None:
    """The server is ready: tell the port, and obey from now on."""

    async def refuse(station: Any) -> None:
        raise NotImplementedError("this server does not call")

    gc.freeze()
    stdio.StandardIO(Door(stations, call or refuse))
    say(listening=port)
