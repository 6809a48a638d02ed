"""The strangers among themselves: what the actors can do is shown without our own code."""

from __future__ import annotations

import pytest
import strangers
from strangers import Actor

pytestmark = pytest.mark.stranger


async def test_session(foreign_central_system: Actor, foreign_charge_points: Actor) -> None:
    """A foreign charge point boots, charges and stops at a foreign central system."""
    station = foreign_charge_points.peer("MEET-1")
    office = foreign_central_system.peer("MEET-1")

    assert (await station.connect(foreign_central_system.url))["subprotocol"] == "ocpp1.6"
    booted = await station.call(
        "BootNotification", chargePointVendor="Foreign", chargePointModel="Box"
    )
    assert booted["status"] == "Accepted"
    assert booted["currentTime"].endswith("Z")
    assert await office.expect("BootNotification") == {
        "chargePointVendor": "Foreign",
        "chargePointModel": "Box",
    }
    started = await station.call(
        "StartTransaction",
        connectorId=1,
        idTag="TAG1",
        meterStart=0,
        timestamp="2030-01-01T00:00:00Z",
    )
    assert started["transactionId"] > 0
    assert await office.call("RemoteStopTransaction", transactionId=started["transactionId"]) == {
        "status": "Accepted"
    }
    assert await station.expect("RemoteStopTransaction") == {
        "transactionId": started["transactionId"]
    }


async def test_scripted_answers(
    foreign_central_system: Actor, foreign_charge_points: Actor
) -> None:
    """Answers come in the order of the script, the last one for ever; errors can be scripted."""
    station = foreign_charge_points.peer("MEET-2")
    await station.connect(foreign_central_system.url)
    office = foreign_central_system.peer("MEET-2")
    await office.expect_event("connected")
    await station.answer(Reset=[{"status": "Rejected"}, {"status": "Accepted"}])
    await station.answer(ClearCache={"$error": ["InternalError", "no cache today"]})

    assert [(await office.call("Reset", type="Soft"))["status"] for _ in range(3)] == [
        "Rejected",
        "Accepted",
        "Accepted",
    ]
    with pytest.raises(strangers.ForeignError) as refused:
        await office.call("ClearCache")
    assert refused.value.code == "InternalError"


async def test_strictness(foreign_central_system: Actor, foreign_charge_points: Actor) -> None:
    """A frame that breaks the schema is seen as a fault, so that ours would be."""
    station = foreign_charge_points.peer("MEET-3")
    await station.connect(foreign_central_system.url)
    station.send('[2, "1", "BootNotification", {"chargePointVendor": "V"}]')
    await foreign_central_system.event("fault", peer="MEET-3")
    assert foreign_central_system.take_faults()
    if foreign_charge_points.library == "ocpp-rpc":  # it sees an answer that it has not asked for
        await foreign_charge_points.event("fault", peer="MEET-3")
        assert foreign_charge_points.take_faults()


async def test_turned_away(foreign_central_system: Actor, foreign_charge_points: Actor) -> None:
    """A charge point can be turned away before the upgrade, and let in afterwards."""
    office = foreign_central_system.peer("MEET-4")
    await office.refuse(401)
    station = foreign_charge_points.peer("MEET-4")
    assert (await station.connect(foreign_central_system.url))["status"] in (401, None)
    await office.refuse(None)
    assert (await station.connect(foreign_central_system.url, b"\x00secret"))[
        "event"
    ] == "connected"
    seen = await office.expect_event("connected")
    assert seen["authorization"] == "Basic TUVFVC00OgBzZWNyZXQ="
    office.abort()
    assert (await station.expect_event("disconnected"))["code"] == 1006
