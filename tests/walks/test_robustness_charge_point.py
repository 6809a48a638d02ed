"""A charge point at broken and hostile central systems: it answers, reconnects, and charges on.

Everything below is in memory and on a clock turned by hand; the bytes are those of real sockets.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import tracemalloc
from typing import Any

import bad_input
import pytest
from bad_input import ACTIONS_TO_CHARGE_POINT, assert_clear_answers, texts, wire, ws_frame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.test import iosim
from zope.interface import implementer

from txocpp.chargepoint.service import ChargePoint, LineSettings
from txocpp.chargepoint.settings import StationSettings
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.interfaces import IFrameReceiver
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_settings import ClientSettings

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NOW = "2030-01-01T00:00:00Z"
ANSWERS: dict[str, Any] = {
    "BootNotification": {"status": "Accepted", "currentTime": NOW, "interval": 0},
    "Heartbeat": {"currentTime": NOW},
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}},
}


class Stranger(Protocol):
    """The server's end of a socket: sends any bytes, keeps what comes."""

    def __init__(self) -> None:
        self.heard = b""
        self.is_open = True

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:
        self.is_open = False


@implementer(IStreamClientEndpoint)
class House:
    """A charge point whose network is this object."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.server: Stranger | None = None
        self.attempts = 0
        self.device = SimulatedDevice(self.clock, simulation_settings({"follow_s": 1}, 2))
        self.charge_point = ChargePoint(
            StationSettings(identity="CP1"),
            self.device,
            MemoryChargePointStore(),
            self.make_line,
            self.clock,
        )
        self.charge_point.startService()
        self.flush()

    def make_line(self, receiver: IFrameReceiver, line: LineSettings) -> WebSocketClient:
        """The charge point's line, connected by this house."""
        chosen = ClientSettings(url="ws://office", identity="CP1", ping_interval_s=0)
        return WebSocketClient(self.clock, receiver, chosen, endpoint=self, chance=lambda: 0.5)

    def connect(self, factory: Any) -> Deferred[Any]:
        """As an endpoint: the charge point wants a connection."""
        self.attempts += 1
        client, self.server = factory.buildProtocol(None), Stranger()
        self.pump = iosim.connect(
            self.server,
            iosim.FakeTransport(self.server, isServer=True),
            client,
            iosim.FakeTransport(client, isServer=False),
            greet=True,
        )
        return succeed(client)

    def flush(self) -> None:
        """Let everything that is due now happen."""
        self.clock.advance(0)
        self.pump.flush()

    def say(self, data: bytes) -> None:
        """Bytes arrive at the charge point."""
        assert self.server is not None
        if self.server.is_open:
            self.server.transport.write(data)
        self.flush()

    def hear(self) -> bytes:
        """What the charge point has sent since the last time."""
        assert self.server is not None
        heard, self.server.heard = self.server.heard, b""
        return heard

    def accept(self) -> None:
        """Complete the handshake."""
        request = self.hear()
        assert request.startswith(b"GET /CP1 HTTP/1.1\r\n")
        key = next(
            line.split(b": ")[1]
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        proof = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )

    def serve(self) -> list[list[Any]]:
        """Answer every call of the charge point; gives what else it said."""
        others = []
        while heard := self.hear():
            for frame in texts(heard):
                if frame[0] == 2:
                    answer = [3, frame[1], ANSWERS.get(frame[2], {})]
                    self.say(ws_frame(json.dumps(answer).encode(), masked=False))
                else:
                    others.append(frame)
            self.clock.advance(0.1)
            self.flush()
        return others

    def ask(self, frame: bytes) -> list[list[Any]]:
        """One text frame from the central system, and what comes back."""
        self.say(ws_frame(frame, masked=False))
        return self.serve()

    def come_back(self) -> None:
        """Wait until the charge point connects again, and let it in."""
        before = self.attempts
        assert self.server is not None
        for _ in range(300):
            if self.attempts > before and self.server.is_open:
                break
            self.clock.advance(1)
            self.flush()
        else:
            raise AssertionError("the charge point does not come back")
        self.accept()
        self.serve()

    def assert_well(self) -> None:
        """The charge point answers, and charges a car."""
        (answer,) = self.ask(b'[2,"last","GetLocalListVersion",{}]')
        assert answer[:2] == [3, "last"]
        self.device.evse(2).plug_in()
        self.device.swipe("TAG", [2])
        for _ in range(10):
            self.clock.advance(1)
            self.flush()
            self.serve()
        assert self.device.evse(2).state.energised


