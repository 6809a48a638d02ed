"""Starting and stopping from afar (OCPP 1.6 §5.11, §5.12; rules R-01 to R-23, SR-701, SR-702).

Both are two steps: what is answered, and what is done after the answer is on the line.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import attrs
from twisted.logger import Logger

from txocpp.chargepoint.authorization import Authorizer
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.charge import Grant
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.limits import Limits
from txocpp.chargepoint.reservations import Reservations
from txocpp.chargepoint.transactions import StopReason, Transactions
from txocpp.smartcharging import Profile

log = Logger()

Doing = Callable[[], Awaitable[None]]
"""What is done once the answer is out."""


@attrs.frozen
class Start:
    """A wish to start a transaction."""

    id_tag: str
    connector_id: int | None = None
    """None: the station chooses (R-03)."""
    profile: Profile | None = None


class Remote:
    """Starts and stops on behalf of the central system."""

    def __init__(
        self,
        bays: Mapping[int, Bay],
        authorizer: Authorizer,
        reservations: Reservations,
        limits: Limits,
        transactions: Transactions,
        configuration: Configuration,
    ) -> None:
        self._bays = bays
        self._authorizer = authorizer
        self._reservations = reservations
        self._limits = limits
        self._transactions = transactions
        self._configuration = configuration
        self._promised: set[int] = set()
        """Connectors that an accepted start is about to take (R-10)."""

    async def start(self, wish: Start) -> Doing | None:
        """Whether a start will be tried (R-01); None: Rejected."""
        if not self._transactions.may_start or not self._fits(wish.profile):
            return None
        for bay in self._candidates(wish.connector_id):
            group = await self._group_needed(bay, wish.id_tag)
            if bay.is_free and self._reservations.may_use(bay.connector_id, wish.id_tag, group):
                self._promised.add(bay.connector_id)
                return partial(self._do_start, bay, wish, group)
        return None

    def stop(self, transaction_id: int) -> Doing | None:
        """Whether a transaction will be ended (R-20, R-21, R-23); None: Rejected."""
        transaction = self._transactions.by_id(transaction_id)
        bay = None if transaction is None else self._bays.get(transaction.connector_id)
        if bay is None:
            return None

        async def end() -> None:
            await bay.end(StopReason.REMOTE)

        return end

    # Inside.

    def _fits(self, profile: Profile | None) -> bool:
        if profile is None:
            return True
        outcome = self._limits.check_remote_start(profile)
        if not outcome.accepted:
            log.info("remote start refused: {reason}", reason=outcome.reason)
        return outcome.accepted

    def _candidates(self, connector_id: int | None) -> list[Bay]:
        """The connectors that could be meant, those with a car first."""
        if connector_id is not None:
            bays = [self._bays[connector_id]] if connector_id in self._bays else []
        else:
            bays = sorted(self._bays.values(), key=lambda bay: not bay.plugged)
        return [bay for bay in bays if bay.is_free and bay.connector_id not in self._promised]

    async def _group_needed(self, bay: Bay, id_tag: str) -> str | None:
        """The group of the tag, if only that could open a reserved connector (R-07, V-05)."""
        open_to_all = self._reservations.may_use(bay.connector_id, id_tag)
        if open_to_all or not self._reservations.asks_for_group(bay.connector_id):
            return None
        return await self._authorizer.parent(id_tag)

    async def _do_start(self, bay: Bay, wish: Start, group: str | None) -> None:
        try:
            grant = await self._granted(wish, group)
        finally:
            self._promised.discard(bay.connector_id)
        if grant is not None and bay.is_free:
            bay.give(grant)

    async def _granted(self, wish: Start, group: str | None) -> Grant | None:
        """R-02: like a local tag, or at once. R-09: refused, nothing happens."""
        parent = group
        if self._configuration.boolean("AuthorizeRemoteTxRequests"):
            verdict = await self._authorizer.authorize(wish.id_tag)
            if not verdict.accepted:
                log.info("{tag}: {status}", tag=wish.id_tag, status=verdict.info.status)
                return None
            parent = verdict.info.parent_id_tag
        profile = wish.profile if self._configuration.supports("SmartCharging") else None
        # where the station chooses, the first car that comes decides.
        anywhere = tuple(self._bays) if wish.connector_id is None else ()
        return Grant(id_tag=wish.id_tag, parent_id_tag=parent, profile=profile, connectors=anywhere)
