"""In or out of service (OCPP 1.6 §5.2; rules AV-01 to AV-10).

One flag for the station and one for each connector; a connector is usable when both allow it. A
flag is changed and saved at once; while a transaction runs it only takes effect at its end, because
the status of a connector puts the transaction first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any

from txocpp.chargepoint.journal import Journal
from txocpp.errors import StoreError
from txocpp.interfaces import Put

TABLE = "availability"
STATION = 0


class AvailabilityResult(StrEnum):
    """What became of a change."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


class Availability:
    """The flags, over restarts (AV-06). `on_change` is called when one has changed."""

    def __init__(
        self,
        connectors: Collection[int],
        journal: Journal,
        *,
        in_transaction: Callable[[int], bool],
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.on_change: Callable[[], object] = lambda: None
        self._connectors = tuple(connectors)
        self._journal = journal
        self._in_transaction = in_transaction
        self._operative = dict.fromkeys((STATION, *self._connectors), True)
        self._paused = False
        for key, document in (saved or {}).items():
            if int(key) in self._operative:
                self._operative[int(key)] = bool(document["operative"])

    @property
    def station(self) -> bool:
        """The station as a whole is in service."""
        return self._operative[STATION]

    def operative(self, connector_id: int) -> bool:
        """Connector and station are in service (AV-09), and not paused."""
        return self._operative[STATION] and self._operative[connector_id] and not self._paused

    def pause(self, paused: bool) -> None:
        """Keep all connectors out of service for a while, whatever the flags say: new firmware is
        being installed (F-04). Does not survive a restart."""
        if paused != self._paused:
            self._paused = paused
            self.on_change()

    async def change(self, connector_id: int, operative: bool) -> AvailabilityResult:
        """Put a connector, or with 0 the station and all connectors, in or out of service."""
        if connector_id not in self._operative:
            return AvailabilityResult.REJECTED
        flags = {connector_id: operative}
        if connector_id == STATION and operative:
            # The word for the station is the last word for each of its connectors.
            flags = dict.fromkeys(self._operative, True)
        try:
            await self._journal.promise(
                *(Put(TABLE, str(c), {"operative": flag}) for c, flag in flags.items())
            )
        except StoreError:
            return AvailabilityResult.REJECTED
        affected = self._connectors if connector_id == STATION else (connector_id,)
        waits = not operative and any(self._in_transaction(c) for c in affected)
        self._operative.update(flags)
        self.on_change()
        return AvailabilityResult.SCHEDULED if waits else AvailabilityResult.ACCEPTED
