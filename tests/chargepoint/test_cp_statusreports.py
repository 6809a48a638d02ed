"""What the central system gets to hear of a connector's status."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.connector import Status
from txocpp.chargepoint.statusreports import Condition, StatusReport, StatusReporter
from txocpp.errors import CallTimeout, ConnectionGone


class Reporting:
    """A reporter of connector 1, what it told, and the line it tells it on."""

    def __init__(self, minimum_s: int = 0, connector_id: int = 1) -> None:
        self.clock = Clock()
        self.told: list[StatusReport] = []
        self.fault: Exception | None = None
        self.minimum_s = minimum_s
        self.reporter = StatusReporter(
            connector_id, StationClock(self.clock), self.tell, minimum_s=lambda: self.minimum_s
        )
        self.reporter.online()
        self.reporter.tell_now()
        self.told.clear()

    def tell(self, report: StatusReport) -> Deferred[None]:
        self.told.append(report)
        return fail(self.fault) if self.fault is not None else succeed(None)

    def show(self, status: str, error_code: str = "NoError") -> None:
        self.reporter.show(Condition(Status(status), error_code))

    def heard(self) -> list[str]:
        """The statuses told since the last look, with errors where there are any."""
        told = [
            c.status.value if c.error_code == "NoError" else f"{c.status.value}/{c.error_code}"
            for c in (report.condition for report in self.told)
        ]
        self.told.clear()
        return told


@pytest.mark.rule("S-03", "S-10")
def test_every_change_is_told_with_its_time() -> None:
    """Each new status is told at once, and an unchanged one is not."""
    r = Reporting()
    r.clock.advance(7)
    r.show("Preparing")
    r.show("Preparing")
    assert [(t.connector_id, t.at.second) for t in r.told] == [(1, 7)]
    r.show("Charging")
    assert r.heard() == ["Preparing", "Charging"]


@pytest.mark.rule("S-04")
def test_a_short_status_is_left_out() -> None:
    """With a minimum duration only the status that lasted is told, with the time it began."""
    r = Reporting(minimum_s=10)
    r.clock.advance(1)
    r.show("Preparing")
    r.clock.advance(9)
    r.show("Charging")
    assert r.heard() == []
    r.clock.advance(10)
    assert [(t.condition.status, t.at.second) for t in r.told] == [("Charging", 10)]


@pytest.mark.rule("S-05")
def test_coming_back_in_time_is_no_news() -> None:
    """A status that returns to the one told last within the minimum is not told."""
    r = Reporting(minimum_s=10)
    r.show("Preparing")
    r.clock.advance(5)
    r.show("Available")
    r.clock.advance(60)
    assert r.heard() == []


@pytest.mark.rule("S-01")
def test_a_skipped_status_is_told_where_the_table_demands_it() -> None:
    """If what lasted may not follow what was told, the step in between is told too."""
    r = Reporting()
    r.show("Preparing")
    r.show("Finishing")
    assert r.heard() == ["Preparing", "Finishing"]
    r.minimum_s = 10
    r.show("Preparing")
    r.clock.advance(1)
    r.show("Charging")
    r.clock.advance(10)
    assert r.heard() == ["Preparing", "Charging"]


@pytest.mark.rule("S-07", "S-09")
def test_errors_are_told_when_they_come_and_go() -> None:
    """A warning and its end are told with the status as it is."""
    r = Reporting(minimum_s=5)
    r.show("Available", "WeakSignal")
    r.show("Available")
    assert r.heard() == ["Available/WeakSignal", "Available"]


@pytest.mark.rule("S-11", "C-18")
def test_after_an_interruption_the_present_counts() -> None:
    """What changed while the line was down is told once, as it is now."""
    r = Reporting()
    r.reporter.offline()
    r.show("Preparing")
    r.show("Charging")
    r.show("SuspendedEV")
    assert r.heard() == []
    r.reporter.online()
    assert r.heard() == ["SuspendedEV"]
    r.reporter.offline()
    r.reporter.online()
    assert r.heard() == []


def test_a_report_lost_with_the_line_is_told_again() -> None:
    """A report that was not answered before the line broke is told on the next one."""
    r = Reporting()
    r.fault = ConnectionGone("cut")
    r.show("Preparing")
    r.reporter.offline()
    r.fault = None
    r.reporter.online()
    assert r.heard() == ["Preparing", "Preparing"]


@pytest.mark.rule("S-01", "S-11")
def test_a_report_that_may_have_arrived_is_reckoned_with() -> None:
    """If nobody knows whether Preparing was heard, what follows is allowed in either case."""
    r = Reporting()
    r.fault = ConnectionGone("cut")
    r.show("Preparing")
    r.reporter.offline()
    r.fault = None
    r.show("Unavailable")
    r.reporter.online()
    assert r.heard() == ["Preparing", "Available", "Unavailable"]


def test_an_unanswered_report_is_not_repeated_on_the_same_line() -> None:
    """A central system that does not answer is not flooded."""
    r = Reporting()
    r.fault = CallTimeout("no answer")
    r.show("Preparing")
    r.clock.advance(1000)
    assert r.heard() == ["Preparing"]


@pytest.mark.rule("B-10", "T-09")
def test_on_demand_the_present_condition_is_told() -> None:
    """After a boot or a trigger the status is told, changed or not, lasting or not."""
    r = Reporting(minimum_s=60)
    r.show("Preparing")
    r.reporter.tell_now()
    r.clock.advance(60)
    assert r.heard() == ["Preparing"]


def test_a_remark_does_not_stay() -> None:
    """Something that happened is told once; the condition is as before."""
    r = Reporting(connector_id=0)
    r.reporter.remark("LocalListConflict")
    r.show("Unavailable")
    assert r.heard() == ["Available/LocalListConflict", "Unavailable"]


def test_a_stopped_reporter_is_silent() -> None:
    """After stopping nothing is told and no timer is left."""
    r = Reporting(minimum_s=10)
    r.show("Preparing")
    r.reporter.stop()
    r.show("Charging")
    assert (r.heard(), r.clock.getDelayedCalls()) == ([], [])


@pytest.mark.rule("S-01", "S-04", "T-09")
def test_a_status_on_demand_is_led_up_to() -> None:
    """Asked in the midst of the minimum duration, the reporter still leaves no needed step out."""
    r = Reporting(minimum_s=20)
    r.show("Preparing")
    r.clock.advance(20)
    r.show("Finishing")
    r.clock.advance(20)
    r.heard()
    r.show("Charging")
    r.reporter.tell_now()
    assert r.heard() == ["Preparing", "Charging"]
