"""Signs of life."""

from __future__ import annotations

from datetime import timedelta

import pytest
from house import NOON, House

from txocpp.messages import v16


def beats(house: House) -> list[float]:
    """Seconds after noon of each Heartbeat."""
    return [
        at - NOON.timestamp()
        for message, at in zip(house.central.heard, house.central.heard_at, strict=True)
        if isinstance(message, v16.HeartbeatRequest)
    ]


def beating(interval: int, **more: object) -> House:
    """A house that is told this interval."""
    house = House(start=False, **more)
    house.central.boot_interval = interval
    house.station.startService()
    house.run(0)
    return house


@pytest.mark.rule("H-01", "H-05")
def test_heartbeats_come_with_the_interval_of_the_boot() -> None:
    """With nothing else to say, a Heartbeat comes every interval."""
    house = beating(20)
    house.run(65)
    assert beats(house) == [20, 40, 60]


@pytest.mark.rule("H-01")
def test_another_message_stands_for_a_heartbeat() -> None:
    """Any exchange puts the next Heartbeat off."""
    house = beating(20)
    house.run(15)
    house.plug()
    house.run(19)
    assert beats(house) == []
    house.run(1)
    assert beats(house) == [35]


def test_on_demand_every_heartbeat_is_sent() -> None:
    """For central systems that count strictly, other traffic does not matter."""
    house = beating(20, behaviour={"heartbeat_despite_traffic": True})
    house.run(15)
    house.plug()
    house.run(10)
    assert beats(house) == [20]


@pytest.mark.rule("H-02")
def test_the_answer_sets_the_clock() -> None:
    """The time in a Heartbeat's answer is taken over."""
    house = beating(20)
    house.central.started_at -= 100
    house.run(20)
    assert house.assembly.clock.now() == NOON + timedelta(seconds=120)


@pytest.mark.rule("H-05", "K-07")
def test_a_new_interval_counts_at_once() -> None:
    """Changing HeartbeatInterval changes the rhythm now, not after the old interval."""
    house = beating(3600)
    house.run(5)
    assert house.set_key("HeartbeatInterval", 10) == "Accepted"
    house.run(21)
    assert beats(house) == [15, 25]


@pytest.mark.rule("H-04")
def test_one_a_day_is_sent_for_the_clock() -> None:
    """Even if the interval is 0 the clock is checked once a day."""
    house = beating(20)
    house.set_key("HeartbeatInterval", 0)
    house.run(86_400 * 2 + 10)
    assert len(beats(house)) == 2


@pytest.mark.rule("B-03")
def test_an_interval_of_zero_keeps_our_own() -> None:
    """A BootNotification that names no interval leaves the configured one."""
    house = beating(0, configuration={"HeartbeatInterval": 30})
    house.run(31)
    assert beats(house) == [30]


def test_no_heartbeat_goes_to_nobody() -> None:
    """Offline the heart stops, and beats again with the line."""
    house = beating(20)
    house.disconnect()
    house.run(100)
    house.connect()
    house.run(21)
    assert beats(house) == [120]
