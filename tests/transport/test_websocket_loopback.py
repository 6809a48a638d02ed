"""Server and client over real sockets."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from loopback_rig import LIMITS, Eager, EagerGate, Loopback
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.logger import formatEvent, globalLogPublisher
from twisted.web.resource import Resource
from twisted.web.server import Site
from websocket_rig import Gate

from txocpp.errors import ConfigurationError
from txocpp.interfaces import Refusal
from txocpp.transport.http_basic import authorization
from txocpp.transport.status import Phase, Problem
from txocpp.transport.websocket_server import StationFactory, WebSocketServer
from txocpp.transport.websocket_settings import LineLimits, ServerSettings


@pytest_twisted.async_yield_fixture
async def loopback() -> AsyncIterator[Loopback]:
    loopback = Loopback()
    yield loopback
    await loopback.close()


def receiver(loopback: Loopback) -> Eager:
    """What the server's gate gave to the newest connection."""
    newest = loopback.gate.receivers[-1]
    assert isinstance(newest, Eager)
    return newest


async def test_frames_of_all_sizes_go_both_ways(loopback: Loopback) -> None:
    """In order, through whatever pieces the network makes of them."""
    connected = loopback.client(identity="CP 1", password=b"\x00:secret")
    await connected.receiver.until("connected")
    frames = [str(n) + "x" * size for n, size in enumerate([0, 125, 126, 65_535, 400_000, 1])]
    for frame in frames:
        connected.receiver.transport.send(frame)
    await receiver(loopback).until("5x")
    for frame in frames:
        receiver(loopback).transport.send(frame)
    await connected.receiver.until("5x")
    assert receiver(loopback).events == ["connected", *frames]
    assert connected.receiver.events == ["connected", *frames]
    (credentials,) = loopback.gate.asked
    assert (credentials.identity, credentials.password) == ("CP 1", b"\x00:secret")
    assert credentials.address.startswith("127.0.0.1:")


async def test_a_client_comes_back_when_the_server_does(loopback: Loopback) -> None:
    """It was told goodbye, waits, is refused by the network, and is in again."""
    connected = loopback.client(longest_wait_s=0.05)
    await connected.receiver.until("connected")
    port = loopback.port
    await loopback.server.stopService()
    event = await connected.receiver.until("disconnected")
    assert event == "disconnected: closed by the peer: 1001 the server shuts down"
    await connected.until(Phase.WAITING)
    status = await connected.until(Phase.WAITING)
    assert status.problem is Problem.NETWORK
    loopback.server.description = f"tcp:{port}:interface=127.0.0.1"
    loopback.server.startService()
    await connected.until(Phase.CONNECTED)


@pytest.mark.rule("X-13")
async def test_no_password_is_logged(loopback: Loopback) -> None:
    """At no level, by neither end, neither plain nor encoded, whether it is good or not."""
    events: list[dict[str, Any]] = []
    globalLogPublisher.addObserver(events.append)
    try:
        connected = loopback.client(password=b"S3cret")
        await connected.receiver.until("connected")
        loopback.gate.refusal = Refusal(401, "wrong password")
        connected.client.change(password=b"Oth3r")
        connected.client.reconnect()
        await connected.until(Phase.WAITING)
        await connected.until(Phase.WAITING)
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert len(events) >= 4
    written = "\n".join(f"{formatEvent(event)} {event}" for event in events)
    for secret in (b"S3cret", b"Oth3r"):
        assert secret.decode() not in written
        assert authorization("CP1", secret).split()[1][6:] not in written


@pytest.mark.rule("C-14")
async def test_the_newest_of_two_clients_wins(loopback: Loopback) -> None:
    """The older one learns it by a close frame."""
    first = loopback.client(first_wait_s=1000, longest_wait_s=1000)
    await first.receiver.until("connected")
    second = loopback.client()
    await second.receiver.until("connected")
    event = await first.receiver.until("disconnected")
    assert event == "disconnected: closed by the peer: 1008 replaced by a newer connection"
    second.receiver.transport.send("still here")
    await receiver(loopback).until("still here")


