"""Two frame receivers joined in memory: a line that a test or a simulation can disturb at will.

Frames travel on a clock, never from inside a call, in order, in both directions independently. The
same script of events on the same clock gives the same run, to the frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from txocpp.interfaces import IFrameReceiver, ITransport


@attrs.frozen
class Passage:
    """One frame that was put on the line."""

    at: float
    """Seconds of the clock, when it was sent."""
    sender: str
    """Name of the end that sent it."""
    frame: str
    arrives: bool = True
    """False: lost on the way by `Lane.loses` or because the line was frozen."""


@attrs.define(eq=False)
class Lane:
    """One direction of a line. The settings may be changed at any time."""

    latency_s: float = 0.0
    """Time under way. 0: the next turn of the clock. Frames never overtake each other."""
    loses: Callable[[str], bool] | None = None
    """Asked about every frame; True loses it, as a real line only does just before it breaks."""
    delays: Callable[[str], float] | None = None
    """Asked about every frame for seconds in addition to the latency."""
    busy_until: float = attrs.field(default=0.0, init=False)
    """Arrival of the newest frame that is under way."""


class MemoryLink:
    """A line between a left and a right receiver; down until `connect`.

    `cut` breaks it and tells both ends. `freeze` makes it half-open: frames vanish and nobody is
    told, until `thaw` or `cut`. After a cut `connect` makes a new connection.
    """

    def __init__(
        self,
        clock: IReactorTime,
        left: IFrameReceiver,
        right: IFrameReceiver,
        *,
        latency_s: float = 0.0,
        names: tuple[str, str] = ("left", "right"),
    ) -> None:
        self.clock = clock
        self.names = names
        self.to_right = Lane(latency_s)
        self.to_left = Lane(latency_s)
        self.transcript: list[Passage] = []
        self.frozen = False
        self._receivers = (left, right)
        self._ends: tuple[_End, _End] | None = None

    @property
    def is_up(self) -> bool:
        """True between `connect` and the end of the connection, frozen or not."""
        return self._ends is not None

    def connect(self) -> None:
        """Make a connection; both receivers are told at once, the right one first, as a server
        is. A connection that is up is cut before."""
        self.cut("replaced by a new connection")
        self.frozen = False
        left, right = self._receivers
        near, far = _End(self, left, self.names), _End(self, right, self.names[::-1])
        near.other, far.other = far, near
        near.lane, far.lane = self.to_right, self.to_left
        self._ends = (near, far)
        self.to_right.busy_until = self.to_left.busy_until = 0.0
        right.connected(far)
        if near.is_open:
            left.connected(near)

    def cut(self, reason: str = "the line was cut") -> None:
        """Break the connection now. What is under way is lost; both receivers are told at once."""
        ends, self._ends = self._ends, None
        for end in ends or ():
            end.lose(reason)

    def freeze(self) -> None:
        """From now on frames vanish in both directions; those under way too. Nobody is told."""
        self.frozen = True
        for end in self._ends or ():
            end.forget_arrivals()

    def thaw(self) -> None:
        """Frames pass again; those of the meantime stay lost."""
        self.frozen = False

    def frames(self, sender: str | None = None) -> list[str]:
        """The frames that were sent so far, by one end or by both."""
        return [p.frame for p in self.transcript if sender in (None, p.sender)]

    def ended(self, end: _End) -> None:
        """One end has heard that its connection is over."""
        if self._ends is not None and end in self._ends and not any(e.is_open for e in self._ends):
            self._ends = None


@implementer(ITransport)
class _End:
    """What one receiver holds of one connection."""

    other: _End
    lane: Lane
    """Towards the other end."""

    def __init__(self, link: MemoryLink, receiver: IFrameReceiver, names: tuple[str, str]) -> None:
        self.name, self.peer = names
        self.is_open = True
        self._link = link
        self._receiver = receiver
        self._arrivals: deque[tuple[Callable[[str], None], str]] = deque()
        self._timers: list[IDelayedCall] = []
        self._closing: IDelayedCall | None = None

    def send(self, frame: str) -> None:
        if self._closing is not None or not self.is_open:
            return
        link, lane = self._link, self.lane
        arrives = not link.frozen and not (lane.loses is not None and lane.loses(frame))
        link.transcript.append(Passage(link.clock.seconds(), self.name, frame, arrives))
        if arrives:
            self._dispatch(
                self.other.hear, frame, 0.0 if lane.delays is None else lane.delays(frame)
            )

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._closing is not None or not self.is_open:
            return
        words = f"closed by {self.name}: {code} {reason}".rstrip()
        if not self._link.frozen:
            self._dispatch(self.other.lose, words)
        # The end that closes hears of it when the other end has, as in a closing handshake.
        wait_s = max(0.0, self.lane.busy_until - self._link.clock.seconds())
        self._closing = self._link.clock.callLater(wait_s, self.lose, words)

    def hear(self, frame: str) -> None:
        self._receiver.frame_received(frame)

    def lose(self, reason: str) -> None:
        """The connection is over at this end; what is still under way to it is lost."""
        if not self.is_open:
            return
        self.is_open = False
        self.forget_arrivals()
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        self._link.ended(self)
        self._receiver.disconnected(reason)

    def forget_arrivals(self) -> None:
        """Lose what is under way to this end."""
        self._arrivals.clear()
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers.clear()

    def _dispatch(self, hear: Callable[[str], None], words: str, extra_s: float = 0.0) -> None:
        """Let the other end hear something when it has come down the lane."""
        now = self._link.clock.seconds()
        self.lane.busy_until = max(now + self.lane.latency_s + extra_s, self.lane.busy_until)
        self.other.expect(hear, words, self.lane.busy_until - now)

    def expect(self, hear: Callable[[str], None], words: str, delay_s: float) -> None:
        """Something is under way to this end. Timers only pace it: the order is that of sending."""
        if not self.is_open:
            return
        self._timers = [timer for timer in self._timers if timer.active()]
        self._arrivals.append((hear, words))
        self._timers.append(self._link.clock.callLater(delay_s, self._arrive))

    def _arrive(self) -> None:
        hear, words = self._arrivals.popleft()
        hear(words)
