"""Putting a key into a device over its cable."""

from __future__ import annotations

from typing import Any

import pytest
from evlink_house import KEY, EvlinkHouse, failure, result
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from txocpp.devices.esp8266.frames import Direction, decode, encode, parse
from txocpp.devices.esp8266.key_setting import TRIES, KeySetting
from txocpp.errors import DeviceOffline, DeviceRefused


class Bench:
    """The setting at one end, a hand at the other."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.setting = KeySetting(self.clock, "test", KEY)
        self.transport = StringTransport()
        self.setting.makeConnection(self.transport)

    def heard(self) -> list[tuple[int, list[Any]]]:
        """What the host has said since the last time."""
        frames = [parse(line, Direction.TO_DEVICE) for line in self.transport.value().split(b"\n")]
        self.transport.clear()
        return [(f.counter, decode(f.body) or []) for f in frames if f is not None]

    def say(self, message: list[Any], counter: int = 0) -> None:
        """Something from the device."""
        self.setting.dataReceived(encode(Direction.TO_HOST, counter, message, None))


def test_a_greeting_and_one_request() -> None:
    """The key goes over the cable once the device has answered, and is said to be in."""
    bench = Bench()
    assert bench.heard() == [(0, [2, 1, "hello", {"v": [1], "h": "test"}])]
    bench.setting.dataReceived(b"noise\n<1 [3,1]*00000000\n")
    bench.say([3, 1, {"auth": 0}])
    assert bench.heard() == [(1, [2, 2, "key", {"k": KEY.hex()}])]
    bench.say([5, "state", 1, {}], 1)
    bench.say([3, 2, {}], 2)
    result(bench.setting.done)
    assert bench.clock.getDelayedCalls() == []
    bench.setting.connectionLost()


def test_lost_frames_are_said_again() -> None:
    """Each second, with a new counter; in the end nobody is there."""
    bench = Bench()
    bench.clock.advance(1)
    bench.say([4, 1, "Rate", ""])
    bench.clock.advance(1)
    assert [message[2] for _, message in bench.heard()] == ["hello"] * 3
    bench.say([3, 1, {}])
    for _ in range(TRIES):
        bench.clock.advance(1)
    assert [counter for counter, _ in bench.heard()] == [1, 2, 3, 4, 5]
    assert isinstance(failure(bench.setting.done), DeviceOffline)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ([4, 2, "Denied", ""], "hold its button"),
        ([4, 2, "NoSession", ""], "hold its button"),
        ([4, 2, "Busy", ""], "a car is charging"),
        ([4, 2, "BadArg", "k"], "BadArg k"),
        ([4, 2, "Internal"], "Internal"),
        ([4, 1, "Version", ""], "Version"),
    ],
)
def test_refusals_in_plain_words(message: list[Any], words: str) -> None:
    """What to do about it, where something can be done."""
    bench = Bench()
    bench.say([3, 1, {}])
    bench.say(message)
    error = failure(bench.setting.done)
    assert isinstance(error, DeviceRefused)
    assert words in str(error)


def test_a_cable_that_comes_out() -> None:
    """Is told."""
    bench = Bench()
    bench.setting.connectionLost()
    assert isinstance(failure(bench.setting.done), DeviceOffline)
    assert bench.clock.getDelayedCalls() == []


def test_on_a_device_without_a_key() -> None:
    """It has it afterwards, and demands it."""
    house = EvlinkHouse(key=None, box_key=None, cable=True)
    house.sim.startService()
    house.run(0)
    setting = KeySetting(house.clock, "test", KEY)
    house.wire.connect(Factory.forProtocol(lambda: setting))
    house.run(1)
    result(setting.done)
    assert house.box.key == KEY
    again = KeySetting(house.clock, "test", bytes(32))
    house.wire.connect(Factory.forProtocol(lambda: again))
    house.run(1)
    assert "hold its button" in str(failure(again.done))
    house.box.stop()
    house.sim.stopService()
