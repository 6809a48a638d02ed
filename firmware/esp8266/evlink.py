"""One line to a host, spoken as evlink/1: frames, tags, counters, sessions, proof of the key.

Rules of this room: knows bytes, keys and turns to speak; knows no verb but `hello` and `auth`, no
contactor and no pin. Whatever a line brings, nothing is raised here: a damaged frame is counted in
`bad` and forgotten. Few and longish functions, because each costs 80 bytes of a heap of 36 KiB.
"""

import hashlib
import json
from binascii import hexlify, unhexlify

from micropython import const

_LINE_BYTES = const(256)
_CREDIT_MS = const(1000)  # a burst of 20 requests, and 20 each second
_COST_MS = const(50)


class Refused(Exception):
    """A request that is answered by an error: its code on the wire, and words for people."""

    def __init__(self, code: str, words: str = "") -> None:
        self.code = code
        self.words = words


def text(value: object) -> str:
    """A value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def members(*pairs: object) -> str:
    """A JSON object in the order given; a dict would lose the order in MicroPython."""
    return "{%s}" % ",".join(
        ['"%s":%s' % (pairs[i], text(pairs[i + 1])) for i in range(0, len(pairs), 2)]
    )


def unhex(value) -> bytes:
    """The bytes behind hex digits; nothing for anything else."""
    try:
        return unhexlify(value)
    except (ValueError, TypeError):
        return b""


def pads(key: bytes) -> tuple[bytearray, bytearray]:
    """The two padded forms of a key that HMAC-SHA256 begins with (RFC 2104)."""
    inner, outer = bytearray(b"\x36" * 64), bytearray(b"\x5c" * 64)
    for i in range(len(key)):
        inner[i] ^= key[i]
        outer[i] ^= key[i]
    return inner, outer


def mac(padded: tuple[bytearray, bytearray], data: bytes) -> bytes:
    """HMAC-SHA256 under a key that went through `pads`."""
    inner = hashlib.sha256(padded[0])
    inner.update(data)
    outer = hashlib.sha256(padded[1])
    outer.update(inner.digest())
    return outer.digest()


def same(a: bytes, b: bytes) -> bool:
    """Equal? Takes as long for a wrong first byte as for a wrong last one."""
    different = len(a) ^ len(b)
    for i in range(min(len(a), len(b))):
        different |= a[i] ^ b[i]
    return different == 0


def tag(padded: tuple[bytearray, bytearray] | None, body: bytes) -> bytes:
    """What stands behind the star: a checksum, or under a session's key a proof."""
    if padded:
        return hexlify(mac(padded, body)[:8])
    return hexlify(hashlib.sha256(body).digest()[:4])


