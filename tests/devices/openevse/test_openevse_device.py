"""An OpenEVSE by RAPI, in virtual time, with every habit of its controllers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from openevse_rig import Garage
from zope.interface.verify import verifyObject

from txocpp.devices.openevse.rapi import State, encode
from txocpp.devices.openevse.rapi_simulator import RapiSimulator
from txocpp.errors import ConfigurationError, DeviceError, DeviceOffline, DeviceRefused, StoreError
from txocpp.evse import CarState, FaultCode, OfferReason, ResetKind
from txocpp.interfaces import IEVSE, IEVSEDevice


@pytest.fixture
def garage() -> Iterator[Garage]:
    """A controller that has been met."""
    garage = Garage().start()
    yield garage
    garage.stop()


def charging(garage: Garage, limit_a: str = "16") -> Garage:
    """A car with a limit and a permission."""
    garage.box.plug("C")
    garage.run(1)
    garage.result(garage.evse.set_current_limit(Decimal(limit_a)))
    garage.result(garage.evse.permit(True))
    assert garage.box.relay_closed
    return garage


def test_it_provides_what_a_charge_point_asks_for(garage: Garage) -> None:
    """Both interfaces, and an owner's card."""
    assert verifyObject(IEVSE, garage.evse)
    assert verifyObject(IEVSEDevice, garage.device)
    assert garage.device.info.firmware_version == "8.2.3"
    assert garage.device.info.serial_number == "MEGA328P-0001"
    capabilities = garage.evse.capabilities
    assert capabilities.maximum_current_a == 32
    assert capabilities.steps_a == tuple(Decimal(a) for a in range(6, 33))
    assert not capabilities.has_lock


def test_a_controller_that_charges_by_itself_is_put_to_sleep() -> None:
    """After its start it would charge whatever is plugged in; nobody has permitted that."""
    garage = Garage()
    garage.box.plug("C")
    garage.box.advance(1)
    assert garage.box.relay_closed
    garage.start()
    garage.run(4)
    assert garage.box.mode is State.SLEEPING
    assert not garage.box.relay_closed
    assert garage.evse.state.car is CarState.READY
    garage.stop()


def test_a_charge_from_plug_to_unplug(garage: Garage) -> None:
    """The states, the current, the energy; unplugging takes the permission."""
    box, evse = garage.box, garage.evse
    box.plug("B")
    garage.run(1)
    assert (evse.state.car, evse.state.offered_a) == (CarState.CONNECTED, 0)
    charging(garage, "16.9")
    state = evse.state
    assert (state.car, state.energised, state.offered_a) == (CarState.READY, True, 16)
    assert state.reason is OfferReason.HOST
    garage.run(36)
    reading = garage.result(evse.read_meter())
    assert (reading.currents_a, reading.voltages_v, reading.power_w) == ((16,), (230,), 3680)
    assert reading.energy_wh in (36, 37)
    garage.result(evse.set_current_limit(Decimal(10)))
    assert box.current_a == 10
    box.plug("A")
    garage.run(3)
    assert (evse.state.car, evse.state.offered_a) == (CarState.ABSENT, 0)
    assert box.mode is State.SLEEPING
    box.plug("C")
    garage.run(5)
    assert not box.relay_closed


def test_less_than_six_amperes_is_sleep(garage: Garage) -> None:
    """0 A cannot be set: less than 6 A would become 6 A."""
    charging(garage)
    garage.result(garage.evse.set_current_limit(Decimal("5.9")))
    assert garage.box.mode is State.SLEEPING
    assert "SC 5 V" not in garage.box.commands
    garage.result(garage.evse.set_current_limit(Decimal(6)))
    assert (garage.box.mode, garage.box.pilot_a) == (None, 6)


def test_limits_are_volatile(garage: Garage) -> None:
    """A limit without `V` would write the EEPROM each time."""
    writes = garage.box.eeprom_writes
    charging(garage)
    for limit_a in range(6, 30):
        garage.result(garage.evse.set_current_limit(Decimal(limit_a)))
    assert garage.box.eeprom_writes == writes
    assert all(c.endswith(" V") for c in garage.box.commands if c.startswith("SC"))


