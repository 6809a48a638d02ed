"""When one car has to give way to another: it goes on drawing for some seconds.

A car may take 5 s to follow a lower offer (IEC 61851-1). Until then its old limit still counts, and
nobody else may be given what it has not let go of yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

FOLLOWING: Final = timedelta(seconds=5)


class Handover:
    """Limits that were lowered a moment ago."""

    def __init__(self) -> None:
        self._waning: dict[int, tuple[Decimal, datetime]] = {}

    def offers(
        self,
        shares: Mapping[int, Decimal],
        present: Mapping[int, Decimal],
        drawing: Collection[int],
        ceiling_a: Decimal,
        now: datetime,
    ) -> dict[int, Decimal]:
        """What can be offered now of the shares that each connector shall have.

        `present` are the limits of the connectors until now, `drawing` are those whose contactor is
        closed. Limits are lowered at once; they are raised at once only if the sum stays below the
        ceiling although those that were lowered have not followed yet.
        """
        self._forget(shares, now)
        for connector_id in drawing:
            if shares[connector_id] < present[connector_id]:
                self._note(connector_id, present[connector_id], now + FOLLOWING)
        counted_a = sum(
            (max(share_a, self._still_a(c)) for c, share_a in shares.items()), Decimal(0)
        )
        if not self._waning or counted_a <= ceiling_a:
            return dict(shares)
        return {c: min(share_a, present[c]) for c, share_a in shares.items()}

    def next_end(self) -> datetime | None:
        """When the first of those that were lowered has followed."""
        return min((until for _, until in self._waning.values()), default=None)

    def _still_a(self, connector_id: int) -> Decimal:
        return self._waning[connector_id][0] if connector_id in self._waning else Decimal(0)

    def _note(self, connector_id: int, limit_a: Decimal, until: datetime) -> None:
        # Lowered twice: it may still draw what it was offered first.
        self._waning[connector_id] = (max(limit_a, self._still_a(connector_id)), until)

    def _forget(self, shares: Mapping[int, Decimal], now: datetime) -> None:
        self._waning = {
            c: (limit_a, until)
            for c, (limit_a, until) in self._waning.items()
            if until > now and c in shares
        }
