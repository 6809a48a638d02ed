"""What a charge point does while its disk takes no changes, as seen by its central system."""

from __future__ import annotations

from decimal import Decimal

import pytest
from house import House

from txocpp.messages import v16
from txocpp.storage.memory import Fate


@pytest.mark.rule("TX-30")
def test_a_reboot_goes_on_from_what_could_not_be_written() -> None:
    """A transaction that has ended while the disk was full is not ended once more by a reset."""
    house = House()
    house.charge()
    house.store.fate = lambda number: Fate.REFUSED
    house.swipe("TAG1")
    house.run(5)
    house.set_key("NoSuchKey", "1")
    assert house.status(v16.ResetRequest(type=v16.ResetType.HARD)) == "Accepted"
    house.run(30)
    assert house.heard("Stop") == []
    house.store.fate = lambda number: Fate.KEPT
    house.run(30)
    assert house.heard("Stop") == ["Stop 1 Local by TAG1"]
    house.power_cut()
    house.run(30)
    assert house.heard("Stop") == []


def test_profiles_stay_while_nothing_can_be_cleared() -> None:
    """ClearChargingProfile is answered with an error, and the profile is in force as before."""
    house = House()
    profile = v16.ChargingProfile(
        charging_profile_id=1,
        stack_level=0,
        charging_profile_purpose=v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
        charging_profile_kind=v16.ChargingProfileKindType.RELATIVE,
        charging_schedule=v16.ChargingSchedule(
            charging_rate_unit=v16.ChargingRateUnitType.A,
            charging_schedule_period=(
                v16.ChargingSchedulePeriod(start_period=0, limit=Decimal(10)),
            ),
        ),
    )
    wish = v16.SetChargingProfileRequest(connector_id=1, cs_charging_profiles=profile)
    assert house.status(wish) == "Accepted"
    house.store.fate = lambda number: Fate.REFUSED
    assert house.ask(v16.ClearChargingProfileRequest()) == "InternalError"
    assert len(house.assembly.limits.stack) == 1
