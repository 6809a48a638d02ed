"""Builds a central system from its settings and wires all of it, in one place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.csms.api import live, operations, shortcuts, stations, tags, transactions
from txocpp.csms.api.access import Access
from txocpp.csms.api.site import Root, api_resource, web_site
from txocpp.csms.authorization import AuthorizationRules, UnknownTags
from txocpp.csms.boot import BootRules
from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Events
from txocpp.csms.gate import Gate
from txocpp.csms.housekeeping import Housekeeping
from txocpp.csms.listening import is_loopback
from txocpp.csms.office import Office
from txocpp.csms.operations import Operations
from txocpp.csms.passwords import StationPasswords, key_from_text
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
from txocpp.transport.websocket_settings import LineLimits, ServerSettings

API = (stations, operations, shortcuts, tags, transactions, live)


class CentralSystemService(Service):
    """A whole central system: store, ports for charge points, HTTP API."""

    _log = Logger()

    def __init__(self, reactor: Any, settings: Settings, store: ICentralStore) -> None:
        self.settings = settings
        self.store = store
        self._reactor = reactor
        self.events = Events(self.now)
        factory = MessageFactory16(ignore_unknown=settings.stations.tolerate_unknown_fields)
        passwords = StationPasswords(tolerant=settings.stations.tolerant_passwords)
        answers = Answers(
            store,
            self.events,
            reactor.seconds,
            boot_rules=_boot_rules(settings),
            authorization_rules=_authorization_rules(settings),
        )
        self.central = CentralSystem(
            reactor,
            factory,
            answers.table(),
            doorkeeper=Gate(
                store,
                passwords,
                admit=settings.stations.admit,
                now=self.now,
                require_password=settings.stations.require_password,
            ),
            call_timeout_s=settings.stations.call_timeout_s,
        )
        self.operations = Operations(
            store, self.central, Commands16(factory), self.events, self.now
        )
        self.office = Office(store, self.central, self.operations, self.events, passwords, self.now)
        self._housekeeping = Housekeeping(
            store, self.central, self.operations, settings.retention, self.now, reactor
        )
        self.servers = _servers(reactor, settings, self.central)
        self.http_port: IListeningPort | None = None
        self._started: Deferred[None] | None = None
        self.central.on_connected.append(self._connected)
        self.central.on_disconnected.append(self._disconnected)

    def now(self) -> datetime:
        """The present moment."""
        return datetime.fromtimestamp(self._reactor.seconds(), UTC)

    def startService(self) -> None:
        """Open the store, then the ports. A fault ends the program with a message."""
        super().startService()  # type: ignore[no-untyped-call]
        self._started = Deferred.fromCoroutine(self._start())
        self._started.addErrback(self._failed)

    async def stopService(self) -> None:
        """Close the ports and all connections, finish what is being written."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._started is not None:
            self._started.cancel()
        if self.http_port is not None:
            await maybeDeferred(self.http_port.stopListening)
        for server in self.servers:
            await server.stopService()
        await self._housekeeping.stop()
        await self.store.close()

    async def _start(self) -> None:
        await self.store.open()
        await self.store.write(partial(_enter_known, self.settings, self.office, self.now()))
        lost = await self.operations.recover()
        if lost:
            self._log.warn("{lost} operations were cut off by the last restart", lost=lost)
        for server in self.servers:
            server.startService()
            self._log.info("charge points connect to {where}", where=server.description)
        if self.settings.listen.http:
            await self._listen_http(self.settings.listen.http)
        self._housekeeping.start()

    async def _listen_http(self, description: str) -> None:
        root = Root(api_resource(self.office, Access(), [part.routes for part in API]))
        endpoint = serverFromString(self._reactor, description)
        try:
            self.http_port = await endpoint.listen(web_site(root, clock=self._reactor))
        except Exception as error:
            raise ConfigurationError(f"cannot listen on {description!r}: {error}") from error
        self._log.info("HTTP API on {where}", where=description)

    def _failed(self, failure: Failure) -> None:
        if failure.check(ConfigurationError, StoreError):
            self._log.critical("{fault}", fault=failure.getErrorMessage())
        else:
            self._log.failure("the central system could not be started", failure)
        if self.running:
            self._reactor.stop()

    def _connected(self, station: Station) -> None:
        self.events.tell("station.connected", station.identity, address=station.address)

    def _disconnected(self, station: Station, reason: str) -> None:
        self.events.tell("station.disconnected", station.identity, reason=reason)


