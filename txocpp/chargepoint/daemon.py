"""A charge point from its options: WebSocket, SQLite file, boxes, doors for people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger, globalLogPublisher

from txocpp.chargepoint import options as options_
from txocpp.chargepoint.boxes import SeveralBoxes, device_maker
from txocpp.chargepoint.installation import configure
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.limits import Grid
from txocpp.chargepoint.logbook import Logbook
from txocpp.chargepoint.options import Options
from txocpp.chargepoint.parts import Equipment
from txocpp.chargepoint.service import (
    ChargePoint,
    DeviceMaker,
    DeviceMemory,
    LineMaker,
    LineSettings,
    Remember,
)
from txocpp.chargepoint.settings import Behaviour, StationSettings
from txocpp.chargepoint.upkeepoptions import file_settings, installer, security_settings
from txocpp.devices.links import listening_endpoint
from txocpp.devices.simulated import SimulatedDevice
from txocpp.devices.simulation.control import ControlService, control_service
from txocpp.errors import ConfigurationError, StoreError
from txocpp.interfaces import (
    IChargePointStore,
    IEVSEDevice,
    IFrameReceiver,
    IMessageFactory,
)
from txocpp.smartcharging import Switches, read_zone
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.storage.sqlite import SQLiteChargePointStore
from txocpp.transport.peer import Responder
from txocpp.transport.tls import ClientCertificates
from txocpp.transport.websocket_client import WebSocketClient, client_endpoint
from txocpp.transport.websocket_settings import ClientSettings

IN_MEMORY: Final = ":memory:"

log = Logger()


def station_settings(options: Options) -> StationSettings:
    """What the options say about the charge point itself. Raises `ConfigurationError`."""
    station, behaviour = options.station, options.behaviour
    chosen = {name: getattr(behaviour, name) for name in Behaviour.__annotations__}
    limit_a = Decimal(str(options.installation.station_limit_a))
    return StationSettings(
        identity=station.identity,
        vendor=station.vendor,
        model=station.model,
        serial_number=station.serial_number or None,
        charge_box_serial_number=station.charge_box_serial_number or None,
        firmware_version=station.firmware_version or None,
        iccid=station.iccid or None,
        imsi=station.imsi or None,
        configuration=options.configuration,
        left_out_keys=behaviour.left_out_keys,
        behaviour=Behaviour(**chosen),
        files=file_settings(options.files, _files_folder(options)),
        security=security_settings(options.security, options.firmware),
        grid=Grid(
            voltage_v=Decimal(str(options.installation.voltage_v)),
            station_limit_a=limit_a or None,
            zone=_zone(options.installation.time_zone),
        ),
        readings=Switches.from_mapping(options.smart_charging),
    )


def _zone(name: str) -> ZoneInfo | None:
    try:
        return read_zone(name) if name else None
    except ConfigurationError as error:
        raise ConfigurationError(f"[installation] time_zone: {error}") from error


def client_settings(options: Options) -> ClientSettings:
    """What the options say about the connection. Raises `ConfigurationError`."""
    central = options.central_system
    password = _password(central)
    try:
        return _client_settings(options, central, password)
    except ConfigurationError as error:
        raise ConfigurationError(f"[central_system] url: {error}") from error


def _client_settings(
    options: Options, central: options_.CentralSystem, password: bytes | None
) -> ClientSettings:
    return ClientSettings(
        url=central.url,
        identity=options.station.identity,
        password=password,
        certificates=ClientCertificates(
            trust_roots=_path(central.trust_roots),
            certificate=_path(central.certificate),
            private_key=_path(central.private_key),
        ),
        endpoint=central.endpoint or None,
        first_wait_s=central.first_pause_s,
        longest_wait_s=central.longest_pause_s,
    )


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


def secured(settings: StationSettings, line: ClientSettings) -> StationSettings:
    """Settings that know the connection as configured. With an endpoint of the operator's own
    nobody else can tell how to connect by another security profile."""
    known: dict[str, Any] = {"password": line.password}
    if line.endpoint is None:
        known.update(url=line.url, certificates=line.certificates)
    return attrs.evolve(settings, security=attrs.evolve(settings.security, **known))


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
    settings = secured(station_settings(options), line)
    try:
        client_endpoint(reactor, line)
    except ConfigurationError as error:
        raise ConfigurationError(f"[central_system] {error}") from error
    device = device_maker(reactor, options.device)({}, lambda name, memory: None)
    configure(settings, device.evses, Journal(MemoryChargePointStore(), reactor))
    if options.status.listen:
        listening_endpoint(reactor, options.status.listen, allow_remote=options.status.allow_remote)
    control = options.simulation.control
    if control:
        listening_endpoint(reactor, control, allow_remote=options.simulation.allow_remote)
        if _simulated(device) is None:
            raise ConfigurationError("[simulation] control: there is no simulated device")


class Daemon(MultiService):
    """A charge point with its doors: the simulation's, and the page that shows its state."""

    def __init__(self, reactor: Any, options: Options) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self._options = options
        self._door: ControlService | None = None
        """Not a child service: it comes with the device, when the store has been read."""
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
        page = options.status
        if page.listen:
            # A web server is only loaded where one is wanted.
            from txocpp.chargepoint.statuspage import status_service

            status_service(
                self.charge_point, reactor, page.listen, allow_remote=page.allow_remote
            ).setServiceParent(self)  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Start everything. A store or a port that cannot be opened ends the program with a
        message, instead of a charge point that forgets."""
        globalLogPublisher.addObserver(self._logbook)
        try:
            if isinstance(self._store, SQLiteChargePointStore):
                self._store.open()
            super().startService()  # type: ignore[no-untyped-call]
        except (ConfigurationError, StoreError) as error:
            raise SystemExit(f"ocpp-cp: {error}") from error

    async def stopService(self) -> None:
        """Stop everything, the charge point in good order."""
        door, self._door = self._door, None
        if door is not None:
            await maybeDeferred(door.stopService)
        await super().stopService()  # type: ignore[no-untyped-call]
        globalLogPublisher.removeObserver(self._logbook)

    def _device(self, memory: DeviceMemory, remember: Remember) -> IEVSEDevice:
        device = self._make_device(memory, remember)
        simulation = self._options.simulation
        simulated = _simulated(device)
        if simulation.control and simulated is not None:
            door = control_service(
                simulated,
                self._reactor,
                simulation.control,
                allow_remote=simulation.allow_remote,
            )
            try:
                door.startService()
            except ConfigurationError as error:
                log.error("[simulation] control: {reason}", reason=str(error))
            else:
                self._door = door
        return device


def _files_folder(options: Options) -> Path | None:
    """Beside the store; a temporary one beside a store in memory."""
    if options.storage.path == IN_MEMORY:
        return None
    return options_.state_path(options).with_suffix(".files")


def _simulated(device: IEVSEDevice) -> SimulatedDevice | None:
    boxes: Any = device.devices if isinstance(device, SeveralBoxes) else (device,)
    return next((box for box in boxes if isinstance(box, SimulatedDevice)), None)


def _store(reactor: Any, options: Options) -> IChargePointStore:
    if options.storage.path == IN_MEMORY:
        return MemoryChargePointStore()
    return SQLiteChargePointStore(options_.state_path(options), reactor.callFromThread)


def _password(central: options_.CentralSystem) -> bytes | None:
    given = {
        name: value
        for name in ("password", "password_file", "authorization_key")
        if (value := getattr(central, name))
    }
    if len(given) > 1:
        raise ConfigurationError(f"[central_system] only one of {', '.join(given)} can be given")
    if central.password_file:
        return _first_line(Path(central.password_file).expanduser())
    if central.authorization_key:
        return bytes.fromhex(central.authorization_key)
    return central.password.encode() or None


def _first_line(path: Path) -> bytes:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    if not lines or not lines[0].strip():
        raise ConfigurationError(f"{path}: there is no password on the first line")
    return lines[0].strip()


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
