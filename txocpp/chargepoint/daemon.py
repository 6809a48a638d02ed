"""A charge point from its options: WebSocket, SQLite file, boxes, doors for people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import maybeDeferred
from twisted.logger import globalLogPublisher

from txocpp.chargepoint.boxes import SeveralBoxes, device_maker
from txocpp.chargepoint.fromoptions import (
    IN_MEMORY,
    check_files,
    client_settings,
    secured,
    station_settings,
)
from txocpp.chargepoint.installation import configure
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.logbook import Logbook
from txocpp.chargepoint.options import Options, state_path
from txocpp.chargepoint.parts import Equipment
from txocpp.chargepoint.service import (
    ChargePoint,
    DeviceMaker,
    DeviceMemory,
    LineMaker,
    LineSettings,
    Remember,
)
from txocpp.chargepoint.settings import StationSettings
from txocpp.chargepoint.upkeepoptions import installer
from txocpp.devices.links import ListeningService, listening_endpoint
from txocpp.devices.simulated import SimulatedDevice
from txocpp.devices.simulation.control import ControlService, control_service
from txocpp.errors import ConfigurationError, StoreError
from txocpp.interfaces import (
    IChargePointStore,
    IEVSEDevice,
    IFrameReceiver,
    IMessageFactory,
)
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.storage.sqlite import SQLiteChargePointStore
from txocpp.transport.peer import Responder
from txocpp.transport.websocket_client import WebSocketClient, client_endpoint
from txocpp.transport.websocket_settings import ClientSettings


def line_maker(reactor: Any, settings: ClientSettings) -> LineMaker:
    """Makes WebSocket lines with these settings, as far as the charge point has none of its own."""

    def make(receiver: IFrameReceiver, wanted: LineSettings) -> WebSocketClient:
        client = WebSocketClient(reactor, receiver, settings)
        client.change(ping_interval_s=wanted.ping_interval_s)
        if wanted.url is not None:
            certificates = wanted.certificates or settings.certificates
            client.change(url=wanted.url, password=wanted.password, certificates=certificates)
        elif wanted.password is not None:
            client.change(password=wanted.password)
        return client

    return make


def websocket_charge_point(
    reactor: Any,
    url: str,
    identity: str,
    device: IEVSEDevice | DeviceMaker,
    *,
    password: bytes | None = None,
    storage: str | Path | None = None,
    configuration: Mapping[str, object] | None = None,
    settings: StationSettings | None = None,
    responders: Mapping[type, Responder] | None = None,
    factory: IMessageFactory | None = None,
) -> ChargePoint:
    """A charge point for programs: connects `device` to the central system at `url`.

    Without `storage`, a file name, nothing survives the program. `configuration` are initial values
    of OCPP configuration keys; `settings` replace identity and configuration and everything else.
    `responders` answer requests of your own, or instead of ours; register your own classes with a
    `factory`. Raises `ConfigurationError`.
    """
    store: IChargePointStore = MemoryChargePointStore()
    if storage is not None:
        store = SQLiteChargePointStore(storage, reactor.callFromThread)
    chosen = settings or StationSettings(identity=identity, configuration=configuration or {})
    line = ClientSettings(url=url, identity=chosen.identity, password=password)
    return ChargePoint(
        secured(chosen, line),
        device,
        store,
        line_maker(reactor, line),
        reactor,
        monotonic=time.monotonic,
        responders=responders,
        factory=factory,
    )


def charge_point(reactor: Any, options: Options) -> MultiService:
    """The whole program as one service. Raises `ConfigurationError`."""
    check(reactor, options)
    return Daemon(reactor, options)


def check(reactor: Any, options: Options) -> None:
    """Find out whether the options make a charge point. Raises `ConfigurationError`."""
    line = client_settings(options)
    check_files(options)
    settings = secured(station_settings(options), line)
    try:
        client_endpoint(reactor, line)
    except ConfigurationError as error:
        raise ConfigurationError(f"[central_system] {error}") from error
    device = device_maker(reactor, options.device)({}, lambda name, memory: None)
    configure(settings, device.evses, Journal(MemoryChargePointStore(), reactor))
    status, simulation = options.status, options.simulation
    for option, where, remote in (
        ("[status] listen", status.listen, status.allow_remote),
        ("[simulation] control", simulation.control, simulation.allow_remote),
    ):
        try:
            if where:
                listening_endpoint(reactor, where, allow_remote=remote)
        except ConfigurationError as error:
            raise ConfigurationError(f"{option}: {error}") from error
    if simulation.control and _simulated(device) is None:
        raise ConfigurationError("[simulation] control: there is no simulated device")


class Daemon(MultiService):
    """A charge point with its doors: the simulation's, and the page that shows its state."""

    def __init__(self, reactor: Any, options: Options) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._make_device = device_maker(reactor, options.device)
        self._store = _store(reactor, options)
        self._logbook = Logbook(options.files.log_lines)
        line = client_settings(options)
        settings = secured(station_settings(options), line)
        self.charge_point = ChargePoint(
            settings,
            self._device,
            self._store,
            line_maker(reactor, line),
            reactor,
            monotonic=time.monotonic,
            equipment=attrs.evolve(
                Equipment.of(settings.files),
                installer=installer(reactor, options.firmware),
                logbook=self._logbook,
            ),
        )
        self.charge_point.setServiceParent(self)  # type: ignore[no-untyped-call]
        self._door = _door(reactor, options)
        self._doors = _doors(reactor, options, self._door, self.charge_point)
        """Not child services: they open before the charge point comes up, and close first."""

    def startService(self) -> None:
        """Start everything. A store or a port that cannot be opened ends the program with a
        message, instead of a charge point that forgets or that nobody can reach."""
        globalLogPublisher.addObserver(self._logbook)
        try:
            for option, door in self._doors.items():
                _open(option, door)
            if isinstance(self._store, SQLiteChargePointStore):
                self._store.open()
            super().startService()  # type: ignore[no-untyped-call]
        except (ConfigurationError, StoreError) as error:
            raise SystemExit(f"ocpp-cp: {error}") from error

    async def stopService(self) -> None:
        """Stop everything, the charge point in good order."""
        for door in self._doors.values():
            await maybeDeferred(door.stopService)
        await super().stopService()  # type: ignore[no-untyped-call]
        globalLogPublisher.removeObserver(self._logbook)

    def _device(self, memory: DeviceMemory, remember: Remember) -> IEVSEDevice:
        device = self._make_device(memory, remember)
        simulated = _simulated(device)
        if self._door is not None and simulated is not None:
            self._door.serve(simulated)
        return device


