"""The whole house of the demonstration: a central system, a charge point, two simulated outlets.

They are the very parts that ``twistd ocpp-csms`` and ``twistd ocpp-cp`` run, joined by a real
WebSocket on this machine; only the clock is faster.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from txocpp.chargepoint.service import ChargePoint, LineSettings
from txocpp.chargepoint.settings import StationSettings
from txocpp.cli.demonstration.fastclock import FastClock, FastReactor
from txocpp.cli.demonstration.screen import Gauge
from txocpp.csms.operations import Asked
from txocpp.csms.service import CentralSystemService, central_system
from txocpp.csms.settings import Database, Listen, Settings, Stations
from txocpp.csms.station import Station
from txocpp.devices.simulated import SimulatedDevice, SimulatedEVSE, SimulationSettings
from txocpp.devices.simulation.control import ControlService, control_service
from txocpp.errors import TxocppError
from txocpp.interfaces import IFrameReceiver
from txocpp.storage.central.stations import StationRecord
from txocpp.storage.central.transactions import TransactionRecord
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_settings import ClientSettings

IDENTITY = "DEMO-1"
CONNECTORS = 2
MAXIMUM_A = Decimal(32)
OFTEN_S = 5
PATIENCE_S = 60
"""For the charge point to be accepted."""
CAR = SimulationSettings(battery_wh=Decimal(50_000), soc_percent=Decimal(42))

Heard = Callable[[str, list[Any]], object]
"""Called with "received" or "sent" (as the central system sees it) and a frame."""


class House:
    """Builds everything, starts and stops it."""

    def __init__(
        self, reactor: Any, clock: FastClock, folder: Path, *, http: str, control: str
    ) -> None:
        self.clock = clock
        self._reactor = FastReactor(reactor, clock)
        clock.hold = self._is_talking
        self.heard: Heard = lambda direction, frame: None
        settings = Settings(
            listen=Listen(ocpp=("tcp:0:interface=127.0.0.1",), http=http),
            database=Database(url=str(folder / "central.sqlite3"), synchronous="normal"),
            # In fast time a pong would always come too late.
            stations=Stations(ping_interval_s=0),
        )
        self.central: CentralSystemService = central_system(self._reactor, settings)
        self.central.central.on_frame = self._frame
        self.device = SimulatedDevice(
            self._reactor,
            [CAR] * CONNECTORS,
        )
        self.door: ControlService = control_service(self.device, reactor, control)
        self.charge_point = ChargePoint(
            StationSettings(
                identity=IDENTITY,
                vendor="txocpp",
                model="Demonstration",
                configuration={
                    "MeterValueSampleInterval": 600,
                    "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import",
                },
            ),
            self.device,
            MemoryChargePointStore(),
            self._make_line,
            self._reactor,
        )

    async def open(self) -> None:
        """Start the central system, then the charge point, and wait until it is accepted."""
        registered: Deferred[None] = Deferred()

        def first_time(_: Station) -> None:
            if not registered.called:
                registered.callback(None)

        self.central.central.on_registered.append(first_time)
        # Connecting takes the time that it takes; nobody shall give up over it.
        speed, self.clock.factor = self.clock.factor, 1.0
        self.central.startService()
        self.charge_point.startService()
        self.door.startService()
        await registered.addTimeout(PATIENCE_S, self.clock)
        self.clock.factor = speed

    async def close(self) -> None:
        """Stop in the opposite order."""
        await maybeDeferred(self.door.stopService)
        await self.charge_point.stopService()
        await self.central.stopService()

    def evse(self, connector: int) -> SimulatedEVSE:
        """The simulated outlet."""
        return self.device.evse(connector)

    @property
    def ports(self) -> tuple[int, int]:
        """TCP ports of the central system: for charge points, for people."""
        ocpp: Any = self.central.servers[0].port
        assert self.central.http is not None
        http: Any = self.central.http.port
        return ocpp.getHost().port, http.getHost().port

    @property
    def door_address(self) -> str:
        """Where the simulated charger can be poked, as ``txocpp sim --at`` takes it."""
        address: Any = self.door.address
        return f"{address.host}:{address.port}" if hasattr(address, "port") else str(address.name)

    async def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """An operation of the central system, as its API does it; gives the answer."""
        station = await self._station()
        record = await self.central.operations.ask(station, Asked(action, payload, asked_by="demo"))
        if record.answer is None:
            raise TxocppError(f"{action}: {record.outcome} {record.error_text or ''}")
        return dict(record.answer)

    async def sample_often(self) -> None:
        """Let the charge point tell every few seconds what flows, for the curves of the pages."""
        for key, value in {
            "MeterValueSampleInterval": str(OFTEN_S),
            "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,"
            "Current.Import,Current.Offered",
        }.items():
            await self.ask("ChangeConfiguration", {"key": key, "value": value})

    async def transactions(self) -> list[TransactionRecord]:
        """The central system's books, by connector."""
        station = await self._station()
        found: list[TransactionRecord] = await self.central.store.read(
            lambda records: records.transactions.page(station_id=station.id)
        )
        return sorted(found, key=lambda record: record.connector or 0)

    async def _station(self) -> StationRecord:
        found: StationRecord | None = await self.central.store.read(
            lambda records: records.stations.find(IDENTITY)
        )
        if found is None:
            raise TxocppError(f"{IDENTITY} has never connected")
        return found

    def gauges(self) -> list[Gauge]:
        """What the connectors do right now."""
        return [self._gauge(number) for number in range(1, CONNECTORS + 1)]

    def now(self) -> datetime:
        """The time of the story."""
        return datetime.fromtimestamp(self.clock.seconds(), UTC)

    def _is_talking(self) -> bool:
        """Somebody waits for an answer, on the line or of the disk."""
        assembly = self.charge_point.assembly
        if assembly is not None and assembly.peer.is_connected and assembly.peer.calls_pending:
            return True
        return any(
            station.is_connected and station.peer.calls_pending
            for station in self.central.central.stations
        )

    def _make_line(self, receiver: IFrameReceiver, line: LineSettings) -> Any:
        settings = ClientSettings(
            url=f"ws://127.0.0.1:{self.ports[0]}/ocpp",
            identity=line.identity,
            password=line.password,
            ping_interval_s=0,
        )
        return WebSocketClient(self._reactor, receiver, settings)

    def _frame(self, station: Station, direction: str, frame: str) -> None:
        self.heard(direction, json.loads(frame))

    def _gauge(self, number: int) -> Gauge:
        outlet = self.evse(number).outlet
        reading = outlet.read()
        assembly = self.charge_point.assembly
        status = "booting"
        if assembly is not None:
            status = str(assembly.bays[number].reporter.current.status)
        return Gauge(
            connector=number,
            status=status,
            limit_a=outlet.state.offered_a,
            current_a=max(reading.currents_a, default=Decimal(0)),
            power_w=reading.power_w or Decimal(0),
            energy_wh=outlet.energy_wh,
        )
