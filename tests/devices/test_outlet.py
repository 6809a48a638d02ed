"""The physics of a simulated outlet: laws that hold whatever is done to it."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.devices.simulation.car import SECOND_US, WH_PJ
from txocpp.devices.simulation.outlet import Outlet
from txocpp.devices.simulation.settings import SimulationSettings
from txocpp.errors import ConfigurationError, DeviceRefused
from txocpp.evse import CarState, Fault, FaultCode, OfferReason

PROMPT = {"follow_s": 0, "wake_s": 0}


def run(outlet: Outlet, seconds: float) -> None:
    """Let time pass in one go."""
    until = outlet._now + round(seconds * SECOND_US)
    while outlet.advance(until):
        pass


def charging(limit: str = "16", **settings: object) -> Outlet:
    """An outlet with a car that charges."""
    outlet = Outlet(SimulationSettings().changed(settings))
    outlet.plug_in({})
    outlet.set_limit(Decimal(limit), None)
    outlet.permit(True, False)
    run(outlet, 10)
    return outlet


def test_energy_is_exact_over_one_jump() -> None:
    """An hour at 16 A, 230 V and three phases is 11,040 Wh, not a Wh more or less."""
    outlet = charging(**PROMPT)
    before = outlet.energy_pj
    run(outlet, 3600)
    assert outlet.energy_pj - before == 11_040 * WH_PJ


def test_energy_does_not_depend_on_how_often_one_looks() -> None:
    """A thousand small steps and one large one give the same register to the last pJ."""
    one, many = charging(soc_percent=85), charging(soc_percent=85)
    run(one, 5000)
    for _ in range(1000):
        run(many, 5)
    assert one.energy_pj == many.energy_pj
    assert one.car.stored_pj == many.car.stored_pj


def test_the_car_takes_its_time() -> None:
    """After the permission the car wakes, asks, and some seconds later draws."""
    outlet = Outlet(SimulationSettings())
    outlet.plug_in({})
    outlet.set_limit(Decimal(10), None)
    outlet.permit(True, False)
    assert outlet.state.offered_a == 10
    assert outlet.state.car is CarState.CONNECTED
    run(outlet, 1)
    assert outlet.state.car is CarState.READY
    assert outlet.energised
    assert outlet.car.draw_ma == 0
    run(outlet, 2)
    assert outlet.car.draw_ma == 10_000


def test_a_changed_limit_is_followed_after_some_seconds() -> None:
    """The offer changes at once, the draw two seconds later."""
    outlet = charging("16")
    outlet.set_limit(Decimal(8), None)
    assert outlet.state.offered_a == 8
    assert outlet.car.draw_ma == 16_000
    run(outlet, 2)
    assert outlet.car.draw_ma == 8_000


def test_below_six_amperes_charging_pauses_and_resumes() -> None:
    """5.9 A is no offer: the car lets go, the contactor opens; at 6 A it goes on."""
    outlet = charging("16")
    outlet.set_limit(Decimal("5.9"), None)
    run(outlet, 3)
    assert (outlet.state.offered_a, outlet.car.draw_ma, outlet.energised) == (0, 0, False)
    assert outlet.state.car is CarState.CONNECTED
    assert outlet.state.reason is OfferReason.HOST
    outlet.set_limit(Decimal(6), None)
    run(outlet, 5)
    assert (outlet.car.draw_ma, outlet.energised) == (6_000, True)


def test_the_hardware_maximum_is_the_reason_when_more_is_asked() -> None:
    """40 A at a 32 A outlet offers 32 A and says why."""
    outlet = charging("40")
    assert outlet.state.offered_a == 32
    assert outlet.state.reason is OfferReason.MAXIMUM


def test_an_offer_is_rounded_down_to_a_tenth() -> None:
    """10.19 A is offered as 10.1 A."""
    assert charging("10.19").state.offered_a == Decimal("10.1")


def test_an_outlet_with_few_steps_takes_the_next_lower_one() -> None:
    """With 0, 16 and 32 A a limit of 20 A means 16 A, and one of 15 A none."""
    outlet = charging("20", steps_a=[16, 32])
    assert outlet.state.offered_a == 16
    outlet.set_limit(Decimal(15), None)
    assert outlet.state.offered_a == 0


def test_one_phase_car() -> None:
    """A one-phase car draws on L1 only."""
    reading = charging("32", car_phases=1, car_max_a=20, **PROMPT).read()
    assert reading.currents_a == (20, 0, 0)
    assert reading.powers_w == (4600, 0, 0)
    assert reading.power_w == 4600
    assert reading.voltages_v == (230, 230, 230)


def test_a_full_battery_tapers_and_ends() -> None:
    """Near full the car draws ever less, then nothing, and asks no more."""
    outlet = charging(soc_percent=89, battery_wh=10_000, **PROMPT)
    seen = []
    for _ in range(10_000):
        if outlet.car.draw_ma not in seen:
            seen.append(outlet.car.draw_ma)
        if outlet.next_change is None:
            break
        outlet.advance(outlet.next_change)
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 11  # full power, nine lower steps, nothing
    assert outlet.car.soc_percent == 100
    assert outlet.state.car is CarState.CONNECTED
    assert not outlet.energised
    missing_pj = outlet.car.capacity_pj * 11 // 100
    assert 0 <= outlet.energy_pj - missing_pj < 16 * 230 * 3 * 10**6  # at most one µs too long


def test_unplugging_takes_the_permission_away() -> None:
    """The next car is not charged on the last one's permission."""
    outlet = charging()
    outlet.plug_out()
    assert not outlet.energised
    outlet.plug_in({})
    run(outlet, 60)
    assert not outlet.permitted
    assert outlet.state.offered_a == 0
    assert outlet.state.reason is OfferReason.OFF


