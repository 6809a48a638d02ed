"""The main story: boot, a car, a tag, energy under a limit, the end."""

from __future__ import annotations

from house import House


def test_a_car_charges_under_a_limit() -> None:
    """From the boot to the end of a transaction, in the order that the central system sees."""
    house = House(2)
    assert house.heard() == [
        "Boot",
        "Status 0 Available",
        "Status 1 Available",
        "Status 2 Available",
    ]
    house.plug(1)
    house.swipe("TAG1", 1)
    house.run(10)
    assert house.heard() == [
        "Status 1 Preparing",
        "Authorize TAG1",
        "Start 1 TAG1",
        "Status 1 Charging",
    ]
    assert house.evse(1).state.offered_a == 32
