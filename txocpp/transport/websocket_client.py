"""A charge point's line to its central system: a WebSocket that comes back, for ever."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import attrs
from autobahn.twisted.websocket import WebSocketClientFactory
from autobahn.websocket.types import ConnectingRequest, ConnectionResponse
from OpenSSL.SSL import Error as SSLError
from service_identity import VerificationError
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.endpoints import HostnameEndpoint, clientFromString, wrapClientTLS
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.errors import ConfigurationError
from txocpp.interfaces import IFrameReceiver
from txocpp.transport.backoff import Backoff
from txocpp.transport.status import ConnectionStatus, Phase, Problem
from txocpp.transport.tls import chain_of, tls_words
from txocpp.transport.websocket_framing import FramedClientProtocol, configured
from txocpp.transport.websocket_line import WebSocketLine, printable
from txocpp.transport.websocket_settings import ClientSettings, LineLimits


class CentralSystemProtocol(WebSocketLine, FramedClientProtocol):  # type: ignore[misc]
    """One attempt to connect, and the connection that came of it."""

    factory: _Factory
    opened_at: float | None = None
    problem: Problem = Problem.NETWORK
    http_status: int | None = None

    def onConnecting(self, transport_details: object) -> ConnectingRequest:
        settings = self.factory.client.settings
        return ConnectingRequest(
            host=settings.host_header,
            port=settings.port,
            resource=settings.resource,
            headers=settings.headers,
            useragent="txocpp",
            protocols=list(settings.subprotocols),
        )

    def processHandshake(self) -> None:
        try:
            super().processHandshake()
        except Exception:
            self.failHandshake("not HTTP")

    def failHandshake(self, reason: str) -> None:  # type: ignore[override]
        line = str(getattr(self, "http_status_line", ""))
        version, _, answer = line.partition(" ")
        status = int(answer[:3]) if version.startswith("HTTP/") and answer[:3].isdigit() else None
        if status is None or status == 101:
            self.problem = Problem.PROTOCOL
            self.why = f"no WebSocket handshake came back: {printable(reason)}"
        else:
            self.problem = Problem.CREDENTIALS if status == 401 else Problem.REFUSED
            self.http_status = status
            self.why = f"the server answered {printable(answer)}"
            location = self.http_headers.get("location")
            if 300 <= status < 400 and location:
                self.why += f" to {printable(location)}; redirections are not followed"
        self.dropConnection(abort=True)

    def onConnect(self, response: ConnectionResponse) -> None:  # type: ignore[override]
        # OCPP-J 1.6 §3.2: without a common subprotocol there is nothing to say (C-06).
        if response.protocol is None:
            self.problem = Problem.PROTOCOL
            self.close(1002, "no common subprotocol")
            self.why = "the server speaks none of our subprotocols"

    def onOpen(self) -> None:
        if self.state == self.STATE_OPEN:
            self.opened_at = self.clock.seconds()
            self.factory.client.opened(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        error = reason.value
        if isinstance(error, VerificationError):
            self.problem = Problem.CERTIFICATE
            self.why = f"the server's certificate is not for {self.factory.client.settings.host}"
        elif isinstance(error, SSLError):
            self.why = tls_words(error)
            bad_certificate = "certificate verify failed" in self.why
            self.problem = Problem.CERTIFICATE if bad_certificate else Problem.TLS
        elif self.opened_at is None:
            self.why = self.why or "the server closed the connection during the handshake"
        super().connectionLost(reason)

    def ended(self, why: str) -> None:
        self.why = why
        super().ended(why)

    def finish(self, code: int, reason: str) -> None:
        """Close if the connection is open, give up if it is not yet."""
        if self.opened_at is None:
            self.drop(reason)
        else:
            self.close(code, reason)


@attrs.frozen
class _End:
    """How an attempt, or the connection that came of it, ended."""

    problem: Problem
    reason: str
    http_status: int | None = None
    lasted_s: float = 0.0


class _Factory(WebSocketClientFactory):
    noisy = False

    def __init__(self, reactor: Any, client: WebSocketClient) -> None:
        settings = client.settings
        super().__init__(reactor=reactor, protocols=list(settings.subprotocols))  # type: ignore[no-untyped-call]
        self.client = client
        self.protocol = _protocol(reactor, settings.limits)


@lru_cache(maxsize=4)
def _protocol(reactor: Any, limits: LineLimits) -> type[CentralSystemProtocol]:
    """The class of all connections with these limits; one for each would weigh more than they."""
    options = WebSocketClientFactory(reactor=reactor)
    options.setProtocolOptions(
        failByDrop=False,
        openHandshakeTimeout=0,
        closeHandshakeTimeout=0,
        serverConnectionDropTimeout=0,
        maxFramePayloadSize=limits.largest_message,
        maxMessagePayloadSize=limits.largest_message,
    )
    return configured(CentralSystemProtocol, options, clock=reactor, limits=limits)


def client_endpoint(reactor: Any, settings: ClientSettings) -> IStreamClientEndpoint:
    """Where the settings lead. Raises `ConfigurationError` for certificates that cannot be read
    and endpoints that make no sense."""
    if settings.endpoint is not None:
        try:
            endpoint: IStreamClientEndpoint = clientFromString(reactor, settings.endpoint)
        except Exception as error:
            raise ConfigurationError(f"{settings.endpoint!r} is no endpoint: {error}") from None
        return endpoint
    plain = HostnameEndpoint(reactor, settings.host, settings.port)
    if not settings.is_secure:
        return plain
    return wrapClientTLS(settings.certificates.options(settings.host), plain)


class WebSocketClient(Service):
    """Keeps a charge point connected to its central system.

    Whatever happens to an attempt, one line of the log says it and another attempt follows.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        receiver: IFrameReceiver,
        settings: ClientSettings,
        *,
        endpoint: IStreamClientEndpoint | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """
        :param reactor: for sockets, names and time.
        :param endpoint: connects in place of what the settings say.
        :param chance: gives numbers from 0 to 1, for the back-off.
        """
        self.settings = settings
        self.on_status: Callable[[ConnectionStatus], object] | None = None
        """Called with every new `status`."""
        self._reactor = reactor
        self._receiver = receiver
        self._endpoint = endpoint
        self._backoff = Backoff(settings.first_wait_s, settings.longest_wait_s, chance)
        self._attempt: Deferred[Any] | None = None
        self._line: CentralSystemProtocol | None = None
        self._pause: IDelayedCall | None = None
        self._at_once = False
        self._stopping: list[Deferred[None]] = []
        self._status = ConnectionStatus(phase=Phase.STOPPED, since=reactor.seconds())

    # --- for the role

    @property
    def status(self) -> ConnectionStatus:
        """What the client is doing, and what went wrong last."""
        return self._status

    def change(self, **changes: Any) -> None:
        """Change some `ClientSettings`. A ping interval holds at once, everything else from the
        next connection on: see `reconnect`. Raises `ConfigurationError`."""
        self.settings = attrs.evolve(self.settings, **changes)
        self._backoff.first_s = self.settings.first_wait_s
        self._backoff.longest_s = self.settings.longest_wait_s
        if self._line is not None and "ping_interval_s" in changes:
            self._line.set_ping_interval(self.settings.ping_interval_s)

    def reconnect(self, reason: str = "reconnecting") -> None:
        """Close the connection, if there is one, and connect anew without waiting."""
        if self.running:
            self._at_once = True
            self._interrupt(1000, reason)

    def cut(self, reason: str = "cut") -> None:
        """Break the connection, if there is one, as a network does it: without a word to the
        other end. Reconnecting follows as after any loss."""
        if self._line is not None:
            self._line.drop(reason)

    def startService(self) -> None:
        """Connect, now and for ever."""
        super().startService()  # type: ignore[no-untyped-call]
        self._backoff.reset()
        # A connection that is still being closed comes back by itself when it is gone.
        if self._attempt is None and self._line is None:
            self._try()

    def stopService(self) -> Deferred[None]:
        """Close the connection with 1001; fires when it is gone, bounded by the close time-out."""
        super().stopService()  # type: ignore[no-untyped-call]
        stopped: Deferred[None] = Deferred()
        self._stopping.append(stopped)
        if not self._interrupt(1001, "the charge point stops"):
            self._rest()
        return stopped

    # --- for the protocol

    def opened(self, line: CentralSystemProtocol) -> None:
        """The handshake is done."""
        url = self.settings.url
        self._log.info(
            "connected to {url}, {subprotocol}",
            url=url,
            subprotocol=line.websocket_protocol_in_use,
        )
        self._set_status(
            phase=Phase.CONNECTED,
            problem=None,
            reason="",
            http_status=None,
            server_chain=chain_of(line.transport),
        )
        line.begin(self._receiver, url, self.settings.ping_interval_s)

    # --- inside: one of attempt, line and pause is there while the service runs

    def _try(self) -> None:
        self._pause = None
        self._set_status(phase=Phase.CONNECTING, next_attempt_at=None)
        if not self.running:
            return
        try:
            self._attempt = self._where().connect(_Factory(self._reactor, self))
        except ConfigurationError as error:
            self._again(_End(Problem.CONFIGURATION, str(error)))
            return
        self._attempt.addTimeout(self.settings.limits.handshake_timeout_s, self._reactor)
        self._attempt.addCallbacks(self._reached, self._not_reached)

    def _reached(self, line: CentralSystemProtocol) -> None:
        self._attempt, self._line = None, line
        line.is_gone().addCallback(lambda _: self._over(line))

    def _not_reached(self, failure: Failure) -> None:
        self._attempt = None
        if failure.check(CancelledError):
            reason = "interrupted"
        elif failure.check(TookTooLong):
            reason = f"no connection within {self.settings.limits.handshake_timeout_s:g} s"
        else:
            reason = printable(str(failure.value)) or type(failure.value).__name__
        self._again(_End(Problem.NETWORK, reason))

    def _over(self, line: CentralSystemProtocol) -> None:
        self._line = None
        lasted_s = 0.0
        if line.opened_at is not None:
            lasted_s = self._reactor.seconds() - line.opened_at
        self._again(_End(line.problem, line.why, line.http_status, lasted_s))

    def _again(self, end: _End) -> None:
        """An attempt or a connection has ended; the next follows, unless the service stops."""
        if not self.running:
            self._rest()
            return
        self._tell_stopped()
        if end.lasted_s >= self.settings.settled_after_s or self._at_once:
            self._backoff.reset()
        wait_s = 0.0 if self._at_once else self._backoff.next_s()
        self._at_once = False
        self._pause = self._reactor.callLater(wait_s, self._try)
        self._log.warn(
            "not connected to {url}: {reason}; next attempt {when}",
            url=self.settings.url,
            reason=end.reason,
            when=f"in {wait_s:.1f} s" if wait_s else "now",
        )
        self._set_status(
            phase=Phase.WAITING,
            next_attempt_at=self._reactor.seconds() + wait_s,
            problem=end.problem,
            reason=end.reason,
            http_status=end.http_status,
        )

    def _rest(self) -> None:
        self._set_status(phase=Phase.STOPPED, next_attempt_at=None)
        self._tell_stopped()

    def _tell_stopped(self) -> None:
        stopping, self._stopping = self._stopping, []
        for stopped in stopping:
            stopped.callback(None)

    def _interrupt(self, code: int, reason: str) -> bool:
        """End whatever goes on; True if `_again` will hear of it."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
            if self.running:
                self._at_once = False
                self._try()
            return False
        if self._attempt is not None:
            self._attempt.cancel()
            return True
        if self._line is not None:
            self._line.finish(code, reason)
            return True
        return False

    def _where(self) -> IStreamClientEndpoint:
        return self._endpoint or client_endpoint(self._reactor, self.settings)

    def _set_status(self, *, server_chain: tuple[str, ...] = (), **changes: Any) -> None:
        self._status = attrs.evolve(
            self._status, since=self._reactor.seconds(), server_chain=server_chain, **changes
        )
        if self.on_status is not None:
            try:
                self.on_status(self._status)
            except Exception:
                self._log.failure("a listener to the connection status failed")
