"""Figures about the central system itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Event, Events


class Measures:
    """Counts what happens. How the figures are told is the business of `txocpp.csms.api`."""

    def __init__(self, central: CentralSystem, events: Events) -> None:
        self.happened: Counter[tuple[str, str]] = Counter()
        """How often, by kind of event and the value that its label in `COUNTED` names."""
        self._central = central
        events.listen(self._count, tuple(COUNTED))

    @property
    def stations_connected(self) -> int:
        """Charge points on the line."""
        return len(self._central.stations)

    @property
    def calls_received(self) -> Mapping[str, int]:
        """Calls of charge points, by action."""
        return self._central.calls_received

    def _count(self, event: Event) -> None:
        counted = COUNTED.get(event.kind)
        if counted is not None:
            value: Any = event.facts.get(counted[2])
            self.happened[event.kind, str(value)] += 1


COUNTED: Final = {
    "station.connected": ("txocpp_connections", "Connections made.", "protocol"),
    "station.booted": ("txocpp_boots", "Boots, by how they were answered.", "status"),
    "transaction.started": (
        "txocpp_transactions_started",
        "Transactions begun, by the status of the tag.",
        "status",
    ),
    "transaction.stopped": (
        "txocpp_transactions_stopped",
        "Transactions ended, by reason.",
        "reason",
    ),
    "operation.done": ("txocpp_operations", "Operations, by outcome.", "outcome"),
}
"""By kind of event: the name of the figure, its meaning, and the fact that divides it."""
