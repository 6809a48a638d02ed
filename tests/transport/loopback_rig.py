"""A server and its clients over real sockets on the loopback interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transport_rig import RecordingReceiver
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from websocket_rig import Gate

from txocpp.interfaces import ITransport
from txocpp.transport.status import ConnectionStatus, Phase
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_server import WebSocketServer
from txocpp.transport.websocket_settings import ClientSettings, LineLimits, ServerSettings

LIMITS = LineLimits(handshake_timeout_s=5, close_timeout_s=2)


class Eager(RecordingReceiver):
    """A receiver whose next event can be awaited."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[Callable[[str], bool], Deferred[str]]] = []

    def until(self, wanted: str) -> Deferred[str]:
        """The first event, past or future, that begins like this."""
        awaited: Deferred[str] = Deferred()
        for event in self.events:
            if event.startswith(wanted):
                awaited.callback(event)
                return awaited
        self._waiting.append((lambda event: event.startswith(wanted), awaited))
        return awaited

    def connected(self, transport: ITransport) -> None:
        super().connected(transport)
        self._look()

    def frame_received(self, frame: str) -> None:
        super().frame_received(frame)
        self._look()

    def disconnected(self, reason: str) -> None:
        super().disconnected(reason)
        self._look()

    def _look(self) -> None:
        event = self.events[-1]
        for entry in [e for e in self._waiting if e[0](event)]:
            self._waiting.remove(entry)
            entry[1].callback(event)


class EagerGate(Gate):
    """Gives eager receivers."""

    def receiver(self, credentials: Any, subprotocol: str) -> Eager:
        self.events.append(f"{credentials.identity} {subprotocol}")
        self.receivers.append(Eager())
        return self.receivers[-1]  # type: ignore[return-value]


class Loopback:
    """One server, some clients; `close` ends them all."""

    def __init__(self, **options: Any) -> None:
        self.gate = EagerGate()
        limits = options.pop("limits", LIMITS)
        description = options.pop("description", "tcp:0:interface=127.0.0.1")
        settings = ServerSettings(limits=limits)
        self.server = WebSocketServer(reactor, description, self.gate, settings, **options)
        self.server.startService()
        self._clients: list[WebSocketClient] = []

    @property
    def port(self) -> int:
        """Of the server."""
        assert self.server.port is not None
        port: int = self.server.port.getHost().port
        return port

    def client(self, scheme: str = "ws", host: str = "127.0.0.1", **settings: Any) -> Connected:
        """A client that tries to connect to the server."""
        values = {
            "url": f"{scheme}://{host}:{self.port}/ocpp",
            "identity": "CP1",
            "limits": LIMITS,
            "first_wait_s": 0.01,
            "longest_wait_s": 0.01,
        }
        connected = Connected(ClientSettings(**{**values, **settings}))
        self._clients.append(connected.client)
        connected.client.startService()
        return connected

    async def close(self) -> None:
        """Nothing is left afterwards."""
        for client in self._clients:
            await client.stopService()
        await self.server.stopService()


class Connected:
    """A client of ours, its receiver and its status."""

    def __init__(self, settings: ClientSettings) -> None:
        self.receiver = Eager()
        self.client = WebSocketClient(reactor, self.receiver, settings)
        self.client.on_status = self._heard
        self._awaited: list[tuple[Phase, Deferred[ConnectionStatus]]] = []

    def until(self, phase: Phase) -> Deferred[ConnectionStatus]:
        """The next status of this phase."""
        awaited: Deferred[ConnectionStatus] = Deferred()
        self._awaited.append((phase, awaited))
        return awaited

    def _heard(self, status: ConnectionStatus) -> None:
        for entry in [e for e in self._awaited if e[0] is status.phase]:
            self._awaited.remove(entry)
            entry[1].callback(status)
