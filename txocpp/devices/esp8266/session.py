"""The host's half of an evlink/1 session: greeting, proofs, requests, repeats, counters.

::

    CLOSED --greet--> GREETING --result of hello--> [PROVING --result of auth-->] OPEN
      ^                  ^                                                          |
      '---- Refused -----'------------------- NoSession, boot event ----------------'

Rules of this file: no Twisted and no clock. Bytes and `now` come in, bytes (`take_output`) and
happenings (`take_happenings`) go out, `deadline` says when `advance` wants to be called. One
request is out at a time; it is repeated with the same id, so that the device does it once.
"""

from __future__ import annotations

import hmac
import os
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import attrs

from txocpp.devices.esp8266.frames import (
    LONGEST_COUNTER,
    LONGEST_ID,
    Direction,
    Frame,
    LineSplitter,
    SessionKeys,
    decode,
    encode,
    parse,
    session_keys,
)

VERSION: Final = 1
TRIES: Final = 3
ANSWER_S: Final = 0.5
PROOF_S: Final = 2.0
RATE_PAUSE_S: Final = 0.25
RATE_TRIES: Final = 40
NONCE_BYTES: Final = 16
NO_ANSWER: Final = "no answer"


class Phase(Enum):
    """How far the session has come."""

    CLOSED = "closed"
    GREETING = "greeting"
    PROVING = "proving"
    OPEN = "open"


@attrs.frozen
class Opened:
    """The session is open; `greeting` is what the device said about itself."""

    greeting: dict[str, Any]


@attrs.frozen
class Answered:
    """The device did what request `id` asked."""

    id: int
    result: dict[str, Any]


@attrs.frozen
class Denied:
    """The device refused request `id`, in its own words."""

    id: int
    code: str
    text: str


@attrs.frozen
class Unanswered:
    """Request `id` came to nothing: no answer to all repeats, or the session ended before."""

    id: int


@attrs.frozen
class Heard:
    """The device told something by itself; `ms` is its uptime modulo 2^30."""

    name: str
    ms: int
    data: dict[str, Any]


@attrs.frozen
class Missed:
    """Frames of the device were lost: its states should be asked for."""


@attrs.frozen
class Restarted:
    """The device knows no session any more; a new greeting is under way."""


@attrs.frozen
class Closed:
    """No session came about, or it cannot go on."""

    reason: str
    wrong_key: bool = False
    """One side could not prove that it has the key, or one of them has none."""


Happening = Opened | Answered | Denied | Unanswered | Heard | Missed | Restarted | Closed


@attrs.define
class _Ask:
    id: int
    verb: str
    args: dict[str, Any] | None
    wait_s: float = ANSWER_S
    tries: int = 0
    rated: int = 0
    deadline: float = 0.0


