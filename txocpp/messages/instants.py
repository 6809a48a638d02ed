"""Points in time on the wire: RFC 3339 in, UTC with ``Z`` out (OCPP 1.6 §3.14, §3.15)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_TAIL = re.compile(r"(?:[.,][0-9]+)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?")


def parse_instant(text: str) -> datetime:
    """Read a dateTime; the result is aware and in UTC.

    Any offset and any fraction are taken (cut to microseconds); without an offset it is UTC (H-06).
    A leap second counts as the first second after it. Raises ValueError, or TypeError for
    something that is not text.
    """
    # `fromisoformat` also takes bare dates, week dates and the basic format, which are no RFC 3339.
    if (
        len(text) < 19
        or text[4] != "-"
        or text[7] != "-"
        or text[10] not in "Tt"
        or text[11:13] == "24"
        or text[13] != ":"
        or text[16] != ":"
    ):
        raise ValueError("not an RFC 3339 date and time")
    tail = text[19:]
    if tail != "Z" and _TAIL.fullmatch(tail) is None:
        raise ValueError("not an RFC 3339 date and time")
    if tail == "Z" and text[17] != "6":
        return datetime.fromisoformat(text)
    return _unusual(text.upper())


def _unusual(text: str) -> datetime:
    if text[17:19] == "60":
        second_before, leap = f"{text[:17]}59{text[19:]}", timedelta(seconds=1)
    else:
        second_before, leap = text, timedelta()
    instant = datetime.fromisoformat(second_before)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC) + leap
    except OverflowError:
        raise ValueError("before year 1 or after year 9999 in UTC") from None


def format_instant(instant: datetime) -> str:
    """Write a dateTime in UTC with ``Z``: whole seconds without a fraction, else three digits,
    or six where microseconds are there to be kept.

    Raises ValueError for a datetime without a time zone.
    """
    if instant.tzinfo is not UTC:
        if instant.utcoffset() is None:
            raise ValueError("has no time zone")
        try:
            instant = instant.astimezone(UTC)
        except OverflowError:
            raise ValueError("before year 1 or after year 9999 in UTC") from None
    microsecond = instant.microsecond
    if microsecond and microsecond % 1000 == 0:
        return instant.isoformat(timespec="milliseconds")[:-6] + "Z"
    return instant.isoformat()[:-6] + "Z"
