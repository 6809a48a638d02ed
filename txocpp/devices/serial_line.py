"""A client endpoint for serial lines, so that they are reconnected like TCP.

Opening a port moves its DTR and RTS lines; on many boards with an ESP8266 a difference between the
two is the reset button. Both are left as the system sets them on opening, equal, and stay up when
the port is closed (HUPCL is cleared), so that only the first opening after plugging in can reset a
board. Boards that reset even then come back with a ``boot`` event and are greeted again.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import termios
from typing import Any, Final

import serial
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.serialport import SerialPort
from zope.interface import implementer

from txocpp.devices.links import Description

PARITIES: Final = {
    "N": serial.PARITY_NONE,
    "E": serial.PARITY_EVEN,
    "O": serial.PARITY_ODD,
}

_REASONS: Final = {
    errno.ENOENT: "there is no such port; is the cable in?",
    errno.EACCES: "you may not open it; its group, often dialout, may",
    errno.EBUSY: "another program has it open",
    errno.EAGAIN: "another program has it open",
    errno.ENOTTY: "it is no serial port",
    errno.EISDIR: "it is no serial port",
    errno.EINVAL: "it is no serial port, or does not know this baud rate",
}


@implementer(IAddress)
class SerialAddress:
    """The address of a serial line: the path of its port."""

    def __init__(self, path: str) -> None:
        self.path = path


@implementer(IStreamClientEndpoint)
class SerialClientEndpoint:
    """Opens ``serial:PATH`` with the options ``baudrate`` (115200) and ``parity`` (N, E or O).

    `connect` fails with `twisted.internet.error.ConnectError` if the port is not there, is no
    serial port, or somebody else has it open.
    """

    def __init__(self, reactor: Any, description: Description) -> None:
        description.allow_options("baudrate", "parity")
        if len(description.parts) != 1 or not description.parts[0]:
            raise description.refuse("expected serial:PATH")
        self._reactor = reactor
        self._path = description.parts[0]
        options = description.options
        self._baudrate = description.number(
            "baudrate", options.get("baudrate", "115200"), 300, 4_000_000
        )
        parity = options.get("parity", "N").upper()
        if parity not in PARITIES:
            raise description.refuse(f"parity {parity!r} is none of N, E, O")
        self._parity = PARITIES[parity]

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Open the port, for ourselves alone."""
        protocol = protocolFactory.buildProtocol(SerialAddress(self._path))
        if protocol is None:
            return fail(ConnectError(string=f"{self._path}: not wanted"))
        try:
            port = _Port(  # type: ignore[no-untyped-call]
                protocol, self._path, self._reactor, baudrate=self._baudrate, parity=self._parity
            )
        except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
            return fail(ConnectError(string=f"{self._path}: {why_not_opened(error)}"))
        port.keep_lines_up()
        return succeed(protocol)


class _Port(SerialPort):
    """A serial port that nobody else may open and whose closing moves no control line."""

    _serialFactory = staticmethod(functools.partial(serial.Serial, exclusive=True))  # type: ignore[assignment]

    def keep_lines_up(self) -> None:
        with contextlib.suppress(termios.error, OSError):
            settings = termios.tcgetattr(self._serial)
            settings[2] &= ~termios.HUPCL
            termios.tcsetattr(self._serial, termios.TCSANOW, settings)


def why_not_opened(error: Exception) -> str:
    """Why a port could not be opened, for people."""
    cause = error.__context__ if isinstance(error.__context__, termios.error) else error
    number = cause.args[0] if isinstance(cause, termios.error) else getattr(cause, "errno", None)
    if number in _REASONS:
        return _REASONS[number]
    return os.strerror(number) if isinstance(number, int) else str(error)
