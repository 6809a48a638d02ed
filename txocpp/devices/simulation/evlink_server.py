"""The simulated charger as a program of its own: evlink/1 on a TCP port or a pseudo-terminal.

It outlives the charge point that talks to it, as a wall box outlives its controller: cars stay
plugged in, leases run out, the register goes on counting.
"""

from __future__ import annotations

import contextlib
import os
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.application.service import MultiService, Service
from twisted.internet.abstract import FileDescriptor
from twisted.internet.fdesc import readFromFD, setNonBlocking, writeToFD
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.devices.links import ListeningService, listening_endpoint, parse_description
from txocpp.devices.simulation.device import SimulatedDevice
from txocpp.devices.simulation.evlink_device import EvlinkSimulation
from txocpp.devices.simulation.evlink_session import DeviceLink
from txocpp.errors import ConfigurationError

GREETING_S: Final = 5.0
"""A newcomer has so long to greet and to prove its key."""
MOST_LINKS: Final = 2
"""One session, and one newcomer that may take its place."""
MOST_UNREAD: Final = 4096
DEFAULT_LISTEN: Final = "tcp:4116"

_log = Logger()


class EvlinkProtocol(Protocol):
    """One host on a line."""

    transport: Any  # a stream transport

    def __init__(self, factory: EvlinkFactory) -> None:
        self._factory = factory
        self._timer: IDelayedCall | None = None
        self.link: DeviceLink | None = None

    def connectionMade(self) -> None:
        """Let a newcomer in, if there is room for one and power at all."""
        if not self._factory.admit(self):
            self.transport.loseConnection()
            return
        box = self._factory.box
        self.link = DeviceLink(box, self.transport.write, cable=self._factory.cable)
        if not self._factory.cable:
            self._timer = self._factory.clock.callLater(GREETING_S, self._too_slow)

    def dataReceived(self, data: bytes) -> None:
        """Bytes of the host; without power nobody reads them."""
        if self.link is not None and self._factory.box.device.online:
            self.link.receive(data, self._factory.clock.seconds())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The host is gone; its leases run out by themselves."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self.link is not None:
            self.link.close()
        self._factory.left(self)

    def cut(self) -> None:
        """The power of the device is gone, and with it the line."""
        self.transport.abortConnection()

    def _too_slow(self) -> None:
        if self.link is not None and not self.link.is_open:
            self.transport.loseConnection()


class EvlinkFactory(Factory):
    """The lines of a simulated device; `cable` are those that nobody but the owner can reach."""

    noisy = False

    def __init__(self, box: EvlinkSimulation, *, cable: bool = False) -> None:
        self.box = box
        self.clock = box.device.clock
        self.cable = cable
        self.lines: list[EvlinkProtocol] = []

    def buildProtocol(self, addr: IAddress | None) -> EvlinkProtocol:
        """A host calls."""
        return EvlinkProtocol(self)

    def admit(self, line: EvlinkProtocol) -> bool:
        """Is there room for this one? Lines that lost their session to another are shown out."""
        for other in list(self.lines):
            if other.link is not None and other.link.was_open and not other.link.is_open:
                other.transport.loseConnection()
                self.lines.remove(other)
        if not self.box.device.online or len(self.lines) >= MOST_LINKS:
            return False
        self.lines.append(line)
        return True

    def left(self, line: EvlinkProtocol) -> None:
        """A line is closed."""
        if line in self.lines:
            self.lines.remove(line)

    def power(self, on: bool) -> None:
        """Mains gone: only a cable survives it; over that the device says when it is back."""
        for line in list(self.lines):
            if not self.cable:
                line.cut()
            elif on and line.link is not None:
                line.link.boot(*self.box.boot())


