"""The authorization cache: what was heard about tags last (OCPP 1.6 §3.5.1; rules A-20 to A-28)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.tags import TagInfo, TagStatus, tag_key
from txocpp.interfaces import Delete, Put

TABLE = "cache"
ENABLED = "AuthorizationCacheEnabled"


@attrs.frozen
class _Entry:
    info: TagInfo
    heard: int
    """The larger, the later it was heard."""


class AuthorizationCache:
    """Remembers the latest word about every tag, good or bad, over restarts.

    Switched off by AuthorizationCacheEnabled it is neither read nor written, but kept (A-28). When
    `limit` tags are in it, one that is not valid goes first, else the one heard longest ago (A-24).
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: StationClock,
        journal: Journal,
        *,
        limit: int = 1000,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._configuration = configuration
        self._clock = clock
        self._journal = journal
        self._limit = limit
        self._entries = {
            key: _Entry(TagInfo.from_document(document), document["heard"])
            for key, document in (saved or {}).items()
        }
        self._heard = max((entry.heard for entry in self._entries.values()), default=0)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, id_tag: str) -> TagInfo | None:
        """The latest word about a tag; None if there is none or the cache is off."""
        if not self._configuration.boolean(ENABLED):
            return None
        entry = self._entries.get(tag_key(id_tag))
        return None if entry is None else entry.info

    def remember(self, id_tag: str, info: TagInfo) -> None:
        """Take in what the central system said about a tag (A-21)."""
        if not self._configuration.boolean(ENABLED) or self._limit <= 0:
            return
        key = tag_key(id_tag)
        changes: list[Change] = []
        if key not in self._entries and len(self._entries) >= self._limit:
            changes.append(self._push_out())
        self._heard += 1
        self._entries[key] = _Entry(info, self._heard)
        document = {**info.to_document(), "heard": self._heard}
        self._journal.keep(*changes, Put(TABLE, key, document))

    def forget(self, id_tags: list[str]) -> list[Change]:
        """Drop tags that have come into the local list; gives the changes to save (A-22, L-13)."""
        gone = [key for key in map(tag_key, id_tags) if self._entries.pop(key, None) is not None]
        return [Delete(TABLE, key) for key in gone]

    def clear(self) -> Deferred[None] | None:
        """Empty the cache; None if there is none to empty (A-27). Fails with `StoreError`."""
        if not self._configuration.has(ENABLED):
            return None
        cleared = self._journal.promise(*(Delete(TABLE, key) for key in self._entries))
        return cleared.addCallback(lambda _: self._entries.clear())

    def _push_out(self) -> Change:
        now = self._clock.now()

        def worth(key: str) -> tuple[bool, int]:
            entry = self._entries[key]
            return entry.info.at(now).status is TagStatus.ACCEPTED, entry.heard

        key = min(self._entries, key=worth)
        del self._entries[key]
        return Delete(TABLE, key)
