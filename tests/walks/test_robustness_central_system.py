"""A central system among broken and hostile stations: it answers, closes or ignores, and lives on.

Everything below is in memory and on a clock turned by hand; the bytes are those of real sockets.
"""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import bad_input
import pytest
from bad_input import (
    ACTIONS_TO_CENTRAL_SYSTEM,
    MASK,
    assert_clear_answers,
    close_code,
    handshakes,
    request,
    texts,
    wire,
    ws_frame,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.test import iosim

from txocpp.csms.central import CentralSystem
from txocpp.transport.websocket_server import ServerSettings, StationFactory

LARGEST = 1 << 20


class Stranger(Protocol):
    """The other end of a socket: sends any bytes, keeps what comes back."""

    def __init__(self) -> None:
        self.heard = b""
        self.is_open = True

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:
        self.is_open = False


class House:
    """A central system, one well-behaved station, and whoever else comes."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.central_system = CentralSystem(self.clock)
        self.factory = StationFactory(
            self.clock, self.central_system, ServerSettings(ping_interval_s=0)
        )
        self.heartbeats = 0
        self.good, self._good_pump = self.open("GOOD")

    def knock(self) -> tuple[Stranger, iosim.IOPump]:
        """Somebody opens a socket."""
        server, stranger = self.factory.buildProtocol(None), Stranger()
        pump = iosim.connect(
            server,
            iosim.FakeTransport(server, isServer=True),
            stranger,
            iosim.FakeTransport(stranger, isServer=False),
            greet=True,
        )
        return stranger, pump

    def open(self, identity: str) -> tuple[Stranger, iosim.IOPump]:
        """A station is through the handshake."""
        stranger, pump = self.knock()
        self.say(stranger, pump, request(f"/ocpp/{identity}"))
        assert stranger.heard.startswith(b"HTTP/1.1 101"), stranger.heard
        stranger.heard = b""
        return stranger, pump

    def say(self, stranger: Stranger, pump: iosim.IOPump, data: bytes) -> None:
        """Bytes arrive, and what follows from them happens."""
        if stranger.is_open:
            stranger.transport.write(data)
        pump.flush()

    def assert_undisturbed(self) -> None:
        """The well-behaved station is still there and answered."""
        self.heartbeats += 1
        frame = f'[2,"good-{self.heartbeats}","Heartbeat",{{}}]'.encode()
        self.good.heard = b""
        self.say(self.good, self._good_pump, ws_frame(frame))
        (answer,) = texts(self.good.heard)
        assert answer[:2] == [3, f"good-{self.heartbeats}"]
        assert [station.identity for station in self.central_system.stations][:1] == ["GOOD"]

    def wait_for_end(self, stranger: Stranger, pump: iosim.IOPump) -> None:
        """Let all time limits of the server pass."""
        for _ in range(20):
            self.clock.advance(15)
            pump.flush()
            if not stranger.is_open:
                return


@pytest.mark.rule("J-03", "J-05", "J-17", "J-20")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bad_input.frames(ACTIONS_TO_CENTRAL_SYSTEM), min_size=1, max_size=8))
def test_frames(frames: list[str]) -> None:
    """Odd text frames are answered clearly or not at all; the line stays open for good ones."""
    house = House()
    stranger, pump = house.open("ODD")
    for frame in frames:
        house.say(stranger, pump, ws_frame(frame.encode("utf-8", "replace")))
    house.say(stranger, pump, ws_frame(b'[2,"last","Heartbeat",{}]'))
    assert_clear_answers(texts(stranger.heard))
    assert stranger.is_open
    assert texts(stranger.heard)[-1][:2] == [3, "last"]
    house.assert_undisturbed()


@pytest.mark.parametrize("monster", bad_input.MONSTERS)
def test_monsters(monster: str) -> None:
    """Huge and deep JSON is refused without harm, and without a word about recursion."""
    house = House()
    stranger, pump = house.open("MONSTER")
    house.say(stranger, pump, ws_frame(bad_input.MONSTERS[monster].encode()))
    house.say(stranger, pump, ws_frame(b'[2,"last","Heartbeat",{}]'))
    assert_clear_answers(texts(stranger.heard))
    assert b"recursion" not in stranger.heard
    assert texts(stranger.heard)[-1][:2] == [3, "last"]
    house.assert_undisturbed()


@pytest.mark.rule("J-18")
@settings(max_examples=150, deadline=None)
@given(st.lists(wire(masked=True), min_size=1, max_size=4), st.integers(1, 64))
def test_wire(chunks: list[bytes], cut: int) -> None:
    """Bytes that are no WebSocket end the connection with a proper close frame, and only that."""
    house = House()
    stranger, pump = house.open("ODD")
    for chunk in chunks:
        house.say(stranger, pump, chunk[:cut])
        house.say(stranger, pump, chunk[cut:])
    code = close_code(stranger.heard)
    assert code in (None, 1000, 1002, 1003, 1007, 1009)
    assert_clear_answers(texts(stranger.heard))
    if code is not None:
        house.wait_for_end(stranger, pump)
        assert not stranger.is_open
        assert [station.identity for station in house.central_system.stations] == ["GOOD"]
    house.assert_undisturbed()


@settings(max_examples=150, deadline=None)
@given(handshakes("/ocpp/ODD"))
def test_handshakes(handshake: bytes) -> None:
    """A handshake that is not right is refused in HTTP, or cut off in time; nobody gets in."""
    house = House()
    stranger, pump = house.knock()
    house.say(stranger, pump, handshake)
    if stranger.heard:
        status = int(stranger.heard.split(b" ", 2)[1])
        assert status == 101 or 400 <= status < 600
    if not stranger.heard.startswith(b"HTTP/1.1 101"):
        house.wait_for_end(stranger, pump)
        assert not stranger.is_open
        assert [station.identity for station in house.central_system.stations] == ["GOOD"]
    house.assert_undisturbed()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param([b"GET /ocpp/A HTTP/1.1\r\nX: " + b"y" * 200_000], id="header"),
        pytest.param([request("/ocpp/A"), b"\x81\xff" + b"\x00" * 7 + b"\x7f" + MASK], id="small"),
        pytest.param(
            [request("/ocpp/A"), b"\x81\xff" + (1 << 40).to_bytes(8, "big") + MASK, b"z" * 65536],
            id="declared",
        ),
        pytest.param(
            [request("/ocpp/A"), ws_frame(b"a" * 60_000, fin=False)]
            + [ws_frame(b"a" * 60_000, opcode=0, fin=False)] * 40,
            id="fragments",
        ),
        pytest.param(
            [request("/ocpp/A"), ws_frame(b"", fin=False)]
            + [ws_frame(b"", opcode=0, fin=False) * 100] * 11,
            id="empty fragments",
        ),
        pytest.param([request("/ocpp/A"), *[ws_frame(b"p" * 100, opcode=9)] * 500], id="pings"),
        pytest.param(
            [request("/ocpp/A"), *[ws_frame(b'[2,"%d","Nonsense",{}]' % n) for n in range(500)]],
            id="nonsense",
        ),
    ],
)
def test_memory(attack: list[bytes]) -> None:
    """Attackers come and go by the dozen, and leave no memory behind, nor need much meanwhile."""
    house = House()

    def besiege(times: int) -> None:
        for _ in range(times):
            stranger, pump = house.knock()
            for data in attack:
                house.say(stranger, pump, data)
            stranger.transport.abortConnection()
            pump.flush()
            house.clock.advance(400)
            house.assert_undisturbed()

    besiege(1)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        besiege(6)
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
    assert peak - before < 3 * LARGEST
