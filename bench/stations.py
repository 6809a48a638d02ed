"""The load: many stations on plain sockets, cheap enough not to be what is measured.

Each station says what a real one says: it boots, then goes round for ever through status,
transaction and meter values, one CALL outstanding at a time (OCPP-J 1.6 §4.1.1), each with its
own message id, times and meter values. Frames are made here without any OCPP or WebSocket library.
"""

from __future__ import annotations

import base64
import errno
import os
import select
import socket
import struct
import time
from collections import deque

from bench.talk import SESSION, Conversation

MASK = b"\x37\xfa\x21\x3d"
MASK_PATTERN = MASK * 1024


class Stalled(Exception):
    """The server stopped answering, refused or answered nonsense."""


def masked_frame(text: bytes) -> bytes:
    """One unfragmented text frame as a client sends it (RFC 6455 §5)."""
    length = len(text)
    if length < 126:
        head = struct.pack("!BB", 0x81, 0x80 | length)
    else:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, length)
    pattern = int.from_bytes(MASK_PATTERN[:length], "little")
    body = (int.from_bytes(text, "little") ^ pattern).to_bytes(length, "little")
    return head + MASK + body


class Station:
    """One connection of one station."""

    def __init__(self, identity: str, port: int, path: str) -> None:
        self.talk = Conversation(identity)
        self.buffer = b""
        self.awaited = b""
        """Message id of the CALL that is out."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self.socket.connect_ex(("127.0.0.1", port))
        if code not in (0, errno.EINPROGRESS):
            raise Stalled(os.strerror(code))
        self.request = (
            f"GET {path}/{identity} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6"
            f"\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode()

    def fileno(self) -> int:
        """For epoll."""
        return self.socket.fileno()

    def send(self, data: bytes) -> None:
        """Frames are far smaller than the socket's buffer."""
        if self.socket.send(data) != len(data):
            raise Stalled(f"{self.talk.identity}: the server does not read")

    def speak(self) -> None:
        """Send the next CALL."""
        self.awaited, text = next(self.talk)
        self.send(masked_frame(text))

    def go_to(self, place: int) -> bool:
        """Go to a place of the session; True if a CALL had to be sent for it."""
        prelude = self.talk.prelude(place)
        if prelude is None:
            return False
        self.awaited, text = prelude
        self.send(masked_frame(text))
        return True

    def handshake_finished(self) -> bool:
        """Read the answer to the upgrade; True when it is complete."""
        self.buffer += self.socket.recv(4096)
        if b"\r\n\r\n" not in self.buffer:
            return False
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise Stalled(f"{self.talk.identity} was turned away: {head[:80]!r}")
        return True

    def heard(self) -> bool:
        """Read what came; True if the CALL that is out has been answered."""
        data = self.socket.recv(65536)
        if not data:
            raise Stalled(f"{self.talk.identity}: the server hung up")
        buffer = self.buffer + data if self.buffer else data
        answered = False
        while len(buffer) >= 2:
            length, start = buffer[1], 2
            if length == 126:
                if len(buffer) < 4:
                    break
                length, start = (buffer[2] << 8) | buffer[3], 4
            elif length == 127:
                raise Stalled(f"{self.talk.identity}: an answer beyond 64 KiB")
            if len(buffer) < start + length:
                break
            opcode, frame = buffer[0] & 0x0F, buffer[start : start + length]
            buffer = buffer[start + length :]
            if opcode == 1:
                answered |= self._frame(frame)
            elif opcode == 9:
                self.send(b"\x8a\x80" + MASK)
            elif opcode == 8:
                raise Stalled(f"{self.talk.identity}: the server closed ({frame!r})")
        self.buffer = buffer
        return answered

    def _frame(self, frame: bytes) -> bool:
        if frame[:2] == b"[3" and self.awaited and self.awaited in frame[:64]:
            self.talk.answered(frame)
            self.awaited = b""
            return True
        if frame[:2] == b"[2":
            message_id = frame.split(b'"', 2)[1]
            self.send(masked_frame(b'[3,"%s",{"status":"Accepted"}]' % message_id))
            return False
        raise Stalled(f"{self.talk.identity}: {self.awaited!r} was answered by {frame[:300]!r}")

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class EchoStation(Station):
    """The same bytes to a server that sends them back as they are."""

    expected = 0

    def handshake_finished(self) -> bool:
        """The request comes back."""
        self.buffer += self.socket.recv(4096)
        finished = len(self.buffer) >= len(self.request)
        if finished:
            self.buffer = b""
        return finished

    def speak(self) -> None:
        """As many bytes as any station sends."""
        _, text = next(self.talk)
        frame = masked_frame(text)
        self.expected += len(frame)
        self.send(frame)

    def go_to(self, place: int) -> bool:
        """Nobody answers here, so nothing has to be asked."""
        self.talk.step = place
        return False

    def heard(self) -> bool:
        """True when they are all back."""
        self.expected -= len(self.socket.recv(65536))
        return self.expected == 0


