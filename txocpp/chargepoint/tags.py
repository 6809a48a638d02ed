"""What is known about an identifier that somebody presents (OCPP 1.6 §7.2, §7.27, §7.28)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs


class TagStatus(StrEnum):
    """Whether a tag may charge (A-06)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


def tag_key(id_tag: str) -> str:
    """The same for all spellings of a tag (A-04)."""
    return id_tag.casefold()


def same_tag(one: str | None, other: str | None) -> bool:
    """Whether two tags, or two groups, are the same; nothing is the same as None (A-04)."""
    return one is not None and other is not None and tag_key(one) == tag_key(other)


@attrs.frozen
class TagInfo:
    """What the central system has said about a tag."""

    status: TagStatus
    parent_id_tag: str | None = None
    """The group that the tag belongs to (A-13)."""
    expiry: datetime | None = None
    """From then on the tag is expired; None: the status has no end."""

    def at(self, now: datetime) -> TagInfo:
        """The same at a moment: an accepted tag becomes Expired when its date has passed (A-23)."""
        if self.status is TagStatus.ACCEPTED and self.expiry is not None and now >= self.expiry:
            return attrs.evolve(self, status=TagStatus.EXPIRED)
        return self

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values."""
        document: dict[str, Any] = {"status": self.status.value}
        if self.parent_id_tag is not None:
            document["parent"] = self.parent_id_tag
        if self.expiry is not None:
            document["expiry"] = self.expiry.isoformat()
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TagInfo:
        """Read what `to_document` wrote."""
        expiry = document.get("expiry")
        return cls(
            TagStatus(document["status"]),
            document.get("parent"),
            None if expiry is None else datetime.fromisoformat(expiry),
        )
