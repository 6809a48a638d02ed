"""The local authorization list (OCPP 1.6 §3.5.2, §5.10, §5.15; rules L-01 to L-14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from twisted.internet.defer import DeferredLock

from txocpp.chargepoint.cache import AuthorizationCache
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.tags import TagInfo, tag_key
from txocpp.errors import StoreError
from txocpp.interfaces import Delete, Put

TABLE = "locallist"
VERSION_TABLE = "locallist-version"
ENABLED = "LocalAuthListEnabled"
NOT_SUPPORTED = -1
EMPTY = 0

Line = tuple[str, TagInfo | None]
"""A tag, and what to remember about it; None: forget it."""


class UpdateResult(StrEnum):
    """What became of an update (OCPP 1.6 §7.47)."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_SUPPORTED = "NotSupported"
    VERSION_MISMATCH = "VersionMismatch"


class LocalList:
    """Tags that the central system has sent ahead. Only the central system changes it (L-01)."""

    def __init__(
        self,
        configuration: Configuration,
        journal: Journal,
        cache: AuthorizationCache,
        *,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
        saved_version: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._configuration = configuration
        self._journal = journal
        self._cache = cache
        self._lines = {key: TagInfo.from_document(line) for key, line in (saved or {}).items()}
        self._one_at_a_time = DeferredLock()
        self._version: int = (saved_version or {}).get("version", {}).get("version", EMPTY)

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def in_use(self) -> bool:
        """Whether the list exists and is switched on (A-31)."""
        return self._configuration.boolean(ENABLED)

    @property
    def version(self) -> int:
        """For GetLocalListVersion: 0 is an empty list, -1 is none at all (L-02)."""
        if not self.in_use:
            return NOT_SUPPORTED
        return self._version if self._lines else EMPTY

    def find(self, id_tag: str) -> TagInfo | None:
        """What the list says about a tag; None if it is not in it, or the list is not in use."""
        return self._lines.get(tag_key(id_tag)) if self.in_use else None

    async def replace(self, version: int, lines: Sequence[Line]) -> UpdateResult:
        """Full update: these lines instead of all others (L-04, L-07, L-08)."""
        if any(info is None for _, info in lines):
            return self._unfit(UpdateResult.FAILED)
        async with self._one_at_a_time:
            return await self._update(version, lines, {})

    async def change(self, version: int, lines: Sequence[Line]) -> UpdateResult:
        """Differential update: add, replace or forget these lines (L-05, L-06)."""
        async with self._one_at_a_time:
            if self.in_use and 0 < version <= self.version:
                return UpdateResult.VERSION_MISMATCH
            return await self._update(version, lines, self._lines)

    def _unfit(self, result: UpdateResult) -> UpdateResult:
        return result if self.in_use else UpdateResult.NOT_SUPPORTED

    async def _update(
        self, version: int, lines: Sequence[Line], before: Mapping[str, TagInfo]
    ) -> UpdateResult:
        after = dict(before)
        for id_tag, info in lines:
            if info is None:
                after.pop(tag_key(id_tag), None)
            else:
                after[tag_key(id_tag)] = info
        if not self.in_use or not self._fits(version, lines, after):
            return self._unfit(UpdateResult.FAILED)
        try:
            await self._journal.promise(*self._changes(version, after), *self._uncached(lines))
        except StoreError:
            return UpdateResult.FAILED
        self._lines, self._version = after, version
        return UpdateResult.ACCEPTED

    def _fits(self, version: int, lines: Sequence[Line], after: Mapping[str, TagInfo]) -> bool:
        """L-03, L-10, L-11: a real version, not too long, no tag twice."""
        distinct = {tag_key(id_tag) for id_tag, _ in lines}
        return (
            version > 0
            and len(distinct) == len(lines)
            and len(lines) <= self._configuration.integer("SendLocalListMaxLength")
            and len(after) <= self._configuration.integer("LocalAuthListMaxLength")
        )

    def _changes(self, version: int, after: Mapping[str, TagInfo]) -> list[Change]:
        """What differs on the disk from the lines as they are now."""
        gone = [Delete(TABLE, key) for key in self._lines if key not in after]
        new = [
            Put(TABLE, key, info.to_document())
            for key, info in after.items()
            if self._lines.get(key) != info
        ]
        return [*gone, *new, Put(VERSION_TABLE, "version", {"version": version})]

    def _uncached(self, lines: Sequence[Line]) -> list[Change]:
        """What the cache knew about these tags is overtaken (A-22, L-13)."""
        return self._cache.forget([id_tag for id_tag, _ in lines])
