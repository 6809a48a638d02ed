"""Why a limit is what it is: as a structure for programs, as one line for people.

``6 A because TxDefaultProfile 12, level 0, period from 17:00; ChargePointMaxProfile would allow
16 A``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs

from txocpp.smartcharging.documents import write_instant
from txocpp.smartcharging.installed import Installed
from txocpp.smartcharging.profiles import RateUnit


class Source(StrEnum):
    """What kind of limit took part."""

    PROFILE = "profile"
    LOCAL_LIMIT = "local limit"
    SUM_OF_CONNECTORS = "sum of the connectors"


@attrs.frozen(kw_only=True)
class Contribution:
    """One of the limits that were compared."""

    source: Source
    limit: Decimal
    """What it alone would allow, in the unit of the answer."""
    installed: Installed | None = None
    """The profile, with its connector."""
    period_from: datetime | None = None
    """When the period of the profile began that gives the limit, on the wall clock if there is
    a time zone."""

    @property
    def name(self) -> str:
        """The purpose and number of the profile, or the kind of limit."""
        if self.installed is None:
            return str(self.source)
        return f"{self.installed.profile.purpose} {self.installed.profile_id}"

    def as_document(self) -> dict[str, Any]:
        """Plain JSON values."""
        document: dict[str, Any] = {"source": str(self.source), "limit": str(self.limit)}
        if self.installed is not None and self.period_from is not None:
            profile = self.installed.profile
            document |= {
                "purpose": str(profile.purpose),
                "chargingProfileId": profile.profile_id,
                "stackLevel": profile.stack_level,
                "connectorId": self.installed.connector_id,
                "periodFrom": write_instant(self.period_from),
            }
        return document


@attrs.frozen(kw_only=True)
class Explanation:
    """Who decided, and what the others would have allowed."""

    at: datetime
    unit: RateUnit
    decided_by: Contribution
    others: tuple[Contribution, ...] = ()
    """The limits that took part and did not decide, the local limit included."""
    parts: tuple[Explanation, ...] = ()
    """For connector 0: the transaction limits that are added up, connector by connector."""

    @property
    def text(self) -> str:
        """One line for people."""
        line = f"{self.decided_by.limit:f} {self.unit} because {self._decision()}"
        for other in self.others:
            if other.source is Source.PROFILE and other.installed is not None:
                purpose = other.installed.profile.purpose
                line += f"; {purpose} would allow {other.limit:f} {self.unit}"
        return line

    def __str__(self) -> str:
        return self.text

    def as_document(self) -> dict[str, Any]:
        """Plain JSON values, for logs, pages and the API."""
        document: dict[str, Any] = {
            "text": self.text,
            "unit": str(self.unit),
            "decidedBy": self.decided_by.as_document(),
            "others": [other.as_document() for other in self.others],
        }
        if self.parts:
            document["parts"] = [part.as_document() for part in self.parts]
        return document

    def _any_profile(self) -> bool:
        taking_part = [self.decided_by, *self.others]
        return any(one.source is Source.PROFILE for one in taking_part) or any(
            part._any_profile() for part in self.parts
        )

    def _decision(self) -> str:
        decision = self.decided_by
        if decision.installed is None or decision.period_from is None:
            if decision.source is Source.LOCAL_LIMIT and not self._any_profile():
                return "no profile applies (local limit)"
            return f"of the {decision.source}"
        level = decision.installed.profile.stack_level
        since = _clock(decision.period_from, self.at)
        return f"{decision.name}, level {level}, period from {since}"


def _clock(instant: datetime, seen_from: datetime) -> str:
    """The time of day; with the date if it is a day or more away, with UTC if it is that."""
    seconds = ":%S" if instant.second else ""
    pattern = f"%H:%M{seconds}"
    if abs(instant - seen_from) >= timedelta(days=1):
        pattern = f"%Y-%m-%d {pattern}"
    text = instant.strftime(pattern)
    return f"{text} UTC" if instant.utcoffset() == timedelta(0) else text
