"""The device's half of evlink/1, for a simulated device: greeting, proofs, repeats, counters.

Rules of this file: no Twisted and no clock; bytes and `now` come in, bytes go out by `write`.
Whatever a host sends, nothing is raised: a damaged frame is counted and forgotten.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final, Protocol

from txocpp.devices.esp8266.frames import (
    Direction,
    Frame,
    LineSplitter,
    SessionKeys,
    decode,
    encode,
    parse,
    session_keys,
)
from txocpp.errors import TxocppError

BURST: Final = 20
REQUESTS_PER_S: Final = 20
MILLISECONDS: Final = 1 << 30
"""Uptime on the wire is modulo this."""


class Refusal(TxocppError):
    """A request that is answered by an error, with its code on the wire."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class LinkOwner(Protocol):
    """The simulated device behind its links."""

    key: bytes | None
    insecure: bool

    def greeting(self) -> dict[str, Any]:
        """Members of the answer to ``hello``."""

    def make_nonce(self) -> bytes:
        """16 random bytes."""

    def opened(self, link: DeviceLink) -> None:
        """This link has the session now; another one loses it."""

    def is_engaged(self, link: DeviceLink) -> bool:
        """Another host is just carrying an update, and must not be pushed out."""

    def renewed(self) -> None:
        """A frame of the session has come."""

    def request(self, verb: str, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
        """Do what is asked, or raise `Refusal`."""

    def proof_shown(self, right: bool, now: float) -> None:
        """A host has tried to prove its key."""

    def is_locked_out(self, now: float) -> bool:
        """There were too many wrong proofs just now."""


class DeviceLink:
    """One line to one host, as the device sees it."""

    def __init__(self, owner: LinkOwner, write: Callable[[bytes], None], *, cable: bool) -> None:
        self.is_open = False
        """A session is in force."""
        self.was_open = False
        """There was a session at some time."""
        self._owner = owner
        self._write = write
        self.is_cable = cable
        """A cable, not a network: plain sessions and setting the key are for cables."""
        self._lines = LineSplitter(Direction.TO_DEVICE.longest_line)
        self._bad = 0
        self._keys: SessionKeys | None = None
        self._rx = self._tx = 0
        self._nonces: tuple[bytes, bytes] | None = None
        self._greeting_rx = 0
        self._last: tuple[int, list[Any]] | None = None
        self._credit = float(BURST)
        self._credit_at = 0.0

    @property
    def bad(self) -> int:
        """Frames and lines that were dropped."""
        return self._bad + self._lines.dropped

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have come."""
        for line in self._lines.feed(data):
            frame = parse(line, Direction.TO_DEVICE)
            if frame is None or not self._accept(frame, now):
                self._bad += 1

    def event(self, name: str, ms: int, data: dict[str, Any]) -> None:
        """Tell the host something, if there is a session."""
        if self.is_open:
            self._send([5, name, ms % MILLISECONDS, data])

    def boot(self, ms: int, data: dict[str, Any]) -> None:
        """The one event outside of a session."""
        self._write(encode(Direction.TO_HOST, 0, [5, "boot", ms % MILLISECONDS, data], None))

    def close(self) -> None:
        """The session is over: the device has restarted, or another host has taken it."""
        self.is_open = False
        self._keys = self._nonces = self._last = None

    def _accept(self, frame: Frame, now: float) -> bool:
        keys = self._keys
        if frame.sealed:
            if keys is None or not frame.counter or not frame.fits(keys.to_device):
                return False
        elif not frame.fits(None):
            return False
        if frame.counter and not self._is_next(frame):
            return False
        message = decode(frame.body)
        match message:
            case [2, int(id), str(verb), *rest] if 1 <= id <= 65_535 and len(rest) <= 1:
                args = rest[0] if rest else {}
            case _:
                return False
        if not isinstance(args, dict) or (verb == "hello") != (frame.counter == 0):
            return False
        self._obey(frame, id, verb, args, now)
        return True

    def _is_next(self, frame: Frame) -> bool:
        if frame.sealed or (self.is_open and self._keys is None):
            return frame.counter > self._rx
        if self._nonces is not None:
            return frame.counter > self._greeting_rx
        return not self.is_open  # a plain frame has no business in a sealed session

    def _obey(self, frame: Frame, id: int, verb: str, args: dict[str, Any], now: float) -> None:
        in_session = frame.counter > 0 and self.is_open and frame.sealed == (self._keys is not None)
        if in_session:
            self._rx = frame.counter
            self._owner.renewed()
            if self._last is not None and id == self._last[0]:
                self._send(self._last[1])
                return
        elif frame.counter:
            self._greeting_rx = frame.counter
        try:
            self._pay(now)
            if verb == "hello":
                self._hello(id, args, now)
            elif in_session:
                self._answer(id, [3, id, self._owner.request(verb, args, self)])
            elif verb == "auth" and self._nonces is not None:
                self._auth(id, args, now)
            else:
                raise Refusal("NoSession")
        except Refusal as refusal:
            error = [4, id, refusal.code, refusal.text]
            if not in_session:
                self._write(encode(Direction.TO_HOST, 0, error, None))
            elif refusal.code == "Rate":
                self._send(error)
            else:
                self._answer(id, error)

    def _pay(self, now: float) -> None:
        """So many requests a second, and a burst; one that is over that is to be asked again."""
        earned = (now - self._credit_at) * REQUESTS_PER_S
        self._credit = min(self._credit + earned, BURST)
        self._credit_at = now
        if self._credit < 1:
            raise Refusal("Rate")
        self._credit -= 1

    def _hello(self, id: int, args: dict[str, Any], now: float) -> None:
        owner = self._owner
        versions = args.get("v")
        if not isinstance(versions, list) or 1 not in versions:
            raise Refusal("Version")
        if owner.is_engaged(self):
            raise Refusal("Busy", "update")
        if owner.key is None:
            if not self.is_cable and not owner.insecure:
                raise Refusal("Auth", "this device wants a key")
            self._greet(id, {**owner.greeting(), "auth": 0})
            self._start(None)
            return
        if owner.is_locked_out(now):
            raise Refusal("Auth", "wait")
        shown: dict[str, Any] = {"auth": 1}
        nonce = _hex(args.get("n"))
        if "n" in args and len(nonce) != 16:
            raise Refusal("BadArg", "n")
        if self._nonces is None or self._nonces[0] != nonce:
            # Who repeats a greeting gets the same nonce again, else the old one would be proved.
            self._nonces = (nonce, owner.make_nonce())
        self._greeting_rx = 0
        if self._keys is None:
            self.is_open = False  # a plain session ends where a key begins
        shown["n"] = self._nonces[1].hex()
        if nonce:
            shown["p"] = session_keys(owner.key, *self._nonces).device_proof.hex()
        self._greet(id, {**owner.greeting(), **shown})

    def _auth(self, id: int, args: dict[str, Any], now: float) -> None:
        assert self._nonces is not None
        assert self._owner.key is not None
        keys = session_keys(self._owner.key, *self._nonces)
        right = bool(self._nonces[0]) and hmac.compare_digest(_hex(args.get("p")), keys.host_proof)
        self._nonces = None
        self._owner.proof_shown(right, now)
        if not right:
            raise Refusal("Auth")
        self._start(keys)
        self._answer(id, [3, id, {}])

    def _greet(self, id: int, members: dict[str, Any]) -> None:
        self._write(encode(Direction.TO_HOST, 0, [3, id, members], None))

    def _start(self, keys: SessionKeys | None) -> None:
        self._keys = keys
        self._rx = self._tx = 0
        self._last = None
        self.is_open = self.was_open = True
        self._owner.opened(self)

    def _answer(self, id: int, message: list[Any]) -> None:
        self._last = (id, message)
        self._send(message)

    def _send(self, message: list[Any]) -> None:
        self._tx += 1
        key = None if self._keys is None else self._keys.to_host
        self._write(encode(Direction.TO_HOST, self._tx, message, key))


def _hex(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return b""
