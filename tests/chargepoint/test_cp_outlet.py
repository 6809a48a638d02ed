"""The electrical side of a connector, with a box that takes its time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.outlet import OPENING_S, Outlet
from txocpp.chargepoint.register import EnergyRegister
from txocpp.evse import CarState, EVSEState


class SlowBox:
    """An EVSE that hears what it is told only when the test says so."""

    def __init__(self) -> None:
        self.state = EVSEState(car=CarState.READY, energised=False)
        self.told: list[tuple[bool, Deferred[None]]] = []

    def permit(self, energise: bool, *, at_once: bool = False) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.told.append((energise, done))
        return done


def outlet_with(box: SlowBox, clock: Clock) -> Outlet:
    """The outlet of connector 1."""
    evse: Any = box
    return Outlet(1, evse, EnergyRegister(1), StationClock(clock))


def test_a_permission_on_its_way_is_waited_for() -> None:
    """Its contactor may close just before it hears the end: nothing is metered before that."""
    clock, box = Clock(), SlowBox()
    outlet = outlet_with(box, clock)
    outlet.permit()
    ended = Deferred.fromCoroutine(outlet.take_back())
    assert [energise for energise, _ in box.told] == [True, False]
    box.state = EVSEState(car=CarState.READY, energised=True)
    outlet.state_changed(box.state)
    for _, done in box.told:
        done.callback(None)
    assert not ended.called
    box.state = EVSEState(car=CarState.READY, energised=False)
    outlet.state_changed(box.state)
    assert ended.called
    assert clock.getDelayedCalls() == []


def test_a_box_that_never_answers_is_not_waited_for_long() -> None:
    """The end of charging comes all the same."""
    clock, box = Clock(), SlowBox()
    ended = Deferred.fromCoroutine(outlet_with(box, clock).take_back())
    clock.advance(OPENING_S - 0.1)
    assert not ended.called
    clock.advance(0.2)
    assert ended.called
    assert clock.getDelayedCalls() == []