def house() -> House:
    """A charge point that has booted."""
    built = House()
    built.accept()
    built.serve()
    return built


@pytest.mark.rule("J-03", "J-05", "J-17", "J-20", "J-22")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bad_input.frames(ACTIONS_TO_CHARGE_POINT), min_size=1, max_size=8))
def test_frames(frames: list[str]) -> None:
    """Odd text frames are answered clearly or not at all; good ones are served, cars charged."""
    home = house()
    for frame in frames:
        answers = home.ask(frame.encode("utf-8", "replace"))
        assert_clear_answers(answers)
    home.assert_well()


@pytest.mark.parametrize("monster", bad_input.MONSTERS)
def test_monsters(monster: str) -> None:
    """Huge and deep JSON is refused without harm."""
    home = house()
    assert_clear_answers(home.ask(bad_input.MONSTERS[monster].encode()))
    home.assert_well()


@pytest.mark.rule("J-18", "C-08")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(wire(masked=False), min_size=1, max_size=3), st.integers(1, 64))
def test_wire(chunks: list[bytes], cut: int) -> None:
    """Bytes that are no WebSocket end the connection; the charge point comes back and is well."""
    home = house()
    for chunk in chunks:
        home.say(chunk[:cut])
        home.say(chunk[cut:])
    # A frame may still be incomplete: the office hangs up.
    home.server.transport.abortConnection()
    home.pump.flush()
    home.come_back()
    home.assert_well()


HTTP = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.rule("C-06", "C-07", "C-08")
@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(min_size=1, max_size=300).map(lambda data: data + b"\r\n\r\n"),
        st.integers(0, 999).map(lambda code: b"HTTP/1.1 %d Go away\r\n\r\n" % code),
        st.sampled_from(
            [
                b"",
                b"HTTP/1.1 301 Moved\r\nLocation: ws://elsewhere/\r\n\r\n",
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n",
                b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy",
                HTTP + b"\r\n",
                HTTP + b"Sec-WebSocket-Accept: wrong\r\n\r\n",
                HTTP + b"Sec-WebSocket-Protocol: ocpp9.9\r\n\r\n",
                HTTP + b"X: " + b"y" * 100_000,
                b"\r\n" * 1000,
                b"\x15\x03\x01\x00\x02\x02\x28",
            ]
        ),
    )
)
def test_handshakes(answer: bytes) -> None:
    """Whatever answers the handshake, the charge point tries again until it is let in."""
    home = House()
    if answer:
        home.say(answer)
    home.come_back()
    home.assert_well()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param([b"\x81\x7f" + (1 << 40).to_bytes(8, "big"), b"z" * 65536], id="declared"),
        pytest.param(
            [ws_frame(b"a" * 60_000, fin=False, masked=False)]
            + [ws_frame(b"a" * 60_000, opcode=0, fin=False, masked=False)] * 20,
            id="fragments",
        ),
        pytest.param(
            [ws_frame(b'[2,"%d","Nonsense",{}]' % n, masked=False) for n in range(300)],
            id="nonsense",
        ),
        pytest.param(
            [
                ws_frame(
                    b'[2,"%d","DataTransfer",{"vendorId":"v%d","data":"x"}]' % (n, n), masked=False
                )
                for n in range(300)
            ],
            id="data",
        ),
        pytest.param([ws_frame(b"p" * 100, opcode=9, masked=False)] * 300, id="pings"),
    ],
)
def test_memory(attack: list[bytes]) -> None:
    """A hostile central system makes a charge point neither grow nor stop."""
    home = house()

    def besiege(times: int) -> None:
        for _ in range(times):
            for data in attack:
                home.say(data)
            home.hear()
            home.server.transport.abortConnection()
            home.pump.flush()
            home.come_back()

    besiege(2)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        besiege(4)
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
    assert peak - before < 3 * (1 << 20)
    home.assert_well()
