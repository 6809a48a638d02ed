"""What both ends of a WebSocket have in common: life, limits and an end.

All time limits run on the clock that is passed in. Autobahn's own timers stay off: they fire up to
a second early and ignore that clock.
"""

from __future__ import annotations

from math import inf
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.interfaces import IFrameReceiver, ITransport
from txocpp.transport.pinger import Pinger
from txocpp.transport.websocket_framing import WholeTextFrames
from txocpp.transport.websocket_settings import LineLimits

MOST_FRAGMENTS: Final = 10_000
"""Fragments that one message may come in. Empty ones have no size, but cost memory."""
CLOSE_REASON_BYTES: Final = 123
MESSAGE_COST: Final = 1000
"""What a message or ping costs beyond its bytes, see `LineLimits.fair_share`."""
AHEAD_S: Final = 2.0
"""So many seconds of its fair share a peer may use up at once."""


@implementer(ITransport)
class Wire:
    """One open WebSocket connection, as its frame receiver sees it."""

    __slots__ = ("_line", "peer")

    def __init__(self, line: WebSocketLine, peer: str) -> None:
        self._line = line
        self.peer = peer

    def send(self, frame: str) -> None:
        self._line.send_text(frame)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._line.close(code, reason)


class WebSocketLine(WholeTextFrames):
    """Mixed in before an Autobahn protocol: limits, pings and the receiver of the frames."""

    clock: IReactorTime
    limits: LineLimits
    receiver: IFrameReceiver | None = None
    why: str = ""
    """Why the connection came to its end, if it was our decision."""

    _deadline: IDelayedCall | None = None
    _lost: bool = False
    _pinger: Pinger | None = None
    _unsent: int = -1
    """Bytes written since the transport's buffer became full; negative while it is not."""
    _fragments: int = 0
    _credit: float = 0.0
    """What the peer may send before its share is looked at again."""
    _credited_at: float = -inf
    _resting: IDelayedCall | None = None
    """The end of a time in which nothing is read."""
    _waiting: tuple[Deferred[None], ...] = ()

    _log = Logger()

    # --- for the two ends

    def begin(self, receiver: IFrameReceiver, peer: str, ping_interval_s: float) -> None:
        """The handshake is done: frames go to the receiver from now on."""
        self.receiver = receiver
        self.expect_nothing()
        # Behind a web server's resource, the HTTP channel is still registered.
        self.unregisterProducer()
        self.registerProducer(self, True)
        self._pinger = Pinger(self.clock, self.sendPing, self.drop)
        self.set_ping_interval(ping_interval_s)
        self._tell(receiver.connected, Wire(self, peer))

    def set_ping_interval(self, ping_interval_s: float) -> None:
        """Ping that often from now on; 0 stops."""
        if self._pinger is not None:
            self._pinger.set_interval(ping_interval_s, self.patience_s(ping_interval_s))

    def patience_s(self, ping_interval_s: float) -> float:
        """How long a pong may take."""
        return self.limits.pong_timeout_s

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close gracefully, within the close time-out."""
        if self.state != self.STATE_OPEN:
            return
        self.why = self.why or f"closed by us: {code} {reason}".rstrip()
        words = reason.encode("utf-8", "replace")[:CLOSE_REASON_BYTES]
        self.sendCloseFrame(code, words.decode("utf-8", "ignore").encode())
        if self._resting is not None:
            # Its answer would wait behind everything that it has said too much.
            self.dropConnection(abort=True)

    def drop(self, why: str) -> None:
        """End the connection without a word to the peer."""
        self.why = self.why or why
        self.dropConnection(abort=True)

    def detach(self, why: str) -> None:
        """Part the receiver from the connection; it is told, and hears nothing more."""
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            self._tell(receiver.disconnected, why)

    def is_gone(self) -> Deferred[None]:
        """Fires when the connection is over."""
        gone: Deferred[None] = Deferred()
        if self._lost:
            gone.callback(None)
        else:
            self._waiting = (*self._waiting, gone)
        return gone

    def expect_within(self, timeout_s: float, what: str) -> None:
        """Drop the connection unless something happens in time."""
        self.expect_nothing()
        self._deadline = self.clock.callLater(timeout_s, self._too_late, what)

    def expect_nothing(self) -> None:
        """The peer has all the time in the world."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # --- from Autobahn

    def connectionMade(self) -> None:
        limit_s = self.limits.handshake_timeout_s
        self.expect_within(limit_s, f"no handshake within {limit_s:g} s")
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = True
        self.expect_nothing()
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if self._pinger is not None:
            self._pinger.stop()
        # Not super().connectionLost, which only logs, and at length.
        self._connectionLost(reason)  # type: ignore[arg-type]
        # Autobahn's protocols die in cycles; an unfinished message would wait for the collector.
        self.data, self.message_data, self.frame_data = b"", [], []
        for gone in self._waiting:
            gone.callback(None)

    def unusual_received(self, data: bytes) -> None:
        # Autobahn would collect what comes after the end, and any length of header.
        if self.state == self.STATE_CLOSED:
            return
        if (
            self.state == self.STATE_CONNECTING
            and len(self.data) + len(data) > self.limits.longest_header
        ):
            self.header_too_long()
            return
        self._credit -= len(data)
        super().unusual_received(data)

    def header_too_long(self) -> None:
        """The handshake goes on for too long."""
        self.failHandshake("HTTP header too long")

    def text_received(self, text: str) -> None:
        # After our close frame nobody would answer any more.
        receiver = self.receiver
        if receiver is None or self.state != self.STATE_OPEN:
            return
        self._credit -= len(text) + MESSAGE_COST
        if self._credit < 0:
            self._overdrawn()
        try:
            receiver.frame_received(text)
        except Exception:
            self._receiver_failed(receiver.frame_received)

    def bytes_received(self, payload: bytes) -> None:
        # OCPP-J 1.6 §4.2: frames are text (J-18).
        self.close(1003, "OCPP-J frames are text")

    def onPing(self, payload: bytes) -> None:
        self._credit -= MESSAGE_COST
        if self._credit < 0:
            self._overdrawn()
        super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        self._credit -= MESSAGE_COST
        if self._credit < 0:
            self._overdrawn()
        if self._pinger is not None:
            self._pinger.pong()

    def onMessageBegin(self, isBinary: bool) -> None:
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        self._fragments += 1
        super().onMessageFrameBegin(length)
        if self._fragments > MOST_FRAGMENTS and not self.failedByMe:
            self._fail_connection(1009, "too many fragments")

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.ended(self.why or self._words(wasClean, code, reason))

    def ended(self, why: str) -> None:
        """The connection is over, or never came about."""
        self.detach(why)

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        super().sendCloseFrame(code, reasonUtf8, isReply)
        self._linger()

    def dropConnection(self, abort: bool = False) -> None:
        super().dropConnection(abort)
        self._linger()

    # --- a peer that says too much

    def _overdrawn(self) -> None:
        """Give the peer what has become its share meanwhile; read nothing while that is too
        little. What it says waits in its own socket then, and others have their turn."""
        share = self.limits.fair_share
        if share <= 0:
            self._credit = inf
            return
        if self._resting is not None:
            return
        now = self.clock.seconds()
        earned = min((now - self._credited_at) * share, AHEAD_S * share)
        self._credited_at = now
        self._credit += earned
        # Less than a byte is no time to rest.
        if self._credit <= -1:
            self._resting = self.clock.callLater(-self._credit / share, self._rested)
            self.transport.pauseProducing()

    def _rested(self) -> None:
        self._resting = None
        self._overdrawn()
        if self._resting is None and not self._lost:
            self.transport.resumeProducing()

    # --- a peer that does not read

    def write(self, data: bytes) -> None:
        if self._unsent >= 0:
            self._unsent += len(data)
            if self._unsent > self.limits.most_unsent:
                self.drop(f"the peer does not read: {self._unsent} bytes are waiting")
                return
        self.transport.write(data)

    def pauseProducing(self) -> None:
        self._unsent = max(self._unsent, 0)

    def resumeProducing(self) -> None:
        self._unsent = -1

    def stopProducing(self) -> None:
        pass

    # --- inside

    def _linger(self) -> None:
        """The peer has limited time to take the last bytes and agree."""
        if self._pinger is not None:
            self._pinger.stop()
        if not self._lost:
            limit_s = self.limits.close_timeout_s
            self.expect_within(limit_s, f"the peer did not close within {limit_s:g} s")

    def _too_late(self, what: str) -> None:
        self._deadline = None
        if not self.wasClean:
            self.why = self.why or what
        if self.state == self.STATE_CLOSED:
            self.transport.abortConnection()
        else:
            self.dropConnection(abort=True)

    def _tell(self, listener: Any, *arguments: object) -> None:
        try:
            listener(*arguments)
        except Exception:
            self._receiver_failed(listener)

    def _receiver_failed(self, listener: Any) -> None:
        self._log.failure("a frame receiver failed: {listener}", listener=listener)
        self.close(1011, "internal error")

    def _words(self, was_clean: bool, code: int | None, reason: str | None) -> str:
        if was_clean:
            return f"closed by the peer: {code or 'no code'} {reason or ''}".rstrip()
        ours: int | None = self.localCloseCode
        if ours is not None:
            words: bytes = self.localCloseReason or b""
            return f"closed by us: {ours} {words.decode()}".rstrip()
        return self.wasNotCleanReason or "the connection was lost"


def printable(text: str) -> str:
    """Foreign words, made fit for a line of our log."""
    return "".join(c if c.isprintable() else "?" for c in text[:200]).strip()