def test_graceful_and_immediate_end() -> None:
    """Gracefully the car lets go before the contactor opens; at once it does not get to."""
    graceful, hard = charging(), charging()
    graceful.permit(False, False)
    hard.permit(False, True)
    assert (graceful.energised, graceful.car.draw_ma) == (True, 16_000)
    assert (hard.energised, hard.car.draw_ma) == (False, 0)
    run(graceful, 3)
    assert (graceful.energised, graceful.car.draw_ma) == (False, 0)


def test_a_car_that_does_not_let_go_is_cut_off_after_six_seconds() -> None:
    """A car that follows only after 20 s loses its voltage after 6 s."""
    outlet = charging(follow_s=20, wake_s=0)
    run(outlet, 30)
    assert outlet.car.draw_ma == 16_000
    outlet.permit(False, False)
    run(outlet, 5.9)
    assert outlet.energised
    run(outlet, 0.2)
    assert not outlet.energised
    assert outlet.car.draw_ma == 0


def test_a_paused_car_draws_nothing_until_it_resumes() -> None:
    """The car opens its switch, the offer stays."""
    outlet = charging()
    outlet.pause_car()
    assert (outlet.car.draw_ma, outlet.energised, outlet.state.offered_a) == (0, False, 16)
    outlet.resume_car()
    run(outlet, 5)
    assert outlet.car.draw_ma == 16_000


@pytest.mark.rule("S-07")
def test_blocking_faults_stop_and_warnings_do_not() -> None:
    """A ground failure opens the contactor, a weak signal is only told."""
    outlet = charging()
    outlet.raise_fault(Fault(FaultCode.WEAK_SIGNAL, blocking=False))
    assert outlet.energised
    outlet.raise_fault(Fault(FaultCode.GROUND_FAILURE))
    assert not outlet.energised
    assert outlet.state.reason is OfferReason.FAULT
    assert len(outlet.state.faults) == 2
    outlet.clear_fault(FaultCode.GROUND_FAILURE)
    run(outlet, 5)
    assert outlet.energised
    outlet.clear_fault(None)
    assert outlet.state.faults == ()


@pytest.mark.rule("S-08")
def test_a_broken_pilot_is_a_warning_that_stops_charging() -> None:
    """Nobody charges without a working pilot, though the status is not Faulted."""
    outlet = charging()
    outlet.raise_fault(Fault(FaultCode.EV_COMMUNICATION_ERROR, blocking=False))
    assert outlet.state.blocking_fault is None
    assert (outlet.energised, outlet.state.offered_a) == (False, 0)


