"""evlink/1 on the wire: one ASCII line per frame, with a counter and a tag.

::

    frame = LF dir ctr SP json "*" tag LF
    dir   = ">" host to device, "<" device to host
    ctr   = decimal, rises in each direction of a session; 0 outside of one
    tag   = 8 hex digits of SHA-256, or 16 of HMAC-SHA256 in a sealed session, over dir ctr SP json

Rules of this file: bytes in, values out, both directions; no clock, no session, no Twisted.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from enum import Enum
from typing import Any, Final

import attrs

LONGEST_ID: Final = 65_535
LONGEST_COUNTER: Final = 999_999_999

_PLAIN_TAG: Final = 8
_SEALED_TAG: Final = 16


class Direction(Enum):
    """Who speaks; an echo is never taken for an answer."""

    TO_DEVICE = b">"
    TO_HOST = b"<"

    @property
    def longest_line(self) -> int:
        """Most bytes of a line in this direction."""
        return 256 if self is Direction.TO_DEVICE else 512


@attrs.frozen
class Frame:
    """A line that has the form of a frame; whether its tag fits is asked for by the session."""

    counter: int
    body: str
    signed: bytes
    """What the tag is over."""
    tag: bytes

    @property
    def sealed(self) -> bool:
        """The tag is one of a sealed session."""
        return len(self.tag) == _SEALED_TAG

    def fits(self, key: bytes | None) -> bool:
        """Is this the tag under `key`, or without one? Takes the same time for every wrong tag."""
        return hmac.compare_digest(self.tag, tag(self.signed, key))


def tag(signed: bytes, key: bytes | None) -> bytes:
    """The tag over these bytes: sealed with a key, a mere check sum without."""
    if key is None:
        return hashlib.sha256(signed).hexdigest()[:_PLAIN_TAG].encode()
    return hmac.new(key, signed, hashlib.sha256).hexdigest()[:_SEALED_TAG].encode()


def encode(direction: Direction, counter: int, message: list[Any], key: bytes | None) -> bytes:
    """One frame with its line feeds. Raises ValueError if it is too long for the other end."""
    body = json.dumps(message, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    signed = direction.value + f"{counter} {body}".encode("ascii")
    line = signed + b"*" + tag(signed, key)
    if len(line) > direction.longest_line:
        raise ValueError(f"a line of {len(line)} bytes is too long, {direction.longest_line} fit")
    return b"\n" + line + b"\n"


def parse(line: bytes, direction: Direction) -> Frame | None:
    """The frame in a line, whatever noise is in front of it; None if there is none."""
    start = line.find(direction.value)
    star = line.rfind(b"*")
    if start < 0 or star < start:
        return None
    signed, found = line[start:star], line[star + 1 :]
    counter, space, body = signed[1:].partition(b" ")
    if not space or not 1 <= len(counter) <= 9 or not counter.isdigit():
        return None
    if len(found) not in (_PLAIN_TAG, _SEALED_TAG) or not signed.isascii():
        return None
    return Frame(int(counter), body.decode("ascii"), signed, found)


def decode(body: str) -> list[Any] | None:
    """The message in a frame whose tag fits; None if it is no JSON list of at least three."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, list) and len(message) >= 3 else None


class LineSplitter:
    """Cuts a byte stream into lines; what is too long is forgotten up to its end and counted."""

    def __init__(self, longest: int) -> None:
        self.dropped = 0
        self._longest = longest
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Lines that are complete now, without empty ones; carriage returns are ignored."""
        lines = []
        for piece in data.replace(b"\r", b"").splitlines(keepends=True):
            ended = piece.endswith(b"\n")
            self._add(piece.rstrip(b"\n"))
            if not ended:
                continue
            if self._buffer and not self._skipping:
                lines.append(bytes(self._buffer))
            self._buffer.clear()
            self._skipping = False
        return lines

    def _add(self, piece: bytes) -> None:
        if self._skipping:
            return
        self._buffer += piece
        if len(self._buffer) > self._longest:
            self._buffer.clear()
            self._skipping = True
            self.dropped += 1


@attrs.frozen
class SessionKeys:
    """What follows from the shared key and the two nonces of a greeting."""

    device_proof: bytes
    host_proof: bytes
    to_device: bytes = attrs.field(repr=False)
    to_host: bytes = attrs.field(repr=False)


def session_keys(key: bytes, host_nonce: bytes, device_nonce: bytes) -> SessionKeys:
    """Proofs and keys of one session; nothing of an older one helps to make them."""
    nonces = host_nonce + device_nonce

    def derive(purpose: bytes) -> bytes:
        return hmac.new(key, purpose + nonces, hashlib.sha256).digest()

    return SessionKeys(derive(b"D")[:16], derive(b"H")[:16], derive(b"h"), derive(b"d"))


def update_proof(key: bytes, sha: bytes, size: int, version: str) -> bytes:
    """Shows a device that whoever offers this firmware has the key."""
    claim = b"U" + sha + f"{size} {version}".encode()
    return hmac.new(key, claim, hashlib.sha256).digest()[:16]
