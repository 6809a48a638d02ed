"""Where charge points connect: a WebSocket server that asks a gate who may come in."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final, NoReturn

from autobahn.twisted.websocket import WebSocketServerFactory
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from OpenSSL.SSL import Error as SSLError
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import serverFromString, wrapServerTLS
from twisted.internet.interfaces import IListeningPort, ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.errors import ConfigurationError
from txocpp.interfaces import Credentials, IStationGate, Refusal
from txocpp.transport.http_basic import read_authorization
from txocpp.transport.http_handshake import identity_of, refusal_answer
from txocpp.transport.tls import ServerCertificates, common_name, organization, tls_words
from txocpp.transport.websocket_framing import FramedServerProtocol, configured
from txocpp.transport.websocket_line import WebSocketLine, printable
from txocpp.transport.websocket_settings import ServerSettings

TLS_HANDSHAKE: Final = b"\x16"
"""What a TLS client sends first."""
REPLACED: Final = 1008
"""Close code for a connection whose identity has connected again (C-14)."""
BACKLOG: Final = 4096
"""Connections that may wait to be accepted. With Twisted's 50, most of a thousand stations that
come at once meet a full queue, and their systems wait for up to half a minute before they try
again. The operating system lowers the number to what it allows."""

HANDSHAKE_LEFTOVERS: Final = (
    "_results",
    "_transport_details",
    "_valid_events",
    "_wskey",
    "http_headers",
    "http_request_data",
    "http_request_host",
    "http_request_params",
    "http_request_uri",
    "http_request_path",
    "http_response_data",
    "http_status_line",
    "send_queue",
    "websocket_extensions",
    "websocket_origin",
    "websocket_protocols",
)
"""What Autobahn keeps of a handshake, or for ways of sending and listening that are not used here:
a third of the memory of a connection, and passwords."""


class StationProtocol(WebSocketLine, FramedServerProtocol):  # type: ignore[misc]
    """One connection of a station, from the first byte on."""

    factory: StationFactory
    identity: str | None = None
    """Set once the station is in."""

    _admitted: tuple[Credentials, str | None] | None = None
    """Between the gate's yes and the end of the handshake: who, and the subprotocol."""
    _admission: Deferred[Any] | None = None

    def connectionMade(self) -> None:
        self.factory.lines.add(self)
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.lines.discard(self)
        if isinstance(reason.value, SSLError):
            self._log.warn(
                "refused {address}: {why}", address=self.address, why=tls_words(reason.value)
            )
        super().connectionLost(reason)
        if self._admission is not None:
            self._admission.cancel()

    def unusual_received(self, data: bytes) -> None:
        # A TLS client would wait in silence for an answer to its hello.
        if self.state == self.STATE_CONNECTING and not self.data and data[:1] == TLS_HANDSHAKE:
            self.failHandshake("this port speaks no TLS")
        else:
            super().unusual_received(data)

    def header_too_long(self) -> None:
        self.failHandshake("HTTP header too long", 431)

    def processHandshake(self) -> None:
        # While the gate decides, what else comes waits; Autobahn would take it for a new header.
        if self._admission is None:
            super().processHandshake()

    def onConnect(self, request: ConnectionRequest) -> Deferred[str | None]:  # type: ignore[override]
        credentials = self._read_credentials(request)
        self._admission = maybeDeferred(self.factory.gate.admit, credentials)
        return self._admission.addCallbacks(
            self._decided,
            self._undecided,
            callbackArgs=(credentials,),
            errbackArgs=(credentials,),
        )

    def _decided(self, refusal: Refusal | None, credentials: Credentials) -> str | None:
        self._admission = None
        # The peer may have vanished meanwhile; Autobahn would open a connection that is dead.
        if self.state != self.STATE_CONNECTING:
            raise ConnectionDeny(400, "gone")
        if self.factory.is_closing:
            refusal = Refusal(503, "shutting down")
        if refusal is not None:
            raise ConnectionDeny(refusal.http_status, refusal.reason)
        spoken = self.factory.settings.subprotocols
        subprotocol = next((p for p in credentials.subprotocols if p in spoken), None)
        self._admitted = (credentials, subprotocol)
        return subprotocol

    def _undecided(self, failure: Failure, credentials: Credentials) -> NoReturn:
        self._admission = None
        if failure.check(CancelledError):
            raise ConnectionDeny(400, "gone")
        self._log.failure("the gate cannot decide on {who}", failure, who=credentials.identity)
        raise ConnectionDeny(500, "cannot decide")

    def onOpen(self) -> None:
        assert self._admitted is not None
        (credentials, subprotocol), self._admitted = self._admitted, None
        for leftover in HANDSHAKE_LEFTOVERS:
            setattr(self, leftover, None)
        # OCPP-J 1.6 §3.2: without a common subprotocol, complete the handshake and close (C-06).
        if subprotocol is None:
            spoken = ", ".join(self.factory.settings.subprotocols)
            self._log.warn("{who} offers no common subprotocol", who=credentials.identity)
            self.close(1002, f"no common subprotocol; this server speaks {spoken}")
        else:
            self.factory.opened(self, credentials, subprotocol)

    def ended(self, why: str) -> None:
        self.factory.closed(self, why)
        super().ended(why)

    def patience_s(self, ping_interval_s: float) -> float:
        # So that a dead station is found within two intervals.
        return min(ping_interval_s, self.limits.pong_timeout_s)

    def failHandshake(
        self, reason: str, code: int = 400, responseHeaders: list[tuple[str, str]] | None = None
    ) -> None:
        if self.state != self.STATE_CONNECTING:
            return
        self._log.warn(
            "refused {address}: {code} {reason}",
            address=self.address,
            code=code,
            reason=printable(reason),
        )
        self.why = f"refused: {code}"
        self.sendData(refusal_answer(code, reason, responseHeaders or []))
        self.dropConnection(abort=False)

    def _read_credentials(self, request: ConnectionRequest) -> Credentials:
        settings = self.factory.settings
        identity = identity_of(
            self.http_request_uri,
            settings.path_prefix,
            prefix_may_lack=settings.prefix_may_lack,
        )
        if identity is None:
            before = settings.path_prefix or "/"
            raise ConnectionDeny(404, f"no charge point here; connect to {before}IDENTITY")
        user = password = None
        header = request.headers.get("authorization")
        if header is not None:
            try:
                user, password = read_authorization(header)
            except ValueError as error:
                raise ConnectionDeny(401, str(error)) from None
        own_tls = ISSLTransport.providedBy(self.transport)
        certificate = self.transport.getPeerCertificate() if own_tls else None
        proxied = self.factory.settings.trusted_proxies > 0
        forwarded = request.headers.get("x-forwarded-proto", "") if proxied else ""
        return Credentials(
            identity=identity,
            user=user,
            password=password,
            address=self.address,
            subprotocols=tuple(request.protocols),
            certificate_common_name=common_name(certificate),
            certificate_organization=organization(certificate),
            origin=request.headers.get("origin"),
            host=request.headers.get("host", ""),
            secure=own_tls or forwarded.lower() in ("https", "wss"),
        )

    @property
    def address(self) -> str:
        """Host and port of the station, or what a trusted proxy says."""
        return str(self.peer).removeprefix("tcp4:").removeprefix("tcp6:")


