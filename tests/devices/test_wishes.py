"""Wishes: the newest is told until it is taken over."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from txocpp.devices.wishes import Wish
from txocpp.errors import DeviceOffline, DeviceRefused


class Desk:
    """A wish with a value, and the requests that it has made."""

    def __init__(self) -> None:
        self.value = 0
        self.sent: list[tuple[int, Deferred[Any]]] = []
        self.wish = Wish(self.send)
        self.told: list[Any] = []

    def send(self) -> Deferred[Any]:
        request: Deferred[Any] = Deferred()
        self.sent.append((self.value, request))
        return request

    def want(self, value: int, *, now: bool = True) -> Deferred[None]:
        self.value = value
        wanted = self.wish.want(now=now)
        wanted.addCallbacks(lambda _: self.told.append(value), self.failed)
        return wanted

    def failed(self, failure: Any) -> None:
        self.told.append(failure.type)


def test_the_newest_wins_and_all_are_told() -> None:
    """What was wished meanwhile is sent once, as the last of them."""
    desk = Desk()
    for value in (1, 2, 3):
        desk.want(value)
    assert [value for value, _ in desk.sent] == [1]
    desk.sent[0][1].callback(None)
    assert desk.told == []
    assert [value for value, _ in desk.sent] == [1, 3]
    desk.sent[1][1].callback(None)
    assert desk.told == [1, 2, 3]
    assert not desk.wish.busy
    assert not desk.wish.pending


def test_a_lost_line_is_no_refusal() -> None:
    """Who waits goes on waiting, until it can be told."""
    desk = Desk()
    desk.want(1)
    desk.sent[0][1].errback(DeviceOffline("gone"))
    assert desk.told == []
    desk.want(2, now=False)
    assert len(desk.sent) == 1
    desk.want(2)
    desk.sent[1][1].callback(None)
    assert desk.told == [1, 2, 2]


def test_a_refusal_is_told_unless_something_newer_is_wished() -> None:
    """Then that is tried first."""
    desk = Desk()
    desk.want(1)
    desk.want(2)
    desk.sent[0][1].errback(DeviceRefused("no"))
    assert desk.told == []
    desk.sent[1][1].errback(DeviceRefused("no"))
    assert desk.told == [DeviceRefused, DeviceRefused]


def test_giving_up() -> None:
    """Who waits is told why, who has cancelled is not asked."""
    desk = Desk()
    cancelled = desk.want(1, now=False)
    desk.want(2, now=False)
    cancelled.cancel()
    assert desk.told == [CancelledError]
    desk.wish.fail(DeviceOffline("stopped"))
    assert desk.told == [CancelledError, DeviceOffline]


def test_other_errors_are_not_swallowed() -> None:
    """A mistake of ours shows."""
    desk = Desk()
    desk.want(1)
    trouble = desk.sent[0][1]
    trouble.errback(ZeroDivisionError())
    caught: list[Any] = []
    trouble.addErrback(caught.append)
    assert caught[0].type is ZeroDivisionError
