"""`python -m bench.soak`: a month of charging on a virtual clock; memory has to stay flat.

    python -m bench.soak                one month of 30 days, two connectors, some minutes
    python -m bench.soak --days 5       a first impression

Two cars charge every day, meter values come each minute, the line breaks some times a day, the
network is away for an hour each night, and the charge point is reset once a week. After each part
the rest of garbage is collected and what is left is counted.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.task import Clock

from bench.figures import Table
from txocpp.chargepoint.service import ChargePoint, LineSettings
from txocpp.chargepoint.settings import StationSettings
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.messages import v16
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer

DAY_S = 86_400.0
CONNECTORS = 2
OK = v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED)


class Soak:
    """A charge point and a central system that counts and forgets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
        self.messages = self.transactions = self.stops = self.connections = 0
        self.network = True
        self.link: MemoryLink | None = None
        self.central = Peer(
            MessageFactory16(),
            {
                v16.BootNotificationRequest: self._boot,
                v16.StartTransactionRequest: self._start,
                v16.StopTransactionRequest: self._stop,
                v16.AuthorizeRequest: lambda r: v16.AuthorizeResponse(id_tag_info=OK),
                v16.HeartbeatRequest: lambda r: v16.HeartbeatResponse(current_time=self._now()),
                v16.MeterValuesRequest: lambda r: v16.MeterValuesResponse(),
                v16.StatusNotificationRequest: lambda r: v16.StatusNotificationResponse(),
                v16.SecurityEventNotificationRequest: lambda r: (
                    v16.SecurityEventNotificationResponse()
                ),
            },
            clock=self.clock,
            on_frame=self._count,
        )
        self.device = SimulatedDevice(self.clock, simulation_settings({}, CONNECTORS))
        self.store = MemoryChargePointStore(clock=self.clock, latency_s=0.01)
        settings = StationSettings(
            identity="SOAK",
            configuration={
                "MeterValueSampleInterval": 60,
                "ClockAlignedDataInterval": 900,
                "StopTxnSampledData": "Energy.Active.Import.Register",
                "MeterValuesSampledData": "Energy.Active.Import.Register,Current.Import,Voltage",
            },
        )
        self.station = ChargePoint(settings, self.device, self.store, self._line, self.clock)
        self.station.startService()

    # The central system.

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.seconds(), UTC)

    def _count(self, direction: str, frame: str) -> None:
        self.messages += 1

    def _boot(self, request: Any) -> Any:
        return v16.BootNotificationResponse(
            current_time=self._now(), interval=300, status=v16.RegistrationStatus.ACCEPTED
        )

    def _start(self, request: Any) -> Any:
        self.transactions += 1
        return v16.StartTransactionResponse(transaction_id=self.transactions, id_tag_info=OK)

    def _stop(self, request: Any) -> Any:
        self.stops += 1
        return v16.StopTransactionResponse()

    # The line.

    def _line(self, receiver: Any, settings: LineSettings) -> Line:
        return Line(self, receiver)

    def cut(self) -> None:
        """The line breaks."""
        if self.link is not None:
            self.link.cut()

    # Days.

    def run(self, seconds: float) -> None:
        """Let time pass, event by event."""
        clock, end = self.clock, self.clock.seconds() + seconds
        while clock.calls and clock.calls[0].getTime() <= end:
            clock.advance(max(0.0, clock.calls[0].getTime() - clock.seconds()))
        clock.advance(max(0.0, end - clock.seconds()))
        if self.link is not None:
            self.link.transcript.clear()

    def day(self, number: int) -> None:
        """Two cars per connector and day, a night without network."""
        began = self.clock.seconds()
        self.network = False
        self.cut()
        self.run(3600)
        self.network = True
        self.run(6 * 3600)
        for _ in range(2):
            for evse in self.device.evses:
                evse.plug_in(soc_percent=Decimal(40), battery_wh=Decimal(60_000))
                self.run(20)
                self.device.swipe(f"TAG{evse.number}", (evse.number,))
            self.run(2 * 3600)
            self.cut()
            self.run(3600)
            for evse in self.device.evses:
                self.device.swipe(f"TAG{evse.number}", (evse.number,))
                self.run(60)
                evse.plug_out()
            self.run(1800)
        if number % 7 == 6:
            self.central.call(v16.ResetRequest(type=v16.ResetType.SOFT))
        self.run(DAY_S - (self.clock.seconds() - began))

    def close(self) -> None:
        """Leave nothing behind."""
        self.cut()
        self.device.stopService()
        for call in self.clock.getDelayedCalls():
            call.cancel()


class Line:
    """The connection of one boot."""

    def __init__(self, soak: Soak, receiver: Any) -> None:
        self._soak = soak
        self._wanted = False
        self._receiver = receiver
        self._link = MemoryLink(soak.clock, receiver, soak.central)

    def startService(self) -> None:
        """Look every ten seconds whether a connection is wanted and possible."""
        self._wanted = True
        self._look()

    def stopService(self) -> None:
        """Hang up."""
        self._wanted = False
        self._link.cut()

    def change(self, **settings: Any) -> None:
        """Pings are not simulated."""

    def reconnect(self, reason: str = "") -> None:
        """Make a new connection."""
        self._link.cut(reason)

    def _look(self) -> None:
        if not self._wanted:
            return
        if self._soak.network and not self._link.is_up:
            self._soak.link = self._link
            self._soak.connections += 1
            self._link.connect()
        self._soak.clock.callLater(10.0, self._look)


@attrs.frozen
class Sample:
    """What is left after some days."""

    day: int
    transactions: int
    messages: int
    connections: int
    objects: int
    traced_kib: float
    resident_mib: float


def resident_mib() -> float:
    """Memory of this process; 0 where the system does not tell."""
    try:
        words = Path("/proc/self/status").read_text().split()
    except OSError:
        return 0.0
    return int(words[words.index("VmRSS:") + 1]) / 1024


def samples(days: int, every: int) -> Iterator[Sample]:
    """Soak for so many days, and look every so often."""
    soak = Soak()
    tracemalloc.start()
    try:
        for day in range(days):
            soak.day(day)
            if (day + 1) % every == 0:
                gc.collect()
                yield Sample(
                    day + 1,
                    soak.stops,
                    soak.messages,
                    soak.connections,
                    len(gc.get_objects()),
                    tracemalloc.get_traced_memory()[0] / 1024,
                    resident_mib(),
                )
    finally:
        tracemalloc.stop()
        soak.close()


def table(found: Sequence[Sample], seconds: float) -> Table:
    """The report."""
    return Table(
        "Soak",
        ("day", "transactions", "frames", "connections", "objects", "traced KiB", "RSS MiB"),
        [
            (
                str(s.day),
                str(s.transactions),
                f"{s.messages:,}",
                str(s.connections),
                f"{s.objects:,}",
                f"{s.traced_kib:,.0f}",
                f"{s.resident_mib:.1f}",
            )
            for s in found
        ],
        f"{found[-1].day} days in {seconds:.0f} s.",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--days", type=int, default=30, metavar="N")
    parser.add_argument("--every", type=int, default=3, metavar="N", help="days between looks")
    options = parser.parse_args(arguments)
    began, found = time.perf_counter(), []
    for sample in samples(options.days, options.every):
        found.append(sample)
        print(f"day {sample.day}: {sample.traced_kib:,.0f} KiB", file=sys.stderr, flush=True)
    print(table(found, time.perf_counter() - began).text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