class Session:
    """One host's conversation with one device, over one line after another.

    With a `key` only a device that proves to have it is talked to, and every frame is sealed.
    Without one the session is plain; whether that is allowed on this line is not decided here.
    """

    def __init__(
        self,
        host: str,
        *,
        key: bytes | None = None,
        nonce: Callable[[], bytes] = lambda: os.urandom(NONCE_BYTES),
    ) -> None:
        self.phase = Phase.CLOSED
        self.heard_at: float | None = None
        """When the last frame of a session was accepted."""
        self._host = host
        self._key = key
        self._make_nonce = nonce
        self._nonce = b""
        self._keys: SessionKeys | None = None
        self._greeting: dict[str, Any] = {}
        self._lines = LineSplitter(Direction.TO_HOST.longest_line)
        self._bad = 0
        self._last_id = 0
        self._tx = self._rx = 0
        self._out: _Ask | None = None
        self._queue: deque[_Ask] = deque()
        self._output: list[bytes] = []
        self._happenings: list[Happening] = []

    # What the owner does

    @property
    def bad(self) -> int:
        """Frames and lines that were dropped."""
        return self._bad + self._lines.dropped

    @property
    def deadline(self) -> float | None:
        """When `advance` has something to do; None: nobody is waited for."""
        return None if self._out is None else self._out.deadline

    def take_output(self) -> bytes:
        """Bytes for the line."""
        output, self._output = self._output, []
        return b"".join(output)

    def take_happenings(self) -> list[Happening]:
        """What has happened since the last time, in order."""
        happenings, self._happenings = self._happenings, []
        return happenings

    def greet(self, now: float) -> None:
        """Begin a new session on a line that is up; whatever was out or queued is unanswered."""
        self._end()
        self._lines = LineSplitter(Direction.TO_HOST.longest_line)
        self.phase = Phase.GREETING
        self._keys = None
        self._tx = self._rx = 0
        args: dict[str, Any] = {"v": [VERSION], "h": self._host}
        if self._key is not None:
            self._nonce = self._make_nonce()
            args["n"] = self._nonce.hex()
        self._start(_Ask(self._next_id(), "hello", args), now)

    def line_lost(self) -> None:
        """The line is gone, and with it the session."""
        self.phase = Phase.CLOSED
        self._keys = None
        self._end()

    def ask(
        self, verb: str, args: dict[str, Any] | None, now: float, *, urgent: bool = False
    ) -> int:
        """Send a request, behind those that wait, or before them if `urgent`; gives its id.

        Only while the session is open. Raises ValueError if the request does not fit a line.
        """
        assert self.phase is Phase.OPEN
        ask = _Ask(self._next_id(), verb, args)
        encode(Direction.TO_DEVICE, LONGEST_COUNTER, self._message(ask), self._to_device)
        if urgent:
            self._queue.appendleft(ask)
        else:
            self._queue.append(ask)
        self._send_next(now)
        return ask.id

    def advance(self, now: float) -> None:
        """Repeat what was not answered in time, or give it up."""
        ask = self._out
        if ask is None or now < ask.deadline:
            return
        if ask.tries < TRIES:
            self._transmit(ask, now)
        elif self.phase is Phase.OPEN:
            self._out = None
            self._happenings.append(Unanswered(ask.id))
            self._send_next(now)
        else:
            self._close(f"{NO_ANSWER} to {ask.verb}")

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have come from the line."""
        for line in self._lines.feed(data):
            frame = parse(line, Direction.TO_HOST)
            if frame is None or not self._accept(frame, now):
                self._bad += 1

    # Sending

    @property
    def _to_device(self) -> bytes | None:
        return self._keys.to_device if self._keys and self.phase is Phase.OPEN else None

    def _next_id(self) -> int:
        self._last_id = self._last_id % LONGEST_ID + 1
        return self._last_id

    @staticmethod
    def _message(ask: _Ask) -> list[Any]:
        message: list[Any] = [2, ask.id, ask.verb]
        return message if ask.args is None else [*message, ask.args]

    def _start(self, ask: _Ask, now: float) -> None:
        self._out = ask
        self._transmit(ask, now)

    def _send_next(self, now: float) -> None:
        if self._out is None and self._queue and self.phase is Phase.OPEN:
            self._start(self._queue.popleft(), now)

    def _transmit(self, ask: _Ask, now: float) -> None:
        ask.tries += 1
        ask.deadline = now + ask.wait_s
        counter = 0
        if self.phase is not Phase.GREETING:
            self._tx += 1
            counter = self._tx
        if counter >= LONGEST_COUNTER:
            self.greet(now)  # the counters begin again
            return
        self._output.append(
            encode(Direction.TO_DEVICE, counter, self._message(ask), self._to_device)
        )

    def _end(self) -> None:
        ended = [ask for ask in (self._out, *self._queue) if ask and ask.verb not in _HANDSHAKE]
        self._out = None
        self._queue.clear()
        self._happenings += [Unanswered(ask.id) for ask in ended]

    def _close(self, reason: str, *, wrong_key: bool = False) -> None:
        self.line_lost()
        self._happenings.append(Closed(reason, wrong_key))

    # Receiving

    def _accept(self, frame: Frame, now: float) -> bool:
        """Take a frame if tag, counter and form are right for this moment."""
        keys = self._keys
        if frame.sealed:
            if keys is None or not frame.counter or not frame.fits(keys.to_host):
                return False
        elif not frame.fits(None) or (frame.counter and (keys or self.phase is not Phase.OPEN)):
            return False
        if frame.counter and frame.counter <= self._rx:
            return False
        message = decode(frame.body)
        if message is None:
            return False
        if frame.counter:
            self._count(frame.counter)
            self.heard_at = now
        return self._take(message, frame.counter, now)

    def _count(self, counter: int) -> None:
        if counter != self._rx + 1 and self.phase is Phase.OPEN:
            self._happenings.append(Missed())
        self._rx = counter

    def _take(self, message: list[Any], counter: int, now: float) -> bool:
        match message:
            case [3, int(id), dict(result)]:
                self._result(id, result, counter, now)
            case [4, int(id), str(code), *rest]:
                self._error(id, code, str(rest[0]) if rest else "", counter, now)
            case [5, "boot", int(), dict()] if not counter:
                self._restarted(now)
            case [5, str(name), int(ms), dict(data)] if self.phase is Phase.OPEN and counter:
                self._happenings.append(Heard(name, ms, data))
            case _:
                return False
        return True

    def _result(self, id: int, result: dict[str, Any], counter: int, now: float) -> None:
        ask = self._out
        if ask is None or id != ask.id or bool(counter) == (self.phase is Phase.GREETING):
            return  # late, or said outside of a session what belongs into one
        self._out = None
        if self.phase is Phase.GREETING:
            self._greeted(result, now)
        elif self.phase is Phase.PROVING:
            self._open(self._greeting)
        else:
            self._happenings.append(Answered(id, result))
        self._send_next(now)

    def _error(self, id: int, code: str, text: str, counter: int, now: float) -> None:
        ask = self._out
        if ask is None or id != ask.id:
            return
        if self.phase is Phase.OPEN and not counter and code != "NoSession":
            return  # outside of the session anybody may say anything
        if code == "Rate" and ask.rated < RATE_TRIES:
            ask.rated += 1
            ask.tries = 0
            ask.deadline = now + RATE_PAUSE_S
        elif self.phase is not Phase.OPEN:
            words = f"the device refuses {ask.verb}: {code} {text}".rstrip()
            self._close(words, wrong_key=code == "Auth")
        elif code == "NoSession":
            self._restarted(now)
        else:
            self._out = None
            self._happenings.append(Denied(id, code, text))
            self._send_next(now)

    def _greeted(self, greeting: dict[str, Any], now: float) -> None:
        if greeting.get("v") != VERSION:
            self._close(f"the device speaks version {greeting.get('v')!r}, not {VERSION}")
        elif self._key is None:
            if greeting.get("auth"):
                self._close("the device demands a key and none is configured", wrong_key=True)
            else:
                self._open(greeting)
        elif not greeting.get("auth"):
            self._close("the device has no key, but one is configured", wrong_key=True)
        else:
            self._prove(self._key, greeting, now)

    def _prove(self, key: bytes, greeting: dict[str, Any], now: float) -> None:
        nonce, proof = _hex(greeting.get("n")), _hex(greeting.get("p"))
        keys = session_keys(key, self._nonce, nonce)
        if len(nonce) != NONCE_BYTES or not hmac.compare_digest(proof, keys.device_proof):
            # It has not earned our proof.
            self._close("the device does not have the configured key", wrong_key=True)
            return
        self._keys = keys
        self._greeting = greeting
        self.phase = Phase.PROVING
        args = {"p": keys.host_proof.hex()}
        self._start(_Ask(self._next_id(), "auth", args, PROOF_S), now)

    def _open(self, greeting: dict[str, Any]) -> None:
        self.phase = Phase.OPEN
        self._tx = 0
        self._happenings.append(Opened(greeting))

    def _restarted(self, now: float) -> None:
        if self.phase is Phase.OPEN:
            self._happenings.append(Restarted())
        self.greet(now)


_HANDSHAKE: Final = ("hello", "auth")


def _hex(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return b""
