"""The fast way for the usual frame, compared with Autobahn's own."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import Any

import pytest
from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from websocket_rig import Cable

from txocpp.transport.websocket_framing import (
    FramedClientProtocol,
    FramedServerProtocol,
    configured,
)
from txocpp.transport.websocket_masking import masked

LARGEST = 300
"""Bytes of a message in these tests, so that the limit is met often."""

# --- frames of all kinds, good and bad


def frame(chance: random.Random, from_client: bool, inside_message: bool) -> tuple[bytes, bytes]:
    """Header and payload of one frame: mostly a good one for where it stands."""

    def seldom(parts: int) -> bool:
        return chance.randrange(parts) == 0

    opcode = 0 if inside_message and not seldom(6) else 1
    if seldom(5):
        opcode = chance.choice([8, 9, 10, 2])
    if seldom(12):
        opcode = chance.randrange(16)
    fin = 0 if (opcode < 8 and seldom(4)) or seldom(40) else 0x80
    reserved = chance.choice([0x40, 0x20, 0x10]) if seldom(40) else 0
    payload = chance.choice([b"", b"a", "größer €".encode(), b"x" * 125, b"x" * 126, b"y" * 200])
    if opcode == 8:
        code = chance.choice([1000, 1001, 1005, 999, 3000, 5000])
        payload = chance.choice([b"", b"\x03", code.to_bytes(2, "big") + b"bye"])
    elif seldom(8):
        payload = chance.choice([b"\xff", b"\xed\xa0\x80", b"\xc3", b"x" * LARGEST])
    elif seldom(12):
        payload = b"x" * (LARGEST + 1)
    elif seldom(6):
        # A payload that looks like a frame, for when a cut puts it at the beginning of a chunk.
        payload = bytes.fromhex("818200000000") + b"no" if from_client else b"\x81\x02no"
    is_masked = from_client ^ seldom(30)
    length = max(0, len(payload) + (chance.choice([-1, 1]) if seldom(30) else 0))
    bit = 0x80 if is_masked else 0
    if seldom(25):
        header = bytes([bit | 127]) + length.to_bytes(8, "big")
    elif seldom(25) or length > 125:
        header = bytes([bit | 126]) + length.to_bytes(2, "big")
    else:
        header = bytes([bit | length])
    mask = b""
    if is_masked:
        mask = bytes(4) if seldom(2) else chance.randbytes(4)
        payload = masked(payload, mask)
    return bytes([fin | reserved | opcode]) + header + mask, payload


def conversation(seed: int, from_client: bool) -> list[bytes]:
    """Some frames as the chunks in which a network may deliver them."""
    chance = random.Random(seed)
    chunks = [b""]
    inside_message = False
    for _ in range(chance.randrange(1, 9)):
        header, payload = frame(chance, from_client, inside_message)
        if header[0] & 0x0F < 8:
            inside_message = not header[0] & 0x80
        cut = chance.randrange(1, len(header))
        for part in (header[:cut], header[cut:], payload):
            chunks[-1] += part
            if chance.randrange(5) == 0:
                chunks.append(b"")
        if chance.randrange(2):
            chunks.append(b"")
    return [chunk for chunk in chunks if chunk]


# --- the same ears for both


class Ears:
    """Mixed into a protocol: writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []
        self.close_at = -1

    def text_received(self, text: str) -> None:
        self.hear("text", text.encode())

    def bytes_received(self, payload: bytes) -> None:
        self.hear("binary", payload)

    def hear(self, kind: str, payload: bytes) -> None:
        self.heard.append((kind, payload))
        if len(self.heard) == self.close_at:
            self.sendClose(1000, "enough")  # type: ignore[attr-defined]

    def onPong(self, payload: bytes) -> None:
        self.heard.append(("pong", payload))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.heard.append(("close", wasClean, code, reason))