def central_system(reactor: Any, settings: Settings) -> CentralSystemService:
    """A central system as the settings have it, ready to be started.

    Raises `ConfigurationError` for settings that do not go together.
    """
    _check(reactor, settings)
    url = settings.database.url
    if not url:
        path = default_database()
        path.parent.mkdir(parents=True, exist_ok=True)
        url = str(path)
    try:
        store = CentralStore(url, reactor=reactor, synchronous=settings.database.synchronous)
    except StoreError as error:
        raise ConfigurationError(f"database.url: {error}") from error
    return CentralSystemService(reactor, settings, store)


def _check(reactor: Any, settings: Settings) -> None:
    for name, description in _endpoints(settings):
        try:
            serverFromString(reactor, description)
        except Exception as error:
            raise ConfigurationError(f"{name}: {description!r} is no endpoint: {error}") from error
    http = settings.listen.http
    if http and not is_loopback(http):
        raise ConfigurationError(
            f"listen.http: {http!r} is open to others, but there are no accounts yet; "
            "listen on 127.0.0.1, or add an account first"
        )


def _endpoints(settings: Settings) -> list[tuple[str, str]]:
    listen = settings.listen
    found = [("listen.ocpp", description) for description in listen.ocpp]
    found += [("tls.listen", port.listen) for port in settings.tls]
    if listen.http:
        found.append(("listen.http", listen.http))
    return found


def _servers(reactor: Any, settings: Settings, central: CentralSystem) -> list[WebSocketServer]:
    """One server for each port; they share the stations, so that the newest connection wins."""
    chosen = ServerSettings(
        path_prefix=settings.listen.path or None,
        ping_interval_s=settings.stations.ping_interval_s,
        most_connections=settings.stations.most_connections,
        trusted_proxies=settings.listen.trusted_proxies,
        limits=LineLimits(largest_message=settings.stations.largest_message_bytes),
    )
    together: dict[str, StationProtocol] = {}
    make: Callable[..., WebSocketServer] = partial(
        WebSocketServer, reactor, gate=central, settings=chosen, stations=together
    )
    servers = [make(description=description) for description in settings.listen.ocpp]
    for port in settings.tls:
        authorities = port.client_authorities
        certificates = ServerCertificates(
            certificate=Path(port.certificate),
            private_key=Path(port.private_key),
            client_authorities=Path(authorities) if authorities else None,
            require_client_certificate=port.require_client_certificate,
        )
        servers.append(make(description=port.listen, certificates=certificates))
    return servers


def _boot_rules(settings: Settings) -> BootRules:
    return BootRules(
        admit=settings.stations.admit,
        heartbeat_interval_s=settings.stations.heartbeat_interval_s,
        retry_interval_s=settings.stations.retry_interval_s,
    )


def _authorization_rules(settings: Settings) -> AuthorizationRules:
    chosen = settings.authorization
    unknown = chosen.unknown_tags
    if unknown is None:
        local = all(is_loopback(description) for _, description in _endpoints(settings))
        unknown = UnknownTags.ACCEPT_WHILE_EMPTY if local else UnknownTags.INVALID
    return AuthorizationRules(unknown, chosen.max_running or None)


def _enter_known(settings: Settings, office: Office, now: datetime, records: Records) -> None:
    for station in settings.known_stations:
        if records.stations.find(station.identity) is None:
            password = None
            if station.password:
                password = office.passwords.hash(key_from_text(station.password))
            records.stations.add(
                station.identity,
                now,
                name=station.name,
                admission="accepted",
                password_hash=password,
            )
    for tag in settings.known_tags:
        records.tags.add(tag.id_tag, parent_id_tag=tag.parent_id_tag or None, note=tag.note)