async def test_a_port_that_is_taken_is_refused_by_name(loopback: Loopback) -> None:
    """When the service starts; a daemon ends with a clear line then."""
    description = f"tcp:{loopback.port}:interface=127.0.0.1"
    server = WebSocketServer(reactor, description, Gate())
    with pytest.raises(ConfigurationError, match="Address already in use"):
        server.startService()
    await server.stopService()


async def test_a_peer_that_does_not_read_is_dropped() -> None:
    """The kernel's buffers fill, then ours, up to the limit; the memory stays bounded."""
    loopback = Loopback(limits=LineLimits(most_unsent=100_000, close_timeout_s=2))
    try:
        connected = loopback.client()
        await connected.receiver.until("connected")
        (line,) = loopback.server.factory.lines
        connected.client._line.transport.pauseProducing()  # type: ignore[union-attr]
        # A single message may be large; it is what follows it that has to wait too long.
        receiver(loopback).transport.send("x" * 50_000_000)
        await turn()
        assert line in loopback.server.factory.lines
        for _ in range(11):
            receiver(loopback).transport.send("x" * 10_000)
        event = await receiver(loopback).until("disconnected")
        assert event.startswith("disconnected: the peer does not read")
        assert line not in loopback.server.factory.lines
    finally:
        await loopback.close()


async def test_an_ipv6_server_is_reached_by_its_address() -> None:
    """Brackets in the URL, none in the socket."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    loopback = Loopback(description="tcp6:0:interface=\\:\\:1")
    try:
        connected = loopback.client(host="[::1]")
        await connected.receiver.until("connected")
        assert loopback.gate.asked[0].address.startswith("::1:")
    finally:
        await loopback.close()


async def test_an_endpoint_description_may_replace_host_and_port(loopback: Loopback) -> None:
    """The URL still says what the server is called."""
    connected = loopback.client(
        url="ws://csms.test/ocpp", endpoint=f"tcp:127.0.0.1:{loopback.port}"
    )
    await connected.receiver.until("connected")


async def test_a_host_that_does_not_exist_is_a_network_problem(loopback: Loopback) -> None:
    """With words about names."""
    connected = loopback.client(url="ws://no-such-host.invalid/")
    status = await connected.until(Phase.WAITING)
    assert status.problem is Problem.NETWORK
    assert "DNS" in status.reason or "lookup" in status.reason


async def test_the_server_works_behind_a_web_site() -> None:
    """On one port with other pages, as Autobahn's resource joins them."""
    from autobahn.twisted.resource import WebSocketResource

    gate = EagerGate()
    factory = StationFactory(reactor, gate, ServerSettings(limits=LIMITS))
    root = Resource()
    root.putChild(b"ocpp", WebSocketResource(factory))
    site = Site(root)
    port: Any = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(site)
    loopback = Loopback()
    try:
        number = port.getHost().port
        connected = loopback.client(url=f"ws://127.0.0.1:{number}/ocpp", password=b"pw")
        await connected.receiver.until("connected")
        connected.receiver.transport.send("hello")
        await gate.receivers[-1].until("hello")
        assert (gate.asked[0].identity, gate.asked[0].password) == ("CP1", b"pw")
        assert not connected.client.settings.is_secure
    finally:
        await factory.close()
        await loopback.close()
        await port.stopListening()


async def test_a_flood_of_rubbish_disturbs_nobody(loopback: Loopback) -> None:
    """Strangers that are no WebSocket clients come and go while a station talks."""
    connected = loopback.client()
    await connected.receiver.until("connected")
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", loopback.port)
    for rubbish in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100_000, b""):
        stranger = Stranger()
        await connectProtocol(endpoint, stranger)
        stranger.transport.write(rubbish)
        if not rubbish.strip(b"\x16\x03\x01\x02\x00") and len(rubbish) < 10:
            stranger.transport.loseConnection()
        await stranger.gone
        connected.receiver.transport.send("still here")
        await receiver(loopback).until("still here")


class Stranger(Protocol):
    """Somebody on the network."""

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()

    def connectionLost(self, reason: Any = None) -> None:
        self.gone.callback(None)


def turn() -> Deferred[None]:
    """One turn of the reactor."""
    later: Deferred[None] = Deferred()
    reactor.callLater(0, later.callback, None)  # type: ignore[attr-defined]
    return later
