"""Serial lines as endpoints, on real pseudo-terminals."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, Protocol

from txocpp.devices.links import device_endpoint
from txocpp.errors import ConfigurationError


class Listener(Protocol):
    """Fires when bytes come, and when the line goes."""

    def __init__(self) -> None:
        self.heard: Deferred[bytes] = Deferred()
        self.gone: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard.callback(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.gone.callback(None)


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """The device's end and the path of the host's."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


async def test_bytes_over_a_serial_line(terminal: tuple[int, str]) -> None:
    """Opened by its description, closed without hanging up."""
    master, path = terminal
    endpoint = device_endpoint(reactor, f"serial:{path}:baudrate=9600:parity=e")
    line = await endpoint.connect(Factory.forProtocol(Listener))
    os.write(master, b"boot\n")
    assert await line.heard == b"boot\n"
    line.transport.write(b"hello\n")
    line.transport.loseConnection()
    await line.gone
    assert os.read(master, 100) == b"hello\n"


async def test_closing_moves_no_control_line(terminal: tuple[int, str]) -> None:
    """HUPCL is off: the board behind is not reset by the next opening."""
    _, path = terminal
    line = await device_endpoint(reactor, f"serial:{path}").connect(Factory.forProtocol(Listener))
    assert not termios.tcgetattr(line.transport.fileno())[2] & termios.HUPCL
    line.transport.loseConnection()
    await line.gone


async def test_one_user_at_a_time(terminal: tuple[int, str]) -> None:
    """Two hosts on one line would take each other's answers."""
    _, path = terminal
    endpoint = device_endpoint(reactor, f"serial:{path}")
    line = await endpoint.connect(Factory.forProtocol(Listener))
    with pytest.raises(ConnectError, match=path):
        await endpoint.connect(Factory.forProtocol(Listener))
    line.transport.loseConnection()
    await line.gone


@pytest.mark.parametrize("path", ["/dev/ttyNOWHERE", "/dev/null"])
async def test_what_cannot_be_opened(path: str) -> None:
    """The error names the port and the reason, and is one that is tried again."""
    with pytest.raises(ConnectError, match=path):
        await device_endpoint(reactor, f"serial:{path}").connect(Factory.forProtocol(Listener))


async def test_nobody_wants_the_line(terminal: tuple[int, str]) -> None:
    """A factory may say no."""
    factory = Factory()
    factory.buildProtocol = lambda addr: None  # type: ignore[assignment,method-assign]
    with pytest.raises(ConnectError, match="not wanted"):
        await device_endpoint(reactor, f"serial:{terminal[1]}").connect(factory)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("serial:", "expected serial:PATH"),
        ("serial:/dev/ttyUSB0:baudrate=fast", "baudrate 'fast' is not a number"),
        ("serial:/dev/ttyUSB0:parity=X", "parity 'X' is none of N, E, O"),
        ("serial:/dev/ttyUSB0:speed=9600", "no such option 'speed'"),
        ("tcp:4116", "expected tcp:HOST:PORT"),
        ("tcp:box:4116:timeout=0", "timeout '0' is not a number from 1 to 600"),
        ("unix:/run/box", "a device is at tcp:HOST:PORT or serial:PATH"),
    ],
)
def test_wrong_descriptions_of_devices(where: str, words: str) -> None:
    """The error names the description and the fault."""
    with pytest.raises(ConfigurationError) as caught:
        device_endpoint(reactor, where)
    assert str(caught.value).startswith(repr(where))
    assert words in str(caught.value)


def test_a_device_on_the_network() -> None:
    """By name or address."""
    assert device_endpoint(reactor, "tcp:charger.local:4116:timeout=3")
    assert device_endpoint(reactor, "tcp:[fe80::1]:4116")
