"""Who may charge (OCPP 1.6 §3.4, §3.5, §4.1; rules A-01 to A-55).

Three sources in this order: the local list, the cache, the central system. Which may decide alone
depends on the configuration and on whether the central system can be asked.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txocpp.chargepoint.cache import AuthorizationCache
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.tags import TagInfo, TagStatus
from txocpp.errors import CallFailed

log = Logger()


class Source(StrEnum):
    """Who decided about a tag."""

    LOCAL_LIST = "local list"
    CACHE = "cache"
    CENTRAL_SYSTEM = "central system"
    OFFLINE = "offline rule"


@attrs.frozen
class Verdict:
    """Whether a tag may charge now, and who says so."""

    id_tag: str
    info: TagInfo
    source: Source

    @property
    def accepted(self) -> bool:
        """True if a transaction may begin with this tag."""
        return self.info.status is TagStatus.ACCEPTED


class TagList(Protocol):
    """The local list, as far as authorization looks at it."""

    def find(self, id_tag: str) -> TagInfo | None:
        """What the list says about a tag; None if it is not in it, or the list is not in use."""


class Authorizer:
    """Decides about tags.

    `ask` sends Authorize; `is_online` says whether that can work. `on_conflict` hears of a tag
    about which central system and local list differ (A-32).
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: StationClock,
        local_list: TagList,
        cache: AuthorizationCache,
        *,
        ask: Callable[[str], Deferred[TagInfo]],
        is_online: Callable[[], bool],
        on_conflict: Callable[[str], object] = lambda id_tag: None,
    ) -> None:
        self._configuration = configuration
        self._clock = clock
        self._list = local_list
        self._cache = cache
        self._ask = ask
        self._is_online = is_online
        self._on_conflict = on_conflict

    async def authorize(self, id_tag: str) -> Verdict:
        """Whether this tag may start a transaction (A-02, A-40 to A-54)."""
        known, source = self._known(id_tag)
        if self._is_online():
            if self._configuration.boolean("LocalPreAuthorize") and _is_accepted(known):
                return Verdict(id_tag, _sure(known), source)
            try:
                info = await self._ask(id_tag)
            except CallFailed as failure:
                log.info("{tag} could not be asked about: {reason}", tag=id_tag, reason=failure)
            else:
                self.learn(id_tag, info)
                return Verdict(id_tag, info.at(self._clock.now()), Source.CENTRAL_SYSTEM)
        return self._decide_offline(id_tag, known, source)

    async def parent(self, id_tag: str) -> str | None:
        """The group of a tag that is accepted, by list, cache or question (A-11, A-14, V-05)."""
        known, _ = self._known(id_tag)
        if _is_accepted(known) and _sure(known).parent_id_tag is not None:
            return _sure(known).parent_id_tag
        verdict = await self.authorize(id_tag)
        return verdict.info.parent_id_tag if verdict.accepted else None

    def learn(self, id_tag: str, info: TagInfo) -> None:
        """Remember what the central system says of a tag (A-21, A-22, A-32)."""
        listed = self._list.find(id_tag)
        if listed is None:
            self._cache.remember(id_tag, info)
        elif listed.status is not info.status:
            self._on_conflict(id_tag)

    def _known(self, id_tag: str) -> tuple[TagInfo | None, Source]:
        """What list or cache say now; the list comes first (A-30)."""
        now = self._clock.now()
        listed = self._list.find(id_tag)
        if listed is not None:
            return listed.at(now), Source.LOCAL_LIST
        cached = self._cache.find(id_tag)
        return (None if cached is None else cached.at(now)), Source.CACHE

    def _decide_offline(self, id_tag: str, known: TagInfo | None, source: Source) -> Verdict:
        if known is not None:
            # what is known to be bad stays out, whatever the rule for unknown tags.
            allowed = self._configuration.boolean("LocalAuthorizeOffline")
            if known.status is TagStatus.ACCEPTED and not allowed:
                return Verdict(id_tag, TagInfo(TagStatus.INVALID), Source.OFFLINE)
            return Verdict(id_tag, known, source)
        allowed = self._configuration.boolean("AllowOfflineTxForUnknownId")
        status = TagStatus.ACCEPTED if allowed else TagStatus.INVALID
        return Verdict(id_tag, TagInfo(status), Source.OFFLINE)


def _is_accepted(known: TagInfo | None) -> bool:
    return known is not None and known.status is TagStatus.ACCEPTED


def _sure(known: TagInfo | None) -> TagInfo:
    assert known is not None
    return known