class StationFactory(WebSocketServerFactory):
    """Makes a protocol for every connection, and knows which one each station has open.

    Works on a port of its own and behind Autobahn's ``WebSocketResource``.
    """

    noisy = False
    is_closing = False

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        gate: IStationGate,
        settings: ServerSettings | None = None,
        stations: MutableMapping[str, StationProtocol] | None = None,
    ) -> None:
        """`stations`: open connections by identity, shared by factories for the same stations."""
        super().__init__(reactor=reactor, server=None)  # type: ignore[no-untyped-call]
        self.gate = gate
        self.settings = settings or ServerSettings()
        self.stations = {} if stations is None else stations
        self.lines: set[StationProtocol] = set()
        self._ping_interval_s = self.settings.ping_interval_s
        limits = self.settings.limits
        self.setProtocolOptions(  # type: ignore[no-untyped-call]
            webStatus=False,
            failByDrop=False,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            maxFramePayloadSize=limits.largest_message,
            maxMessagePayloadSize=limits.largest_message,
            maxConnections=self.settings.most_connections,
            trustXForwardedFor=self.settings.trusted_proxies,
            # The gate decides; a library for small boards sends "Origin: file://".
            allowNullOrigin=True,
        )
        self.protocol = configured(StationProtocol, self, clock=reactor, limits=limits)

    def set_ping_interval(self, ping_interval_s: float) -> None:
        """Ping every station that often from now on; 0 stops."""
        self._ping_interval_s = ping_interval_s
        for line in self.lines:
            line.set_ping_interval(ping_interval_s)

    def opened(self, line: StationProtocol, credentials: Credentials, subprotocol: str) -> None:
        """A station is in; it takes the place of its older connection, if there is one (C-14)."""
        identity = line.identity = credentials.identity
        older = self.stations.get(identity)
        self.stations[identity] = line
        if older is not None:
            older.detach("replaced by a newer connection")
            older.close(REPLACED, "replaced by a newer connection")
        self._log.info(
            "{identity} connected from {address}, {subprotocol}",
            identity=identity,
            address=line.address,
            subprotocol=subprotocol,
        )
        try:
            receiver = self.gate.receiver(credentials, subprotocol)
        except Exception:
            self._log.failure("the gate cannot receive {identity}", identity=identity)
            line.close(1011, "internal error")
            return
        line.begin(receiver, identity, self._ping_interval_s)

    def closed(self, line: StationProtocol, why: str) -> None:
        """A connection is over, or did not come about."""
        if line.identity is None:
            return
        if self.stations.get(line.identity) is line:
            del self.stations[line.identity]
        self._log.info(
            "{identity} disconnected from {address}: {why}",
            identity=line.identity,
            address=line.address,
            why=why,
        )

    async def close(self) -> None:
        """Close every connection with 1001, and wait for that, bounded by the close time-out."""
        self.is_closing = True
        ends = []
        for line in list(self.lines):
            ends.append(line.is_gone())
            if line.state == line.STATE_OPEN:
                line.close(1001, "the server shuts down")
            elif line.state == line.STATE_CONNECTING:
                line.drop("the server shuts down")
        await DeferredList(ends)


