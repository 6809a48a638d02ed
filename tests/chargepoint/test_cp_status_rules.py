"""What the central system sees of faults, pauses and interruptions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from house import House

from txocpp.evse import Fault, FaultCode
from txocpp.messages import v16

GROUND = Fault(FaultCode.GROUND_FAILURE, info="residual current")


@pytest.mark.rule("S-17", "S-21")
def test_a_fault_forbids_charging() -> None:
    """Faulted with its code and words; a tag starts nothing."""
    house = House()
    house.heard()
    house.evse().raise_fault(GROUND)
    house.plug()
    house.swipe()
    house.run(5)
    assert house.heard() == ["Status 1 Faulted GroundFailure"]
    assert house.last(v16.StatusNotificationRequest).info == "residual current"


def test_after_a_fault_it_is_as_before() -> None:
    """A transaction survives a fault; when it is gone, charging goes on."""
    house = House()
    house.charge()
    house.evse().raise_fault(GROUND)
    house.run(5)
    house.evse().clear_fault()
    house.run(10)
    assert house.heard() == ["Status 1 Faulted GroundFailure", "Status 1 Charging"]


@pytest.mark.rule("S-07", "S-09")
def test_a_warning_does_not_stop_charging() -> None:
    """An error that does not forbid charging is told with the status as it is, and its end too."""
    house = House()
    house.charge()
    house.evse().raise_fault(Fault(FaultCode.WEAK_SIGNAL, blocking=False))
    house.run(1)
    house.evse().clear_fault()
    house.run(1)
    assert house.heard() == ["Status 1 Charging WeakSignal", "Status 1 Charging"]


@pytest.mark.rule("S-08")
def test_a_car_that_cannot_be_understood() -> None:
    """EVCommunicationError is a warning and leaves the status as the state machine has it."""
    house = House()
    house.plug()
    house.heard()
    house.evse().raise_fault(Fault(FaultCode.EV_COMMUNICATION_ERROR, blocking=False))
    house.run(1)
    assert house.heard() == ["Status 1 Preparing EVCommunicationError"]


@pytest.mark.rule("S-03", "S-06")
def test_who_pauses_is_told_apart() -> None:
    """The car pauses: SuspendedEV. The station too: SuspendedEVSE wins. Both resume."""
    house = House()
    house.charge()
    house.evse().ev_pause()
    house.run(10)
    assert house.heard() == ["Status 1 SuspendedEV"]
    _limit(house, 0)
    house.run(10)
    assert house.heard() == ["Status 1 SuspendedEVSE"]
    _limit(house, 16)
    house.run(10)
    assert house.heard() == ["Status 1 SuspendedEV"]
    house.evse().ev_resume()
    house.run(10)
    assert house.heard() == ["Status 1 Charging"]


def _limit(house: House, limit_a: int) -> None:
    schedule = v16.ChargingSchedule(
        charging_rate_unit=v16.ChargingRateUnitType.A,
        charging_schedule_period=(
            v16.ChargingSchedulePeriod(start_period=0, limit=Decimal(limit_a)),
        ),
    )
    profile = v16.ChargingProfile(
        charging_profile_id=1,
        stack_level=0,
        charging_profile_purpose=v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
        charging_profile_kind=v16.ChargingProfileKindType.RELATIVE,
        charging_schedule=schedule,
    )
    request = v16.SetChargingProfileRequest(connector_id=1, cs_charging_profiles=profile)
    assert house.status(request) == "Accepted"


@pytest.mark.rule("S-04", "S-05")
def test_short_statuses_are_left_out() -> None:
    """With MinimumStatusDuration only what lasts is told."""
    house = House(configuration={"MinimumStatusDuration": 10})
    house.heard()
    house.plug()
    house.run(5)
    house.unplug()
    house.run(20)
    assert house.heard() == []
    house.plug()
    house.swipe()
    house.run(20)
    assert house.heard("Status") == ["Status 1 Charging"]
    assert house.set_key("MinimumStatusDuration", 0) == "Accepted"
    house.swipe()
    house.run(10)
    assert house.heard("Status") == ["Status 1 Finishing"]


@pytest.mark.rule("S-11", "C-13")
def test_after_an_interruption_only_the_present_is_told() -> None:
    """What changed and changed back is no news; what is different is told once."""
    house = House(2)
    house.heard()
    house.disconnect()
    house.plug(1)
    house.unplug(1)
    house.plug(2)
    house.connect()
    house.run(5)
    assert house.heard() == ["Status 2 Preparing"]


def test_a_charger_that_cannot_be_reached() -> None:
    """A line to the box that stays down is told, and after a minute nobody can charge there."""
    house = House()
    house.heard()
    house.device.power_cut(8)
    house.run(9)
    assert house.heard() == []
    house.device.power_cut(90)
    house.run(10)
    assert house.heard() == ["Status 1 Available OtherError"]
    assert house.last(v16.StatusNotificationRequest).vendor_error_code == "DeviceLinkLost"
    house.run(50)
    assert house.heard() == ["Status 1 Unavailable OtherError"]
    house.run(40)
    assert house.heard() == ["Status 1 Available"]


@pytest.mark.rule("S-07")
def test_a_transaction_outlives_the_line_to_its_charger() -> None:
    """While the charger cannot be reached the transaction goes on, with a warning."""
    house = House()
    house.charge()
    house.heard()
    house.device.power_cut(100)
    house.run(95)
    told = [line for line in house.heard() if line.startswith("Status")]
    assert told[-1] == "Status 1 SuspendedEV OtherError"
    assert not any("Unavailable" in line for line in told)
    assert house.assembly.transactions.running()


@pytest.mark.parametrize("plugged", [False, True])
def test_a_power_up_shows_what_is_there(plugged: bool) -> None:
    """A car that is plugged in at power-up makes the connector Preparing."""
    house = House(car={"plugged": plugged})
    assert house.heard()[-1] == f"Status 1 {'Preparing' if plugged else 'Available'}"


@pytest.mark.rule("S-10")
def test_a_status_carries_the_time_of_the_change(logged_failures: Any) -> None:
    """However late a status is told, its time is that of the change."""
    house = House()
    house.disconnect()
    house.plug()
    since = house.assembly.clock.now()
    house.run(100)
    house.connect()
    house.run(1)
    assert house.last(v16.StatusNotificationRequest).timestamp == since
