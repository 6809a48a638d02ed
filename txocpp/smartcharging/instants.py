"""Instants: aware datetimes outside, whole seconds of UTC inside.

OCPP 1.6 schedules count in whole seconds, so a fraction of a second is cut off wherever an instant
comes in (section 2 of the rules: "converted to UTC and cut to whole seconds").
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_S: Final = 253_402_300_799
"""9999-12-31T23:59:59Z: no datetime lies behind it."""
FIRST_S: Final = -62_135_596_800
"""0001-01-01T00:00:00Z."""

_SECOND = timedelta(seconds=1)


def to_seconds(instant: datetime) -> int:
    """Seconds since 1970 in UTC, cut to a whole second. Raises `ValueError` without an offset."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no UTC offset")
    return (instant - EPOCH) // _SECOND


def to_instant(seconds: int) -> datetime:
    """The instant in UTC; beyond the years 1 to 9999 the first or last one that exists."""
    return EPOCH + timedelta(seconds=max(FIRST_S, min(seconds, LAST_S)))
