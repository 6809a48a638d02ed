"""What the tests of this room share: a tiny protocol version, and two parties on one clock."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.errors import (
    FormationViolation,
    InvalidMessage,
    NotImplementedByUs,
    PropertyConstraintViolation,
    ProtocolError,
    TypeConstraintViolation,
)
from txocpp.interfaces import IFrameReceiver, IMessageFactory, ITransport
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer


@attrs.frozen
class EchoRequest:
    """Says a word."""

    action = "Echo"
    word: str


@attrs.frozen
class EchoResponse:
    """Says it back."""

    action = "Echo"
    word: str


@attrs.frozen
class OddRequest:
    """An action that nobody supports."""

    action = "Odd"
    word: str = ""


@implementer(IMessageFactory)
class TinyFactory:
    """A version of OCPP with two actions, each with one field, ``word``, of 1 to 5 characters."""

    subprotocol = "tiny"

    def request_type(self, action: str) -> type[Any] | None:
        return {"Echo": EchoRequest, "Odd": OddRequest}.get(action)

    def request(self, action: str, payload: object) -> Any:
        request_type = self.request_type(action)
        if request_type is None:
            raise NotImplementedByUs(action)
        return request_type(self._word(payload))

    def response(self, action: str, payload: object) -> Any:
        return EchoResponse(self._word(payload))

    def payload(self, message: Any) -> dict[str, Any]:
        if len(message.word) > 5:
            raise InvalidMessage("word: longer than 5 characters")
        return {"word": message.word}

    def _word(self, payload: object) -> str:
        assert isinstance(payload, dict)
        if "word" not in payload:
            raise ProtocolError("word: missing")
        if len(payload) > 1:
            raise FormationViolation("unknown property")
        word = payload["word"]
        if not isinstance(word, str):
            raise TypeConstraintViolation("word: not a string")
        if len(word) > 5:
            raise PropertyConstraintViolation("word: longer than 5 characters")
        return word


def echo(request: EchoRequest) -> EchoResponse:
    """The plain responder."""
    return EchoResponse(request.word)


@implementer(ITransport)
class RecordingTransport:
    """A line that goes nowhere and remembers what was sent."""

    peer = "somebody"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed: tuple[int, str] | None = None

    def send(self, frame: str) -> None:
        self.sent.append(frame)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = (code, reason)


@implementer(IFrameReceiver)
class RecordingReceiver:
    """Remembers what a transport tells it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.events: list[str] = []

    def connected(self, transport: ITransport) -> None:
        self.transport = transport
        self.events.append("connected")

    def frame_received(self, frame: str) -> None:
        self.events.append(frame)

    def disconnected(self, reason: str) -> None:
        self.transport = None
        self.events.append(f"disconnected: {reason}")


class Two:
    """Two peers that can talk, and the line between them."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.left = Peer(TinyFactory(), {EchoRequest: echo}, clock=self.clock, **settings)
        self.right = Peer(TinyFactory(), {EchoRequest: echo}, clock=self.clock)
        self.link = MemoryLink(self.clock, self.left, self.right)
        self.link.connect()

    def run(self, seconds: float = 0.0) -> None:
        """Let everything that is under way arrive, then let time pass."""
        for _ in range(20):
            self.clock.advance(0)
        if seconds:
            self.clock.advance(seconds)
            self.run()


class Outcome:
    """What has become of a Deferred so far."""

    def __init__(self, deferred: Deferred[Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_known = False
        deferred.addCallbacks(self._succeeded, self._failed)

    def _succeeded(self, result: Any) -> None:
        self.is_known, self.result = True, result

    def _failed(self, failure: Failure) -> None:
        self.is_known, self.error = True, failure.value
