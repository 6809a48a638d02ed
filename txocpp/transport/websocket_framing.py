"""The fast way for the usual frame: a whole, unfragmented text message.

Rules of this room: what is not the usual frame, or not quite right, goes to Autobahn untouched, so
that Autobahn alone decides about everything that is not plain. Both ways give the same callbacks,
answers and close codes; a property test compares them.

Autobahn alone needs twice the CPU time of everything that txocpp does with a message.
"""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any, Final, TypeVar

from autobahn.twisted.websocket import WebSocketClientProtocol, WebSocketServerProtocol
from twisted.logger import Logger

from txocpp.transport.websocket_masking import masked

if TYPE_CHECKING:
    _Protocol = WebSocketServerProtocol
else:
    _Protocol = object

_WHOLE_TEXT: Final = 0x81
"""First byte of a text frame that is a message by itself: FIN, no RSV, opcode 1 (RFC 6455 §5.2)."""
_MASKED: Final = 0x80
_LENGTH_16: Final = 126

P = TypeVar("P", bound=type[Any])


class QuietLog:
    """Takes Autobahn's log. Only errors pass: what matters is said once, by our own lines, and
    Autobahn's lines at level debug hold passwords."""

    _log = Logger("txocpp.transport.autobahn")

    def debug(self, *_: object, **__: object) -> None:
        pass

    trace = info = warn = debug

    def error(self, format: str | None = None, **values: object) -> None:
        self._log.error(format, **values)

    def failure(self, format: str, failure: object = None, **values: object) -> None:
        self._log.error(format, **values)


class WholeTextFrames(_Protocol):
    """Mixed in before an Autobahn protocol: shortcuts for receiving and sending.

    Gives `text_received` for every text message, whichever way it came, and `bytes_received` for
    every binary one. `send_text` sends one.
    """

    log = QuietLog()
    current_frame: Any = None
    inside_message: bool = False
    transport: Any
    maxMessagePayloadSize: int
    maxFramePayloadSize: int
    _peer_masks: bool
    """The peer is a client: its frames must be masked, ours must not (RFC 6455 §5.1)."""

    def text_received(self, text: str) -> None:
        """One whole text message has come."""

    def bytes_received(self, payload: bytes) -> None:
        """One whole binary message has come."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if isBinary:
            self.bytes_received(payload)
        else:
            self.text_received(payload.decode())

    def dataReceived(self, data: bytes) -> None:
        begin, end = 0, len(data)
        while (
            self.state == self.STATE_OPEN
            and self.current_frame is None
            and not self.data
            and not self.inside_message
            and (found := self._whole_text(data, begin)) is not None
        ):
            text, begin = found
            self.text_received(text)
            if begin == end:
                return
        self.unusual_received(data[begin:] if begin else data)

    def unusual_received(self, data: bytes) -> None:
        """Anything but usual frames, the handshake for example."""
        if data:
            # Not super().dataReceived, which only logs, and at length.
            self._dataReceived(data)

    def _whole_text(self, data: bytes, begin: int) -> tuple[str, int] | None:
        """The text message that begins there, and where it ends; None if it is not a usual one."""
        length_at = begin + 1
        if len(data) < begin + 2 or data[begin] != _WHOLE_TEXT:
            return None
        length = data[length_at]
        if self._peer_masks:
            length -= _MASKED
            if length < 0:
                return None
        payload_at = begin + 2
        if length >= _LENGTH_16:
            # More than 64 KiB rarely come in one piece; a client's mask bit looks like that too.
            if length > _LENGTH_16 or len(data) < begin + 4:
                return None
            length = data[begin + 2] << 8 | data[begin + 3]
            if length < _LENGTH_16:
                return None
            payload_at = begin + 4
        mask_at = payload_at
        if self._peer_masks:
            payload_at += 4
        end = payload_at + length
        if (
            end > len(data)
            or 0 < self.maxMessagePayloadSize < length
            or 0 < self.maxFramePayloadSize < length
        ):
            return None
        payload: bytes | bytearray
        if self._peer_masks:
            payload = masked(data[payload_at:end], data[mask_at:payload_at])
        else:
            payload = data[payload_at:end]
        try:
            return payload.decode(), end
        except UnicodeDecodeError:
            return None

    def send_text(self, text: str) -> None:
        """Send one text message in one frame. Nothing happens if the connection is not open."""
        if self.state != self.STATE_OPEN:
            return
        payload = text.encode()
        length = len(payload)
        mask_bit = 0 if self._peer_masks else _MASKED
        if length < _LENGTH_16:
            header = bytes((_WHOLE_TEXT, mask_bit | length))
        elif length < 1 << 16:
            header = struct.pack("!BBH", _WHOLE_TEXT, mask_bit | _LENGTH_16, length)
        else:
            # Not sendMessage: the limit is for what the peer sends; it has its own for ours.
            self.sendFrame(opcode=1, payload=payload)
            return
        if mask_bit:
            # Unpredictable for a proxy is all that RFC 6455 §10.3 wants; we send no foreign data.
            mask = random.getrandbits(32).to_bytes(4, "big")
            self.write(header + mask + masked(payload, mask))
        else:
            self.write(header + payload)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        self.write(data)

    def write(self, data: bytes) -> None:
        """Every byte to the peer goes through here."""
        self.transport.write(data)


class FramedServerProtocol(WholeTextFrames, WebSocketServerProtocol):  # type: ignore[misc]
    """Autobahn's server protocol with the fast way."""

    _peer_masks = True


class FramedClientProtocol(WholeTextFrames, WebSocketClientProtocol):  # type: ignore[misc]
    """Autobahn's client protocol with the fast way."""

    _peer_masks = False


def configured(protocol: P, options: object, **attributes: object) -> P:
    """A protocol class that holds the factory's options once, for all of its connections.

    Autobahn would copy them into each connection, and print them, which costs half of the CPU
    time of a new connection. `attributes` are further values for all connections.
    """
    values = {name: getattr(options, name) for name in protocol.CONFIG_ATTRS}
    # A function of the factory must not become a method of the protocol.
    values = {n: staticmethod(v) if callable(v) else v for n, v in values.items()}
    body = {**values, **attributes, "CONFIG_ATTRS": (), "__module__": protocol.__module__}
    return type(protocol.__name__, (protocol,), body)  # type: ignore[return-value]