class WebSocketServer(Service):
    """A port where charge points connect.

    :param description: a Twisted server endpoint, for example ``tcp:9000:interface=127.0.0.1`` or
        ``ssl:9001:privateKey=key.pem:certKey=cert.pem``.
    :param certificates: wraps the endpoint in TLS; needed where clients shall show certificates,
        since endpoint descriptions cannot ask for them.
    :param stations: see `StationFactory`.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        description: str,
        gate: IStationGate,
        settings: ServerSettings | None = None,
        *,
        certificates: ServerCertificates | None = None,
        stations: MutableMapping[str, StationProtocol] | None = None,
    ) -> None:
        self.description = description
        self.factory = StationFactory(reactor, gate, settings, stations)
        self.port: IListeningPort | None = None
        self._reactor = reactor
        self._certificates = certificates
        self._listening: Deferred[Any] | None = None

    def startService(self) -> None:
        """Open the port. Raises `ConfigurationError` if it cannot be opened."""
        try:
            endpoint = serverFromString(self._reactor, with_backlog(self.description))
        except Exception as error:
            raise ConfigurationError(f"{self.description!r} is no endpoint: {error}") from None
        if self._certificates is not None:
            endpoint = wrapServerTLS(self._certificates.options(), endpoint)
        self.factory.is_closing = False
        failures: list[str] = []
        listening = endpoint.listen(self.factory)
        listening.addCallbacks(self._opened, lambda f: failures.append(f.getErrorMessage()))
        if failures:
            raise ConfigurationError(f"cannot listen on {self.description!r}: {failures[0]}")
        if not listening.called:
            listening.addCallback(self._check, failures)
        self._listening = listening
        super().startService()  # type: ignore[no-untyped-call]

    async def stopService(self) -> None:
        """Close the port, then every connection with 1001."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._listening is not None:
            self._listening.cancel()
        port, self.port = self.port, None
        if port is not None:
            await maybeDeferred(port.stopListening)
        await self.factory.close()

    def _opened(self, port: IListeningPort) -> None:
        self.port = port

    def _check(self, _: object, failures: list[str]) -> None:
        """An endpoint that took its time has failed after all."""
        if failures:
            self._log.critical(
                "cannot listen on {description}: {reason}",
                description=self.description,
                reason=failures[0],
            )


def with_backlog(description: str) -> str:
    """The description of an endpoint, with room for many who come at once unless it says how much
    room there shall be."""
    kind, _, rest = description.partition(":")
    if kind not in ("tcp", "tcp6", "ssl", "tls", "unix") or "backlog=" in rest:
        return description
    return f"{description}:backlog={BACKLOG}"
