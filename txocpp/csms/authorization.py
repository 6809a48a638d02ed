"""Whether a tag may charge: known, not blocked, not expired, not in use too often.

Rules of this room: pure decisions on records; tags are compared without case (A-04).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from txocpp.storage.central.records import Records
from txocpp.storage.central.tags import TagRecord


class AuthorizationStatus(StrEnum):
    """What a station is told about a tag (§7.2)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


class UnknownTags(StrEnum):
    """What becomes of a tag that is not in the list."""

    INVALID = "invalid"
    ACCEPT = "accept"
    ACCEPT_WHILE_EMPTY = "accept-while-empty"
    """Everybody may charge until the first tag is entered: for a first look."""


@attrs.frozen
class AuthorizationRules:
    """What an operator decides about all tags."""

    unknown_tags: UnknownTags = UnknownTags.INVALID
    max_running: int | None = None
    """Most transactions of one tag at the same time (Z-12); None: no limit."""


@attrs.frozen
class Verdict:
    """What a station is told about a tag (IdTagInfo, §7.27)."""

    status: AuthorizationStatus
    parent_id_tag: str | None = None
    expires_at: datetime | None = None


def decide(
    records: Records, id_tag: str, now: datetime, rules: AuthorizationRules, *, starting: int = 0
) -> Verdict:
    """Judge a tag.

    `starting`: 1 if the tag is about to start one more transaction. ConcurrentTx is only said
    then (§7.2), since a tag must be able to end what it has begun.
    """
    tag = records.tags.find(id_tag)
    if tag is None:
        return Verdict(_unknown(records, rules))
    status = _status(records, tag, now, rules, starting)
    return Verdict(status, tag.parent_id_tag, tag.expires_at)


def tag_status(tag: TagRecord, now: datetime) -> AuthorizationStatus:
    """What can be said of a tag without looking at transactions."""
    if tag.blocked:
        return AuthorizationStatus.BLOCKED
    if tag.expires_at is not None and tag.expires_at <= now:
        return AuthorizationStatus.EXPIRED
    return AuthorizationStatus.ACCEPTED


def _unknown(records: Records, rules: AuthorizationRules) -> AuthorizationStatus:
    open_house = rules.unknown_tags is UnknownTags.ACCEPT or (
        rules.unknown_tags is UnknownTags.ACCEPT_WHILE_EMPTY and not records.tags.any()
    )
    return AuthorizationStatus.ACCEPTED if open_house else AuthorizationStatus.INVALID


def _status(
    records: Records, tag: TagRecord, now: datetime, rules: AuthorizationRules, starting: int
) -> AuthorizationStatus:
    status = tag_status(tag, now)
    if status is not AuthorizationStatus.ACCEPTED or not starting:
        return status
    limit = tag.max_running if tag.max_running is not None else rules.max_running
    if limit is not None and records.transactions.count_running(tag.id_tag) + starting > limit:
        return AuthorizationStatus.CONCURRENT_TX
    return status
