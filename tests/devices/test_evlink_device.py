"""A charge point's view of a controller behind a line, through everything that lines do."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from evlink_house import KEY, EvlinkHouse, failure, result
from zope.interface.verify import verifyObject

from txocpp.devices.esp8266.device import EvlinkDevice
from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.errors import ConfigurationError, DeviceOffline, DeviceRefused, StoreError
from txocpp.evse import CarState, Fault, FaultCode, OfferReason, ResetKind
from txocpp.interfaces import IEVSE, IEVSEDevice


def draw_a(house: EvlinkHouse, number: int = 1) -> float:
    """What the car really draws."""
    return house.sim.evse(number).outlet.car.draw_ma / 1000


def test_it_provides_the_interfaces() -> None:
    """Device and EVSE keep the contract's letter."""
    house = EvlinkHouse()
    assert verifyObject(IEVSEDevice, house.device)
    assert verifyObject(IEVSE, house.device.evses[0])


@pytest.mark.parametrize("key", [None, KEY])
def test_a_charge_from_plug_to_unplug(key: bytes | None) -> None:
    """Limit and permission reach the contactor, states and energy come back."""
    house = EvlinkHouse(2, key=key).start()
    evse = house.device.evses[1]
    assert evse.state.online
    assert evse.state.car is CarState.ABSENT
    house.charge(2, 10)
    state = evse.state
    assert (state.car, state.energised, state.offered_a) == (CarState.READY, True, 10)
    assert state.reason is OfferReason.HOST
    house.run(3600)
    reading = evse.read_meter()
    house.run(1)
    energy_wh = result(reading).energy_wh
    assert 6900 <= energy_wh <= 6930
    assert result(reading).currents_a == (10, 10, 10)
    assert result(reading).power_w == 6900
    limited = evse.set_current_limit(Decimal("8.27"))
    house.run(1)
    result(limited)
    assert evse.state.offered_a == Decimal("8.2")
    ended = evse.permit(False)
    house.run(5)
    result(ended)
    assert (evse.state.energised, evse.state.offered_a) == (False, 0)
    house.sim.evse(2).plug_out()
    house.run(1)
    assert evse.state.car is CarState.ABSENT
    assert not house.device.evses[0].state.plugged
    house.stop()


def test_what_it_learns_from_the_greeting() -> None:
    """Who it is, and what may be promised over OCPP."""
    house = EvlinkHouse(lock=True, phases=3, maximum_current_a=20, can_switch_phases=True).start()
    capabilities = house.device.evses[0].capabilities
    assert capabilities.maximum_current_a == 20
    assert capabilities.can_switch_phases
    assert capabilities.has_lock
    assert not capabilities.fixed_cable
    assert capabilities.signals_ready
    assert "Voltage" in capabilities.measurands
    assert "SoC" not in capabilities.measurands
    assert house.device.info.serial_number == "SIM-0001"
    house.stop()


def test_the_lease_is_renewed_as_long_as_the_charge_point_lives() -> None:
    """An hour later the limit is still the host's; a host without its senses renews nothing."""
    house = EvlinkHouse(settings={"fallback_a": 6}).start()
    evse = house.charge()
    house.run(3600)
    assert draw_a(house) == 16
    house.device.alive_while(lambda: False)
    house.run(40)
    assert draw_a(house) == 6
    assert evse.state.reason is OfferReason.FALLBACK
    assert evse.state.offered_a == 6
    house.device.alive_while(lambda: True)
    house.run(5)
    assert draw_a(house) == 16
    assert evse.state.reason is OfferReason.HOST
    house.stop()


def test_every_connector_is_renewed_when_the_charge_point_is_back() -> None:
    """Whichever of them is heard of first."""
    house = EvlinkHouse(2, settings={"fallback_a": 6}).start()
    house.charge(1)
    house.charge(2)
    house.device.alive_while(lambda: False)
    house.run(40)
    house.device.alive_while(lambda: True)
    house.sim.evse(1).plug_out()
    house.run(5)
    assert house.device.evses[1].state.reason is OfferReason.HOST
    assert house.sim.evse(2).outlet.car.draw_ma == 16_000
    house.stop()


