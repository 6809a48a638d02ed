"""Parts of queries and look-ups that several subjects share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

from txocpp.csms.api.endpoint import Problem
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

MOST_ITEMS: Final = 1000
"""Longest page of a list."""

Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST_ITEMS, description="Longest page")]
Moment = Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339 with time zone")]
Identity = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
IdTag = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern="^[\\x20-\\x7e]+$")]
Connector = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Number = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Key = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


def station_or_404(records: Records, identity: str) -> StationRecord:
    """The station, or a `Problem` that says there is none."""
    found = records.stations.find(identity)
    if found is None:
        raise Problem(404, f"there is no station {identity!r}")
    return found


def station_names(records: Records, station_ids: set[int]) -> dict[int, str]:
    """Identities by key."""
    return records.stations.identities(station_ids)


def number_in_path(text: str, what: str) -> int:
    """A number that stands in the path, or a `Problem` that says there is no such thing."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Problem(404, f"there is no {what} {text!r}")
    return int(text)
