"""Builds a central system from its settings and wires all of it, in one place."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.csms.accounts import AccountBook, Passwords, Patience
from txocpp.csms.authorization import AuthorizationRules, UnknownTags
from txocpp.csms.boot import BootRules
from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Events
from txocpp.csms.gate import Gate, GateRules
from txocpp.csms.housekeeping import Housekeeping
from txocpp.csms.httpserver import HttpServer
from txocpp.csms.listening import endpoints_of, is_loopback, port_fault
from txocpp.csms.measures import Measures
from txocpp.csms.messagelog import MessageLog
from txocpp.csms.office import Office
from txocpp.csms.operations import Operations
from txocpp.csms.passwords import StationPasswords, key_from_text
from txocpp.csms.procedures import Procedures
from txocpp.csms.readiness import Readiness
from txocpp.csms.settings import Settings, default_database
from txocpp.csms.station import Station
from txocpp.csms.v16.answers import Answers
from txocpp.csms.v16.commands import Commands16
from txocpp.errors import ConfigurationError, StoreError
from txocpp.interfaces import ICentralStore
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.central import CentralStore, Records
from txocpp.transport.tls import ServerCertificates
from txocpp.transport.websocket_server import StationProtocol, WebSocketServer
from txocpp.transport.websocket_settings import FAIR_SHARE, LineLimits, ServerSettings


class CentralSystemService(Service):
    """A whole central system: store, ports for charge points, HTTP API."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        store: ICentralStore,
        passwords: Passwords | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self._reactor = reactor
        self.events = events = Events(self.now)
        factory = MessageFactory16(ignore_unknown=settings.stations.tolerate_unknown_fields)
        keys = StationPasswords(tolerant=settings.stations.tolerant_passwords)
        answers = Answers(
            store,
            events,
            reactor.seconds,
            boot_rules=boot_rules(settings),
            authorization_rules=authorization_rules(settings),
        )
        gate = Gate(store, keys, gate_rules(settings), seconds=reactor.seconds)
        self.central = central = CentralSystem(
            reactor,
            factory,
            answers.table(),
            doorkeeper=gate,
            call_timeout_s=settings.stations.call_timeout_s,
        )
        self.operations = Operations(store, central, Commands16(factory), events, self.now)
        messages = MessageLog(store, reactor)
        if settings.retention.messages_days:
            central.on_frame = messages.note
        self.office = Office(
            store=store,
            central=central,
            operations=self.operations,
            procedures=Procedures(store, self.operations),
            events=events,
            passwords=keys,
            accounts=AccountBook(store, passwords or Passwords(reactor), self.now),
            patience=Patience(reactor.seconds),
            messages=messages,
            measures=Measures(central, events),
            readiness=Readiness(store, reactor.seconds),
            now=self.now,
        )
        self._housekeeping = Housekeeping(
            store, central, self.operations, settings.retention, self.now, reactor
        )
        self.servers = _servers(reactor, settings, central)
        self.http = _http(reactor, settings, self.office)
        central.on_connected.append(self._connected)
        central.on_disconnected.append(self._disconnected)

    def now(self) -> datetime:
        """The present moment."""
        return datetime.fromtimestamp(self._reactor.seconds(), UTC)

    def startService(self) -> None:
        """Open the store and the ports.

        Raises `ConfigurationError` or `StoreError`; everything that was opened is closed then.
        """
        self._open_store()
        opened: list[WebSocketServer | HttpServer] = []
        try:
            for server in self.servers:
                server.startService()
                opened.append(server)
                self._log.info(
                    "charge points connect to {where}, path {path}IDENTITY",
                    where=server.description,
                    path=self.settings.listen.path or "/",
                )
            if self.http is not None:
                self.http.startService()
                self._log.info("HTTP API on {where}", where=self.http.description)
        except ConfigurationError:
            for port in opened:
                maybeDeferred(port.stopService)
            self.store.close()
            raise
        self._housekeeping.start()
        super().startService()  # type: ignore[no-untyped-call]

    async def stopService(self) -> None:
        """Close the ports and all connections, finish what is being written."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self.http is not None:
            await self.http.stopService()
        for server in self.servers:
            await server.stopService()
        await self._housekeeping.stop()
        self.operations.stop()
        await maybeDeferred(self.office.messages.flush)
        await self.store.close()

    def _open_store(self) -> None:
        """What has to be in order before the first station comes."""
        outcome: list[Any] = []
        self.store.open(self._begin).addBoth(outcome.append)
        if isinstance(outcome[0], Failure):
            self.store.close()
            outcome[0].raiseException()
        lost, guarded = outcome[0]
        self.office.accounts.exists = guarded
        if lost:
            self._log.warn("{lost} operations were cut off by the last restart", lost=lost)
        http = self.settings.listen.http
        if http and not guarded and not is_loopback(http):
            self.store.close()
            raise ConfigurationError(
                f"listen.http: {http!r} is open to others, but nobody has an account. Add one "
                "first (txocpp csms add-account NAME), or listen on 127.0.0.1"
            )

    def _begin(self, records: Records) -> tuple[int, bool]:
        enter_known(self.settings, self.office.passwords, self.now(), records)
        return self.operations.recover(records), records.accounts.any()

    def _connected(self, station: Station) -> None:
        self.events.tell(
            "station.connected",
            station.identity,
            address=station.address,
            protocol=station.protocol,
        )

    def _disconnected(self, station: Station, reason: str) -> None:
        self.events.tell("station.disconnected", station.identity, reason=reason)


def central_system(reactor: Any, settings: Settings) -> CentralSystemService:
    """A central system as the settings have it, ready to be started.

    Raises `ConfigurationError` for settings that do not go together.
    """
    if not settings.listen.ocpp and not settings.tls:
        raise ConfigurationError("listen.ocpp: there is no port for charge points")
    for name, description in endpoints_of(settings):
        fault = port_fault(description)
        if fault is not None:
            raise ConfigurationError(f"{name}: {description!r} is no endpoint: {fault}")
        try:
            serverFromString(reactor, description)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}"
            raise ConfigurationError(f"{name}: {description!r}: {why}") from error
        except Exception as error:
            raise ConfigurationError(f"{name}: {description!r} is no endpoint: {error}") from error
    store = open_store(settings, reactor, exclusive=True)
    return CentralSystemService(reactor, settings, store)


def open_store(settings: Settings, reactor: Any = None, *, exclusive: bool = False) -> CentralStore:
    """The store that the settings name, not yet opened. Raises `ConfigurationError`.

    `exclusive`: for a central system; no second one may use the database then.
    """
    url = settings.database.url
    if not url:
        path = default_database()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"cannot make {path.parent}: {error.strerror}") from error
        url = str(path)
    try:
        return CentralStore(
            url,
            reactor=reactor,
            synchronous=settings.database.synchronous,
            exclusive=exclusive,
            password_file=settings.database.password_file or None,
        )
    except StoreError as error:
        raise ConfigurationError(f"database.url: {error}") from error


def _servers(reactor: Any, settings: Settings, central: CentralSystem) -> list[WebSocketServer]:
    """One server for each port; they share the stations, so that the newest connection wins."""
    chosen = ServerSettings(
        path_prefix=settings.listen.path or None,
        prefix_may_lack=settings.listen.path_may_lack,
        ping_interval_s=settings.stations.ping_interval_s,
        most_connections=settings.stations.most_connections,
        trusted_proxies=settings.listen.trusted_proxies,
        limits=LineLimits(
            largest_message=settings.stations.largest_message_bytes, fair_share=FAIR_SHARE
        ),
    )
    together: dict[str, StationProtocol] = {}
    make = partial(WebSocketServer, reactor, gate=central, settings=chosen, stations=together)
    servers = [make(description=description) for description in settings.listen.ocpp]
    for port in settings.tls:
        authorities = port.client_authorities
        second = (port.second_certificate, port.second_private_key)
        if not all(second) and any(second):
            raise ConfigurationError(
                f"[[tls]] {port.listen}: second_certificate and second_private_key go together"
            )
        certificates = ServerCertificates(
            certificate=Path(port.certificate),
            private_key=Path(port.private_key),
            client_authorities=Path(authorities) if authorities else None,
            require_client_certificate=port.require_client_certificate,
            second=(Path(second[0]), Path(second[1])) if all(second) else None,
        )
        try:
            certificates.options()
        except ConfigurationError as error:
            raise ConfigurationError(f"[[tls]] {port.listen}: {error}") from error
        servers.append(make(description=port.listen, certificates=certificates))
    return servers


def _http(reactor: Any, settings: Settings, office: Office) -> HttpServer | None:
    if not settings.listen.http:
        return None

    def site() -> Factory[Any]:
        from txocpp.csms.api.server import complete_site  # see `LateSite`

        return complete_site(office, settings.listen, clock=reactor)

    return HttpServer(reactor, settings.listen.http, site)


def boot_rules(settings: Settings) -> BootRules:
    """How stations are registered."""
    return BootRules(
        admit=settings.stations.admit,
        heartbeat_interval_s=settings.stations.heartbeat_interval_s,
        retry_interval_s=settings.stations.retry_interval_s,
    )


def gate_rules(settings: Settings) -> GateRules:
    """Who may connect."""
    chosen = settings.stations
    return GateRules(
        admit=chosen.admit,
        require_password=chosen.require_password,
        certificate_organization=chosen.certificate_organization or None,
        certificate_must_name_station=chosen.certificate_names_station,
        hold_security_profile=chosen.hold_security_profile,
        names=frozenset(name.lower() for name in settings.listen.names),
        origins=frozenset(origin.lower().rstrip("/") for origin in settings.listen.origins),
    )


def authorization_rules(settings: Settings) -> AuthorizationRules:
    """Which tags may charge."""
    chosen = settings.authorization
    if chosen.unknown_tags == "auto":
        local = all(is_loopback(description) for _, description in endpoints_of(settings))
        unknown = UnknownTags.ACCEPT_WHILE_EMPTY if local else UnknownTags.INVALID
    else:
        unknown = UnknownTags(chosen.unknown_tags)
    return AuthorizationRules(unknown, chosen.max_running or None)


def enter_known(
    settings: Settings, passwords: StationPasswords, now: datetime, records: Records
) -> None:
    """Enter the stations and tags of the configuration file that are not there yet."""
    for station in settings.known_stations:
        if records.stations.find(station.identity) is None:
            password = None
            if station.password:
                password = passwords.hash(key_from_text(station.password))
            records.stations.add(
                station.identity,
                now,
                name=station.name,
                serial_number=station.serial_number or None,
                admission="accepted",
                password_hash=password,
            )
    for tag in settings.known_tags:
        records.tags.add(tag.id_tag, parent_id_tag=tag.parent_id_tag or None, note=tag.note)
