"""The last lines of the program's log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from txocpp.chargepoint.logbook import LONGEST_LINE, Logbook

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


def book(*texts: str, length: int = 100) -> Logbook:
    """A book with one line a minute."""
    logbook = Logbook(length)
    for minute, text in enumerate(texts):
        logbook(event(text, minute))
    return logbook


def event(text: str, minute: int = 0, **more: object) -> dict[str, object]:
    at = (NOON + timedelta(minutes=minute)).timestamp()
    return {"log_format": text, "log_time": at, "log_namespace": "txocpp.x", **more}


def test_lines_tell_time_level_place_and_text() -> None:
    """One event is one line, whatever is in it; events without words are none."""
    logbook = Logbook()
    assert verifyObject(ILogObserver, logbook)
    logbook(event("{a}\nand {b}", a=1, b="two", log_level=LogLevel.warn))
    logbook(event(""))
    logbook(event("whisper", log_level=LogLevel.debug))
    logbook(event("oops", log_failure=Failure(ValueError("bad"))))
    assert logbook.lines() == [
        "2026-06-03T12:00:00.000Z warn txocpp.x: 1 and two",
        "2026-06-03T12:00:00.000Z info txocpp.x: oops ValueError: bad",
    ]


def test_the_oldest_lines_go() -> None:
    """And endless ones are cut."""
    assert [line[-1] for line in book("a", "b", "c", length=2).lines()] == ["b", "c"]
    assert len(book("x" * 5000).lines()[0]) < LONGEST_LINE + 50


def test_a_period_is_that_of_the_charge_points_clock() -> None:
    """Which may be ahead of the computer's."""
    logbook = book("a", "b", "c")
    hour = timedelta(hours=1)
    oldest, latest = NOON + hour + timedelta(minutes=1), NOON + hour + timedelta(minutes=1)
    assert logbook.lines(oldest, latest, ahead=hour) == [
        "2026-06-03T13:01:00.000Z info txocpp.x: b"
    ]


def test_it_can_be_hung_beside_a_logger() -> None:
    """As any observer."""
    logbook = Logbook()
    Logger("txocpp.y", observer=logbook).error("no {what}", what="luck")
    assert logbook.lines()[0].endswith("error txocpp.y: no luck")
