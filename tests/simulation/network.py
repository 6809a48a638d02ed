"""The line between charge point and central system: one TCP connection after another.

A connection loses nothing and turns nothing round as long as it lives; it may be slow, may be cut,
or may hang half open until somebody notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from txocpp.interfaces import IFrameReceiver, ITransport
from txocpp.transport.memory import MemoryLink

if TYPE_CHECKING:
    from .process import Process
    from .town import Town


class Network:
    """Whether and how frames travel."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.up = True
        self.slow_s = 0.0
        """Most that a frame may take in addition."""
        self.link: MemoryLink | None = None
        """The connection of now, up or hanging."""

    def line(self, process: Process, receiver: Any) -> Line:
        """A process wants a connection."""
        return Line(self, process, receiver)

    def connect(self, line: Line) -> bool:
        """Try to make a connection."""
        if not (self.up and self.town.central.up):
            return False
        town = self.town
        link = MemoryLink(
            town.clock, StationEnd(line), town.central.end(), names=("station", "central")
        )
        for lane in (link.to_left, link.to_right):
            lane.latency_s = 0.005
            lane.delays = self._delay
        old, self.link = self.link, link
        if old is not None:
            old.cut("a new connection has come")
        town.note("connected")
        link.connect()
        return True

    def cut(self, reason: str = "the line was cut") -> None:
        """Both ends hear at once that it is over."""
        if self.link is not None:
            self.link.cut(reason)

    def hang(self, noticed_s: float) -> None:
        """Frames vanish from now on; somebody notices after this time."""
        link = self.link
        if link is not None and link.is_up:
            link.freeze()
            self.town.clock.callLater(noticed_s, link.cut, "nobody answers pings")

    def lose_answers(self, noticed_s: float) -> None:
        """What the central system says does not arrive any more; noticed after this time."""
        link = self.link
        if link is not None and link.is_up:
            link.to_left.loses = lambda frame: True
            self.town.clock.callLater(noticed_s, link.cut, "nobody answers pings")

    def _delay(self, frame: str) -> float:
        return self.town.dice.uniform(0.0, self.slow_s) if self.slow_s else 0.0


class Line:
    """The connecting service of one boot of the charge point, as `service.LineService`."""

    def __init__(self, network: Network, process: Process, receiver: Any) -> None:
        self.network = network
        self.process = process
        self.receiver = receiver
        self._wanted = False
        self._connected = False
        self._gone: Deferred[None] | None = None

    def startService(self) -> None:
        self._wanted = True
        self._connect()

    def stopService(self) -> Deferred[None]:
        self._wanted = False
        gone: Deferred[None] = Deferred()
        if not self._connected:
            gone.callback(None)
            return gone
        self._gone = gone
        self.receiver.close(1001, "the charge point stops")
        # A line that hangs does not answer the closing either.
        self.process.clock.callLater(2.0, self._give_up, self.network.link)
        return gone

    def change(self, **settings: Any) -> None:
        """Pings are not simulated."""

    def reconnect(self, reason: str = "") -> None:
        self.receiver.close(1000, reason)

    def up(self) -> None:
        """Connected."""
        self._connected = True

    def down(self) -> None:
        """Disconnected: try again after a while."""
        self._connected = False
        gone, self._gone = self._gone, None
        if gone is not None:
            gone.callback(None)
        self._again()

    def _give_up(self, link: MemoryLink | None) -> None:
        if self._gone is not None and link is not None:
            link.cut("closed without an answer")

    def _connect(self) -> None:
        if self._wanted and not self._connected and not self.network.connect(self):
            self._again()

    def _again(self) -> None:
        if self._wanted:
            pause_s = self.network.town.dice.uniform(1.0, 20.0)
            self.process.clock.callLater(pause_s, self._connect)


@implementer(IFrameReceiver)
class StationEnd:
    """Lets frames reach and leave a living process only, and shows them to the referee."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._process = line.process

    def connected(self, transport: ITransport) -> None:
        if self._process.alive:
            self._line.up()
            self._process.town.referee.connected()
            self._line.receiver.connected(LiveTransport(self._process, transport))

    def frame_received(self, frame: str) -> None:
        if self._process.alive:
            self._process.town.referee.station_hears(frame)
            self._line.receiver.frame_received(frame)

    def disconnected(self, reason: str) -> None:
        if self._process.alive:
            self._process.town.note(f"disconnected: {reason}")
            self._line.receiver.disconnected(reason)
            self._line.down()


@implementer(ITransport)
class LiveTransport:
    """A transport that falls silent when its process dies."""

    def __init__(self, process: Process, transport: ITransport) -> None:
        self.peer = transport.peer
        self._process = process
        self._transport = transport

    def send(self, frame: str) -> None:
        if self._process.alive:
            self._process.town.referee.station_says(frame)
            self._transport.send(frame)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._process.alive:
            self._transport.close(code, reason)