class Fleet:
    """All stations of one server."""

    def __init__(
        self, port: int, path: str = "/ocpp", kind: type[Station] = Station, prefix: str = "BENCH"
    ) -> None:
        self.port = port
        self.path = path
        self.kind = kind
        self.prefix = prefix
        self.stations: deque[Station] = deque()
        self.epoll = select.epoll()
        self.by_descriptor: dict[int, Station] = {}

    def connect(self, wanted: int, at_once: int = 16, within_s: float = 120.0) -> None:
        """Connect so many more, each through handshake and boot, some at a time."""
        deadline = time.monotonic() + within_s
        opening: dict[int, Station] = {}
        upgraded: set[int] = set()
        begun = finished = 0
        poll = select.epoll()
        try:
            while finished < wanted:
                while begun < wanted and len(opening) < at_once:
                    identity = f"{self.prefix}{len(self.stations) + len(opening):06d}"
                    station = self.kind(identity, self.port, self.path)
                    opening[station.fileno()] = station
                    poll.register(station, select.EPOLLOUT)
                    begun += 1
                self._in_time(deadline)
                for descriptor, event in poll.poll(1.0):
                    station = opening[descriptor]
                    if event & select.EPOLLOUT:
                        station.send(station.request)
                        poll.modify(descriptor, select.EPOLLIN)
                    elif descriptor not in upgraded:
                        if station.handshake_finished():
                            upgraded.add(descriptor)
                            station.speak()
                    elif station.heard():
                        poll.unregister(descriptor)
                        upgraded.discard(descriptor)
                        del opening[descriptor]
                        self.epoll.register(descriptor, select.EPOLLIN)
                        self.by_descriptor[descriptor] = station
                        self.stations.append(station)
                        finished += 1
        finally:
            poll.close()

    def scatter(self, within_s: float = 60.0) -> None:
        """Spread the stations over all places of a session, as if they had been here for long."""
        deadline = time.monotonic() + within_s
        out = 0
        for number, station in enumerate(self.stations):
            out += station.go_to(number * 7 % len(SESSION))
            while out >= 16 or (out and number == len(self.stations) - 1):
                self._in_time(deadline)
                for descriptor, _ in self.epoll.poll(1.0):
                    out -= self.by_descriptor[descriptor].heard()

    def exchange(self, duration_s: float, in_flight: int, within_s: float = 120.0) -> int:
        """Keep that many CALLs out for a while, then let all be answered; gives their number."""
        begin = time.monotonic()
        deadline = begin + within_s
        until = begin + duration_s
        out = answered = 0
        for _ in range(min(in_flight, len(self.stations))):
            self._next()
            out += 1
        poll, by_descriptor = self.epoll.poll, self.by_descriptor
        while out:
            events = poll(1.0)
            now = time.monotonic()
            if now > deadline:
                self._in_time(deadline)
            for descriptor, _ in events:
                station = by_descriptor[descriptor]
                if station.heard():
                    answered += 1
                    self.stations.append(station)
                    if now < until:
                        self._next()
                    else:
                        out -= 1
        return answered

    def listen(self, descriptor: int, within_s: float = 60.0) -> bytes:
        """Answer the server's calls until a line can be read from that descriptor."""
        deadline = time.monotonic() + within_s
        self.epoll.register(descriptor, select.EPOLLIN)
        line = b""
        try:
            while not line.endswith(b"\n"):
                self._in_time(deadline)
                for ready, _ in self.epoll.poll(1.0):
                    if ready == descriptor:
                        chunk = os.read(descriptor, 1 << 20)
                        if not chunk:
                            raise Stalled("the server ended")
                        line += chunk
                    else:
                        self.by_descriptor[ready].heard()
        finally:
            self.epoll.unregister(descriptor)
        return line

    def _next(self) -> None:
        self.stations.popleft().speak()

    def _in_time(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise Stalled("the server does not answer any more")

    def close(self) -> None:
        """Hang up everywhere."""
        self.epoll.close()
        for station in self.by_descriptor.values():
            station.close()
        self.by_descriptor.clear()
        self.stations.clear()