def test_a_cut_line_and_its_fallback() -> None:
    """Within the lease the device falls to its fail-safe current; reconnected, all is as wanted."""
    house = EvlinkHouse(settings={"fallback_a": 6}).start()
    evse = house.charge()
    house.wire.reachable = False
    house.wire.cut()
    house.run(7)
    assert evse.state.online
    house.run(4)
    assert not evse.state.online
    assert evse.state.energised  # as far as was heard
    house.run(25)
    assert draw_a(house) == 6
    house.wire.reachable = True
    house.run(40)
    assert evse.state.online
    assert draw_a(house) == 16
    house.stop()


def test_a_short_cut_is_nobodys_business() -> None:
    """A line that is back within ten seconds has changed nothing that is told."""
    house = EvlinkHouse().start()
    house.charge()
    told = len(house.diary.states)
    house.wire.cut()
    house.run(30)
    assert house.wire.connections == 2
    assert len(house.diary.states) == told
    assert draw_a(house) == 16
    house.stop()


def test_a_limit_set_while_the_line_is_cut_is_sent_when_it_is_back() -> None:
    """The newest of them; all who wait are told then."""
    house = EvlinkHouse().start()
    evse = house.charge()
    house.wire.reachable = False
    house.wire.cut()
    house.run(20)
    waiting = [evse.set_current_limit(Decimal(8)), evse.set_current_limit(Decimal(10))]
    unavailable = evse.set_available(True)
    house.run(20)
    assert not any(w.called for w in waiting)
    house.wire.reachable = True
    house.run(60)
    for w in (*waiting, unavailable):
        result(w)
    assert draw_a(house) == 10
    house.stop()


def test_nothing_is_started_on_a_line_that_is_down() -> None:
    """Permission, lock and meter fail at once; a permission is not given later."""
    house = EvlinkHouse(lock=True).start()
    evse = house.device.evses[0]
    house.sim.evse(1).plug_in()
    house.run(1)
    house.wire.reachable = False
    house.wire.cut()
    early = evse.permit(True)
    house.run(15)
    assert isinstance(failure(early), DeviceOffline)
    for request in (evse.permit(True), evse.read_meter(), evse.set_lock(True)):
        assert isinstance(failure(request), DeviceOffline)
    house.wire.reachable = True
    house.run(60)
    assert evse.state.online
    assert not house.sim.evse(1).outlet.permitted
    house.stop()


def test_a_permission_taken_while_the_line_is_down_stays_taken() -> None:
    """The contactor opens as soon as the device can be told."""
    house = EvlinkHouse(settings={"fallback_a": 6}).start()
    evse = house.charge()
    house.wire.reachable = False
    house.wire.cut()
    house.run(15)
    assert isinstance(failure(evse.permit(False, at_once=True)), DeviceOffline)
    assert house.sim.evse(1).state.energised
    house.wire.reachable = True
    house.run(60)
    assert not house.sim.evse(1).state.energised
    assert not evse.state.energised
    house.stop()


def test_a_car_that_left_while_the_line_was_cut() -> None:
    """The next car gets nothing, and the charge point hears that the first one went."""
    house = EvlinkHouse().start()
    evse = house.charge()
    house.wire.reachable = False
    house.wire.cut()
    house.sim.evse(1).plug_out()
    house.sim.evse(1).plug_in()
    house.diary.states.clear()
    house.run(5)
    house.wire.reachable = True
    house.run(60)
    cars = [state.car for _, state in house.diary.states]
    assert CarState.ABSENT in cars
    assert cars[-1] is CarState.CONNECTED
    assert draw_a(house) == 0
    assert not evse.state.energised
    house.stop()


def test_a_device_that_restarts_in_a_transaction() -> None:
    """The car has stayed: it is charged on, with the limit and the permission of before."""
    house = EvlinkHouse().start()
    evse = house.charge()
    before = house.sim.evse(1).outlet.energy_wh
    house.sim.power_cut(3)
    house.run(1)
    assert not house.sim.evse(1).state.online
    house.run(60)
    assert house.box.starts == 2
    assert draw_a(house) == 16
    assert evse.state.energised
    assert evse.state.faults == ()
    reading = evse.read_meter()
    house.run(1)
    assert result(reading).energy_wh >= before
    house.stop()


