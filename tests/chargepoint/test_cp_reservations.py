"""Connectors kept for somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from house import NOON, House, accepted

from txocpp.evse import Fault, FaultCode
from txocpp.messages import v16


def reserve(house: House, connector_id: int = 1, id_tag: str = "TAG1", **more: Any) -> str:
    """Reserve for ten minutes; gives the answer."""
    request = v16.ReserveNowRequest(
        **{
            "connector_id": connector_id,
            "id_tag": id_tag,
            "reservation_id": 1,
            "expiry_date": NOON + timedelta(minutes=10),
            **more,
        }
    )
    return house.status(request)


def cancel(house: House, reservation_id: int = 1) -> str:
    """Cancel; gives the answer."""
    return house.status(v16.CancelReservationRequest(reservation_id=reservation_id))


@pytest.mark.rule("V-03", "V-04", "V-08", "V-09", "V-15")
def test_a_reserved_connector_is_for_its_tag() -> None:
    """Reserved; another tag is refused, with or without a car; the right one uses it up."""
    house = House()
    house.heard()
    assert reserve(house) == "Accepted"
    house.swipe("OTHER")
    house.plug()
    house.swipe("OTHER")
    house.run(5)
    assert house.heard() == ["Status 1 Reserved"]
    house.swipe("tag1")
    house.run(10)
    assert house.heard() == [
        "Authorize tag1",
        "Status 1 Preparing",
        "Start 1 tag1 reservation 1",
        "Status 1 Charging",
    ]
    assert cancel(house) == "Rejected"
    assert "reservations" not in house.store.contents()


@pytest.mark.rule("R-07", "R-04", "V-09")
def test_a_remote_start_uses_the_reservation() -> None:
    """The reserved tag may be started from afar, another one not."""
    house = House()
    reserve(house)
    house.plug()
    start = v16.RemoteStartTransactionRequest
    assert house.status(start(connector_id=1, id_tag="OTHER")) == "Rejected"
    assert house.status(start(connector_id=1, id_tag="TAG1")) == "Accepted"
    house.run(10)
    assert "Start 1 TAG1 reservation 1" in house.heard()


@pytest.mark.rule("V-04", "V-05")
def test_a_reservation_may_be_for_a_group() -> None:
    """A tag of the reservation's group is let in; the group is learnt by asking."""
    house = House()
    house.central.tags["FRIEND"] = accepted(parent_id_tag="FAMILY")
    house.central.tags["STRANGER"] = accepted(parent_id_tag="OTHERS")
    reserve(house, parent_id_tag="FAMILY")
    house.plug()
    house.heard()
    house.swipe("STRANGER")
    house.run(5)
    assert house.heard() == ["Authorize STRANGER"]
    house.swipe("FRIEND")
    house.run(10)
    assert house.heard("Start") == ["Start 1 FRIEND reservation 1"]


@pytest.mark.rule("V-05", "R-07")
def test_a_remote_start_may_be_for_the_group() -> None:
    """The group of a tag that is started from afar is asked about before the answer."""
    house = House()
    house.central.tags["FRIEND"] = accepted(parent_id_tag="FAMILY")
    reserve(house, parent_id_tag="FAMILY")
    house.set_key("AuthorizeRemoteTxRequests", "false")
    house.plug()
    request = v16.RemoteStartTransactionRequest(connector_id=1, id_tag="FRIEND")
    assert house.status(request) == "Accepted"
    house.run(10)
    assert house.heard("Start") == ["Start 1 FRIEND reservation 1"]


@pytest.mark.rule("V-01")
def test_the_same_id_replaces() -> None:
    """A reservation with a known id takes the place of the old one."""
    house = House(2)
    reserve(house, 1)
    house.heard()
    assert reserve(house, 2, "TAG2") == "Accepted"
    assert sorted(house.heard()) == ["Status 1 Available", "Status 2 Reserved"]


@pytest.mark.rule("V-02")
def test_what_is_taken_cannot_be_reserved() -> None:
    """In use, plugged in, or reserved already: Occupied. Out of order: Faulted or Unavailable."""
    house = House(5)
    house.charge(1)
    house.plug(2)
    reserve(house, 3, reservation_id=3)
    house.evse(4).raise_fault(Fault(FaultCode.GROUND_FAILURE))
    house.status(
        v16.ChangeAvailabilityRequest(connector_id=5, type=v16.AvailabilityType.INOPERATIVE)
    )
    answers = [reserve(house, number, reservation_id=9) for number in range(1, 7)]
    assert answers == ["Occupied", "Occupied", "Occupied", "Faulted", "Unavailable", "Rejected"]


@pytest.mark.rule("V-10")
def test_an_expired_reservation_frees_the_connector() -> None:
    """At the expiry date the connector is Available, and anybody may charge."""
    house = House()
    reserve(house)
    house.heard()
    house.run(599)
    assert house.heard() == []
    house.run(1)
    assert house.heard() == ["Status 1 Available"]


