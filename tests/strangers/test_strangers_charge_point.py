"""Our charge point, as a real process, charges at foreign central systems."""

from __future__ import annotations

from pathlib import Path

import pytest
import strangers
from charging import plug_and_swipe, profile, status
from daemons import ChargePoint
from garage import Arrival
from strangers import Actor

pytestmark = pytest.mark.stranger

MEASURANDS = {"Energy.Active.Import.Register", "Current.Import", "Current.Offered"}


@pytest.mark.rule("B-01", "B-02", "B-04", "B-07", "B-08", "B-09", "B-10")
async def test_boot(arrive: Arrival) -> None:
    """Rejected, then Pending, then Accepted: it waits each time, and only then tells its status."""
    now = {"currentTime": "$now", "interval": 1}
    _, office = await arrive(
        settled=False,
        BootNotification=[
            {"status": "Rejected", **now},
            {"status": "Pending", **now},
            {"status": "Accepted", **now, "interval": 300},
        ],
    )
    booted = await office.expect("BootNotification")
    assert booted["chargePointVendor"]
    assert booted["chargePointModel"]
    await office.expect_event("answered", payload={"status": "Pending"})
    keys = await office.call("GetConfiguration", key=["NumberOfConnectors"])
    assert keys["configurationKey"][0]["value"] == "2"
    assert await office.call("RemoteStartTransaction", idTag="TAG1", connectorId=1) == {
        "status": "Rejected"
    }
    await office.settled()
    order = [action for action, _ in office.calls()]
    assert order[:6] == ["BootNotification"] * 3 + ["StatusNotification"] * 3


@pytest.mark.rule("H-01", "B-03")
async def test_heartbeat(arrive: Arrival) -> None:
    """The interval of the boot answer is the rhythm of the heartbeats."""
    _, office = await arrive(
        BootNotification={"status": "Accepted", "currentTime": "$now", "interval": 1}
    )
    await office.expect("Heartbeat")
    await office.expect("Heartbeat")
    keys = await office.call("GetConfiguration", key=["HeartbeatInterval"])
    assert keys["configurationKey"][0]["value"] == "1"


