"""Charge points of ours for stories at a foreign central system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import strangers
from daemons import ChargePoint

numbers = count(1)

Arrival = Callable[..., Awaitable[tuple[ChargePoint, strangers.ForeignPeer]]]


class Garage:
    """Charge points with nothing special about them, one always started ahead: that takes time."""

    def __init__(self, central_system: strangers.Actor, folder: Path) -> None:
        self.central_system = central_system
        self.folder = folder
        self.spare: ChargePoint | None = None
        self.shared: ChargePoint | None = None
        """For stories that leave a charge point as they found it."""

    def build(self, **configuration: Any) -> ChargePoint:
        """One with a configuration of its own."""
        identity = f"OURS-{next(numbers)}"
        return ChargePoint(
            self.folder / identity, identity, self.central_system.url, **configuration
        )

    def take(self) -> ChargePoint:
        """A running one; the next is started already."""
        taken, self.spare = self.spare, self.build()
        self.spare.launch()
        if taken is None:
            return self.take()
        return taken