def _door(reactor: Any, options: Options) -> ControlService | None:
    """To the simulated charger; whoever comes before it is there has to wait."""
    simulation = options.simulation
    if not simulation.control:
        return None
    return control_service(None, reactor, simulation.control, allow_remote=simulation.allow_remote)


def _doors(
    reactor: Any, options: Options, door: ControlService | None, charge_point: ChargePoint
) -> dict[str, ListeningService]:
    """Where people can reach the program, by the option that says so."""
    doors: dict[str, ListeningService] = {}
    if door is not None:
        doors["[simulation] control"] = door
    if options.status.listen:
        # A web server is only loaded where one is wanted.
        from txocpp.chargepoint.statuspage import status_service

        doors["[status] listen"] = status_service(
            charge_point, reactor, options.status.listen, allow_remote=options.status.allow_remote
        )
    return doors


def _open(option: str, door: ListeningService) -> None:
    try:
        door.startService()
    except ConfigurationError as error:
        raise ConfigurationError(f"{option}: {error}") from error


def _simulated(device: IEVSEDevice) -> SimulatedDevice | None:
    boxes: Any = device.devices if isinstance(device, SeveralBoxes) else (device,)
    return next((box for box in boxes if isinstance(box, SimulatedDevice)), None)


def _store(reactor: Any, options: Options) -> IChargePointStore:
    if options.storage.path == IN_MEMORY:
        return MemoryChargePointStore()
    return SQLiteChargePointStore(state_path(options), reactor.callFromThread)
