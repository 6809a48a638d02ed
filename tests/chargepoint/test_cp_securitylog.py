"""The log that rolls, and which events are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from house import House
from twisted.internet.defer import succeed
from twisted.internet.task import Clock

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.notices import Notices
from txocpp.chargepoint.securitylog import NOTICES_TABLE, TABLE, Event, SecurityLog
from txocpp.chargepoint.settings import Security
from txocpp.messages import v16
from txocpp.storage.memory import MemoryChargePointStore

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


class Desk:
    """A security log; `told` is what the central system hears."""

    def __init__(
        self,
        store: MemoryChargePointStore | None = None,
        *,
        trust_computer: bool = True,
        online: bool = True,
        **options: Any,
    ) -> None:
        self.reactor = Clock()
        self.reactor.advance(NOON.timestamp())
        self.clock = StationClock(self.reactor, trust_computer=trust_computer)
        self.store = store or MemoryChargePointStore()
        journal = Journal(self.store, self.reactor)
        tables = self.store.contents()
        self.told: list[str] = []

        def send(document: Any) -> Any:
            self.told.append(document["event"])
            return succeed(None)

        self.notices = Notices(
            NOTICES_TABLE, journal, self.clock, send, saved=tables.get(NOTICES_TABLE)
        )
        if online:
            self.notices.online()
        self.log = SecurityLog(
            self.clock, journal, self.notices, saved=tables.get(TABLE), **options
        )

    def noted(self) -> list[str]:
        return [str(entry) for entry in self.log.entries()]


@pytest.mark.rule("X-60", "X-63")
def test_events_go_into_the_log_with_their_weight() -> None:
    """Critical or not, with the time and some words, longest first cut at 255 characters."""
    desk = Desk()
    desk.log.note(Event.STARTUP)
    desk.reactor.advance(1.5)
    desk.log.note(Event.INVALID_FIRMWARE_SIGNATURE, "no fit")
    desk.log.note("DoorOpened", "x" * 300, critical=True)
    assert desk.noted()[:2] == [
        "2026-06-03T12:00:00.000Z critical StartupOfTheDevice",
        "2026-06-03T12:00:01.500Z ordinary InvalidFirmwareSignature no fit",
    ]
    last = desk.log.entries()[-1]
    assert (last.event, len(last.info), last.critical) == ("DoorOpened", 255, True)


@pytest.mark.rule("X-60")
def test_critical_events_wait_on_the_disk_for_the_central_system() -> None:
    """Over a power cut; ordinary ones only in memory, but both stay in the log."""
    before = Desk(online=False)
    before.log.note(Event.STARTUP)
    before.log.note(Event.INVALID_SIGNING_CERTIFICATE)
    after = Desk(before.store.survivor())
    assert after.told == ["StartupOfTheDevice"]
    assert [entry.event for entry in after.log.entries()] == [
        "StartupOfTheDevice",
        "InvalidFirmwareSigningCertificate",
    ]


@pytest.mark.rule("X-62")
@pytest.mark.parametrize(
    ("push", "told"),
    [("all", ["StartupOfTheDevice", "InvalidMessages"]), ("critical", ["StartupOfTheDevice"])],
)
def test_what_is_pushed_can_be_chosen(push: str, told: list[str]) -> None:
    """Everything, or only what the white paper calls critical, or nothing."""
    desk = Desk(push=push)
    desk.log.note(Event.STARTUP)
    desk.log.note(Event.INVALID_MESSAGES, "no JSON")
    desk.reactor.advance(0)
    assert desk.told == told
    open_line = Desk(push="secured", is_secured=lambda: False)
    open_line.log.note(Event.STARTUP)
    open_line.reactor.advance(0)
    assert open_line.told == []
    silent = Desk(push="none")
    silent.log.note(Event.STARTUP)
    silent.reactor.advance(0)
    assert (silent.told, len(silent.log.entries())) == ([], 1)


@pytest.mark.rule("X-60")
def test_the_log_rolls() -> None:
    """The oldest entries go, on the disk as well, and numbers go on after a restart."""
    desk = Desk(length=3)
    for number in range(5):
        desk.log.note("Event", str(number))
    again = Desk(desk.store.survivor(), length=3)
    again.log.note("Event", "5")
    assert [entry.info for entry in again.log.entries()] == ["3", "4", "5"]
    assert len(again.store.contents()[TABLE]) == 3


def test_a_period_can_be_asked_for() -> None:
    """Both ends belong to it."""
    desk = Desk()
    for number in range(4):
        desk.log.note("Event", str(number))
        desk.reactor.advance(60)
    minute = timedelta(minutes=1)
    found = desk.log.entries(NOON + minute, NOON + 2 * minute)
    assert [entry.info for entry in found] == ["1", "2"]


def test_a_flood_of_bad_messages_is_one_entry_a_minute() -> None:
    """And the next one says how many there were."""
    desk = Desk()
    for _ in range(1000):
        desk.log.note(Event.INVALID_MESSAGES, "no JSON")
    desk.reactor.advance(60)
    desk.log.note(Event.INVALID_MESSAGES, "no JSON")
    assert [entry.info for entry in desk.log.entries()] == [
        "no JSON",
        "no JSON (999 more since the last one)",
    ]


@pytest.mark.rule("H-07", "X-63")
def test_larger_jumps_of_the_clock_are_events() -> None:
    """A second is not worth one."""
    desk = Desk()
    desk.clock.adjust(NOON + timedelta(seconds=5))
    desk.clock.adjust(NOON + timedelta(seconds=3605))
    assert [(entry.event, entry.info) for entry in desk.log.entries()] == [
        ("SettingSystemTime", "by +3600 s")
    ]


@pytest.mark.rule("B-15")
def test_what_happens_before_the_time_is_known_is_dated_later() -> None:
    """With the time that has passed since."""
    desk = Desk(trust_computer=False)
    desk.log.note(Event.STARTUP)
    desk.reactor.advance(10)
    assert desk.noted() == []
    later = NOON + timedelta(days=1)
    desk.clock.adjust(later)
    assert [(entry.event, entry.at) for entry in desk.log.entries()] == [
        ("StartupOfTheDevice", later - timedelta(seconds=10)),
        ("SettingSystemTime", later),
    ]


@pytest.mark.rule("X-62")
@pytest.mark.parametrize(("profile", "told"), [("0", False), ("1", True)])
def test_plain_central_systems_hear_no_security_events(profile: str, told: bool) -> None:
    """By default events are told once a security profile is in force."""
    house = House(configuration={"SecurityProfile": profile}, settings={"security": Security()})
    heard = [type(request) for request in house.central.heard]
    assert (v16.SecurityEventNotificationRequest in heard) is told
