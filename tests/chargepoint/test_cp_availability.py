"""In and out of service."""

from __future__ import annotations

import pytest
from house import House

from txocpp.evse import Fault, FaultCode
from txocpp.messages import v16
from txocpp.storage.memory import Fate, MemoryChargePointStore

IN = v16.AvailabilityType.OPERATIVE
OUT = v16.AvailabilityType.INOPERATIVE


def change(house: House, connector_id: int, to: v16.AvailabilityType) -> str:
    """Change; gives the answer."""
    return house.status(v16.ChangeAvailabilityRequest(connector_id=connector_id, type=to))


def quiet(connectors: int = 1) -> House:
    """A house that has told its first statuses."""
    house = House(connectors)
    house.heard()
    return house


@pytest.mark.rule("AV-01", "AV-05")
def test_one_connector_goes_out_of_service_and_comes_back() -> None:
    """Its status is told; the EVSE signals to the car that it is out of service."""
    house = quiet(2)
    assert change(house, 1, OUT) == "Accepted"
    assert house.heard() == ["Status 1 Unavailable"]
    assert not house.evse(1).state.available
    assert change(house, 1, IN) == "Accepted"
    assert house.heard() == ["Status 1 Available"]
    assert house.evse(1).state.available


@pytest.mark.rule("AV-01", "AV-05")
def test_the_station_takes_its_connectors_along() -> None:
    """Connector 0 stands for the station and all connectors; each tells its status."""
    house = quiet(2)
    assert change(house, 0, OUT) == "Accepted"
    assert sorted(house.heard()) == [f"Status {n} Unavailable" for n in range(3)]
    assert change(house, 0, IN) == "Accepted"
    assert sorted(house.heard()) == [f"Status {n} Available" for n in range(3)]


@pytest.mark.rule("AV-02", "AV-07", "R-04")
def test_a_running_transaction_ends_first() -> None:
    """Scheduled; the connector becomes Unavailable with the end of its transaction, the idle one at
    once."""
    house = House(2)
    house.charge(1)
    assert change(house, 0, OUT) == "Scheduled"
    assert sorted(house.heard()) == ["Status 0 Unavailable", "Status 2 Unavailable"]
    assert house.evse(1).state.energised
    house.swipe()
    house.run(10)
    assert house.heard() == ["Stop 1 Local by TAG1", "Status 1 Unavailable"]


@pytest.mark.rule("AV-03")
def test_the_same_again_is_accepted() -> None:
    """Asking for what is so already: Accepted, and nothing to tell."""
    house = quiet()
    assert change(house, 1, IN) == "Accepted"
    change(house, 1, OUT)
    house.heard()
    assert change(house, 1, OUT) == "Accepted"
    assert house.heard() == []


@pytest.mark.rule("AV-04")
def test_an_unknown_connector_is_rejected() -> None:
    """There is nothing to change about a connector that there is not."""
    assert change(quiet(), 2, OUT) == "Rejected"


@pytest.mark.rule("AV-06", "S-12", "E-06")
def test_out_of_service_survives_a_power_cut() -> None:
    """Unavailable, also scheduled, is Unavailable after the restart."""
    house = House(2)
    change(house, 2, OUT)
    house.charge(1)
    change(house, 1, OUT)
    house.heard()
    house.power_cut()
    house.run(5)
    assert house.heard()[:4] == [
        "Boot",
        "Status 0 Available",
        "Status 1 Unavailable",
        "Status 2 Unavailable",
    ]


@pytest.mark.rule("AV-08", "S-12")
def test_back_in_service_with_a_fault() -> None:
    """A faulty connector may be put in service, and is Faulted until the fault is gone."""
    house = quiet()
    change(house, 1, OUT)
    house.evse().raise_fault(Fault(FaultCode.GROUND_FAILURE))
    house.run(0)
    assert change(house, 1, IN) == "Accepted"
    house.evse().clear_fault()
    house.run(0)
    assert house.heard() == [
        "Status 1 Unavailable",
        "Status 1 Faulted GroundFailure",
        "Status 1 Available",
    ]


@pytest.mark.rule("AV-09")
def test_both_flags_have_to_allow() -> None:
    """A connector put in service stays out while the station is; the station's word for in service
    counts for every connector."""
    house = quiet(2)
    change(house, 1, OUT)
    change(house, 0, OUT)
    change(house, 1, IN)
    assert house.bay(1).reporter.current.status == "Unavailable"
    change(house, 2, OUT)
    change(house, 0, IN)
    assert [house.bay(n).reporter.current.status for n in (1, 2)] == ["Available", "Available"]


@pytest.mark.rule("AV-10")
def test_the_opposite_cancels_what_was_scheduled() -> None:
    """In service again before the end of the transaction: nothing happens at its end."""
    house = House()
    house.charge()
    change(house, 1, OUT)
    assert change(house, 1, IN) == "Accepted"
    house.swipe()
    house.run(10)
    assert house.heard() == ["Stop 1 Local by TAG1", "Status 1 Finishing"]


def test_somebody_who_waits_for_a_cable_is_sent_away() -> None:
    """Out of service ends a start that was waiting."""
    house = House()
    house.swipe()
    house.heard()
    assert change(house, 1, OUT) == "Accepted"
    assert house.heard() == ["Status 1 Available", "Status 1 Unavailable"]
    house.plug()
    house.run(10)
    assert house.bay().transaction is None


def test_what_cannot_be_saved_is_rejected() -> None:
    """A full disk promises nothing."""
    full = [False]
    store = MemoryChargePointStore(fate=lambda number: Fate.REFUSED if full[0] else Fate.KEPT)
    house = House(store=store)
    full[0] = True
    assert change(house, 1, OUT) == "Rejected"
    assert house.bay().reporter.current.status == "Available"
