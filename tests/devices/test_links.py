"""Description strings: what they open, and how a wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from txocpp.devices.links import (
    ListeningService,
    listening_endpoint,
    parse_description,
    tcp_address,
    unix_path,
)
from txocpp.errors import ConfigurationError


def listened(where: str, **options: Any) -> MemoryReactor:
    """The reactor after listening at `where`."""
    memory = MemoryReactor()
    ListeningService(listening_endpoint(memory, where, **options), Factory()).startService()
    return memory


@pytest.mark.parametrize(
    ("where", "host", "port"),
    [
        ("tcp:7716", "127.0.0.1", 7716),
        ("7716", "127.0.0.1", 7716),
        ("127.0.0.1:7716", "127.0.0.1", 7716),
        ("localhost:7716", "127.0.0.1", 7716),
        ("tcp:7716:interface=127.0.0.2", "127.0.0.2", 7716),
        ("tcp:[::1]:7716", "::1", 7716),
        (r"tcp:7716:interface=\:\:1", "::1", 7716),
    ],
)
def test_places_to_listen_on_this_machine(where: str, host: str, port: int) -> None:
    """Without an interface it is loopback, and loopback only."""
    (server,) = listened(where).tcpServers
    assert (server[3], server[0]) == (host, port)


def test_a_unix_socket_is_for_its_owner() -> None:
    """Unless its mode is said."""
    assert listened("/run/sim").unixServers[0][0] == "/run/sim"
    assert listened("/run/sim").unixServers[0][3] == 0o600
    assert listened("unix:/run/sim:mode=660").unixServers[0][3] == 0o660


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("", "port '' is not a number"),
        ("tcp", "expected tcp:HOST:PORT"),
        ("tcp:1:2:3", "expected tcp:HOST:PORT"),
        ("tcp:99999", "port '99999' is not a number from 0 to 65535"),
        ("tcp:ten", "port 'ten' is not a number"),
        ("tcp:10:colour=red", "no such option 'colour'"),
        ("tcp:example.org:10", "interface 'example.org' is not an IP address"),
        ("tcp:10:interface=192.168.1.1", "can be reached from other machines"),
        ("unix:", "expected unix:PATH"),
        ("unix:/run/sim:mode=rw", "mode 'rw' is not an octal number"),
        ("serial:/dev/ttyUSB0", "only tcp: and unix: can be listened on"),
    ],
)
def test_a_place_that_makes_no_sense_is_refused(where: str, words: str) -> None:
    """The error names the description and what is wrong with it."""
    with pytest.raises(ConfigurationError) as caught:
        listening_endpoint(MemoryReactor(), where)
    assert str(caught.value).startswith(repr(where))
    assert words in str(caught.value)


def test_descriptions_are_taken_apart() -> None:
    """Colons in brackets or behind a backslash are no borders."""
    assert tcp_address(parse_description("tcp:[fe80::1]:4116")) == ("fe80::1", 4116)
    assert unix_path(parse_description(r"unix:/run/a\:b")) == "/run/a:b"
    assert parse_description("serial:/dev/ttyUSB0:baudrate=9600").options == {"baudrate": "9600"}
    with pytest.raises(ConfigurationError, match="there are none"):
        parse_description("serial:/dev/ttyUSB0:baudrate=9600").allow_options()


async def test_a_place_that_is_taken_is_told_at_the_start() -> None:
    """`startService` raises, so that the daemon can end with a clear word."""
    first = ListeningService(listening_endpoint(reactor, "tcp:0"), Factory())
    first.startService()
    where = f"tcp:{first.address.port}"  # type: ignore[union-attr]
    second = ListeningService(listening_endpoint(reactor, where), Factory())
    with pytest.raises(ConfigurationError, match="cannot listen"):
        second.startService()
    assert second.address is None
    assert second.stopService() is None
    await first.stopService()