@pytest.mark.rule("TX-01", "TX-02", "TX-10", "TX-13", "A-10", "S-15", "M-02", "M-06", "M-08")
async def test_session_under_a_limit(arrive: Arrival) -> None:
    """Plug, swipe, charge; a profile arrives and the current follows; swipe again, unplug."""
    cp, office = await arrive(
        keys={
            "MeterValueSampleInterval": 1,
            "MeterValuesSampledData": ",".join(MEASURANDS),
            "StopTxnSampledData": "Energy.Active.Import.Register",
        }
    )
    await plug_and_swipe(cp)
    await status(office, 1, "Preparing")
    assert await office.expect("Authorize") == {"idTag": "TAG1"}
    start = await office.expect("StartTransaction", connectorId=1, idTag="TAG1")
    await status(office, 1, "Charging")
    await cp.becomes(1, current_a=16)

    sampled = await office.expect("MeterValues", connectorId=1)
    transaction = sampled["transactionId"]
    values = sampled["meterValue"][0]["sampledValue"]
    assert {value["context"] for value in values} == {"Sample.Periodic"}
    assert {value["measurand"] for value in values} == MEASURANDS

    accepted = {"status": "Accepted"}
    limited = profile(10, transactionId=transaction)
    assert (
        await office.call("SetChargingProfile", connectorId=1, csChargingProfiles=limited)
        == accepted
    )
    await cp.becomes(1, offered_a=10, current_a=10)
    composite = await office.call("GetCompositeSchedule", connectorId=1, duration=600)
    assert composite["status"] == "Accepted"
    assert composite["chargingSchedule"]["chargingRateUnit"] == "A"
    assert composite["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 10
    in_watts = await office.call(
        "GetCompositeSchedule", connectorId=1, duration=600, chargingRateUnit="W"
    )
    assert in_watts["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 6900
    assert await office.call("ClearChargingProfile", id=7) == accepted
    await cp.becomes(1, current_a=16)
    assert await office.call("ClearChargingProfile", id=7) == {"status": "Unknown"}

    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["idTag"] == "TAG1"
    assert stop.get("reason", "Local") == "Local"
    kept = [value["sampledValue"][0]["context"] for value in stop["transactionData"]]
    assert kept[0] == "Transaction.Begin"
    assert kept[-1] == "Transaction.End"
    assert stop["meterStop"] >= start["meterStart"]
    await status(office, 1, "Finishing")
    await cp.becomes(1, current_a=0)
    await cp.do("plug_out", connector=1)
    await status(office, 1, "Available")
    assert len(office.calls("Authorize")) == 1
    assert len(office.calls("StartTransaction")) == 1


async def test_pause(arrive: Arrival) -> None:
    """A limit below 6 A pauses charging, one above resumes it."""
    cp, office = await arrive()
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    default = {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileId": 8}
    await office.call("SetChargingProfile", connectorId=1, csChargingProfiles=profile(0, **default))
    await status(office, 1, "SuspendedEVSE")
    await cp.becomes(1, offered_a=0, current_a=0)
    await office.call("SetChargingProfile", connectorId=1, csChargingProfiles=profile(8, **default))
    await status(office, 1, "Charging")
    await cp.becomes(1, current_a=8)


@pytest.mark.rule("R-01", "R-02", "R-06", "R-20", "R-21", "R-22")
async def test_remote_start_and_stop(arrive: Arrival) -> None:
    """The central system starts and stops from afar, under a limit sent with the start."""
    cp, office = await arrive()
    await cp.do("plug_in", connector=2)
    await status(office, 2, "Preparing")
    answer = await office.call(
        "RemoteStartTransaction", idTag="REMOTE", connectorId=2, chargingProfile=profile(9)
    )
    assert answer == {"status": "Accepted"}
    assert await office.expect("Authorize") == {"idTag": "REMOTE"}
    await office.expect("StartTransaction", connectorId=2, idTag="REMOTE")
    await status(office, 2, "Charging")
    await cp.becomes(2, current_a=9)
    assert await office.call("RemoteStopTransaction", transactionId=999_999) == {
        "status": "Rejected"
    }
    transaction = office.started()[-1]
    assert await office.call("RemoteStopTransaction", transactionId=transaction) == {
        "status": "Accepted"
    }
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["reason"] == "Remote"
    assert "idTag" not in stop


@pytest.mark.rule("A-07")
async def test_tag_refused(arrive: Arrival) -> None:
    """A tag that the central system calls invalid starts nothing."""
    cp, office = await arrive(Authorize={"idTagInfo": {"status": "Invalid"}})
    await plug_and_swipe(cp, tag="STOLEN")
    await office.expect("Authorize", idTag="STOLEN")
    await office.call("GetLocalListVersion")
    assert not office.calls("StartTransaction")
    await cp.becomes(1, energised=False, permitted=False)


@pytest.mark.rule("A-60", "TX-12")
async def test_deauthorized(arrive: Arrival) -> None:
    """A tag refused in StartTransaction.conf ends the transaction at once."""
    cp, office = await arrive(
        StartTransaction={"transactionId": "$transaction", "idTagInfo": {"status": "Blocked"}}
    )
    await plug_and_swipe(cp)
    stop = await office.expect("StopTransaction")
    assert stop["reason"] == "DeAuthorized"
    await cp.becomes(1, current_a=0)


async def test_two_at_once(arrive: Arrival) -> None:
    """Two cars charge at the same time, each under its own limit."""
    cp, office = await arrive()
    await plug_and_swipe(cp, 1, "TAG1")
    await status(office, 1, "Charging")
    await plug_and_swipe(cp, 2, "TAG2")
    await status(office, 2, "Charging")
    first, second = office.started()
    for connector, transaction, limit_a in ((1, first, 7), (2, second, 12)):
        await office.call(
            "SetChargingProfile",
            connectorId=connector,
            csChargingProfiles=profile(
                limit_a, transactionId=transaction, chargingProfileId=connector
            ),
        )
    await cp.becomes(1, current_a=7)
    await cp.becomes(2, current_a=12)
    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    assert (await office.expect("StopTransaction"))["transactionId"] == first
    await cp.becomes(2, current_a=12)


@pytest.mark.rule("S-13", "TX-16")
async def test_unplugged(arrive: Arrival) -> None:
    """Pulling the plug at the car ends the transaction."""
    cp, office = await arrive()
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    await cp.do("plug_out", connector=1)
    assert (await office.expect("StopTransaction"))["reason"] == "EVDisconnected"
    await status(office, 1, "Available")


@pytest.mark.rule("S-14", "TX-16", "A-11", "U-02", "TX-12")
async def test_other_ends(arrive: Arrival) -> None:
    """Unplugging need not end it; a tag of the same group does, and so does unlocking."""
    family = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    cp, office = await arrive(
        keys={"StopTransactionOnEVSideDisconnect": False},
        car={"lock": True},
        Authorize=family,
        StartTransaction={"transactionId": "$transaction", **family},
    )
    await plug_and_swipe(cp, 1, "MOTHER")
    await status(office, 1, "Charging")
    await cp.do("plug_out", connector=1)
    await status(office, 1, "SuspendedEV")
    await cp.do("plug_in", connector=1)
    await status(office, 1, "Charging")
    await cp.do("swipe", id_tag="CHILD", connectors=[1])
    stop = await office.expect("StopTransaction")
    assert stop["idTag"] == "CHILD"
    await plug_and_swipe(cp, 2, "MOTHER")
    await status(office, 2, "Charging")
    assert await office.call("UnlockConnector", connectorId=2) == {"status": "Unlocked"}
    assert (await office.expect("StopTransaction"))["reason"] == "UnlockCommand"


@pytest.mark.rule("TX-20", "TX-21", "TX-22", "C-08", "C-13", "C-18")
async def test_offline(arrive: Arrival) -> None:
    """What happens offline is told afterwards, in order and once, without a new boot."""
    cp, office = await arrive(keys={"MeterValueSampleInterval": 1})
    await plug_and_swipe(cp)
    await status(office, 1, "Charging")
    (transaction,) = office.started()
    await office.refuse(503)
    office.abort()
    await office.expect_event("disconnected")
    await office.expect_event("turned away")
    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    await cp.becomes(1, permitted=False)
    await cp.do("plug_out", connector=1)
    await office.refuse(None)
    await office.expect_event("connected")
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["idTag"] == "TAG1"
    await status(office, 1, "Available")
    assert len(office.calls("BootNotification")) == 1
    assert len(office.calls("StopTransaction")) == 1
    stamps = [
        payload["meterValue"][0]["timestamp"] if action == "MeterValues" else payload["timestamp"]
        for action, payload in office.calls("StartTransaction", "MeterValues", "StopTransaction")
    ]
    assert stamps == sorted(stamps)


@pytest.mark.rule("TX-05", "TX-24", "TX-27")
async def test_answer_lost(arrive: Arrival) -> None:
    """A StartTransaction whose answer is lost with the line is told again, word for word."""
    cp, office = await arrive(
        StartTransaction=[
            {"$silence": {"transactionId": 77, "idTagInfo": {"status": "Accepted"}}},
            {"transactionId": 77, "idTagInfo": {"status": "Accepted"}},
        ]
    )
    await plug_and_swipe(cp)
    first = await office.expect("StartTransaction")
    office.abort()
    assert await office.expect("StartTransaction") == first
    await cp.do("swipe", id_tag="TAG1", connectors=[1])
    await office.expect("StopTransaction", transactionId=77)
    assert len(office.calls("StartTransaction")) == 2


async def test_goodbye(arrive: Arrival) -> None:
    """Told to stop, the process says goodbye on the line and ends cleanly."""
    cp, office = await arrive()
    await cp.stop()
    assert (await office.expect_event("disconnected"))["code"] == 1001


async def test_central_system_killed(
    foreign_central_system: Actor, arrive: Arrival, tmp_path: Path
) -> None:
    """A central system that is killed and comes back gets what happened meanwhile, once."""
    library = foreign_central_system.library
    office = await strangers.central_system(library)
    cp = ChargePoint(tmp_path / "cp", "KILLED", office.url)
    cp.launch()
    again = office
    try:
        await office.peer("KILLED").settled()
        await plug_and_swipe(cp)
        start = await office.peer("KILLED").expect("StartTransaction")
        await status(office.peer("KILLED"), 1, "Charging")
        await office.stop("KILL")
        await cp.do("plug_out", connector=1)
        again = await strangers.central_system(library, office.port)
        stop = await again.peer("KILLED").expect("StopTransaction")
        assert stop["reason"] == "EVDisconnected"
        assert stop["meterStop"] >= start["meterStart"]
        assert not again.peer("KILLED").calls("StartTransaction", "BootNotification")
        again.assert_no_fault()
    finally:
        await cp.stop()
        await again.stop()


@pytest.mark.rule("TX-21", "TX-30", "B-11")
async def test_charge_point_killed(arrive: Arrival) -> None:
    """Killed while charging, the charge point boots again and closes the transaction."""
    cp, office = await arrive()
    await plug_and_swipe(cp)
    await office.expect("StartTransaction")
    await status(office, 1, "Charging")
    (transaction,) = office.started()
    await cp.stop("KILL")
    cp.launch()
    await office.expect("BootNotification")
    await office.expect("BootNotification")
    stop = await office.expect("StopTransaction", transactionId=transaction)
    assert stop["reason"] == "PowerLoss"
    assert len(office.calls("StartTransaction")) == 1