def test_the_end_is_graceful_or_at_once(garage: Garage) -> None:
    """Asleep the car has three seconds, disabled none; afterwards its plug is seen again."""
    charging(garage)
    garage.result(garage.evse.permit(False))
    assert garage.box.relay_closed
    garage.run(3.5)
    assert not garage.box.relay_closed
    charging(garage)
    garage.result(garage.evse.permit(False, at_once=True))
    assert not garage.box.relay_closed
    assert garage.box.commands[-30:].count("FD") == 1
    garage.run(3)
    assert garage.box.mode is State.SLEEPING
    assert garage.evse.state.car is CarState.READY


def test_out_of_service_it_is_disabled(garage: Garage) -> None:
    """The pilot says so, and nobody sees the car."""
    garage.box.plug("B")
    garage.result(garage.evse.set_available(False))
    assert garage.box.mode is State.DISABLED
    assert garage.evse.state.car is CarState.UNAVAILABLE
    garage.result(garage.evse.set_available(True))
    assert garage.evse.state.car is CarState.CONNECTED


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (State.GFCI, FaultCode.GROUND_FAILURE),
        (State.STUCK_RELAY, FaultCode.POWER_SWITCH_FAILURE),
        (State.OVER_TEMPERATURE, FaultCode.HIGH_TEMPERATURE),
    ],
)
def test_a_fault_is_told_at_once(garage: Garage, fault: State, code: FaultCode) -> None:
    """The controller says by itself that something has happened; nobody waits for the next look."""
    charging(garage)
    garage.box.fault = fault
    garage.run(0.5)
    state = garage.evse.state
    assert state.blocking_fault is not None
    assert (state.blocking_fault.code, state.offered_a) == (code, 0)
    garage.box.fault = None
    garage.run(2.5)
    assert garage.evse.state.faults == ()
    assert garage.box.relay_closed


# Habits of controllers


def test_a_damaged_command_is_asked_again(garage: Garage) -> None:
    """`$NK` without our sequence number is no answer to what we asked."""
    charging(garage)
    feed, garage.box.feed = garage.box.feed, lambda data: feed(data.replace(b"SC", b"XC"))  # type: ignore[method-assign]
    limit = garage.evse.set_current_limit(Decimal(8))
    garage.run(0.3)
    garage.box.feed = feed  # type: ignore[method-assign]
    garage.result(limit)
    assert garage.box.pilot_a == 8


def test_a_late_answer_is_not_taken_for_the_next_question(garage: Garage) -> None:
    """Its number is another."""
    garage.run(0.1)
    garage.wire.say(b"$OK 03 1 03 0140 :99^07\r")
    garage.run(5)
    assert garage.evse.state.car is CarState.ABSENT


def test_debug_text_between_the_answers_is_skipped(garage: Garage) -> None:
    """Closing its relay a controller prints how long that took."""
    charging(garage)
    garage.wire.say(b"garbage $OK\r\nrelayCloseMs: 12\r\n\xff\xff")
    garage.run(5)
    assert garage.evse.state.online


def test_it_may_be_deaf_for_seconds(garage: Garage) -> None:
    """A self-test blocks it; the question is asked again."""
    garage.box.mute = True
    limit = garage.evse.set_current_limit(Decimal(8))
    garage.run(2.6)
    garage.box.mute = False
    garage.result(limit)
    assert garage.evse.state.online


def test_a_silent_controller_is_offline_and_comes_back(garage: Garage) -> None:
    """After ten seconds nobody believes the last state; the limit is told when it is back."""
    charging(garage)
    garage.box.mute = True
    garage.run(15)
    assert not garage.evse.state.online
    assert not garage.witness.states[-1].online
    limit = garage.evse.set_current_limit(Decimal(9))
    with pytest.raises(DeviceOffline):
        garage.result(garage.evse.permit(True))
    garage.box.mute = False
    garage.result(limit)
    assert garage.evse.state.online
    assert garage.box.pilot_a == 9


def test_a_cable_that_was_out_is_found_again(garage: Garage) -> None:
    """Everything is told again to whoever is there then."""
    charging(garage, "12")
    garage.wire.plugged = False
    garage.wire.cut()
    garage.run(12)
    assert not garage.evse.state.online
    garage.wire.plugged = True
    garage.run(35)
    assert garage.evse.state.online