class Link:
    """A line and what was agreed on it; the charger behind it is the one that obeys."""

    def __init__(self, charger, write, serial: bool) -> None:
        self.charger = charger
        self.write = write
        self.serial = serial
        """A cable, not a network: plain sessions and setting the key are for cables."""
        self.open = False
        """A session is in force."""
        self.bad = 0
        """Frames that were dropped."""
        self.age_ms = 0
        """Since a session's frame was heard on it last."""
        self._buffer = b""
        self._skip = False
        self._credit_ms = _CREDIT_MS
        self._pads: tuple | None = None  # of a sealed session: (host to device, device to host)
        self._rx = self._tx = 0
        self._nonces: tuple | None = None  # of a handshake under way: (the host's, ours)
        self._greeting_rx = 0
        self._last_id = 0
        self._last: str | None = None

    def tick(self, dt: int) -> None:
        """Time has passed: the host may ask again."""
        self._credit_ms = min(_CREDIT_MS, self._credit_ms + dt)
        self.age_ms = min(60000, self.age_ms + dt)

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        while data:
            end = data.find(b"\n")
            piece = data if end < 0 else data[:end]
            data = b"" if end < 0 else data[end + 1 :]
            if len(self._buffer) + len(piece) > _LINE_BYTES:
                self._skip = True
            if self._skip:
                self._buffer = b""
            else:
                self._buffer += piece
            if end >= 0:
                line = self._buffer.replace(b"\r", b"")
                if self._skip or (line and not self._line(line)):
                    self.bad = (self.bad + 1) & 0x3FFFFFFF
                self._buffer = b""
                self._skip = False

    def event(self, name: str, ms: int, obj: str) -> None:
        """Tell the host, if one listens. Only `boot` is for those who have not met."""
        words = '[5,"%s",%d,%s]' % (name, ms, obj)
        if name == "boot":
            self._write(0, None, words)
        elif self.open:
            self._send(words)

    def answer(self, words: str, request_id: int) -> None:
        """The answer to a request, also to one that had to wait for the plant."""
        if self.open and request_id == self._last_id and self._last is None:
            self._last = words
            self._send(words)

    def close(self) -> None:
        """Another host has taken over, or the line is gone."""
        self.open = False
        self._pads = self._nonces = None

    def _line(self, line: bytes) -> bool:
        start = line.find(b">")
        star = line.rfind(b"*")
        body = line[start:star]
        space = body.find(b" ")
        if start < 0 or not 2 <= space <= 10 or not body[1:space].isdigit():
            return False
        counter = int(body[1:space])
        proof = line[star + 1 :]
        sealed = len(proof) == 16
        padded = self._pads if sealed else None
        if (sealed and not padded) or not same(proof, tag(padded and padded[0], body)):
            return False
        plain = self.open and not self._pads and not self.charger.key
        if sealed or (counter and plain):
            if counter <= self._rx:
                return False
        # A plain frame has no business in a sealed session, unless a new one is being agreed.
        elif counter and (counter <= self._greeting_rx if self._nonces else self.open):
            return False
        try:
            message = json.loads(str(body[space + 1 :], "utf8"))
            kind, request_id, verb = message[:3]
            args = message[3] if len(message) > 3 else {}
        except MemoryError:
            raise
        except Exception:
            return False
        if kind != 2 or type(request_id) is not int or not 1 <= request_id <= 65535:
            return False
        if type(verb) is not str or type(args) is not dict or (verb == "hello") != (counter == 0):
            return False
        self._obey(counter, counter > 0 and (sealed or plain), request_id, verb, args)
        return True

    def _obey(self, counter: int, session: bool, request_id: int, verb: str, args: dict) -> None:
        charger = self.charger
        if session:
            self._rx = counter
            self.age_ms = 0
            charger.renew()
            if request_id == self._last_id:
                if self._last:
                    self._send(self._last)
                return
        elif counter:
            self._greeting_rx = counter
        try:
            if self._credit_ms < _COST_MS:
                raise Refused("Rate")
            self._credit_ms -= _COST_MS
            if session:
                self._last_id = request_id
                self._last = None
                obj = charger.request(self, request_id, verb, args)
                if obj:
                    self.answer("[3,%d,%s]" % (request_id, obj), request_id)
            elif verb == "hello":
                self._write(0, None, "[3,%d,{%s}]" % (request_id, self._greet(args)))
            elif verb == "auth":
                self._prove(args)
                self._last_id = request_id
                self.answer("[3,%d,{}]" % request_id, request_id)
            elif verb == "key" and self._nonces and self.serial and charger.board.button():
                # The old key is lost, but whoever presses the button stands at the box.
                obj = charger.request(self, request_id, verb, args)
                self._write(0, None, "[3,%d,%s]" % (request_id, obj))
            else:
                raise Refused("NoSession")
        except Refused as error:
            words = '[4,%d,"%s",%s]' % (request_id, error.code, text(error.words))
            if not session:
                self._write(0, None, words)
            elif error.code == "Rate":
                self._send(words)
            else:
                self.answer(words, request_id)

    def _greet(self, args: dict) -> str:
        charger = self.charger
        versions = args.get("v")
        if type(versions) is not list or 1 not in versions:
            raise Refused("Version")
        host = charger.host
        if charger.update and host is not self and host.open:
            raise Refused("Busy", "update")  # who is carrying it would lose it half-way
        if not charger.key:
            if not self.serial and not charger.board.insecure:
                raise Refused("Auth", "set a key over USB")
            self._start(None)
            return charger.greeting() + ',"auth":0'
        if charger.locked_out:
            raise Refused("Auth", "wait")
        nonce = unhex(args.get("n"))
        if nonce and len(nonce) != 16:
            raise Refused("BadArg", "n")
        # A host that repeats its greeting gets the same nonce, else it would prove the old one.
        if not self._nonces or self._nonces[0] != nonce:
            self._nonces = (nonce, charger.board.random(16))
        self._greeting_rx = 0
        self.open = self._pads is not None  # a plain session ends where a key begins
        words = ',"auth":1,"n":"%s"' % str(hexlify(self._nonces[1]), "utf8")
        if nonce:
            nonces = nonce + self._nonces[1]
            proof = mac(pads(charger.key), b"D" + nonces)[:16]
            words += ',"p":"%s"' % str(hexlify(proof), "utf8")
        return charger.greeting() + words

    def _prove(self, args: dict) -> None:
        if not self._nonces:
            raise Refused("NoSession")
        nonces = self._nonces[0] + self._nonces[1]
        self._nonces = None
        key = pads(self.charger.key)
        right = len(nonces) == 32 and same(unhex(args.get("p")), mac(key, b"H" + nonces)[:16])
        self.charger.proof(right)
        if not right:
            raise Refused("Auth")
        self._start((pads(mac(key, b"h" + nonces)), pads(mac(key, b"d" + nonces))))

    def _start(self, session_pads) -> None:
        self._pads = session_pads
        self._rx = self._tx = self._last_id = 0
        self._last = None
        self.age_ms = 0
        self.open = True
        self.charger.opened(self)

    def _send(self, words: str) -> None:
        self._tx += 1
        self._write(self._tx, self._pads and self._pads[1], words)

    def _write(self, counter: int, padded, words: str) -> None:
        body = bytes("<%d %s" % (counter, words), "utf8")
        self.write(b"\n" + body + b"*" + tag(padded, body) + b"\n")