def test_a_welded_contactor_is_noticed_a_second_after_it_should_open() -> None:
    """The fault is latched, and cannot be cleared before the contacts are loose."""
    outlet = charging()
    outlet.weld(True)
    run(outlet, 60)
    assert outlet.state.faults == ()
    outlet.plug_out()
    run(outlet, 0.9)
    assert outlet.energised
    assert outlet.state.faults == ()
    run(outlet, 0.2)
    assert [fault.code for fault in outlet.state.faults] == [FaultCode.POWER_SWITCH_FAILURE]
    with pytest.raises(DeviceRefused, match="still welded"):
        outlet.clear_fault(None)
    outlet.weld(False)
    assert not outlet.energised
    outlet.clear_fault(FaultCode.POWER_SWITCH_FAILURE)
    assert outlet.state.faults == ()


def test_a_silent_meter_repeats_its_register() -> None:
    """The shown register stands still; when the meter is back it has not lost anything."""
    outlet = charging()
    shown = outlet.read().energy_wh
    outlet.silence_meter(True)
    run(outlet, 3600)
    reading = outlet.read()
    assert reading.energy_wh == shown
    assert reading.power_w is None
    assert outlet.state.faults[0].code is FaultCode.POWER_METER_FAILURE
    outlet.silence_meter(False)
    assert outlet.read().energy_wh == shown + 11_040
    assert outlet.state.faults == ()


def test_switching_phases_pauses_for_ten_seconds() -> None:
    """One phase instead of three: open, wait, offer again; never under load."""
    outlet = charging(can_switch_phases=True, **PROMPT)
    outlet.set_limit(Decimal(16), 1)
    assert outlet.state.offered_a == 0
    run(outlet, 9.9)
    assert (outlet.state.phases, outlet.energised) == (3, False)
    run(outlet, 0.2)
    assert (outlet.state.phases, outlet.energised) == (1, True)
    assert outlet.read().currents_a == (16, 0, 0)


def test_phases_cannot_be_switched_unless_wired_so() -> None:
    """Without the capability the number of phases is not listened to."""
    outlet = charging()
    outlet.set_limit(Decimal(16), 1)
    assert outlet.state.phases == 3


def test_a_socket_lock_and_its_failure() -> None:
    """The lock moves until it fails; the failure is a warning that ends with the next success."""
    outlet = charging(lock=True)
    assert outlet.state.locked is False
    outlet.set_lock(True)
    assert outlet.state.locked is True
    outlet.lock_fails = True
    with pytest.raises(DeviceRefused, match="does not unlock"):
        outlet.set_lock(False)
    assert outlet.state.locked is True
    assert outlet.state.faults[0].code is FaultCode.CONNECTOR_LOCK_FAILURE
    outlet.lock_fails = False
    outlet.set_lock(False)
    assert (outlet.state.locked, outlet.state.faults) == (False, ())
    with pytest.raises(DeviceRefused, match="no lock"):
        charging().set_lock(True)


def test_pokes_that_make_no_sense_are_refused() -> None:
    """Nobody plugs in twice, unplugs nothing, or clears what is not there."""
    outlet = Outlet(SimulationSettings())
    for poke in (outlet.plug_out, outlet.pause_car, outlet.resume_car):
        with pytest.raises(DeviceRefused, match="no car"):
            poke()
    outlet.plug_in({})
    with pytest.raises(DeviceRefused, match="already"):
        outlet.plug_in({})
    with pytest.raises(DeviceRefused, match="no fault GroundFailure"):
        outlet.clear_fault(FaultCode.GROUND_FAILURE)
    with pytest.raises(ConfigurationError, match="maximum_current_a"):
        outlet.adjust({"maximum_current_a": 20})