def test_a_restarted_controller_is_told_everything_again(garage: Garage) -> None:
    """Its boot event is enough; its own maximum would be in force otherwise."""
    charging(garage, "12")
    garage.box.power_cut()
    assert garage.box.pilot_a == 32
    garage.run(2)
    assert garage.box.pilot_a == 12
    assert garage.box.relay_closed


def test_a_controller_that_waits_for_its_host_is_unlocked() -> None:
    """Some do not charge before they have been told that somebody is there."""
    garage = charging(Garage(RapiSimulator(boot_lock=True)).start())
    assert garage.box.relay_closed
    garage.stop()


def test_old_firmware_knows_no_numbers() -> None:
    """No sequence, two words of state, two of range, and other events."""
    garage = charging(Garage(RapiSimulator(firmware="4.8.0", supervision=False)).start())
    assert garage.box.pilot_a == 16
    assert garage.evse.state.car is CarState.READY
    garage.box.plug("A")
    garage.run(3)
    assert garage.evse.state.car is CarState.ABSENT
    garage.stop()


def test_supervision_slows_down_when_the_host_dies() -> None:
    """Without pulses the controller falls back by itself; more than that it cannot do."""
    alive = [True]
    garage = charging(Garage(alive=lambda: alive[0], supervision_s=30, fallback_a=7).start())
    garage.run(60)
    assert garage.box.pilot_a == 16
    alive[0] = False
    garage.run(35)
    assert garage.box.pilot_a == 7
    alive[0] = True
    garage.run(11)
    assert garage.box.pilot_a == 16
    assert garage.box.commands.index("SY 165") > 0
    garage.stop()


def test_the_limit_follows_the_acknowledgement() -> None:
    """`SY 165` restores the maximum: the limit is the very next command."""
    alive = [True]
    garage = charging(Garage(alive=lambda: alive[0]).start(), "8")
    alive[0] = False
    garage.run(35)
    alive[0] = True
    garage.run(11)
    position = garage.box.commands.index("SY 165")
    assert garage.box.commands[position + 1] == "SC 8 V"
    assert garage.box.pilot_a == 8
    garage.stop()


def test_a_dead_charge_point_commands_nothing() -> None:
    """Looking goes on, since it renews nothing; a limit or a mode is not put right."""
    alive = [True]
    garage = charging(Garage(alive=lambda: alive[0], fallback_a=7).start())
    alive[0] = False
    garage.run(35)
    said = len(garage.box.commands)
    garage.evse.set_current_limit(Decimal(20))
    garage.run(30)
    assert garage.box.pilot_a == 7
    assert {command[0] for command in garage.box.commands[said:]} == {"G"}
    alive[0] = True
    garage.run(11)
    assert garage.box.pilot_a == 20
    garage.stop()


@pytest.mark.parametrize(
    ("options", "why"),
    [({"supervision_s": 100}, "16 bits"), ({"fallback_a": 0}, "6 A at least")],
)
def test_supervision_that_cannot_work_is_refused(options: dict[str, Any], why: str) -> None:
    """100 s would become 34.5 s, and a fallback of 0 A would become 6 A."""
    with pytest.raises(ConfigurationError, match=why):
        Garage(**options)


def test_the_simulator_has_the_overflow() -> None:
    """66 seconds are 464 ms to the controller."""
    box = RapiSimulator()
    box.feed(encode("SY 66 6"))
    box.advance(0.4)
    assert box.pilot_a == 32
    box.advance(0.1)
    assert box.pilot_a == 6


def test_the_register_never_goes_back() -> None:
    """A session that a power cut has eaten is kept here, and survives a restart of the host."""
    kept: list[dict[str, Any]] = []
    garage = charging(Garage(on_remember=kept.append).start())
    garage.run(100)
    before = garage.result(garage.evse.read_meter()).energy_wh
    assert before is not None
    assert before >= 90
    garage.box.power_cut()
    garage.run(5)
    assert garage.result(garage.evse.read_meter()).energy_wh >= before
    garage.stop()
    again = Garage(memory=kept[-1]).start()
    assert again.result(again.evse.read_meter()).energy_wh >= before
    again.stop()
    with pytest.raises(StoreError):
        Garage(memory={"registers": []})


