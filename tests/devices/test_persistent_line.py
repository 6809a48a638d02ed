"""A line that is opened again and again, with growing pauses."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from txocpp.devices.persistent_line import LONGEST_PAUSE_S, PersistentLine


class User:
    """Writes down what it hears; an endpoint as well, that opens if `there`."""

    def __init__(self, *, there: bool = True) -> None:
        self.clock = Clock()
        self.there = there
        self.attempts: list[float] = []
        self.heard: list[Any] = []
        self.protocol: Any = None
        self.pending: Deferred[Any] | None = None
        self.line = PersistentLine(self, self.clock, self, jitter=lambda: 0.5)  # type: ignore[arg-type]
        self.line.startService()

    def connect(self, factory: Any) -> Deferred[Any]:
        self.attempts.append(self.clock.seconds())
        if not self.there:
            return fail(ConnectError(string="nobody"))
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(StringTransport())
        return succeed(self.protocol)

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def line_up(self) -> None:
        self.heard.append("up")

    def bytes_received(self, data: bytes) -> None:
        self.heard.append(data)

    def line_down(self, reason: str) -> None:
        self.heard.append("down")


def test_bytes_go_both_ways() -> None:
    """Up, bytes, down; written is only while it is up."""
    user = User()
    user.line.write(b"hello")
    user.protocol.dataReceived(b"world")
    assert user.protocol.transport.value() == b"hello"
    user.lose()
    assert not user.line.is_up
    user.line.write(b"lost")
    assert user.heard == ["up", b"world", "down"]
    user.line.stopService()


def test_pauses_grow_up_to_ten_seconds() -> None:
    """Nobody is knocked at like mad, and nobody is given up."""
    user = User(there=False)
    for _ in range(200):
        user.clock.advance(1)
    pauses = [b - a for a, b in zip(user.attempts, user.attempts[1:], strict=False)]
    assert pauses[:6] == [1, 2, 4, 8, 10, 10]
    assert set(pauses[4:]) == {LONGEST_PAUSE_S}
    user.there = True
    user.clock.advance(30)
    assert user.heard == ["up"]
    user.line.stopService()


def test_only_a_settled_line_begins_with_a_short_pause() -> None:
    """A port that opens and is of no use is not success."""
    user = User()
    for _ in range(3):
        user.lose()
        user.clock.advance(8)
    assert user.attempts == [0, 8, 16, 24]
    user.line.settled()
    user.lose()
    user.clock.advance(1)
    assert user.attempts[-1] == 25
    user.line.stopService()


def test_dropping_on_purpose() -> None:
    """The next attempt comes after the pause that was asked for."""
    user = User()
    user.line.drop(pause_s=6)
    assert user.protocol.transport.disconnecting
    user.lose()
    user.clock.advance(5.9)
    assert len(user.attempts) == 1
    user.clock.advance(0.1)
    assert len(user.attempts) == 2
    user.line.stopService()


def test_stopping_in_every_state() -> None:
    """While waiting, while connecting and while it is up; no timer is left."""
    waiting = User(there=False)
    assert waiting.line.stopService() is None
    assert waiting.clock.getDelayedCalls() == []

    up = User()
    stopped = up.line.stopService()
    assert stopped is not None
    up.lose()
    assert stopped.called
    assert up.clock.getDelayedCalls() == []

    connecting = User(there=False)
    connecting.there = True
    connecting.connect = lambda factory: Deferred()  # type: ignore[method-assign]
    connecting.clock.advance(1)
    assert connecting.line.stopService() is None
    assert connecting.clock.getDelayedCalls() == []
