"""A simulated station says what a real one says, when a real one says it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from load_rig import Yard

from txocpp.errors import GenericError, SecurityError
from txocpp.messages.v16 import Reason

MakeYard = Callable[..., Yard]


@pytest.mark.rule("B-01", "B-10")
def test_boot_then_statuses(yard: Yard) -> None:
    """After the boot it tells the status of itself and of each connector."""
    assert yard.actions() == ["BootNotification", *["StatusNotification"] * 3]
    told = [(p["connectorId"], p["status"]) for p in yard.told("StatusNotification")]
    assert told == [(0, "Available"), (1, "Available"), (2, "Available")]


@pytest.mark.rule("B-02", "B-04", "B-07")
def test_rejected(make_yard: MakeYard) -> None:
    """Rejected: not a word before the interval is over, and no call is answered."""
    yard = make_yard(cars_per_hour=100.0)
    yard.answers["BootNotification"] = lambda _: yard.registration("Rejected", 90)
    yard.start()
    calling = yard.central.call_raw("ClearCache", {}, timeout_s=3600)
    yard.run(89)
    assert yard.actions() == ["BootNotification"]
    assert not calling.called
    yard.answers["BootNotification"] = lambda _: yard.registration("Accepted", 90)
    yard.run(2)
    assert yard.actions()[:3] == ["BootNotification", "BootNotification", "StatusNotification"]
    calling.addErrback(lambda _: None)


@pytest.mark.rule("B-08", "B-09", "T-08")
def test_pending(make_yard: MakeYard) -> None:
    """Pending: it answers, starts nothing, and boots at once when it is asked to."""
    yard = make_yard()
    yard.answers["BootNotification"] = lambda _: yard.registration("Pending", 600)
    yard.start()
    assert yard.ask("RemoteStartTransaction", idTag="A")["status"] == "Rejected"
    yard.answers["BootNotification"] = lambda _: yard.registration("Accepted", 600)
    answer = yard.ask("TriggerMessage", requestedMessage="BootNotification")
    assert answer == {"status": "Accepted"}
    assert yard.actions()[:2] == ["BootNotification"] * 2
    assert yard.station.is_online


def test_no_answer_to_the_boot(make_yard: MakeYard) -> None:
    """It boots again, later and later."""
    yard = make_yard()
    yard.answers["BootNotification"] = GenericError("not now")
    yard.start()
    booted_after = []
    for second in range(75):
        if len(yard.heard) > len(booted_after):
            booted_after.append(second)
        yard.run(1)
    assert booted_after == [0, 10, 30, 70]


@pytest.mark.rule("H-01")
def test_heartbeat_after_silence(yard: Yard) -> None:
    """A heartbeat comes after an interval in which nothing else was said."""
    yard.run(200)
    yard.ask("TriggerMessage", requestedMessage="StatusNotification", connectorId=1)
    yard.run(299)
    assert yard.told("Heartbeat") == []
    yard.run(2)
    assert len(yard.told("Heartbeat")) == 1


def test_simulated_time(make_yard: MakeYard) -> None:
    """Sixty times faster: an hour of heartbeats in a minute, and no timestamp from the future."""
    yard = make_yard(faster=60.0, duration_s=60.0, cars_per_hour=20.0)
    yard.start()
    yard.run(60, step_s=0.05)
    stamps = [payload["timestamp"] for payload in yard.told("StatusNotification")]
    assert min(stamps) < "2026-06-01T11:02"
    assert "2026-06-01T11:58" < max(stamps) <= yard.now()
    assert yard.told("MeterValues")


@pytest.mark.rule("A-02", "S-15", "TX-01", "TX-10", "TX-13")
def test_a_whole_charge(make_yard: MakeYard) -> None:
    """A car comes, charges and leaves, and everything is told in order."""
    yard = make_yard(cars_per_hour=30.0, connectors=1, stay_s=600.0)
    yard.start()
    while not yard.told("StopTransaction"):
        yard.run(10)
    yard.run(120)
    (start, *_), (stop, *_) = yard.told("StartTransaction"), yard.told("StopTransaction")
    assert yard.statuses()[:3] == ["Available", "Preparing", "Charging"]
    assert "Finishing" in yard.statuses()
    assert yard.actions().index("Authorize") < yard.actions().index("StartTransaction")
    assert yard.told("Authorize")[0]["idTag"] == start["idTag"]
    assert stop["transactionId"] == 17
    assert stop["meterStop"] > start["meterStart"]
    assert stop["reason"] in ("Local", "EVDisconnected")
    assert ("idTag" in stop) == (stop["reason"] == "Local")


@pytest.mark.rule("M-01", "M-02", "M-08", "M-10")
def test_meter_values(yard: Yard) -> None:
    """The register grows by what current, voltage and phases make of the time."""
    yard.charge()
    yard.run(180)
    registers, powers = [], []
    for told in yard.told("MeterValues"):
        assert told["transactionId"] == 17
        (value,) = told["meterValue"]
        by_name = {v["measurand"]: v["value"] for v in value["sampledValue"]}
        registers.append(int(by_name["Energy.Active.Import.Register"]))
        powers.append(float(by_name["Power.Active.Import"]))
        assert {v["context"] for v in value["sampledValue"]} == {"Sample.Periodic"}
    assert len(registers) == 3
    assert registers[1] - registers[0] == pytest.approx(powers[0] / 60, abs=1)
    assert powers[0] > 3000


@pytest.mark.rule("A-07")
def test_a_tag_that_may_not(make_yard: MakeYard) -> None:
    """A tag that is not accepted starts nothing, and the driver goes away."""
    yard = make_yard(cars_per_hour=30.0, connectors=1)
    yard.answers["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    yard.start()
    while not yard.told("Authorize"):
        yard.run(10)
    yard.run(31)
    assert yard.told("StartTransaction") == []
    assert yard.statuses()[:3] == ["Available", "Preparing", "Available"]
    assert yard.figures.refused_tags >= 1


@pytest.mark.rule("A-60")
def test_refused_at_the_start(yard: Yard) -> None:
    """A start that is answered with a bad status ends at once, DeAuthorized."""
    yard.answers["StartTransaction"] = {"transactionId": 5, "idTagInfo": {"status": "Invalid"}}
    yard.charge()
    (stop,) = yard.told("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (5, "DeAuthorized")


@pytest.mark.rule("C-13", "S-11", "TX-20", "TX-21", "TX-31")
def test_offline(yard: Yard) -> None:
    """What happens without a line is told afterwards, in order, with the number of the start."""
    yard.link.cut()
    yard.charge()
    yard.run(130)
    yard.connector.stop(Reason.LOCAL, "TAG000001")
    yard.run(5)
    yard.heard.clear()
    yard.link.connect()
    yard.run()
    assert yard.actions() == [
        "StatusNotification",
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]
    assert yard.told("MeterValues")[0]["transactionId"] == 17
    assert yard.told("StopTransaction")[0]["transactionId"] == 17
    assert len(yard.station.outbox) == 0


@pytest.mark.rule("TX-24", "TX-27", "J-06")
def test_a_lost_answer(yard: Yard) -> None:
    """A start whose answer is lost is sent again, with the same message id."""
    yard.link.to_left.loses = lambda frame: "transactionId" in frame
    yard.charge()
    yard.link.to_left.loses = None
    yard.link.cut()
    yard.link.connect()
    yard.run()
    starts = [p.frame for p in yard.link.transcript if '"StartTransaction"' in p.frame]
    assert len(starts) == 2
    assert starts[0] == starts[1]
    assert yard.figures.action("StartTransaction").cut_off == 1
    assert yard.figures.started == 1


@pytest.mark.rule("TX-23", "TX-25", "TX-29")
def test_given_up(yard: Yard) -> None:
    """After the last attempt a start is dropped, and what belongs to it carries the number -1."""
    yard.answers["StartTransaction"] = GenericError("no")
    yard.charge()
    yard.run(59)
    assert len(yard.told("StartTransaction")) == 1
    yard.run(2)
    assert len(yard.told("StartTransaction")) == 2
    yard.run(121)
    assert len(yard.told("StartTransaction")) == 3
    assert {told["transactionId"] for told in yard.told("MeterValues")} == {-1}
    assert yard.figures.given_up == {"StartTransaction": 1}
    assert "1 transaction messages were given up" in yard.figures.losses()


def test_forgotten_by_the_central_system(yard: Yard) -> None:
    """A central system that does not know the station any more is told by a boot who it is."""
    yard.answers["StartTransaction"] = SecurityError("boot first")
    yard.charge()
    assert yard.actions().count("BootNotification") == 2
    yard.answers["StartTransaction"] = {"transactionId": 3, "idTagInfo": {"status": "Accepted"}}
    yard.run(70)
    assert yard.figures.started == 1


def test_boot_always(make_yard: MakeYard) -> None:
    """Told to, it boots with every connection."""
    yard = make_yard(boot_always=True)
    yard.start()
    yard.link.cut()
    yard.link.connect()
    yard.run()
    assert yard.actions() == ["BootNotification", *["StatusNotification"] * 3] * 2


def test_the_end(yard: Yard) -> None:
    """At the end every transaction is stopped, and nobody comes any more."""
    yard.charge()
    yard.station.close()
    yard.run()
    assert len(yard.told("StopTransaction")) == 1
    assert yard.statuses()[-1] == "Available"
    yard.connector.plug_in()
    yard.connector.begin("TAG000002")
    yard.run()
    assert len(yard.told("StartTransaction")) == 1
