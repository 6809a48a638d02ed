"""The plants that a board can be wired for, pin by pin, and the meter behind them."""

from __future__ import annotations

import levels
import pilot
import pytest
import relay
import s0
import socket_plant
from fake_pins import PinBoard, Settings
from outlet import Outlet

RELAY, PLUG, AUTH, ASK = 5, 14, 12, 13
ON = 0
"""Inputs are pulled up; a closed contact pulls them down."""


def step(outlet: Outlet, ms: int) -> None:
    """Let an outlet live so long."""
    for _ in range(ms // 20):
        outlet.step(20)


def ready(plant: relay.Relay) -> Outlet:
    """An outlet that has a limit and a permission, with a car that asks."""
    outlet = Outlet(plant, Settings())
    outlet.limit(32000, 600, plant.ph)
    outlet.permit(1, 0)
    return outlet


def test_levels_without_an_off_are_no_charger() -> None:
    """It does not even start, and both outputs stay as the board sets them: off."""
    board = PinBoard()
    with pytest.raises(ValueError, match="levels"):
        levels.Levels(board, Settings(), {"levels": [[6000, 1, 0], [16000, 1, 1]]})
    assert {board.pins[5].level, board.pins[4].level} == {0}


def test_the_first_wiring_closes_its_relay_when_a_car_asks() -> None:
    """GPIO14 says plugged in, GPIO13 that the car asks, GPIO5 is the relay."""
    board = PinBoard()
    outlet = ready(relay.Relay(board, Settings(), {}))
    step(outlet, 200)
    assert (outlet.cp, board.pins[RELAY].level) == ("A", 0)
    board.pins[PLUG](ON)
    step(outlet, 200)
    assert (outlet.cp, board.pins[RELAY].level) == ("B", 0)
    board.pins[ASK](ON)
    step(outlet, 200)
    assert (outlet.cp, board.pins[RELAY].level, outlet.ma) == ("C", 1, 16000)
    board.pins[ASK](1)
    step(outlet, 100)
    assert board.pins[RELAY].level == 0


def test_a_spike_that_a_request_meets_is_one_sample() -> None:
    """A request steps the outlet besides its turns; the pilot gets no second voice by that."""
    board = PinBoard()
    outlet = ready(relay.Relay(board, Settings(), {}))
    board.pins[PLUG](ON)
    step(outlet, 200)
    board.pins[ASK](ON)
    outlet.step(0)
    outlet.step(20)
    assert (outlet.cp, board.pins[RELAY].level) == ("B", 0)
    outlet.step(20)
    assert (outlet.cp, board.pins[RELAY].level) == ("C", 1)


def test_a_relay_gives_all_or_nothing() -> None:
    """A limit below the current of the installation is a pause, and takes effect at once."""
    board = PinBoard()
    outlet = ready(relay.Relay(board, Settings(), {"ma": 10000}))
    board.pins[PLUG](ON)
    board.pins[ASK](ON)
    step(outlet, 200)
    assert outlet.ma == 10000
    outlet.limit(9900, 600, 1)
    step(outlet, 40)
    assert (outlet.ma, board.pins[RELAY].level) == (0, 0)


def test_a_relay_without_the_asking_input_charges_whatever_is_plugged_in() -> None:
    """It says that it is blind, so that nobody expects states it cannot see."""
    board = PinBoard()
    plant = relay.Relay(board, Settings(), {"pins": {"ask": None}})
    outlet = ready(plant)
    assert "blind" in plant.caps.split(",")
    board.pins[PLUG](ON)
    step(outlet, 200)
    assert (outlet.cp, board.pins[RELAY].level) == ("B", 1)


def test_the_authorising_input_is_a_tag() -> None:
    """A key switch that closes counts once; that it was closed at the start does not."""
    board = PinBoard()
    plant = relay.Relay(board, Settings(), {"uid": "KEY1"})
    assert plant.tag() is None
    board.pins[AUTH](ON)
    assert plant.tag() == "KEY1"
    assert plant.tag() is None


def test_feedback_and_rcd_contacts_are_read_where_they_are_wired() -> None:
    """An auxiliary contact that stays open faults the outlet, an RCD contact opens it."""
    board = PinBoard()
    outlet = ready(relay.Relay(board, Settings(), {"pins": {"aux": 4, "rcd": 0}}))
    board.pins[PLUG](ON)
    board.pins[ASK](ON)
    step(outlet, 1200)
    assert outlet.faults == ["relay_open"]
    outlet.clear()
    board.pins[0](ON)
    step(outlet, 40)
    assert outlet.faults == ["rcd"]


def test_a_charge_pump_is_fed_with_edges() -> None:
    """With `pump` the output toggles each turn as long as the contactor shall stay closed."""
    board = PinBoard()
    outlet = ready(relay.Relay(board, Settings(), {"pump": 1}))
    board.pins[PLUG](ON)
    board.pins[ASK](ON)
    step(outlet, 200)
    assert board.pins[RELAY].history[-4:] in ([0, 1, 0, 1], [1, 0, 1, 0])
    board.pins[PLUG](1)
    step(outlet, 200)
    assert board.pins[RELAY].history[-4:] == [0, 0, 0, 0]


SOCKET_PINS = {"lock": 16, "locked": 2, "ph": 4, "rcd": 12, "test": 15, "auth": None}


def plugged_socket(board: PinBoard) -> Outlet:
    """A socket with everything, and a car."""
    outlet = ready(socket_plant.Socket(board, Settings(), {"ph": 3, "pins": SOCKET_PINS}))
    board.pins[2](ON)
    board.pins[PLUG](ON)
    board.pins[ASK](ON)
    return outlet


def test_a_socket_tests_its_rcd_before_it_closes() -> None:
    """The test output trips the RCD, which lets go again; only then does the relay close."""
    board = PinBoard()
    outlet = plugged_socket(board)
    step(outlet, 60)
    assert (board.pins[15].level, board.pins[RELAY].level) == (1, 0)
    board.pins[12](ON)
    step(outlet, 40)
    assert (board.pins[15].level, board.pins[RELAY].level) == (0, 0)
    board.pins[12](1)
    step(outlet, 60)
    assert board.pins[RELAY].level == 1
    assert outlet.faults == []


def test_a_socket_whose_rcd_does_not_trip_stays_open() -> None:
    """No answer to the test within 300 ms is a fault."""
    board = PinBoard()
    outlet = plugged_socket(board)
    step(outlet, 600)
    assert outlet.faults == ["self_test"]
    assert board.pins[RELAY].level == 0


def test_an_old_test_is_worth_nothing() -> None:
    """A car that leaves during the test does not leave a passed test behind for the next."""
    board = PinBoard()
    outlet = plugged_socket(board)
    step(outlet, 60)
    board.pins[12](ON)
    board.pins[PLUG](1)
    step(outlet, 40)
    board.pins[12](1)
    step(outlet, 1000)
    outlet.permit(1, 0)
    board.pins[PLUG](ON)
    step(outlet, 400)
    assert board.pins[RELAY].level == 0


def test_a_socket_locks_and_switches_phases() -> None:
    """The lock output follows the plug; the phase output changes after the dead time."""
    board = PinBoard()
    outlet = plugged_socket(board)
    step(outlet, 100)
    assert (board.pins[16].level, board.pins[4].level) == (1, 1)
    outlet.limit(32000, 600, 1)
    step(outlet, 11000)
    assert board.pins[4].level == 0
    board.pins[PLUG](1)
    step(outlet, 100)
    assert board.pins[16].level == 0


def test_load_management_inputs_choose_among_a_few_currents() -> None:
    """Two outputs mean off, reduced and full; an input sees whether the charger charges."""
    board = PinBoard()
    plant = levels.Levels(board, Settings(), {})
    outlet = ready(plant)
    assert plant.steps == (16000, 32000)
    step(outlet, 200)
    assert (outlet.cp, outlet.on, outlet.ma) == ("B", 1, 32000)
    assert (board.pins[5].level, board.pins[4].level) == (1, 1)
    board.pins[14](ON)
    outlet.limit(20000, 600, 1)
    step(outlet, 40)
    assert (outlet.cp, outlet.ma) == ("C", 16000)
    assert (board.pins[5].level, board.pins[4].level) == (1, 0)
    outlet.limit(15000, 600, 1)
    step(outlet, 6100)
    assert (board.pins[5].level, board.pins[4].level) == (0, 0)


def test_a_charger_that_does_not_obey_off_is_a_weld() -> None:
    """Ten seconds after `off` it still charges: nobody can stop it from here."""
    board = PinBoard()
    outlet = ready(levels.Levels(board, Settings(), {"pins": {"plug": 12}}))
    board.pins[12](ON)
    board.pins[14](ON)
    step(outlet, 200)
    outlet.permit(0, 1)
    step(outlet, 9900)
    assert outlet.faults == []
    step(outlet, 200)
    assert outlet.faults == ["relay_weld"]


def test_a_pulse_never_promises_more_than_the_limit() -> None:
    """The width at 1 kHz, read back as a car reads it, is at most the limit, and little less."""
    for ma in range(6000, 80001, 100):
        us = pilot.pulse_us(ma)
        promised = 60 * us if us <= 850 else 250 * (us - 640)
        slack = 60 if ma <= 51000 else 1750 if ma < 52750 else 250
        assert ma - slack < promised <= ma


def test_an_experimental_pilot_reads_its_states_and_offers_by_pulses() -> None:
    """The peak behind the detector is the state; X1, pulses and F are what the output shows."""
    board = PinBoard()
    plant = pilot.Pilot(board, Settings(), {"ma": 32000, "pins": {"aux": None}})
    outlet = ready(plant)
    assert plant.caps == "pwm,relay,fail"
    board.pins[14](ON)
    for volts, state, us in ((930, "A", 1000), (700, "B", 533), (465, "C", 533)):
        board.volts = volts
        step(outlet, 100)
        assert (outlet.cp, board.pulse_us) == (state, us)
    assert board.pins[RELAY].level == 1
    outlet.av = 0
    step(outlet, 6100)
    assert (outlet.cp, board.pulse_us, board.pins[RELAY].level) == ("F", 0, 0)


def test_a_pilot_without_a_negative_half_means_no_diode() -> None:
    """A tenth of a second of pulses that do not reach -12 V opens the contactor."""
    board = PinBoard()
    outlet = ready(pilot.Pilot(board, Settings(), {"ma": 32000, "pins": {"aux": None}}))
    board.volts = 465
    board.pins[14](ON)
    step(outlet, 100)
    assert board.pins[RELAY].level == 1
    board.pins[14](1)
    step(outlet, 140)
    assert outlet.faults == ["diode"]
    step(outlet, 10000)
    assert board.pins[RELAY].level == 0
    assert board.pins[RELAY].history.count(1) < 12
    board.volts = 930
    step(outlet, 100)
    assert outlet.faults == []


def test_pulses_are_energy_and_the_time_between_them_is_power() -> None:
    """A thousand pulses are a kilowatt-hour, and 3.6 s between two of them a kilowatt."""
    meter = s0.PulseMeter(Settings(), 0)
    for i in range(11):
        meter.tick(3600)
        meter.pulse(i * 3600)
    assert (meter.wh(), meter.w()) == (11, 1000)
    meter.tick(7200)
    assert meter.w() == 500
    meter.tick(360000)
    assert meter.w() == 0


def test_bounce_is_one_pulse() -> None:
    """S0 pulses are 30 ms long; what comes quicker is the same one."""
    meter = s0.PulseMeter(Settings(), 0)
    for ms in (0, 2, 19, 1000, 1001):
        meter.pulse(ms)
    assert meter.pulses() == 2


@pytest.mark.parametrize("imp", [800, 1000, 2000, 10000])
def test_keeping_the_register_never_makes_it_jump(imp: int) -> None:
    """Writing whole watt-hours away, again and again, neither loses one nor adds one."""
    settings = Settings(imp=imp, wh=500)
    meter = s0.PulseMeter(settings, 0)
    before = meter.wh()
    for i in range(1, 5000):
        meter.pulse(i * 100)
        if i % 7 == 0:
            meter.keep()
        assert 0 <= meter.wh() - before <= 2
        before = meter.wh()
    assert before <= 500 + 4999 * 1000 // imp
    assert before >= 500 + 4999 * 1000 // imp - (5000 // 7 if imp == 800 else 0)


def test_another_meter_constant_leaves_what_was_counted() -> None:
    """`imp` changes the pulses to come, not those that were."""
    settings = Settings()
    meter = s0.PulseMeter(settings, 0)
    for i in range(10):
        meter.pulse(i * 1000)
    settings["imp"] = 2000
    meter.tick(20)
    assert meter.wh() == 10
    for i in range(10, 14):
        meter.pulse(i * 1000)
    assert meter.wh() == 12


def test_a_plant_with_a_meter_says_so_and_goes_on_counting() -> None:
    """The S0 pin makes the plant a metered one, from the register in the settings on."""
    board = PinBoard()
    plant = relay.Relay(board, Settings(wh=4711), {"pins": {"s0": 4}})
    assert plant.caps == "relay,fail,tag,meter"
    assert board.pulse is not None
    board.pulse(1000)
    plant.read(20)
    assert plant.wh == 4712
