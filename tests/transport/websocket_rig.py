"""WebSockets without sockets: our protocols against the sans-I/O peers of the `websockets` package.

The foreign package decides what is a good WebSocket; the clock is virtual.
"""

from __future__ import annotations

from typing import Any

from transport_rig import RecordingReceiver
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from zope.interface import implementer

from txocpp.interfaces import Credentials, IFrameReceiver, IStationGate, Refusal
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_server import StationFactory, StationProtocol
from txocpp.transport.websocket_settings import ClientSettings, LineLimits, ServerSettings


class Cable(StringTransport):
    """A transport that a test reads, and whose buffer it may declare full."""

    def __init__(self) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", "192.0.2.7", 5555))
        self.aborted = False
        self.lost = False

    def unregisterProducer(self) -> None:
        self.producer = None

    def abortConnection(self) -> None:
        self.aborted = self.disconnecting = True

    def take(self) -> bytes:
        """What was written since the last time."""
        data: bytes = self.value()
        self.clear()
        return data

    def part(self, protocol: Any, reason: Exception | None = None) -> None:
        """The connection is gone; the protocol hears it once."""
        if not self.lost:
            self.lost = True
            protocol.connectionLost(Failure(reason or ConnectionDone()))


@implementer(IStationGate)
class Gate:
    """Lets everybody in, unless told otherwise, and remembers who came."""

    def __init__(self) -> None:
        self.asked: list[Credentials] = []
        self.refusal: Refusal | None = None
        self.decision: Deferred[Refusal | None] | None = None
        self.receivers: list[RecordingReceiver] = []
        self.events: list[str] = []

    def admit(self, credentials: Credentials) -> Deferred[Refusal | None]:
        self.asked.append(credentials)
        return succeed(self.refusal) if self.decision is None else self.decision

    def receiver(self, credentials: Credentials, subprotocol: str) -> IFrameReceiver:
        self.events.append(f"{credentials.identity} {subprotocol}")
        self.receivers.append(RecordingReceiver())
        return self.receivers[-1]


class Foreign:
    """A foreign WebSocket peer, joined in memory to a protocol of ours."""

    ws: Protocol

    def __init__(self, line: Any) -> None:
        self.line = line
        self.cable = Cable()
        self.texts: list[str] = []
        self.pings = 0
        self.answers_pings = True
        self.handshakes: list[Request | Response] = []

    def pump(self) -> None:
        """Let bytes flow both ways until none are left."""
        while True:
            chunks = self.ws.data_to_send()
            sent = b"".join(chunks)
            if sent and not self.cable.lost:
                self.line.dataReceived(sent)
            if b"" in chunks:  # its way to say that it ends the TCP connection
                self.leave()
                self.ws.receive_eof()
            came = self.cable.take()
            if came:
                self.hear(came)
            if self.cable.disconnecting and not self.cable.lost:
                self.cable.part(self.line)
                self.ws.receive_eof()
            if not sent and not came:
                return

    def hear(self, data: bytes) -> None:
        """Bytes of ours reach the foreign peer."""
        if not self.answers_pings and self.ws.state is State.OPEN and data[0] == 0x89:
            self.pings += 1
            return
        self.ws.receive_data(data)
        for event in self.ws.events_received():
            if not isinstance(event, Frame):
                self.handshakes.append(event)
            elif event.opcode is Opcode.TEXT:
                self.texts.append(bytes(event.data).decode())
            elif event.opcode is Opcode.PING:
                self.pings += 1

    def say(self, text: str) -> None:
        """Send a text message."""
        self.ws.send_text(text.encode())
        self.pump()

    def raw(self, data: bytes) -> None:
        """Send bytes of any kind."""
        self.line.dataReceived(data)
        self.pump()

    def leave(self, reason: Exception | None = None) -> None:
        """The connection is lost without a close frame."""
        self.cable.part(self.line, reason)


class Station(Foreign):
    """A foreign WebSocket client at our server."""

    ws: ClientProtocol

    def __init__(
        self,
        hall: Hall,
        path: str = "/CP1",
        *,
        subprotocols: list[str] | None = None,
        headers: dict[str, str] | None = None,
        start: bool = True,
    ) -> None:
        line = hall.factory.buildProtocol(None)
        assert isinstance(line, StationProtocol)
        super().__init__(line)
        names: Any = ["ocpp1.6"] if subprotocols is None else subprotocols
        self.ws = ClientProtocol(parse_uri("ws://csms.test/"), subprotocols=names, max_size=None)
        line.makeConnection(self.cable)
        request = self.ws.connect()
        request.path = path
        for name, value in (headers or {}).items():
            request.headers[name] = value
        if start:
            self.ws.send_request(request)
            self.pump()

    @property
    def status(self) -> int:
        """HTTP status of the answer to the handshake."""
        (answer,) = self.handshakes
        assert isinstance(answer, Response)
        return answer.status_code

    @property
    def header(self) -> Any:
        """HTTP headers of the answer to the handshake."""
        (answer,) = self.handshakes
        return answer.headers