def test_a_car_that_left_while_the_device_was_without_power() -> None:
    """No car, no permission."""
    house = EvlinkHouse().start()
    house.charge()
    house.sim.power_cut(3)
    house.sim.evse(1).plug_out()
    house.run(60)
    house.sim.evse(1).plug_in()
    house.run(30)
    assert draw_a(house) == 0
    house.stop()


def test_a_device_that_restarts_again_and_again() -> None:
    """The third time within ten minutes is told as ResetFailure, and forgotten later."""
    house = EvlinkHouse().start()
    evse = house.device.evses[0]
    for _ in range(3):
        house.sim.power_cut(1)
        house.run(60)
    assert [fault.code for fault in evse.state.faults] == [FaultCode.RESET_FAILURE]
    assert evse.state.blocking_fault is None
    house.run(700)
    assert evse.state.faults == ()
    house.stop()


def test_faults_come_through() -> None:
    """A tripped RCD is a GroundFailure that blocks, a silent meter is a warning."""
    house = EvlinkHouse().start()
    evse = house.charge()
    sim = house.sim.evse(1)
    sim.raise_fault(Fault(FaultCode.GROUND_FAILURE))
    house.run(1)
    fault = evse.state.blocking_fault
    assert fault is not None
    assert (fault.code, fault.vendor_code) == (FaultCode.GROUND_FAILURE, "rcd")
    assert evse.state.reason is OfferReason.FAULT
    assert not evse.state.energised
    sim.clear_fault()
    house.run(10)
    assert evse.state.energised
    sim.silence_meter()
    house.run(1)
    assert [f.code for f in evse.state.faults] == [FaultCode.POWER_METER_FAILURE]
    house.run(100)
    reading = evse.read_meter()
    house.run(1)
    assert result(reading).power_w is None
    assert result(reading).energy_wh is not None
    house.stop()


def test_a_weld_is_told_and_starts_are_refused() -> None:
    """The device refuses a permission on a contactor that sticks."""
    house = EvlinkHouse().start()
    evse = house.charge()
    sim = house.sim.evse(1)
    sim.weld()
    ended = evse.permit(False, at_once=True)
    house.run(3)
    result(ended)
    assert evse.state.energised
    assert evse.state.blocking_fault.code is FaultCode.POWER_SWITCH_FAILURE  # type: ignore[union-attr]
    again = evse.permit(True)
    house.run(1)
    assert "Fault: relay_weld" in str(failure(again))
    sim.weld(False)
    cleared = evse.clear_faults()
    house.run(1)
    result(cleared)
    assert evse.state.faults == ()
    house.stop()


def test_tags_come_through() -> None:
    """From a reader at one connector, or from one for all of them."""
    house = EvlinkHouse(2).start()
    house.sim.swipe("TAG1", [2])
    house.sim.swipe("TAG2")
    house.run(1)
    assert house.diary.tags == [([2], "TAG1"), ([1, 2], "TAG2")]
    house.stop()


def test_the_lock_and_its_refusals() -> None:
    """A socket locks and unlocks; one that sticks, and one that is not there, refuse."""
    house = EvlinkHouse(lock=True).start()
    evse = house.device.evses[0]
    locked = evse.set_lock(True)
    house.run(1)
    result(locked)
    assert evse.state.locked is True
    house.sim.evse(1).fail_lock()
    stuck = evse.set_lock(False)
    house.run(1)
    assert isinstance(failure(stuck), DeviceRefused)
    assert [f.code for f in evse.state.faults] == [FaultCode.CONNECTOR_LOCK_FAILURE]
    house.stop()
    plain = EvlinkHouse().start()
    assert isinstance(failure(plain.device.evses[0].set_lock(True)), DeviceRefused)
    plain.stop()


def test_availability_wake_up_and_display() -> None:
    """Out of service nothing is offered; the rest is asked of the device as it is."""
    house = EvlinkHouse().start()
    evse = house.charge()
    house.run(1)
    busy = evse.wake()
    shown = evse.show("Charging", "hello")
    out = evse.set_available(False)
    house.run(10)
    assert "Busy" in str(failure(busy))
    result(shown)
    result(out)
    assert (evse.state.available, evse.state.offered_a) == (False, 0)
    woken = evse.wake()
    house.run(1)
    result(woken)
    house.stop()