def test_a_changed_battery_keeps_its_state_of_charge() -> None:
    """Another capacity, the same percentage."""
    outlet = charging(soc_percent=50, **PROMPT)
    before = outlet.car.soc_percent
    outlet.adjust({"battery_wh": 20_000})
    assert abs(outlet.car.soc_percent - before) < Decimal("0.01")
    outlet.adjust({"soc_percent": 100})
    assert (outlet.car.draw_ma, outlet.car.asking) == (0, False)
    outlet.adjust({"soc_percent": 20, "car_max_a": 8})
    run(outlet, 1)
    assert outlet.car.draw_ma == 8_000


pokes = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 4000)),
    st.tuples(
        st.just("limit"),
        st.decimals(0, 90, places=2),
        st.sampled_from([None, 1, 3]),
    ),
    st.tuples(st.just("permit"), st.booleans(), st.booleans()),
    st.tuples(st.just("available"), st.booleans()),
    st.tuples(st.just("power"), st.booleans()),
    st.tuples(st.just("lock"), st.booleans()),
    st.tuples(st.just("weld"), st.booleans()),
    st.tuples(st.just("silence"), st.booleans()),
    st.tuples(st.just("fault"), st.sampled_from(FaultCode), st.booleans()),
    st.tuples(st.just("clear")),
    st.tuples(st.sampled_from(["plug", "unplug", "pause", "resume"])),
    st.tuples(st.just("adjust"), st.integers(1, 80), st.integers(0, 100), st.integers(1, 3)),
)


def poke(outlet: Outlet, what: str, *values: object) -> None:
    """Do one thing; what the outlet refuses is fine."""
    actions = {
        "wait": lambda s: run(outlet, s),
        "limit": outlet.set_limit,
        "permit": outlet.permit,
        "available": outlet.set_available,
        "power": outlet.switch_power,
        "lock": outlet.set_lock,
        "weld": outlet.weld,
        "silence": outlet.silence_meter,
        "fault": lambda code, blocking: outlet.raise_fault(Fault(code, blocking)),
        "clear": lambda: outlet.clear_fault(None),
        "plug": lambda: outlet.plug_in({}),
        "unplug": outlet.plug_out,
        "pause": outlet.pause_car,
        "resume": outlet.resume_car,
        "adjust": lambda a, soc, n: outlet.adjust(
            {"car_max_a": a, "soc_percent": soc, "car_phases": n}
        ),
    }
    with contextlib.suppress(DeviceRefused):
        actions[what](*values)


@given(
    st.lists(pokes, max_size=30),
    st.fixed_dictionaries(
        {
            "phases": st.sampled_from([1, 3]),
            "can_switch_phases": st.booleans(),
            "lock": st.booleans(),
            "follow_s": st.sampled_from([0, 2, 20]),
            "wake_s": st.sampled_from([0, 1]),
            "maximum_current_a": st.sampled_from([6, 16, 32]),
            "battery_wh": st.sampled_from([1, 5000]),
        }
    ),
)
def test_laws_of_an_outlet(story: list[tuple], settings: dict[str, object]) -> None:
    """Whatever happens: the offer is 0 or within 6 A and the maximum, energy only grows, current
    flows only through a closed contactor, and voltage is only where a car asked for it."""
    outlet = Outlet(SimulationSettings().changed(settings))
    register = shown = 0
    for step in story:
        poke(outlet, *step)
        state = outlet.state
        assert state.offered_a == 0 or 6 <= state.offered_a <= outlet.settings.maximum_current_a
        assert state.offered_a == 0 or state.offered_a <= outlet.limit_a
        assert outlet.energy_pj >= register
        register = outlet.energy_pj
        reading = outlet.read()
        assert reading.energy_wh is not None
        assert reading.energy_wh >= shown
        shown = reading.energy_wh
        if outlet.car.draw_ma:
            assert state.energised
            assert state.plugged
            assert outlet.car.draw_ma <= outlet.settings.car_max_a * 1000
        if not outlet.welded and state.energised:
            assert state.wants_energy
            assert state.blocking_fault is None
        if state.offered_a:
            assert state.plugged
            assert outlet.permitted
            assert state.available
        due = outlet.next_change
        assert due is None or due >= outlet._now
