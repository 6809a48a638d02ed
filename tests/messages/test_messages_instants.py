"""Points in time on the wire."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txocpp.messages.instants import format_instant, parse_instant

NOON = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)


@pytest.mark.rule("H-06")
@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-06-03T12:00:00Z", NOON),
        ("2024-06-03T12:00:00", NOON),
        ("2024-06-03t12:00:00z", NOON),
        ("2024-06-03T14:00:00+02:00", NOON),
        ("2024-06-03T02:30:00-0930", NOON),
        ("2024-06-03T13:00:00+01", NOON),
        ("2024-06-03T12:00:00-00:00", NOON),
        ("2024-06-03T12:00:00.250Z", NOON + timedelta(milliseconds=250)),
        ("2024-06-03T12:00:00,5Z", NOON + timedelta(milliseconds=500)),
        ("2024-06-03T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
        ("2024-06-03T11:59:60Z", NOON),
        ("2024-06-03T11:59:60.5+00:00", NOON + timedelta(milliseconds=500)),
    ],
)
def test_everything_that_rfc_3339_allows(text: str, instant: datetime) -> None:
    """Any offset and any fraction are read; no offset means UTC; a leap second is the next one."""
    parsed = parse_instant(text)
    assert parsed == instant
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "2024-06-03",
        "2024-06-03 12:00:00Z",
        "20240603T120000.000Z",
        "2024-W23-1T12:00:00Z",
        "2024-155T12:00:00.0Z",
        "2024-06-03T12:00Z",
        "2024-06-03T12:00:00 Z",
        "2024-06-03T12:00:00.Z",
        "2024-06-03T12:00:00Z\n",
        "2024-06-03T12:00:00+01:00:30",
        "2024-06-03T12:00:00+24:00",
        "2024-06-03T24:00:00Z",
        "2024-06-31T12:00:00Z",
        "2024-06-03T12:60:00Z",
        "2024-06-03T12:00:61Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:60Z",
        "\uff12024-06-03T12:00:00Z",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    """Other notations, impossible dates and instants outside the calendar are no instants."""
    with pytest.raises(ValueError):
        parse_instant(text)


def test_written_in_utc_with_z() -> None:
    """Whole seconds have no fraction, whole milliseconds three digits; nothing gets lost."""
    summer = timezone(timedelta(hours=2))
    assert format_instant(NOON) == "2024-06-03T12:00:00Z"
    assert format_instant(NOON.astimezone(summer)) == "2024-06-03T12:00:00Z"
    assert format_instant(NOON.replace(microsecond=250_000)) == "2024-06-03T12:00:00.250Z"
    assert format_instant(NOON.replace(microsecond=123_456)) == "2024-06-03T12:00:00.123456Z"
    assert format_instant(datetime(33, 4, 3, tzinfo=UTC)) == "0033-04-03T00:00:00Z"


def test_a_time_without_a_zone_is_not_written() -> None:
    """Nobody knows which instant that would be."""
    with pytest.raises(ValueError, match="no time zone"):
        format_instant(datetime(2024, 6, 3, 12, 0))
    with pytest.raises(ValueError, match="before year 1"):
        format_instant(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))


@settings(deadline=None, derandomize=True, database=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_again(instant: datetime) -> None:
    """Reading gives back exactly what was written."""
    assert parse_instant(format_instant(instant)) == instant


@settings(deadline=None, derandomize=True, database=None)
@given(st.text() | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{8,12}[Z+-]?.{0,6}\Z"))
def test_text_is_an_instant_or_a_value_error(text: str) -> None:
    """No text makes the reader fail in another way."""
    with suppress(ValueError):
        assert parse_instant(text).tzinfo is UTC
