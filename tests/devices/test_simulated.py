"""The simulated charger as the charge point meets it, on a virtual clock."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from txocpp.devices.simulated import SimulatedDevice, SimulationSettings, simulation_settings
from txocpp.errors import DeviceOffline, DeviceRefused, StoreError
from txocpp.evse import CarState, Fault, FaultCode, MeterReading, OfferReason, ResetKind
from txocpp.interfaces import IEVSE, IEVSEDevice, IEVSEListener


@implementer(IEVSEListener)
class Diary:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []

    def state_changed(self, evse: Any, state: Any) -> None:
        self.entries.append(("state", evse.number, state))

    def tag_presented(self, evses: Any, id_tag: str) -> None:
        self.entries.append(("tag", [evse.number for evse in evses], id_tag))

    def measured(self, evse: Any, reading: MeterReading) -> None:
        self.entries.append(("reading", evse.number, reading))


class House:
    """A running device on a clock with a listener at each EVSE."""

    def __init__(self, connectors: int = 1, **settings: Any) -> None:
        self.clock = Clock()
        self.kept: list[dict[str, Any]] = []
        self.device = SimulatedDevice(
            self.clock,
            simulation_settings(settings, connectors),
            on_remember=self.kept.append,
        )
        self.diary = Diary()
        for evse in self.device.evses:
            evse.listen(self.diary)
        self.device.startService()
        self.clock.advance(0)
        self.diary.entries.clear()

    def charge(self, number: int = 1, limit: int = 16) -> Any:
        """Plug in, permit, set a limit and wait until the current flows."""
        evse = self.device.evse(number)
        evse.plug_in()
        done(evse.set_current_limit(Decimal(limit)))
        done(evse.permit(True))
        self.clock.pump([1] * 5)
        return evse

    @property
    def cars(self) -> list[str]:
        """The car states that were told, in order."""
        return [entry[2].car.value for entry in self.diary.entries if entry[0] == "state"]


def done(deferred: Deferred[Any]) -> Any:
    """The result of a Deferred that has fired."""
    results: list[Any] = []
    deferred.addCallback(results.append)
    assert results, "it has not fired"
    return results[0]


def failure(deferred: Deferred[Any]) -> Exception:
    """The error of a Deferred that has failed."""
    failures: list[Any] = []
    deferred.addErrback(failures.append)
    assert failures, "it has not failed"
    return failures[0].value


def test_it_provides_the_interfaces() -> None:
    """Device, EVSE and the test's listener keep the contract's letter."""
    house = House()
    assert verifyObject(IEVSEDevice, house.device)
    assert verifyObject(IEVSE, house.device.evse(1))
    assert verifyObject(IEVSEListener, house.diary)


def test_it_boots_without_permission_and_without_a_limit() -> None:
    """A fresh device offers nothing, whatever is plugged in."""
    house = House(plugged=True)
    house.clock.advance(3600)
    state = house.device.evse(1).state
    assert (state.car, state.energised, state.offered_a) == (CarState.CONNECTED, False, 0)
    assert state.reason is OfferReason.OFF
    done(house.device.evse(1).permit(True))
    assert house.device.evse(1).state.reason is OfferReason.BOOT


@pytest.mark.rule("M-01")
def test_the_register_begins_at_zero_and_counts_whole_wh() -> None:
    """Exactly 0 at first start, rounded down later."""
    house = House(follow_s=0, wake_s=0)
    evse = house.device.evse(1)
    assert done(evse.read_meter()).energy_wh == 0
    house.charge()
    house.clock.advance(3600)
    assert done(evse.read_meter()).energy_wh == 11_055  # 11,055.33 Wh


def test_a_day_of_charging_needs_few_events() -> None:
    """A day passes with a wake-up per change only: nobody polls."""
    house = House(battery_wh=100_000, soc_percent=0)
    evse = house.charge()
    wakes = 0
    while house.clock.getDelayedCalls():
        house.clock.advance(
            max(0, house.clock.getDelayedCalls()[0].getTime() - house.clock.seconds())
        )
        wakes += 1
    assert evse.outlet.car.soc_percent == 100
    assert done(evse.read_meter()).energy_wh == 100_000
    assert wakes < 40


def test_the_listener_hears_the_whole_story_in_order() -> None:
    """Plugging, asking, unplugging: each change is told once, and never inside a call."""
    house = House()
    evse = house.device.evse(1)
    evse.plug_in()
    assert house.diary.entries == []
    house.clock.advance(0)
    assert house.cars == ["B"]
    done(evse.set_current_limit(Decimal(16)))
    done(evse.permit(True))
    house.clock.pump([0, 1])
    assert house.cars == ["B", "B", "C"]
    evse.plug_out()
    evse.plug_in()
    house.clock.advance(0)
    assert house.cars == ["B", "B", "C", "A", "B"]


def test_a_listener_that_fails_does_not_stop_the_others(logged_failures: Any) -> None:
    """Its failure is logged, the next event is told all the same."""
    house = House()

    def fail(*_: Any) -> None:
        raise RuntimeError("a bad day")

    house.diary.state_changed, good = fail, house.diary.state_changed
    house.device.evse(1).plug_in()
    house.clock.advance(0)
    house.diary.state_changed = good
    house.device.evse(1).plug_out()
    house.clock.advance(0)
    assert house.cars == ["A"]
    assert len(logged_failures.flush(RuntimeError)) == 1


def test_a_tag_is_told_once_with_all_its_evses() -> None:
    """One reader for several connectors is one event."""
    house = House(connectors=3)
    house.device.swipe("TAG1")
    house.device.swipe("TAG2", [3, 1])
    house.clock.advance(0)
    assert house.diary.entries == [("tag", [1, 2, 3], "TAG1"), ("tag", [3, 1], "TAG2")]
    with pytest.raises(DeviceRefused, match="no connector 4"):
        house.device.swipe("TAG1", [4])


def test_connectors_are_independent() -> None:
    """A fault and a limit at one do nothing to the other."""
    house = House(connectors=2)
    one, two = house.charge(1), house.charge(2, limit=10)
    one.raise_fault(Fault(FaultCode.GROUND_FAILURE))
    house.clock.advance(10)
    assert not one.state.energised
    assert two.state.energised
    assert two.outlet.car.draw_ma == 10_000


def test_capabilities_follow_the_settings() -> None:
    """A socket has a lock and no fixed cable; the rest is as wired."""
    plain, socket = House().device.evse(1), House(lock=True, phases=1).device.evse(1)
    assert plain.capabilities.fixed_cable
    assert not plain.capabilities.has_lock
    assert plain.state.locked is None
    assert socket.capabilities.has_lock
    assert not socket.capabilities.fixed_cable
    assert socket.capabilities.phases == 1
    assert "SoC" in socket.capabilities.measurands
    done(socket.set_lock(True))
    assert socket.state.locked is True
    socket.fail_lock()
    assert isinstance(failure(socket.set_lock(False)), DeviceRefused)
    assert isinstance(failure(plain.set_lock(True)), DeviceRefused)


def test_a_power_cut_and_what_comes_back() -> None:
    """Limit, availability and permission return with the mains while the car stays."""
    house = House()
    evse = house.charge()
    house.device.power_cut(30)
    assert (evse.state.online, evse.state.energised) == (False, False)
    kept = evse.set_current_limit(Decimal(10))
    for refused in (evse.permit(True), evse.read_meter(), evse.set_lock(True)):
        assert isinstance(failure(refused), DeviceOffline)
    with pytest.raises(DeviceRefused, match="off"):
        house.device.swipe("TAG1")
    house.clock.advance(29)
    assert not kept.called
    house.clock.advance(1)
    done(kept)
    house.clock.pump([1] * 5)
    assert evse.state.online
    assert evse.outlet.car.draw_ma == 10_000


def test_a_permission_taken_while_the_power_was_off_stays_taken() -> None:
    """Whether by the charge point or by unplugging."""
    for take in ("permit", "unplug"):
        house = House()
        evse = house.charge()
        house.device.power_cut(30)
        if take == "permit":
            failure(evse.permit(False))
        else:
            evse.plug_out()
            evse.plug_in()
        house.clock.pump([31, 10])
        assert evse.state.offered_a == 0
        assert not evse.outlet.permitted


def test_availability_set_while_off_is_taken_over() -> None:
    """Out of service is kept like the limit."""
    house = House()
    evse = house.charge()
    house.device.power_cut(5)
    waiting = evse.set_available(False)
    house.clock.advance(5)
    done(waiting)
    assert not evse.state.available
    assert evse.state.offered_a == 0


@pytest.mark.parametrize("kind", ResetKind)
def test_a_reset_ends_the_permission_of_all(kind: ResetKind) -> None:
    """The whole device restarts with open contactors; nothing charges by itself afterwards."""
    house = House(connectors=2)
    one, two = house.charge(1), house.charge(2)
    done(one.reset(kind))
    assert not two.state.online
    house.clock.pump([5, 5])
    assert one.state.online
    assert not one.state.energised
    assert not two.state.energised


def test_stopping_leaves_no_timer_and_a_safe_device() -> None:
    """Contactors open, whoever waits is told, the clock is empty."""
    house = House()
    evse = house.charge()
    house.device.power_cut(5)
    waiting = evse.set_current_limit(Decimal(6))
    house.device.stopService()
    assert isinstance(failure(waiting), DeviceOffline)
    assert house.clock.getDelayedCalls() == []
    assert not evse.state.energised


def test_a_cancelled_limit_is_forgotten_by_its_caller_only() -> None:
    """Cancelling does not disturb the others that wait."""
    house = House()
    evse = house.device.evse(1)
    house.device.power_cut(5)
    first, second = evse.set_current_limit(Decimal(6)), evse.set_current_limit(Decimal(8))
    first.addErrback(lambda _: None)
    first.cancel()
    house.clock.advance(5)
    done(second)
    assert evse.outlet.limit_a == 8


@pytest.mark.rule("M-01")
def test_memory_makes_the_register_survive() -> None:
    """Whoever was told a reading will never be told a smaller one by the next device."""
    house = House()
    evse = house.charge()
    house.clock.advance(3600)
    told = done(evse.read_meter()).energy_wh
    assert house.kept[-1]["evses"][0]["energy_wh"] == told
    again = SimulatedDevice(Clock(), memory=house.kept[-1])
    again.startService()
    assert done(again.evse(1).read_meter()).energy_wh == told
    assert again.evse(1).state.plugged
    assert again.evse(1).outlet.car.soc_percent > 30
    again.stopService()


def test_only_news_is_remembered() -> None:
    """Two readings of the same register are one document."""
    house = House()
    done(house.device.evse(1).read_meter())
    done(house.device.evse(1).read_meter())
    assert len(house.kept) == 1


def test_pokes_work_before_the_device_is_started() -> None:
    """A story may begin with a car that stands there already."""
    device = SimulatedDevice(Clock(), [SimulationSettings()])
    device.evse(1).plug_in(car_max_a=10)
    assert not device.evse(1).state.online
    device.startService()
    assert device.evse(1).state.plugged
    assert device.online
    device.stopService()


@pytest.mark.parametrize(
    "memory", [{}, {"evses": [{}]}, {"evses": 1}, {"evses": [{"energy_wh": "x"}]}]
)
def test_a_foreign_memory_is_refused(memory: dict[str, Any]) -> None:
    """Better no device than one whose register is made up."""
    with pytest.raises(StoreError, match="not the memory"):
        SimulatedDevice(Clock(), memory=memory)