@pytest.mark.parametrize("kind", ResetKind)
def test_a_reset_restarts_the_device_without_permissions(kind: ResetKind) -> None:
    """All connectors are open before and after."""
    house = EvlinkHouse(2).start()
    house.charge(1)
    house.charge(2)
    reset = house.device.evses[0].reset(kind)
    house.run(0.1)
    result(reset)
    house.run(60)
    assert house.box.starts == 2
    assert draw_a(house, 1) == draw_a(house, 2) == 0
    assert all(evse.state.online for evse in house.device.evses)
    house.stop()


def test_phases_are_switched_where_that_can_be() -> None:
    """The number goes with the limit; where it cannot be switched it is left out."""
    house = EvlinkHouse(can_switch_phases=True).start()
    evse = house.charge()
    evse.set_current_limit(Decimal(16), 1)
    house.run(30)
    assert evse.state.phases == 1
    house.stop()
    fixed = EvlinkHouse().start()
    done = fixed.device.evses[0].set_current_limit(Decimal(16), 1)
    fixed.run(1)
    result(done)
    fixed.stop()


@pytest.mark.parametrize(
    ("host", "box", "words"),
    [
        (bytes(32), KEY, "no session"),
        (KEY, None, "no session"),
        (None, KEY, "no session"),
    ],
)
def test_keys_that_do_not_fit(host: bytes | None, box: bytes | None, words: str) -> None:
    """No session, no downgrade, and a pause between the attempts."""
    house = EvlinkHouse(key=host, box_key=box).start()
    house.run(300)
    assert not house.device.evses[0].state.online
    assert house.device.info.serial_number == ""
    assert not house.box.leases[1].asked
    assert 5 <= house.wire.connections <= 60
    house.stop()


def test_a_tcp_line_without_a_key_must_be_wanted() -> None:
    """Both sides have to say insecure."""
    house = EvlinkHouse()
    with pytest.raises(ConfigurationError, match="needs a key file"):
        EvlinkDevice(house.clock, house.wire)