class PseudoTerminal(FileDescriptor):
    """The device's end of a pseudo-terminal, as if it were the other end of a USB cable."""

    def __init__(self, reactor: Any, protocol: Protocol) -> None:
        super().__init__(reactor)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        setNonBlocking(self._master)
        self.path = os.ttyname(self._slave)
        """What the host opens. Our own handle of it stays open, so that the line outlives hosts."""
        self.connected = 1
        self._protocol = protocol
        protocol.makeConnection(self)
        self.startReading()  # type: ignore[no-untyped-call]

    def write(self, data: bytes) -> None:
        """Bytes for the host; a UART keeps nothing for a host that does not read."""
        if self._tempDataLen + len(self.dataBuffer) < MOST_UNREAD:
            super().write(data)

    def fileno(self) -> int:
        """For the reactor."""
        return self._master

    def doRead(self) -> Any:
        """Bytes of the host."""
        return readFromFD(self._master, self._protocol.dataReceived)

    def writeSomeData(self, data: bytes) -> Any:
        """For the reactor."""
        return writeToFD(self._master, data)

    def abortConnection(self) -> None:
        """A cable is not cut by a power failure; the device just says no more."""

    def connectionLost(self, reason: Failure) -> None:
        """The end."""
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        os.close(self._master)
        os.close(self._slave)
        self._protocol.connectionLost(reason)


class PseudoTerminalService(Service):
    """Keeps a pseudo-terminal open, with a link to it at a path that stays the same."""

    def __init__(self, reactor: Any, factory: EvlinkFactory, path: str) -> None:
        self._reactor = reactor
        self._factory = factory
        self._path = Path(path)
        self._terminal: PseudoTerminal | None = None

    def startService(self) -> None:
        """Open it. Raises `txocpp.errors.ConfigurationError` if the path is taken."""
        super().startService()  # type: ignore[no-untyped-call]
        self._terminal = PseudoTerminal(self._reactor, self._factory.buildProtocol(None))
        try:
            if self._path.is_symlink():
                self._path.unlink()  # of an earlier run
            self._path.symlink_to(self._terminal.path)
        except OSError as error:
            self._terminal.loseConnection()  # type: ignore[no-untyped-call]
            self._terminal = None
            raise ConfigurationError(f"pty:{self._path}: {error.strerror}") from None

    def stopService(self) -> None:
        """Close it."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._terminal is not None:
            self._terminal.loseConnection()  # type: ignore[no-untyped-call]
            with contextlib.suppress(OSError):
                self._path.unlink()


class EvlinkServer(MultiService):
    """A simulated charger with its lines.

    `listen` is a TCP description (`txocpp.devices.links.listening_endpoint`) or ``pty:PATH``, where
    a link to a pseudo-terminal is made that the host opens with ``serial:PATH``. `starts` is how
    often the device has been started before, `on_start` is told the new number.

    Raises `txocpp.errors.ConfigurationError`; so does ``startService``.
    """

    def __init__(
        self,
        reactor: Any,
        device: SimulatedDevice,
        *,
        listen: str = DEFAULT_LISTEN,
        key: bytes | None = None,
        insecure: bool = False,
        starts: int = 0,
        allow_remote: bool = False,
        on_start: Callable[[int], None] = lambda starts: None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        kind, _, path = listen.partition(":")
        cable = kind == "pty" or parse_description(listen).kind == "unix"
        if key is None and not insecure and not cable:
            raise ConfigurationError(f"{listen}: a TCP line needs a key, or insecure")
        self.device = device
        self.box = EvlinkSimulation(device, key=key, insecure=insecure, starts=starts)
        factory = EvlinkFactory(self.box, cable=cable)
        self.line: ListeningService | PseudoTerminalService
        if kind == "pty":
            self.line = PseudoTerminalService(reactor, factory, path)
        else:
            endpoint = listening_endpoint(reactor, listen, allow_remote=allow_remote)
            self.line = ListeningService(endpoint, factory)
        self.box.on_power = factory.power
        self.box.on_start = on_start
        self._factory = factory
        device.setServiceParent(self)  # type: ignore[no-untyped-call]
        self.line.setServiceParent(self)  # type: ignore[no-untyped-call]

    def stopService(self) -> Any:
        """Hang up and switch the device off."""
        for line in list(self._factory.lines):
            line.transport.loseConnection()
        self.box.stop()
        return super().stopService()  # type: ignore[no-untyped-call]