def test_a_session_is_not_counted_twice(garage: Garage) -> None:
    """After unplugging it is in the total, and still shown as a session."""
    charging(garage)
    garage.run(60)
    garage.box.plug("A")
    garage.run(3)
    first = garage.result(garage.evse.read_meter()).energy_wh
    garage.run(10)
    assert garage.result(garage.evse.read_meter()).energy_wh == first == garage.box.total_wh


def test_a_socket_has_a_lock() -> None:
    """Found by asking; moved by asking."""
    garage = Garage(RapiSimulator(lock=True)).start()
    assert garage.evse.capabilities.has_lock
    garage.result(garage.evse.set_lock(True))
    garage.run(2.5)
    assert garage.evse.state.locked is True
    garage.stop()


def test_without_a_lock_it_is_refused(garage: Garage) -> None:
    """A fixed cable."""
    with pytest.raises(DeviceRefused):
        garage.result(garage.evse.set_lock(True))


def test_temperatures_are_read_now_and_then(garage: Garage) -> None:
    """Sensors that are not fitted do not count."""
    assert garage.result(garage.evse.read_meter()).temperature_c == Decimal("26.5")


def test_a_hot_controller_is_not_raised(garage: Garage) -> None:
    """It refuses, and says what it goes on offering; that is believed."""
    charging(garage, "10")
    garage.box.hot = True
    garage.result(garage.evse.set_current_limit(Decimal(20)))
    garage.run(3)
    assert garage.box.pilot_a == 10
    assert garage.evse.state.offered_a == 10
    garage.result(garage.evse.set_current_limit(Decimal(8)))
    garage.run(3)
    assert garage.box.pilot_a == 8


def test_a_fallback_that_an_earlier_host_has_left_is_ended() -> None:
    """A gateway that was restarted finds a controller at 6 A, and acknowledges."""
    box = RapiSimulator()
    box.feed(encode("SY 30 6"))
    box.advance(40)
    assert box.pilot_a == 6
    garage = charging(Garage(box, supervision_s=30).start())
    garage.run(15)
    assert "SY 165" in box.commands
    assert box.pilot_a == 16
    garage.stop()


def test_meeting_again_writes_no_eeprom(garage: Garage) -> None:
    """The supervision is stored; told again as it is, it is not written again."""
    assert garage.box.eeprom_writes == 1
    garage.wire.cut()
    garage.run(5)
    assert garage.evse.state.online
    assert garage.box.commands.count("SY 30 6") >= 2
    assert garage.box.eeprom_writes == 1


def test_a_restart_while_a_car_charges_takes_its_time(garage: Garage) -> None:
    """The controller answers nothing; that is no failure, and its start is heard of."""
    charging(garage)
    reset = garage.evse.reset(ResetKind.HARD)
    garage.run(3.5)
    assert garage.box.relay_closed
    garage.result(reset)
    garage.run(10)
    assert not garage.box.relay_closed
    assert garage.evse.state.online


def test_a_reset_takes_the_permission(garage: Garage) -> None:
    """The controller starts again and sleeps until somebody permits."""
    charging(garage)
    garage.result(garage.evse.reset(ResetKind.HARD))
    garage.run(10)
    assert not garage.box.relay_closed
    assert garage.box.mode is State.SLEEPING


def test_stopping_puts_it_to_sleep() -> None:
    """Unless the owner wants it to go on without us."""
    garage = charging(Garage().start())
    garage.stop()
    assert garage.box.mode is State.SLEEPING
    garage = charging(Garage(sleep_on_stop=False).start())
    garage.stop()
    assert garage.box.relay_closed


def test_nothing_answers_at_all() -> None:
    """Wishes wait, permissions fail, and stopping is quick."""
    garage = Garage()
    garage.box.mute = True
    garage.start()
    assert not garage.evse.state.online
    limit = garage.evse.set_current_limit(Decimal(10))
    with pytest.raises(DeviceOffline):
        garage.result(garage.evse.permit(True))
    garage.run(30)
    assert not limit.called
    garage.stop()
    with pytest.raises(DeviceError):
        garage.result(limit)
