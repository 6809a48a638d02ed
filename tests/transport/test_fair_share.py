"""Nobody gets more of a server than its share, however much it says."""

from __future__ import annotations

import pytest
from websocket_rig import Hall, Station

from txocpp.transport.websocket_line import AHEAD_S, MESSAGE_COST
from txocpp.transport.websocket_settings import FAIR_SHARE, LineLimits, ServerSettings

SHARE = 10 * MESSAGE_COST
AHEAD = int(AHEAD_S) * 10
"""Tiny messages that may come at once."""


def _flood(share: int = SHARE) -> tuple[Hall, Station]:
    """A station has said more than it may at once."""
    hall = Hall(LineLimits(fair_share=share), ping_interval_s=0)
    station = hall.station()
    for _ in range(AHEAD + 10):
        station.say("")
    return hall, station


def test_who_says_too_much_has_to_wait() -> None:
    """Nothing is read from it until what it said has become its share; all that came is kept."""
    hall, station = _flood()
    assert station.cable.producerState == "paused"
    assert hall.receiver.events.count("") == AHEAD + 10
    hall.clock.advance(0.9)
    assert station.cable.producerState == "paused"
    hall.clock.advance(0.2)
    assert station.cable.producerState == "producing"
    station.say("more")
    assert hall.receiver.events[-1] == "more"


def test_others_do_not_wait() -> None:
    """The share of each is its own."""
    hall, _ = _flood()
    other = hall.station("/other")
    other.say("hi")
    assert other.cable.producerState == "producing"
    assert hall.receiver.events[-1] == "hi"


def test_who_says_little_never_waits() -> None:
    """A station that stays below its share is read all the time."""
    hall = Hall(LineLimits(fair_share=SHARE), ping_interval_s=0)
    station = hall.station()
    for _ in range(100):
        for _ in range(9):
            station.say("")
            assert station.cable.producerState == "producing"
        hall.clock.advance(1)


@pytest.mark.parametrize("frame", [b"\x89\x80\0\0\0\0", b"\x8a\x80\0\0\0\0"])
def test_pings_and_pongs_count(frame: bytes) -> None:
    """They cost as much as messages."""
    hall = Hall(LineLimits(fair_share=SHARE), ping_interval_s=0)
    station = hall.station()
    for _ in range(AHEAD + 1):
        station.raw(frame)
    assert station.cable.producerState == "paused"
    station.leave()


def test_leaving_while_waiting() -> None:
    """The end of a connection ends the wait."""
    hall, station = _flood()
    station.leave()
    assert hall.clock.getDelayedCalls() == []


def test_closing_while_waiting() -> None:
    """Nobody waits for the goodbye of a peer whose words are not read."""
    hall, station = _flood()
    hall.receiver.transport.close(1001, "bye")
    assert station.cable.aborted
    station.leave()
    assert hall.clock.getDelayedCalls() == []


def test_no_share_no_wait() -> None:
    """Without a share everything is read; a server has one unless told otherwise."""
    hall, station = _flood(share=0)
    assert station.cable.producerState == "producing"
    station.leave()
    assert hall.clock.getDelayedCalls() == []
    assert ServerSettings().limits.fair_share == FAIR_SHARE
