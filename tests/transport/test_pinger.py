"""Pings, pongs and their absence."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from txocpp.transport.pinger import Pinger


class Watched:
    """A pinger with a list of what it did."""

    def __init__(self, interval_s: float = 10, patience_s: float = 4) -> None:
        self.clock = Clock()
        self.events: list[str] = []
        self.pinger = Pinger(
            self.clock,
            lambda: self.events.append(f"ping {self.clock.seconds():g}"),
            lambda why: self.events.append(f"{why} {self.clock.seconds():g}"),
        )
        self.pinger.set_interval(interval_s, patience_s)

    def run(self, until: float, pong_after_s: float | None = None) -> None:
        """Let time pass, tenth by tenth, answering each ping."""
        pings = 0
        answer_at = None
        while self.clock.seconds() < until - 0.01:
            self.clock.advance(0.125)
            if len(self.events) > pings and pong_after_s is not None:
                pings = len(self.events)
                answer_at = self.clock.seconds() + pong_after_s
            if answer_at is not None and self.clock.seconds() >= answer_at:
                self.pinger.pong()
                answer_at = None


@pytest.mark.rule("C-10")
@pytest.mark.parametrize("pong_after_s", [0, 1, 3])
def test_pings_keep_their_interval(pong_after_s: float) -> None:
    """However long the pongs take."""
    watched = Watched()
    watched.run(45, pong_after_s)
    assert watched.events == ["ping 10", "ping 20", "ping 30", "ping 40"]


@pytest.mark.rule("C-11")
def test_a_ping_without_pong_ends_it() -> None:
    """Once, after the time that a pong may take; then there is peace."""
    watched = Watched()
    watched.run(60)
    assert watched.events == ["ping 10", "no pong within 4 s 14"]
    assert watched.clock.getDelayedCalls() == []


@pytest.mark.rule("C-10")
def test_an_interval_of_zero_sends_none() -> None:
    """Pongs that nobody asked for change nothing."""
    watched = Watched(interval_s=0)
    watched.pinger.pong()
    watched.run(60)
    assert watched.events == []
    assert watched.clock.getDelayedCalls() == []


@pytest.mark.rule("C-10")
def test_a_new_interval_holds_at_once() -> None:
    """Also from none to some and back."""
    watched = Watched(interval_s=1000)
    watched.run(5)
    watched.pinger.set_interval(2, 4)
    watched.run(10, pong_after_s=0)
    assert watched.events == ["ping 7", "ping 9"]
    watched.pinger.set_interval(0, 4)
    watched.run(100)
    assert watched.events == ["ping 7", "ping 9"]


def test_an_interval_shorter_than_patience_waits_for_the_pong() -> None:
    """One ping at a time."""
    watched = Watched(interval_s=1, patience_s=4)
    watched.run(8, pong_after_s=2)
    assert watched.events == ["ping 1", "ping 3.125", "ping 5.25", "ping 7.375"]


def test_stopping_leaves_nothing_behind() -> None:
    """While waiting to ping, and while waiting for a pong."""
    for seconds in (5, 12):
        watched = Watched()
        watched.run(seconds)
        watched.pinger.stop()
        watched.pinger.pong()
        assert watched.clock.getDelayedCalls() == []
