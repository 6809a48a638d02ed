"""What a presented tag means: start, stop, give up, unlock (OCPP 1.6 §3.4, §3.6; A-10 to A-14,
V-04, V-05).

A reader may serve several connectors. A tag then means, in this order: the end of its own
transaction, the return of its locked cable, giving up its own waiting start, a start where a car
is plugged in, the end of a transaction of its group, a start where the cable is yet to come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.logger import Logger

from txocpp.chargepoint.authorization import Authorizer, Verdict
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.charge import Grant
from txocpp.chargepoint.reservations import Reservations
from txocpp.chargepoint.tags import same_tag, tag_key
from txocpp.chargepoint.transactions import StopReason

log = Logger()


class Access:
    """Decides what tags do.

    `may_charge` says whether this charge point may charge anybody at all yet (B-14, B-15).
    """

    def __init__(
        self,
        bays: Mapping[int, Bay],
        authorizer: Authorizer,
        reservations: Reservations,
        *,
        may_charge: Callable[[], bool] = lambda: True,
    ) -> None:
        self._bays = bays
        self._authorizer = authorizer
        self._reservations = reservations
        self._may_charge = may_charge
        self._asking: set[str] = set()

    async def present(self, connectors: Sequence[int], id_tag: str) -> None:
        """Somebody holds a tag to the reader of these connectors."""
        bays = [self._bays[c] for c in connectors if c in self._bays]
        if self._acts_at_once(bays, id_tag) or tag_key(id_tag) in self._asking:
            return
        self._asking.add(tag_key(id_tag))
        try:
            await self._decide(bays, id_tag)
        finally:
            self._asking.discard(tag_key(id_tag))

    def car_came(self, bay: Bay) -> None:
        """A car is plugged in here: the start that waits at a neighbour of the same reader was
        meant for it, unless this connector is kept for somebody else (V-04)."""
        if not bay.is_free:
            return
        for other in self._bays.values():
            grant = other.grant
            if grant is not None and not other.plugged and self._may_move(grant, bay):
                other.take_grant()
                bay.give(grant)
                return

    # Inside.

    def _may_move(self, grant: Grant, bay: Bay) -> bool:
        return bay.connector_id in grant.connectors and self._reservations.may_use(
            bay.connector_id, grant.id_tag, grant.parent_id_tag
        )

    def _acts_at_once(self, bays: Sequence[Bay], id_tag: str) -> bool:
        """What the tag may do without anybody being asked (A-10)."""
        for bay in bays:
            transaction = bay.transaction
            if transaction is not None and same_tag(transaction.id_tag, id_tag):
                bay.end(StopReason.LOCAL, id_tag)
                return True
        for bay in bays:
            if bay.held_for is not None and same_tag(bay.held_for.id_tag, id_tag):
                bay.release()
                return True
        for bay in bays:
            if bay.grant is not None and same_tag(bay.grant.id_tag, id_tag):
                bay.take_grant()
                return True
        return False

    async def _decide(self, bays: Sequence[Bay], id_tag: str) -> None:
        starts = self._where_to_start(bays, id_tag)
        groups = self._of_groups(bays)
        if not starts and not groups:
            # nobody needs to be asked about a tag that can do nothing.
            log.info("{tag} can do nothing here", tag=id_tag)
            return
        verdict = await self._authorizer.authorize(id_tag)
        if not verdict.accepted:
            log.info("{tag}: {status}", tag=id_tag, status=verdict.info.status)
            return
        parent = verdict.info.parent_id_tag
        starts = [
            bay
            for bay in self._where_to_start(bays, id_tag)
            if self._reservations.may_use(bay.connector_id, id_tag, parent)
        ]
        plugged = [bay for bay in starts if bay.plugged]
        if plugged:
            self._start(plugged[0], verdict, bays)
        elif not self._stop_as_group(bays, verdict) and starts:
            self._start(starts[0], verdict, bays)

    def _where_to_start(self, bays: Sequence[Bay], id_tag: str) -> list[Bay]:
        """Free connectors that the tag, or perhaps its group, may use."""
        if not self._may_charge():
            return []
        return [
            bay
            for bay in bays
            if bay.is_free
            and (
                self._reservations.may_use(bay.connector_id, id_tag)
                or self._reservations.asks_for_group(bay.connector_id)
            )
        ]

    def _of_groups(self, bays: Sequence[Bay]) -> list[Bay]:
        """Where another tag of the same group could act (A-11, A-12)."""
        concerned = [(bay, bay.transaction or bay.held_for) for bay in bays]
        return [bay for bay, t in concerned if t is not None and t.parent_id_tag is not None]

    def _stop_as_group(self, bays: Sequence[Bay], verdict: Verdict) -> bool:
        for bay in self._of_groups(bays):
            running, held = bay.transaction, bay.held_for
            parent = verdict.info.parent_id_tag
            if running is not None and same_tag(running.parent_id_tag, parent):
                bay.end(StopReason.LOCAL, verdict.id_tag)
                return True
            if held is not None and same_tag(held.parent_id_tag, parent):
                bay.release()
                return True
        return False

    def _start(self, bay: Bay, verdict: Verdict, bays: Sequence[Bay]) -> None:
        bay.give(
            Grant(
                id_tag=verdict.id_tag,
                parent_id_tag=verdict.info.parent_id_tag,
                connectors=tuple(one.connector_id for one in bays),
            )
        )