def test_noise_half_frames_and_lost_answers() -> None:
    """Every third frame halved, doubled or swallowed: it takes longer, and comes right."""
    house = EvlinkHouse()
    dice = random.Random(4116)

    def tamper(to_device: bool, data: bytes) -> bytes:
        match dice.randrange(9):
            case 0:
                return b"\x00\xff garbage " + data[: len(data) // 2]
            case 1:
                return b""
            case 2:
                return data + data
        return data

    house.wire.tamper = tamper
    house.start()
    house.run(60)
    evse = house.device.evses[0]
    assert evse.state.online
    house.sim.evse(1).plug_in()
    limited, permitted = evse.set_current_limit(Decimal(16)), evse.permit(True)
    house.run(60)
    result(limited)
    result(permitted)
    house.run(600)
    assert draw_a(house) == 16
    assert evse.state.energised
    house.wire.tamper = lambda to_device, data: data
    house.stop()


def test_a_lost_event_is_noticed_and_looked_for() -> None:
    """The next frame shows the gap, and the state is asked for."""
    house = EvlinkHouse().start()
    house.wire.tamper = lambda to_device, data: b"" if b'"state"' in data else data
    house.sim.evse(1).plug_in()
    house.run(0.005)
    assert not house.device.evses[0].state.plugged
    house.wire.tamper = lambda to_device, data: data
    house.run(3)
    assert house.device.evses[0].state.plugged
    house.stop()


def test_a_device_that_is_silent_counts_as_down() -> None:
    """The line is up, nobody answers: it is dropped, knocked at again, and told as offline."""
    house = EvlinkHouse().start()
    house.wire.tamper = lambda to_device, data: b"" if not to_device else data
    house.run(20)
    assert not house.device.evses[0].state.online
    assert house.wire.connections > 1
    house.wire.tamper = lambda to_device, data: data
    house.run(60)
    assert house.device.evses[0].state.online
    house.stop()


def test_a_serial_line_is_never_closed_to_begin_anew() -> None:
    """Opening a port resets boards: it stays open, and the device is greeted again."""
    house = EvlinkHouse(cable=True).start()
    evse = house.device.evses[0]
    house.wire.tamper = lambda to_device, data: b""
    house.run(60)
    assert not evse.state.online
    house.wire.tamper = lambda to_device, data: data
    house.run(10)
    assert evse.state.online
    house.sim.power_cut(2)
    house.run(10)
    assert evse.state.online
    assert house.box.starts == 2
    assert house.wire.connections == 1
    house.stop()


def test_a_replayed_frame_is_obeyed_once() -> None:
    """Whoever repeats what the host said changes nothing."""
    house = EvlinkHouse().start()
    evse = house.charge()
    recorded = [data for way, data in house.wire.log if way == ">"]
    ended = evse.permit(False)
    house.run(5)
    result(ended)
    for data in recorded:
        house.wire.inject(data, to_device=True)
    house.run(1)
    assert not house.sim.evse(1).outlet.permitted
    house.stop()


def test_damaged_words_of_a_device_do_no_harm() -> None:
    """States and events of a wrong form are logged and left alone."""
    house = EvlinkHouse().start()
    evse = house.device.evses[0]
    before = evse.state
    for name, data in (
        ("state", {"c": 1}),
        ("state", {"c": 1, "cp": "Z"}),
        ("state", {"c": 7}),
        ("state", {}),
        ("meter", {"c": 1, "wh": "many"}),
        ("tag", {"c": 1}),
        ("tag", {"c": 1, "uid": "x" * 50}),
        ("log", {"l": "warn", "m": "hot"}),
        ("btn", {"c": 1, "long": 1}),
        ("dance", {}),
    ):
        house.device.heard(name, data)
    house.run(0)
    assert evse.state == before
    assert house.diary.tags == []
    house.stop()


STATE = {
    "c": 1, "cp": "C", "on": 1, "ma": 16000, "lim": 16000, "why": "host", "gate": 1, "av": 1,
    "ph": 3, "f": [], "wh": 0, "w": 0,
}  # fmt: skip


def test_a_pilot_that_cannot_see_the_car() -> None:
    """Shorted, or showing F, it tells nothing about the plug: the car is where it was."""
    house = EvlinkHouse().start()
    evse = house.device.evses[0]
    for pilot, car in (("F", "F"), ("E", "E"), ("C", "C"), ("E", "B"), ("F", "B"), ("A", "A")):
        faults = ["pilot"] if pilot == "E" else []
        house.device.heard("state", {**STATE, "cp": pilot, "f": faults})
        assert evse.state.car.value == car
    house.stop()


def test_a_connector_that_makes_trouble_leaves_the_others_alone() -> None:
    """Its state is damaged, it stays offline; the next one works."""
    house = EvlinkHouse(2)
    told = house.box.state

    def state(evse: Any) -> dict[str, Any]:
        return {**told(evse), "cp": "Z" if evse.number == 1 else "A"}

    house.box.state = state  # type: ignore[method-assign]
    house.start()
    assert [evse.state.online for evse in house.device.evses] == [False, True]
    house.stop()


def test_readings_that_the_device_sends_by_itself() -> None:
    """Every so many seconds, if so configured."""
    house = EvlinkHouse(settings={"report_every_s": 10}).start()
    house.charge()
    house.run(60)
    assert len(house.diary.readings) >= 6
    number, reading = house.diary.readings[-1]
    assert number == 1
    assert reading.power_w == 11_040
    house.stop()


def test_settings_are_written_into_the_device() -> None:
    """Fail-safe, boot and maximum current; one that it refuses is logged."""
    house = EvlinkHouse(settings={"fallback_a": 8, "boot_a": 0, "maximum_a": 10}).start()
    assert (house.box.conf["fb"], house.box.conf["boot"], house.box.conf["max"]) == (8000, 0, 10000)
    evse = house.device.evses[0]
    house.sim.evse(1).plug_in()
    evse.permit(True)
    evse.set_current_limit(Decimal(16))
    house.run(5)
    assert evse.state.offered_a == 10
    assert evse.state.reason is OfferReason.MAXIMUM
    house.stop()


def test_more_connectors_configured_than_there_are() -> None:
    """Those that are not there stay offline; fewer is no trouble."""
    more = EvlinkHouse(1, configured=2).start()
    assert [evse.state.online for evse in more.device.evses] == [True, False]
    more.stop()
    fewer = EvlinkHouse(2, configured=1).start()
    assert fewer.device.evses[0].state.online
    fewer.stop()


def test_stopping_takes_the_permission_unless_told_otherwise() -> None:
    """By default the host leaves an open contactor behind; else the lease decides."""
    safe = EvlinkHouse().start()
    safe.charge()
    stopping = safe.device.stopService()
    safe.run(5)
    assert stopping.called
    assert not safe.sim.evse(1).state.energised
    safe.box.stop()
    safe.sim.stopService()
    going_on = EvlinkHouse(settings={"open_on_stop": False, "fallback_a": 6}).start()
    going_on.charge()
    going_on.device.stopService()
    going_on.run(60)
    assert draw_a(going_on) == 6
    going_on.box.stop()
    going_on.sim.stopService()
    going_on.clock.advance(0)


def test_stopping_while_the_device_is_away() -> None:
    """Whoever waits is told, and no timer is left."""
    house = EvlinkHouse()
    house.wire.reachable = False
    house.start()
    waiting = house.device.evses[0].set_current_limit(Decimal(6))
    stopping = house.device.stopService()
    assert stopping.called
    assert isinstance(failure(waiting), DeviceOffline)
    house.box.stop()
    house.sim.stopService()
    assert house.clock.getDelayedCalls() == []


@pytest.mark.rule("M-01")
def test_the_register_survives_host_and_device() -> None:
    """Whatever either forgets, what was told once is never told smaller."""
    house = EvlinkHouse().start()
    house.charge()
    house.run(1800)
    reading = house.device.evses[0].read_meter()
    house.run(1)
    told = result(reading).energy_wh
    memory = house.kept[-1]
    house.stop()
    # A new device with the same name and an empty register, and a new host with the memory.
    again = EvlinkHouse(memory=memory).start()
    reading = again.device.evses[0].read_meter()
    again.run(1)
    assert result(reading).energy_wh == told
    again.charge()
    again.run(1800)
    reading = again.device.evses[0].read_meter()
    again.run(1)
    assert result(reading).energy_wh > told + 5000
    again.stop()


def test_another_device_behind_the_same_line() -> None:
    """Its register may be anything: the charge point's goes on where it was."""
    memory = {"device": "OLD", "registers": [{"meter_wh": 500, "offset_wh": 1000}]}
    house = EvlinkHouse(memory=memory).start()
    reading = house.device.evses[0].read_meter()
    house.run(1)
    assert result(reading).energy_wh == 1500
    house.stop()


@pytest.mark.parametrize(
    "memory",
    [{}, {"device": 1, "registers": []}, {"device": "x", "registers": [{"offset_wh": "1"}]}],
)
def test_a_foreign_memory_is_refused(memory: dict[str, Any]) -> None:
    """Better no register than one that is made up."""
    with pytest.raises(StoreError, match="not the memory"):
        EvlinkHouse(memory=memory)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lease_s": 4}, "lease_s: 4 is not within 5 and 600"),
        ({"lease_s": "30"}, "lease_s: '30' is not within"),
        ({"fallback_a": 5}, "fallback_a: 5 A is neither 0 nor within 6 and 80"),
        ({"fallback_a": "6"}, "fallback_a: '6' is not a number of amperes"),
        ({"insecure": 1}, "insecure: 1 is neither true nor false"),
        ({"colour": 1}, "colour: no such setting"),
    ],
)
def test_wrong_settings_are_refused_by_name(options: dict[str, Any], words: str) -> None:
    """The error begins with the setting."""
    with pytest.raises(ConfigurationError, match=words):
        EvlinkSettings.of(options)


def test_stopping_while_the_device_is_silent() -> None:
    """It gets two seconds to take the end in, then the line is closed all the same."""
    house = EvlinkHouse().start()
    house.charge()
    house.wire.tamper = lambda to_device, data: b""
    stopping = house.device.stopService()
    house.run(1.9)
    assert not stopping.called
    house.run(1)
    assert result(stopping) is None
    house.box.stop()
    house.sim.stopService()
    assert house.clock.getDelayedCalls() == []
