"""Which events arise, and how the central system hears of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from house import NOON, House
from twisted.internet.defer import Deferred
from upkeep_rig import Works

from txocpp.chargepoint.settings import Security
from txocpp.errors import NotImplementedByUs
from txocpp.messages import v16
from txocpp.storage.memory import Fate


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """All events are told."""
    return Works(tmp_path)


def names(works: Works) -> list[str]:
    return [event for event, _ in works.events()]


@pytest.mark.rule("X-60", "X-63", "B-10")
def test_a_boot_is_told_after_the_status(tmp_path: Path) -> None:
    """With the time of the boot, not of the message."""
    works = Works(tmp_path, network=False)
    works.house.run(90)
    works.house.connect()
    heard = works.house.heard("Boot", "Status", "Event")
    assert heard == [
        "Boot",
        "Status 0 Available",
        "Status 1 Available",
        "Event StartupOfTheDevice",
    ]
    assert works.house.last(v16.SecurityEventNotificationRequest).timestamp == NOON


@pytest.mark.rule("X-60", "X-63")
@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_a_reset_is_two_events(works: Works, kind: str) -> None:
    """Before and after; none is lost on the way."""
    assert works.house.status(v16.ResetRequest(type=v16.ResetType(kind))) == "Accepted"
    works.house.run(20)
    assert works.events() == [
        ("StartupOfTheDevice", None),
        ("ResetOrReboot", "Reset"),
        ("StartupOfTheDevice", None),
    ]


@pytest.mark.rule("X-63")
def test_messages_that_are_none_are_events(works: Works) -> None:
    """With what is wrong about them."""
    works.house.central.peer.call_raw("Reset", {"type": 5}).addErrback(lambda _: None)
    works.house.run(0)
    ((event, info),) = works.events()[1:2]
    assert event == "InvalidMessages"
    assert info is not None
    assert info.startswith("Reset: ")


@pytest.mark.rule("X-60")
def test_events_wait_for_the_central_system(works: Works) -> None:
    """In order, critical ones over a power cut."""
    works.house.disconnect()
    log = works.house.assembly.upkeep.events
    log.note("TamperDetectionActivated", "the housing is open")
    log.note("InvalidFirmwareSignature")
    works.house.power_cut()
    works.house.connect()
    assert names(works) == [
        "StartupOfTheDevice",
        "TamperDetectionActivated",
        "StartupOfTheDevice",
    ]


@pytest.mark.rule("X-63")
def test_a_full_disk_is_an_event(works: Works) -> None:
    """Told at once, and written down when there is room again."""
    works.house.store.fate = lambda number: Fate.REFUSED
    works.house.assembly.upkeep.events.note("Something")
    works.house.run(1)
    assert ("MemoryExhaustion", "the store takes no changes") in works.events()
    works.house.store.fate = lambda number: Fate.KEPT
    works.house.run(60)
    works.house.power_cut()
    events = [entry.event for entry in works.house.assembly.upkeep.events.entries()]
    assert "MemoryExhaustion" in events


@pytest.mark.rule("X-63", "H-07")
def test_a_clock_that_jumps_is_an_event(works: Works) -> None:
    """When the central system tells another time."""
    works.house.central.now = lambda: works_time(works) + timedelta(minutes=10)  # type: ignore[method-assign]
    works.house.ask(v16.TriggerMessageRequest(requested_message=v16.MessageTrigger.HEARTBEAT))
    assert works.events()[-1] == ("SettingSystemTime", "by +600 s")


def works_time(works: Works) -> Any:
    """The time as it was."""
    return NOON + timedelta(seconds=works.house.clock.seconds() - works.house.central.started_at)


@pytest.mark.rule("X-62")
def test_an_application_has_events_of_its_own(works: Works) -> None:
    """Critical or not, as it says."""
    works.house.station.note_security_event("DoorOpened", "by key", critical=True)
    works.house.station.note_security_event("TamperDetectionActivated")
    assert works.events()[1:] == [("DoorOpened", "by key"), ("TamperDetectionActivated", None)]
    weights = [entry.critical for entry in works.house.assembly.upkeep.events.entries()]
    assert weights == [True, True, True]
    house = House(start=False)
    house.station.note_security_event("Nothing happens before the boot")


@pytest.mark.rule("X-60")
def test_a_central_system_that_knows_no_events_hears_each_once(works: Works) -> None:
    """It says NotImplemented, and nothing is repeated."""

    def refuse(request: Any) -> Any:
        if isinstance(request, v16.SecurityEventNotificationRequest):
            raise NotImplementedByUs
        return None

    works.house.central.answer = refuse
    works.house.power_cut()
    works.house.run(3600)
    assert names(works) == ["StartupOfTheDevice", "StartupOfTheDevice"]


@pytest.mark.rule("X-62")
def test_without_a_security_profile_nothing_is_told() -> None:
    """A central system of plain OCPP 1.6 does not know these messages; the log has them all."""
    house = House(settings={"security": Security()})
    house.run(0)
    assert house.heard("Event") == []
    assert len(house.assembly.upkeep.events.entries()) == 1
    assert house.set_key("AuthorizationKey", "AB" * 16) == "Accepted"
    assert house.set_key("SecurityProfile", 1) == "Accepted"
    house.run(10)
    assert house.heard("Event") == ["Event ReconfigurationOfSecurityParameters"]


@pytest.mark.rule("X-79", "T-03", "T-04", "T-08")
@pytest.mark.parametrize(
    ("message", "connector", "answer", "heard"),
    [
        ("Heartbeat", None, "Accepted", ["Heartbeat"]),
        ("Heartbeat", 9, "Accepted", ["Heartbeat"]),
        ("StatusNotification", 1, "Accepted", ["Status 1 Available"]),
        ("StatusNotification", None, "Accepted", ["Status 0 Available", "Status 1 Available"]),
        ("StatusNotification", 2, "Rejected", []),
        ("MeterValues", 1, "Accepted", ["Meter 1 Trigger"]),
        ("BootNotification", None, "Rejected", []),
        ("LogStatusNotification", None, "Accepted", ["Log None Idle"]),
        ("FirmwareStatusNotification", None, "Accepted", ["SignedFirmware None Idle"]),
        ("SignChargePointCertificate", None, "Rejected", []),
    ],
)
def test_the_extended_trigger_knows_more_messages(
    works: Works, message: str, connector: int | None, answer: str, heard: list[str]
) -> None:
    """Response first, then the message."""
    works.heard()
    request = v16.ExtendedTriggerMessageRequest(
        requested_message=v16.MessageTriggerEnumType(message), connector_id=connector
    )
    assert works.house.status(request) == answer
    assert works.heard() == heard


def test_a_triggered_message_that_is_not_taken_is_not_repeated(works: Works) -> None:
    """It was wanted then, not later."""
    works.house.central.answer = lambda request: (
        Deferred() if isinstance(request, v16.LogStatusNotificationRequest) else None
    )
    message = v16.MessageTriggerEnumType.LOG_STATUS_NOTIFICATION
    works.house.ask(v16.ExtendedTriggerMessageRequest(requested_message=message))
    works.house.run(600)
    assert works.house.heard("Log") == ["Log None Idle"]
