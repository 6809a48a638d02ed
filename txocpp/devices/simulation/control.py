"""The door to a simulated charger: JSON lines over a loopback TCP port or a Unix socket.

Whoever can reach the door can plug and unplug cars; so it opens on this machine only, unless the
configuration says otherwise in so many words.
"""

from __future__ import annotations

import json
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IPushProducer, IStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.devices.links import ListeningService, listening_endpoint
from txocpp.devices.simulation.commands import obey
from txocpp.devices.simulation.device import SimulatedDevice

LONGEST_LINE: Final = 16 * 1024
MOST_CLIENTS: Final = 64
DEFAULT_DOOR: Final = "tcp:7716:interface=127.0.0.1"


@implementer(IPushProducer)
class ControlProtocol(Protocol):
    """One client at the door. It reads no further while its answers are not fetched, nor before
    the charger is there."""

    transport: Any  # a stream transport that is also a producer and a consumer

    def __init__(self, device: SimulatedDevice | None, clients: set[ControlProtocol]) -> None:
        self._device = device
        self._clients = clients
        self._buffer = bytearray()
        self._skipping = False

    def connectionMade(self) -> None:
        """Let the client in, or tell it that the house is full."""
        if len(self._clients) >= MOST_CLIENTS:
            self._answer({"ok": False, "error": f"there are {MOST_CLIENTS} clients already"})
            self.transport.loseConnection()
            return
        self._clients.add(self)
        self.transport.registerProducer(self, True)
        if self._device is None:
            self.transport.pauseProducing()

    def serve(self, device: SimulatedDevice) -> None:
        """The charger is there."""
        self._device = device
        self.transport.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the client."""
        self._clients.discard(self)

    def dataReceived(self, data: bytes) -> None:
        """Answer every line; of a line that is too long only its end is looked for."""
        if self not in self._clients or self._device is None:
            return
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if self._skipping:
                self._skipping = False
            elif len(line) > LONGEST_LINE:
                self._refuse_long_line()
            elif line.strip():
                self._answer(obey(self._device, line))
        if self._skipping:
            self._buffer.clear()
        elif len(self._buffer) > LONGEST_LINE:
            self._refuse_long_line()
            self._skipping = True
            self._buffer.clear()

    def pauseProducing(self) -> None:
        """Answers pile up: the client must read first."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """The client has read its answers."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The line is closed; nothing is produced by itself."""

    def leave(self) -> None:
        """Show the client out."""
        self.transport.loseConnection()

    def _refuse_long_line(self) -> None:
        self._answer({"ok": False, "error": f"a line has at most {LONGEST_LINE} bytes"})

    def _answer(self, answer: dict[str, object]) -> None:
        self.transport.write(json.dumps(answer).encode("ascii") + b"\n")


class ControlFactory(Factory):
    """The door itself: as many clients as `MOST_CLIENTS`."""

    noisy = False

    def __init__(self, device: SimulatedDevice | None) -> None:
        self._device = device
        self.clients: set[ControlProtocol] = set()

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        """Somebody knocks."""
        protocol = ControlProtocol(self._device, self.clients)
        protocol.factory = self
        return protocol

    def serve(self, device: SimulatedDevice) -> None:
        """The charger is there, for those who wait and for those who come."""
        self._device = device
        for client in self.clients:
            client.serve(device)


class ControlService(ListeningService):
    """Keeps the door open while it runs. Without a charger yet, clients wait for `serve`."""

    def __init__(self, endpoint: IStreamServerEndpoint, device: SimulatedDevice | None) -> None:
        self._clients = ControlFactory(device)
        super().__init__(endpoint, self._clients)

    def serve(self, device: SimulatedDevice) -> None:
        """The charger is there."""
        self._clients.serve(device)

    def stopService(self) -> Deferred[None] | None:
        """Close the door and show everybody out."""
        for client in list(self._clients.clients):
            client.leave()
        return super().stopService()


def control_service(
    device: SimulatedDevice | None,
    reactor: Any,
    where: str = DEFAULT_DOOR,
    *,
    allow_remote: bool = False,
) -> ControlService:
    """A service that opens the door at `where` (`txocpp.devices.links.listening_endpoint`), to a
    charger that may come later (`ControlService.serve`).

    Raises `txocpp.errors.ConfigurationError` if `where` makes no sense, or can be reached from
    other machines and `allow_remote` is not given.
    """
    return ControlService(listening_endpoint(reactor, where, allow_remote=allow_remote), device)
