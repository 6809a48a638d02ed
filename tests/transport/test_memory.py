"""A line in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transport_rig import RecordingReceiver
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from txocpp.interfaces import ITransport
from txocpp.transport.memory import MemoryLink, Passage


class Line:
    """Two recording receivers and the link between them."""

    def __init__(self, latency_s: float = 0.0) -> None:
        self.clock = Clock()
        self.left, self.right = RecordingReceiver(), RecordingReceiver()
        self.link = MemoryLink(
            self.clock, self.left, self.right, latency_s=latency_s, names=("cp", "csms")
        )
        self.link.connect()

    def leaves_nothing(self) -> bool:
        """No timer is left on the clock."""
        return self.clock.getDelayedCalls() == []


@pytest.fixture
def line() -> Line:
    return Line()


def test_each_end_is_a_transport(line: Line) -> None:
    """With the name of the other end."""
    assert verifyObject(ITransport, line.left.transport)
    assert (line.left.transport.peer, line.right.transport.peer) == ("csms", "cp")


def test_frames_arrive_in_order_on_the_next_turn(line: Line) -> None:
    """Never from inside `send`."""
    line.left.transport.send("a")
    line.left.transport.send("b")
    assert line.right.events == ["connected"]
    line.clock.advance(0)
    assert line.right.events == ["connected", "a", "b"]


def test_latency_delays_each_direction_by_itself() -> None:
    """It may be changed at any time; frames never overtake each other."""
    line = Line(latency_s=2)
    line.link.to_left.latency_s = 0
    line.left.transport.send("slow")
    line.right.transport.send("fast")
    line.clock.advance(0)
    assert line.left.events[-1] == "fast"
    line.link.to_right.latency_s = 0
    line.left.transport.send("after")
    line.clock.advance(1.9)
    assert line.right.events == ["connected"]
    line.clock.advance(0.1)
    assert line.right.events == ["connected", "slow", "after"]


def test_a_lane_may_lose_and_delay_single_frames(line: Line) -> None:
    """As a test or a seeded simulation decides."""
    line.link.to_right.loses = lambda frame: frame == "b"
    line.link.to_right.delays = lambda frame: 5.0 if frame == "c" else 0.0
    for frame in "abcd":
        line.left.transport.send(frame)
    line.clock.advance(0)
    assert line.right.events == ["connected", "a"]
    line.clock.advance(5)
    assert line.right.events == ["connected", "a", "c", "d"]


def test_the_transcript_tells_who_said_what_and_when(line: Line) -> None:
    """Lost frames included."""
    line.left.transport.send("a")
    line.clock.advance(3)
    line.link.to_left.loses = lambda _: True
    line.right.transport.send("b")
    assert line.link.transcript == [
        Passage(0, "cp", "a"),
        Passage(3, "csms", "b", arrives=False),
    ]
    assert line.link.frames("csms") == ["b"]
    assert line.link.frames() == ["a", "b"]


def test_a_cut_tells_both_ends_and_loses_what_is_under_way(line: Line) -> None:
    """What is sent afterwards vanishes."""
    left = line.left.transport
    left.send("a")
    line.link.cut("digger")
    left.send("b")
    left.close()
    line.clock.advance(10)
    assert line.right.events == ["connected", "disconnected: digger"]
    assert line.left.events == ["connected", "disconnected: digger"]
    assert not line.link.is_up
    assert line.leaves_nothing()


def test_a_restored_line_is_a_new_connection(line: Line) -> None:
    """The old transport stays dead."""
    old = line.left.transport
    line.link.cut()
    line.link.connect()
    old.send("old")
    old.close()
    line.left.transport.send("new")
    line.clock.advance(0)
    assert line.right.events[-2:] == ["connected", "new"]


def test_connecting_again_cuts_the_old_connection(line: Line) -> None:
    """Both ends hear of the end before they hear of the beginning."""
    line.link.connect()
    assert line.left.events == [
        "connected",
        "disconnected: replaced by a new connection",
        "connected",
    ]


def test_a_close_arrives_behind_what_was_sent_before() -> None:
    """The other end is told by whom and why; the end that closed hears last."""
    line = Line(latency_s=1)
    line.left.transport.send("last words")
    line.left.transport.close(1001, "bye")
    line.left.transport.send("too late")
    line.clock.advance(0.5)
    assert line.right.events == ["connected"]
    line.clock.advance(0.5)
    assert line.right.events == ["connected", "last words", "disconnected: closed by cp: 1001 bye"]
    assert line.left.events == ["connected", "disconnected: closed by cp: 1001 bye"]
    assert not line.link.is_up
    assert line.leaves_nothing()


def test_both_ends_may_close_at_once(line: Line) -> None:
    """Each is told exactly once."""
    line.left.transport.close()
    line.right.transport.close()
    line.clock.advance(0)
    for end in (line.left, line.right):
        assert len([e for e in end.events if e.startswith("disconnected")]) == 1
    assert line.leaves_nothing()


def test_a_frozen_line_tells_nobody(line: Line) -> None:
    """Frames vanish both ways, those under way too, until it thaws; then new ones pass."""
    line.left.transport.send("a")
    line.link.freeze()
    line.right.transport.send("b")
    line.clock.advance(60)
    assert line.link.is_up
    line.link.thaw()
    line.left.transport.send("c")
    line.clock.advance(0)
    assert line.right.events == ["connected", "c"]
    assert line.left.events == ["connected"]


def test_an_end_that_closes_a_frozen_line_is_alone_with_it(line: Line) -> None:
    """The other end hears nothing until the line is cut."""
    line.link.freeze()
    line.left.transport.close()
    line.clock.advance(0)
    assert line.left.events[-1].startswith("disconnected")
    assert line.right.events == ["connected"]
    assert line.link.is_up
    line.link.thaw()
    line.right.transport.send("nobody hears this")
    assert line.leaves_nothing()
    line.link.cut()
    assert line.right.events[-1].startswith("disconnected")


def test_a_receiver_may_refuse_the_connection_when_it_is_told(line: Line) -> None:
    """An end that hangs up at once is not sent anything more."""

    class Shy(RecordingReceiver):
        def connected(self, transport: ITransport) -> None:
            super().connected(transport)
            transport.close(1008, "go away")

    left, shy = RecordingReceiver(), Shy()
    link = MemoryLink(line.clock, left, shy)
    link.connect()
    left.transport.send("hello?")
    line.clock.advance(0)
    line.clock.advance(0)
    assert left.events[-1] == "disconnected: closed by right: 1008 go away"
    assert not link.is_up


@given(
    st.lists(
        st.tuples(st.sampled_from("lr"), st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=30
    )
)
def test_frames_never_overtake_each_other(sendings: list[tuple[str, float, float]]) -> None:
    """Whatever the delays, each end hears what the other said in the order it was said."""
    line = Line()
    said: dict[str, list[str]] = {"l": [], "r": []}
    for number, (side, delay_s, pause_s) in enumerate(sendings):
        lane = line.link.to_right if side == "l" else line.link.to_left
        lane.latency_s = delay_s
        frame = str(number)
        (line.left if side == "l" else line.right).transport.send(frame)
        said[side].append(frame)
        line.clock.advance(pause_s)
    line.clock.advance(1000)
    assert line.right.events[1:] == said["l"]
    assert line.left.events[1:] == said["r"]