class Hall:
    """A server of ours in memory: factory, gate and clock."""

    def __init__(self, limits: LineLimits | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.gate = Gate()
        self.settings = ServerSettings(limits=limits or LineLimits(), **settings)
        self.factory = StationFactory(self.clock, self.gate, self.settings)

    def station(self, path: str = "/CP1", **options: Any) -> Station:
        """A station that has connected, or was refused."""
        return Station(self, path, **options)

    def stranger(self, *chunks: bytes) -> Cable:
        """Somebody who sends bytes that need not be HTTP."""
        line = self.factory.buildProtocol(None)
        cable = Cable()
        line.makeConnection(cable)
        for chunk in chunks:
            line.dataReceived(chunk)
        if cable.disconnecting:
            cable.part(line)
        return cable

    @property
    def receiver(self) -> RecordingReceiver:
        """The newest frame receiver."""
        return self.gate.receivers[-1]

    def leaves_nothing(self) -> bool:
        """No timer and no connection is left."""
        return not self.clock.getDelayedCalls() and not self.factory.lines


class CentralSystem(Foreign):
    """One connection at a foreign WebSocket server."""

    ws: ServerProtocol

    def __init__(self, line: Any, answer: bytes | None, subprotocols: list[str]) -> None:
        super().__init__(line)
        names: Any = subprotocols
        self.ws = ServerProtocol(subprotocols=names or None)
        self.answer = answer
        self.request = b""
        """The raw request."""

    def hear(self, data: bytes) -> None:
        if self.ws.state is State.CONNECTING:
            self.request += data
            if b"\r\n\r\n" in data and self.answer is not None:
                self.line.dataReceived(self.answer)
                return
        super().hear(data)
        if self.ws.state is State.CONNECTING and self.handshakes:
            request = self.handshakes[-1]
            assert isinstance(request, Request)
            self.ws.send_response(self.ws.accept(request))

    @property
    def headers(self) -> dict[str, str]:
        """Of the request, names in lower case."""
        lines = self.request.decode().split("\r\n")[1:]
        pairs = (line.partition(": ") for line in lines if line)
        return {name.lower(): value for name, _, value in pairs}

    @property
    def path(self) -> str:
        """Of the request."""
        return self.request.decode().split(" ")[1]


@implementer(IStreamClientEndpoint)
class Street:
    """Where a client of ours looks for its central system."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.receiver = RecordingReceiver()
        values = {"url": "ws://csms.test/ocpp", "identity": "CP1", **settings}
        self.client = WebSocketClient(
            self.clock,
            self.receiver,
            ClientSettings(**values),
            endpoint=self,
            chance=lambda: 0.0,
        )
        self.answer: bytes | None = None
        """Sent in place of a proper handshake."""
        self.subprotocols = ["ocpp1.6"]
        self.failure: Exception | Deferred[Any] | None = None
        """Of the connection attempt."""
        self.attempts: list[float] = []
        self.systems: list[CentralSystem] = []

    def connect(self, factory: Any) -> Deferred[Any]:
        self.attempts.append(self.clock.seconds())
        if isinstance(self.failure, Deferred):
            return self.failure
        if self.failure is not None:
            return fail(self.failure)
        line = factory.buildProtocol(None)
        system = CentralSystem(line, self.answer, self.subprotocols)
        self.systems.append(system)
        line.makeConnection(system.cable)
        return succeed(line)

    def start(self) -> CentralSystem:
        """Start the client and let it connect."""
        self.client.startService()
        self.pump()
        return self.system

    def pump(self) -> None:
        """Let bytes flow on every connection that is there."""
        for system in self.systems:
            system.pump()

    def run(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass, and bytes flow."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.pump()

    def stop(self) -> bool:
        """Stop the client; True if nothing is left."""
        stopping = self.client.stopService()
        self.pump()
        stopping.addErrback(lambda f: self.receiver.events.append(f.getTraceback()))
        return bool(stopping.called) and not self.clock.getDelayedCalls()

    @property
    def system(self) -> CentralSystem:
        """The newest connection."""
        return self.systems[-1]
