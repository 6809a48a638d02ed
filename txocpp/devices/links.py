"""Lines to boxes and doors for people, each opened from one description string.

* ``tcp:192.168.1.20:4116`` a TCP connection to a device
* ``serial:/dev/ttyUSB0:baudrate=115200`` a serial line, see `txocpp.devices.serial_line`
* ``tcp:7716:interface=127.0.0.1``, ``127.0.0.1:7716`` or ``unix:/run/txocpp/sim`` a place to listen

The syntax is that of Twisted's endpoint strings: parts between colons, ``name=value`` for options,
a backslash before a colon that is meant.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXServerEndpoint,
)
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.python.failure import Failure

from txocpp.errors import ConfigurationError

LOOPBACK: Final = "127.0.0.1"


@attrs.frozen
class Description:
    """A description string, taken apart."""

    text: str
    kind: str
    """The first part: ``tcp``, ``unix``, ``serial``."""
    parts: tuple[str, ...]
    options: dict[str, str]

    def refuse(self, why: str) -> ConfigurationError:
        """The error that names this description."""
        return ConfigurationError(f"{self.text!r}: {why}")

    def allow_options(self, *names: str) -> None:
        """Refuse options of other names."""
        for name in self.options:
            if name not in names:
                known = f"there are {', '.join(names)}" if names else "there are none"
                raise self.refuse(f"no such option {name!r} ({known})")

    def number(self, name: str, text: str, minimum: int, maximum: int) -> int:
        """A part or option as a whole number within its range."""
        if not (text.isascii() and text.isdigit()) or not minimum <= int(text) <= maximum:
            raise self.refuse(f"{name} {text!r} is not a number from {minimum} to {maximum}")
        return int(text)


def parse_description(text: str) -> Description:
    """Take a description apart; an address without a kind is TCP, an absolute path a Unix socket.

    Raises `txocpp.errors.ConfigurationError` for what has no parts at all.
    """
    if text.startswith("/"):
        return Description(text, "unix", (text,), {})
    parts: list[str] = []
    options: dict[str, str] = {}
    for part in _split(text):
        name, sign, value = part.partition("=")
        if sign and parts:
            options[name] = value.replace("\\", "")
        else:
            parts.append(part.replace("\\", ""))
    if parts[0] in ("tcp", "unix", "serial"):
        return Description(text, parts[0], tuple(parts[1:]), options)
    return Description(text, "tcp", tuple(parts), options)


def _split(text: str) -> list[str]:
    """Parts between colons; a colon after a backslash or in brackets (``[::1]``) is none."""
    parts, current, depth = [], "", 0
    characters = iter(text)
    for character in characters:
        if character == "\\":
            current += character + next(characters, "")
            continue
        depth += (character == "[") - (character == "]")
        if character == ":" and depth <= 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def tcp_address(description: Description, default_host: str | None = LOOPBACK) -> tuple[str, int]:
    """Host and port of a TCP description; a lone port is one of this machine."""
    parts = description.parts
    host = description.options.get("interface", description.options.get("host", default_host))
    if len(parts) == 2:
        host, parts = parts[0].strip("[]"), parts[1:]
    if len(parts) != 1 or not host:
        raise description.refuse("expected tcp:HOST:PORT")
    return host.strip("[]"), description.number("port", parts[0], 0, 65535)


def unix_path(description: Description) -> str:
    """The path of a Unix socket description."""
    if len(description.parts) != 1 or not description.parts[0]:
        raise description.refuse("expected unix:PATH")
    return description.parts[0]


def listening_endpoint(
    reactor: Any, where: str, *, allow_remote: bool = False
) -> IStreamServerEndpoint:
    """An endpoint to listen on, reachable from this machine only.

    Without ``interface=`` TCP listens on 127.0.0.1; a Unix socket is for its owner (``mode=600``).
    Raises `txocpp.errors.ConfigurationError` for an address that others can reach, unless
    `allow_remote`.
    """
    description = parse_description(where)
    if description.kind == "unix":
        description.allow_options("mode")
        mode = description.options.get("mode", "600")
        try:
            bits = int(mode, 8)
        except ValueError:
            raise description.refuse(f"mode {mode!r} is not an octal number") from None
        return UNIXServerEndpoint(reactor, unix_path(description), mode=bits, wantPID=True)
    if description.kind != "tcp":
        raise description.refuse("only tcp: and unix: can be listened on")
    description.allow_options("interface")
    host, port = tcp_address(description)
    try:
        address = ipaddress.ip_address(LOOPBACK if host == "localhost" else host)
    except ValueError:
        raise description.refuse(f"interface {host!r} is not an IP address") from None
    if not address.is_loopback and not allow_remote:
        raise description.refuse(
            f"{host} can be reached from other machines; use interface={LOOPBACK}"
        )
    endpoint = TCP4ServerEndpoint if address.version == 4 else TCP6ServerEndpoint
    return endpoint(reactor, port, interface=str(address))


class ListeningService(Service):
    """Listens while it runs; if the place is taken, ``startService`` says so by raising."""

    def __init__(self, endpoint: IStreamServerEndpoint, factory: IProtocolFactory) -> None:
        self._endpoint = endpoint
        self._factory = factory
        self._port: IListeningPort | None = None

    @property
    def address(self) -> IAddress | None:
        """Where it listens; None while it does not."""
        return None if self._port is None else self._port.getHost()

    def startService(self) -> None:
        """Listen. Raises `txocpp.errors.ConfigurationError` if that is impossible."""
        failures: list[Failure] = []
        self._endpoint.listen(self._factory).addCallbacks(self._listening, failures.append)
        if failures:
            raise ConfigurationError(f"cannot listen: {failures[0].getErrorMessage()}")
        super().startService()  # type: ignore[no-untyped-call]

    def stopService(self) -> Deferred[None] | None:
        """Listen no more."""
        super().stopService()  # type: ignore[no-untyped-call]
        port, self._port = self._port, None
        return None if port is None else port.stopListening()

    def _listening(self, port: IListeningPort) -> None:
        self._port = port


def device_description(where: str) -> Description:
    """Where a device is, taken apart. Raises `txocpp.errors.ConfigurationError` for a place where
    no device can be; somebody who forgot the first word is told it."""
    description = parse_description(where)
    if description.kind == "serial":
        return description
    if description.kind == "tcp" and ":" in where:
        tcp_address(description, default_host=None)
        return description
    meant = where if where.startswith("/dev/") else f"/dev/{where}" if where[:3] == "tty" else ""
    hint = f"; did you mean serial:{meant}?" if meant else ""
    raise description.refuse(f"a device is at tcp:HOST:PORT or serial:PATH{hint}")


def device_endpoint(reactor: Any, where: str) -> IStreamClientEndpoint:
    """An endpoint to a device at the other end of ``tcp:HOST:PORT`` or ``serial:PATH``.

    Raises `txocpp.errors.ConfigurationError`.
    """
    description = device_description(where)
    if description.kind == "serial":
        # Imported here, so that whoever has no serial line needs no driver for one.
        from txocpp.devices.serial_line import SerialClientEndpoint

        return SerialClientEndpoint(reactor, description)
    description.allow_options("timeout")
    host, port = tcp_address(description, default_host=None)
    seconds = description.number("timeout", description.options.get("timeout", "10"), 1, 600)
    return HostnameEndpoint(reactor, host.encode("idna"), port, timeout=seconds)