class StockServer(Ears, WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.hear("binary" if isBinary else "text", payload)


class StockClient(Ears, WebSocketClientProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.hear("binary" if isBinary else "text", payload)


class FastServer(Ears, FramedServerProtocol):
    pass


class FastClient(Ears, FramedClientProtocol):
    pass


REQUEST = (
    b"GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def opened(protocol_class: Any, *, is_server: bool) -> tuple[Any, Cable]:
    """A protocol with its handshake done."""
    factory_class = WebSocketServerFactory if is_server else WebSocketClientFactory
    factory = factory_class(reactor=Clock())
    options = {
        "failByDrop": False,
        "openHandshakeTimeout": 0,
        "closeHandshakeTimeout": 0,
        "maxMessagePayloadSize": LARGEST,
        "maxFramePayloadSize": LARGEST,
    }
    if not is_server:
        options["serverConnectionDropTimeout"] = 0
    factory.setProtocolOptions(**options)
    factory.protocol = protocol_class
    line, cable = factory.buildProtocol(None), Cable()
    line.makeConnection(cable)
    if is_server:
        line.dataReceived(REQUEST)
    else:
        key = line.websocket_key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key).digest())
        line.dataReceived(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
    assert line.state == line.STATE_OPEN
    cable.take()
    return line, cable


def run(protocol_class: Any, chunks: list[bytes], close_at: int, *, is_server: bool) -> Any:
    """Everything that can be seen of a protocol that gets these chunks."""
    random.seed(1)  # for the masks of what a client writes
    line, cable = opened(protocol_class, is_server=is_server)
    line.close_at = close_at
    random.seed(2)
    states = []
    for chunk in chunks:
        line.dataReceived(chunk)
        states.append(line.state)
        if cable.disconnecting:
            break
    written = cable.take()
    aborted = cable.aborted
    cable.part(line)
    return line.heard, states, written, aborted, line.localCloseCode, line.remoteCloseCode


@settings(max_examples=1200)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([-1, -1, 1, 2]))
def test_the_fast_way_behaves_as_autobahn_alone(seed: int, is_server: bool, close_at: int) -> None:
    """The same callbacks, states, answers and close codes for any frames, however split."""
    chunks = conversation(seed, from_client=is_server)
    fast = run(FastServer if is_server else FastClient, chunks, close_at, is_server=is_server)
    stock = run(StockServer if is_server else StockClient, chunks, close_at, is_server=is_server)
    assert fast == stock


@settings(max_examples=100)
@given(st.text(max_size=200) | st.integers(0, 70_000).map(lambda n: "x" * n), st.booleans())
@example("x" * 125, True)
@example("x" * 126, False)
@example("x" * 65535, True)
@example("x" * 65536, False)
def test_sending_writes_what_autobahn_writes(text: str, is_server: bool) -> None:
    """To the byte, given the same chance for the mask."""
    text = text.encode("utf-8", "replace").decode()
    written = []
    for protocol_class, send in (
        (FastServer if is_server else FastClient, "send_text"),
        (StockServer if is_server else StockClient, "sendMessage"),
    ):
        line, cable = opened(protocol_class, is_server=is_server)
        line.maxMessagePayloadSize = 0
        random.seed(3)
        getattr(line, send)(text if send == "send_text" else text.encode())
        written.append(cable.take())
    assert written[0] == written[1]


@pytest.mark.parametrize("is_server", [True, False])
def test_nothing_is_sent_on_a_line_that_is_closing(is_server: bool) -> None:
    """Nor does it raise: the sender may not know yet."""
    line, cable = opened(FastServer if is_server else FastClient, is_server=is_server)
    line.sendClose()
    cable.take()
    line.send_text("late")
    assert cable.take() == b""


def test_of_autobahn_s_log_only_errors_pass() -> None:
    """The rest is said in our own lines, or holds what must not be logged."""
    log = FramedServerProtocol.log
    logged: list[dict[str, Any]] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        for level in (log.trace, log.debug, log.info, log.warn):
            level("header: {header}", header="Authorization")
        log.error("broken: {what}", what="everything")
        log.failure("failed", failure=None)
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert [event["log_format"] for event in logged] == ["broken: {what}", "failed"]


def test_options_are_held_once_for_all_connections() -> None:
    """A connection carries none of them, and functions among them stay functions."""
    factory = WebSocketServerFactory(reactor=Clock())
    protocol_class = configured(FramedServerProtocol, factory, clock="a clock")
    factory.protocol = protocol_class
    line = factory.buildProtocol(None)
    line.makeConnection(Cable())
    assert line.clock == "a clock"
    assert "maxMessagePayloadSize" not in vars(line)
    assert line.perMessageCompressionAccept([]) is None
    assert (protocol_class.__name__, protocol_class.__module__) == (
        FramedServerProtocol.__name__,
        FramedServerProtocol.__module__,
    )
    line.openHandshakeTimeoutCall.cancel()
