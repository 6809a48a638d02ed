"""Starting and stopping from afar."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from house import House, never, refused

from txocpp.evse import Fault, FaultCode
from txocpp.messages import v16


def remote_start(id_tag: str = "TAG1", **more: Any) -> v16.RemoteStartTransactionRequest:
    """The request, for connector 1 unless something else is said."""
    return v16.RemoteStartTransactionRequest(id_tag=id_tag, **{"connector_id": 1, **more})


def remote_stop(transaction_id: int) -> v16.RemoteStopTransactionRequest:
    """The request."""
    return v16.RemoteStopTransactionRequest(transaction_id=transaction_id)


def profile(**more: Any) -> v16.ChargingProfile:
    """A TxProfile of 10 A."""
    return v16.ChargingProfile(
        **{
            "charging_profile_id": 1,
            "stack_level": 0,
            "charging_profile_purpose": v16.ChargingProfilePurposeType.TX_PROFILE,
            "charging_profile_kind": v16.ChargingProfileKindType.RELATIVE,
            "charging_schedule": v16.ChargingSchedule(
                charging_rate_unit=v16.ChargingRateUnitType.A,
                charging_schedule_period=(
                    v16.ChargingSchedulePeriod(start_period=0, limit=Decimal(10)),
                ),
            ),
            **more,
        }
    )


@pytest.mark.rule("R-01", "R-02", "R-06")
@pytest.mark.parametrize("authorize", [True, False])
def test_a_car_that_is_plugged_in_starts(authorize: bool) -> None:
    """Accepted, then StartTransaction with the tag of the request; asked about first only if
    AuthorizeRemoteTxRequests says so."""
    house = House(configuration={"AuthorizeRemoteTxRequests": authorize})
    house.plug()
    house.heard()
    assert house.status(remote_start()) == "Accepted"
    house.run(10)
    asked = ["Authorize TAG1"] if authorize else []
    assert house.heard() == [*asked, "Start 1 TAG1", "Status 1 Charging"]


@pytest.mark.rule("R-05", "S-18")
def test_a_start_before_the_cable_waits() -> None:
    """Preparing, and the transaction begins with the cable; without it Available again."""
    house = House(configuration={"ConnectionTimeOut": 30})
    house.heard()
    house.status(remote_start())
    assert house.heard()[-1] == "Status 1 Preparing"
    house.run(30)
    assert house.heard() == ["Status 1 Available"]
    house.status(remote_start())
    house.plug()
    house.run(10)
    assert "Start 1 TAG1" in house.heard()


@pytest.mark.rule("R-03")
def test_connector_zero_is_none() -> None:
    """A remote start on connector 0, or on one that there is not, is Rejected."""
    house = House()
    assert house.status(remote_start(connector_id=0)) == "Rejected"
    assert house.status(remote_start(connector_id=2)) == "Rejected"


@pytest.mark.rule("R-03")
def test_without_a_connector_the_car_decides() -> None:
    """The first connector with a car is taken, else the first that is free."""
    house = House(3)
    house.plug(2)
    house.status(remote_start("A", connector_id=None))
    house.run(10)
    house.status(remote_start("B", connector_id=None))
    assert house.bay(2).transaction is not None
    assert house.bay(1).grant is not None


@pytest.mark.rule("R-04", "AV-01", "S-17")
def test_a_connector_that_cannot_serve_is_refused() -> None:
    """Rejected while a transaction runs, out of service, or with a fault."""
    house = House(3)
    house.charge(1)
    house.status(
        v16.ChangeAvailabilityRequest(connector_id=2, type=v16.AvailabilityType.INOPERATIVE)
    )
    house.device.evse(3).raise_fault(Fault(FaultCode.GROUND_FAILURE))
    house.run(0)
    for connector_id in (1, 2, 3):
        assert house.status(remote_start("X", connector_id=connector_id)) == "Rejected"


@pytest.mark.rule("R-09")
def test_a_refused_tag_starts_nothing() -> None:
    """If the tag is not authorised the connector stays as it was."""
    house = House()
    house.plug()
    house.central.tags["TAG1"] = refused()
    assert house.status(remote_start()) == "Accepted"
    house.run(10)
    assert house.heard("Authorize", "Start") == ["Authorize TAG1"]
    assert house.status(remote_start("TAG2")) == "Accepted"


@pytest.mark.rule("R-10")
def test_a_second_start_finds_the_connector_taken() -> None:
    """While one start waits for the cable, or is being authorised, another is Rejected."""
    house = House()
    house.central.answer = lambda r: never(r) if isinstance(r, v16.AuthorizeRequest) else None
    house.status(remote_start("A"))
    assert house.status(remote_start("B")) == "Rejected"
    house.central.answer = None
    house.run(31)
    house.status(remote_start("C"))
    assert house.status(remote_start("D")) == "Rejected"


@pytest.mark.rule("R-20", "R-22", "TX-12")
def test_a_remote_stop_ends_the_transaction() -> None:
    """The answer first, then StopTransaction with reason Remote, and Finishing."""
    house = House(car={"lock": True})
    house.charge()
    assert house.status(remote_stop(1)) == "Accepted"
    house.run(10)
    assert house.heard() == ["Stop 1 Remote", "Status 1 Finishing"]
    frames = [p.frame for p in house.line.link.transcript]
    accepted = next(i for i, f in enumerate(frames) if f.startswith("[3") and "Accepted" in f[-24:])
    assert accepted < next(i for i, f in enumerate(frames) if "StopTransaction" in f)
    assert not house.evse().state.locked


@pytest.mark.rule("R-21", "R-23")
def test_an_unknown_transaction_cannot_be_stopped() -> None:
    """Neither a foreign number, nor a transaction whose number is not known yet."""
    house = House()
    house.central.answer = lambda r: (
        never(r) if isinstance(r, v16.StartTransactionRequest) else None
    )
    house.charge()
    for number in (0, 1, 99):
        assert house.status(remote_stop(number)) == "Rejected"


@pytest.mark.rule("R-08", "SR-701", "SR-702", "SR-704")
def test_a_start_may_bring_its_limit() -> None:
    """The profile of the remote start is in force with the transaction, and goes with it."""
    house = House()
    house.plug()
    house.status(remote_start(charging_profile=profile()))
    house.run(10)
    assert house.evse().state.offered_a == 10
    house.swipe()
    house.run(10)
    assert len(house.assembly.limits.stack) == 0
    assert "profiles" not in house.store.contents()


@pytest.mark.rule("SR-701")
@pytest.mark.parametrize(
    "wrong",
    [
        {"charging_profile_purpose": v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE},
        {"transaction_id": 5},
    ],
)
def test_a_start_with_an_impossible_limit_is_refused(wrong: dict[str, Any]) -> None:
    """Only a TxProfile without a transaction id can come with a remote start."""
    house = House()
    house.plug()
    assert house.status(remote_start(charging_profile=profile(**wrong))) == "Rejected"


@pytest.mark.rule("SR-702", "R-05")
def test_the_limit_of_a_start_that_comes_to_nothing_is_dropped() -> None:
    """If nobody plugs in, the profile is gone with the start."""
    house = House()
    house.status(remote_start(charging_profile=profile()))
    house.run(100)
    house.charge(id_tag="TAG2")
    assert house.evse().state.offered_a == 32


@pytest.mark.rule("R-08")
def test_without_smart_charging_the_limit_is_ignored() -> None:
    """A station without the feature starts as if there were no profile."""
    house = House(configuration={"SupportedFeatureProfiles": "Core"})
    house.plug()
    assert house.status(remote_start(charging_profile=profile())) == "Accepted"
    house.run(10)
    assert house.evse().state.offered_a == 32


@pytest.mark.rule("R-03", "R-05")
def test_without_a_connector_the_first_car_that_comes_decides() -> None:
    """With no car there yet, the start waits for the first one, wherever it is plugged in."""
    house = House(2)
    assert house.status(remote_start(connector_id=None)) == "Accepted"
    house.heard()
    house.plug(2)
    house.run(5)
    assert house.heard("Start") == ["Start 2 TAG1"]
    assert house.bay(1).grant is None


@pytest.mark.rule("R-05")
def test_with_a_connector_only_that_one_is_meant() -> None:
    """A car at the neighbour does not take a start that names its connector."""
    house = House(2)
    assert house.status(remote_start()) == "Accepted"
    house.plug(2)
    house.run(5)
    assert house.heard("Start") == []
