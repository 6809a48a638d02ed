"""A program full of stations that misbehave: ``hostile_stations.py PORT SECONDS``.

Of each kind there are some: those that talk without a pause, that ping, that send the largest
messages or nonsense, that never read an answer, that stop within a frame, or within the handshake.
It prints what it could send.
"""

from __future__ import annotations

import base64
import os
import selectors
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count

OF_EACH = 2
SLOW_HANDSHAKES = 100
LARGE = 1_000_000


def frame(opcode: int, payload: bytes) -> bytes:
    """One masked frame; the mask is all zeros."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0xFE, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0xFF, length)
    return head + bytes(4) + payload


def call(number: int, action: str, payload: str) -> bytes:
    """A CALL as a frame."""
    return frame(1, f'[2,"{number}","{action}",{payload}]'.encode())


def upgrade(identity: str) -> bytes:
    """The request of a handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ocpp/{identity} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


BOOT = call(0, "BootNotification", '{"chargePointVendor":"e","chargePointModel":"v"}')


def talker() -> Iterator[bytes]:
    """Calls without waiting for answers."""
    for number in count(1, 200):
        yield b"".join(call(number + more, "Heartbeat", "{}") for more in range(200))


def meter() -> Iterator[bytes]:
    """The same with something that has to be kept."""
    at = "2026-01-01T00:00:00Z"
    for number in count(1):
        values = f'[{{"timestamp":"{at}","sampledValue":[{{"value":"{number}"}}]}}]'
        yield call(number, "MeterValues", f'{{"connectorId":1,"meterValue":{values}}}')


def pinger() -> Iterator[bytes]:
    """Pings, thousands of them."""
    while True:
        yield frame(9, b"") * 1000


def large() -> Iterator[bytes]:
    """The largest messages that are taken."""
    for number in count(1):
        yield call(number, "DataTransfer", f'{{"vendorId":"x","data":"{"a" * LARGE}"}}')


def nonsense() -> Iterator[bytes]:
    """Text that is deep, and no JSON."""
    while True:
        yield frame(1, b"[" * LARGE)


def half() -> Iterator[bytes]:
    """A frame that begins, and hardly goes on."""
    yield frame(1, b"x" * LARGE)[: LARGE // 2]
    while True:
        yield b"x"


TALKS = {
    "talker": talker,
    "meter": meter,
    "pinger": pinger,
    "large": large,
    "nonsense": nonsense,
    "half": half,
    "deaf": talker,
}
DRIBBLES = ("half", "slow")
DRIBBLE_S = 0.2


class Stranger:
    """One connection."""

    def __init__(self, port: int, kind: str, number: int) -> None:
        self.kind = kind
        self.socket = socket.create_connection(("127.0.0.1", port))
        if kind == "deaf":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = upgrade(f"{kind}-{number}")
        if kind == "slow":
            self._words: Iterator[bytes] = (bytes((byte,)) for byte in request[:-2] + b"x" * 9999)
        else:
            self.socket.sendall(request)
            # Behind a header without an end nobody would listen.
            self.socket.recv(4096)
            self.socket.sendall(BOOT)
            self._words = TALKS[kind]()
        self.socket.setblocking(False)
        self._rest = b""
        self._not_before = 0.0

    def write(self, now: float) -> int:
        """Send what the socket takes; gives how much."""
        if now < self._not_before:
            return 0
        if not self._rest:
            self._rest = next(self._words)
        sent = self.socket.send(self._rest)
        self._rest = self._rest[sent:]
        if self.kind in DRIBBLES and len(self._rest) == 0:
            self._not_before = now + DRIBBLE_S
        return sent

    def read(self) -> None:
        """Throw away what was answered. Raises `OSError` at the end."""
        if self.kind != "deaf" and not self.socket.recv(1 << 20):
            raise ConnectionResetError


def main() -> None:
    """Misbehave for some seconds."""
    port, duration_s = int(sys.argv[1]), float(sys.argv[2])
    kinds = [*TALKS] * OF_EACH + ["slow"] * SLOW_HANDSHAKES
    selector = selectors.DefaultSelector()
    for number, kind in enumerate(kinds):
        stranger = Stranger(port, kind, number)
        selector.register(
            stranger.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, data=stranger
        )
    sent: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    end = time.monotonic() + duration_s
    while (now := time.monotonic()) < end and selector.get_map():
        busy = 0
        for key, events in selector.select(0.05):
            stranger = key.data
            try:
                if events & selectors.EVENT_READ:
                    stranger.read()
                if events & selectors.EVENT_WRITE:
                    wrote = stranger.write(now)
                    sent[stranger.kind] += wrote
                    busy += wrote
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(stranger.socket)
                lost[stranger.kind] += 1
        if not busy:
            time.sleep(0.005)
    print(f"sent {dict(sent)}, closed on {dict(lost)}", flush=True)


if __name__ == "__main__":
    main()