@pytest.mark.rule("V-10", "V-11")
def test_a_cancelled_reservation_frees_the_connector() -> None:
    """CancelReservation of a known id: Accepted and Available; the start has no reservation."""
    house = House()
    reserve(house)
    assert cancel(house, 2) == "Rejected"
    assert cancel(house, 1) == "Accepted"
    assert house.heard()[-1] == "Status 1 Available"
    house.plug()
    house.swipe()
    house.run(10)
    assert house.heard("Start") == ["Start 1 TAG1"]


@pytest.mark.rule("V-13")
def test_the_past_cannot_be_reserved() -> None:
    """An expiry date that has passed: Rejected."""
    assert reserve(House(), expiry_date=NOON - timedelta(seconds=1)) == "Rejected"


@pytest.mark.rule("V-12", "J-22")
def test_a_station_without_reservations() -> None:
    """Without the feature profile every reservation is Rejected."""
    house = House(configuration={"SupportedFeatureProfiles": "Core"})
    assert (reserve(house), cancel(house)) == ("Rejected", "Rejected")


@pytest.mark.rule("V-14")
def test_a_reservation_survives_a_power_cut() -> None:
    """After the restart it is still reserved, until the same moment."""
    house = House()
    reserve(house)
    house.power_cut()
    assert house.heard()[-1] == "Status 1 Reserved"
    house.run(600)
    assert house.heard()[-1] == "Status 1 Available"


@pytest.mark.rule("V-08")
def test_a_connector_out_of_order_keeps_nothing() -> None:
    """A fault, or taking the connector out of service, ends its reservation."""
    house = House()
    reserve(house)
    house.evse().raise_fault(Fault(FaultCode.GROUND_FAILURE))
    house.run(0)
    house.evse().clear_fault()
    house.run(0)
    assert house.heard()[-2:] == ["Status 1 Faulted GroundFailure", "Status 1 Available"]
    reserve(house)
    house.status(
        v16.ChangeAvailabilityRequest(connector_id=1, type=v16.AvailabilityType.INOPERATIVE)
    )
    assert cancel(house) == "Rejected"


@pytest.mark.rule("V-06", "V-07")
def test_any_connector_of_one() -> None:
    """A reservation of connector 0 turns a station with one connector Reserved."""
    house = House()
    house.heard()
    assert reserve(house, 0) == "Accepted"
    assert house.heard() == ["Status 1 Reserved"]
    house.plug()
    house.swipe("OTHER")
    house.run(5)
    assert house.bay().transaction is None
    house.swipe("TAG1")
    house.run(10)
    assert house.heard("Start") == ["Start 1 TAG1 reservation 1"]


@pytest.mark.rule("V-06", "V-07")
def test_any_connector_of_several() -> None:
    """One connector is kept free for the tag at any time; it is Reserved when it is the last."""
    house = House(2)
    reserve(house, 0)
    house.heard()
    house.plug(1)
    house.swipe("OTHER", 1)
    house.run(10)
    assert house.heard() == [
        "Status 1 Preparing",
        "Authorize OTHER",
        "Start 1 OTHER",
        "Status 2 Reserved",
        "Status 1 Charging",
    ]
    house.swipe("THIRD", 2)
    assert house.heard() == []
    house.swipe("OTHER", 1)
    house.run(10)
    house.unplug(1)
    assert "Status 2 Available" in house.heard()


@pytest.mark.rule("V-06")
def test_any_connector_may_not_be_offered() -> None:
    """ReserveConnectorZeroSupported false: Rejected."""
    house = House(configuration={"ReserveConnectorZeroSupported": False})
    assert reserve(house, 0) == "Rejected"


@pytest.mark.rule("V-02", "V-06")
def test_any_connector_when_none_is_left() -> None:
    """The answer for connector 0 tells why no connector can be kept free."""
    house = House()
    house.plug()
    assert reserve(house, 0) == "Occupied"
    house.unplug()
    reserve(house, 1, reservation_id=5)
    assert reserve(house, 0) == "Occupied"
    cancel(house, 5)
    house.evse().raise_fault(Fault(FaultCode.GROUND_FAILURE))
    house.run(0)
    assert reserve(house, 0) == "Faulted"
    house.evse().clear_fault()
    house.status(
        v16.ChangeAvailabilityRequest(connector_id=0, type=v16.AvailabilityType.INOPERATIVE)
    )
    assert reserve(house, 0) == "Unavailable"


def test_promises_for_any_are_not_given_away_one_by_one() -> None:
    """With one connector left for a reservation of any, it cannot be reserved itself."""
    house = House(2)
    assert reserve(house, 0) == "Accepted"
    assert reserve(house, 1, "TAG2", reservation_id=2) == "Accepted"
    assert reserve(house, 2, "TAG3", reservation_id=3) == "Occupied"
    assert reserve(house, 0, "TAG4", reservation_id=4) == "Occupied"


@pytest.mark.rule("V-04")
def test_a_waiting_start_does_not_move_to_a_reserved_connector() -> None:
    """Who was let in at a common reader and plugs in where another one has reserved gets nothing
    there; his start goes on waiting at the free connector."""
    house = House(2)
    reserve(house, 2)
    house.swipe("TAG9", 1, 2)
    house.heard()
    house.plug(2)
    house.run(5)
    assert house.heard() == []
    house.plug(1)
    house.run(5)
    assert "Start 1 TAG9" in house.heard()
