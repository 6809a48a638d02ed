"""The energy register of one connector as the central system sees it: it never goes back (M-01).

Devices forget: a box that counts from zero after a power cut, or that loses the last session, would
make the register go back. From there on its steps are added to what was shown before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from txocpp.evse import MeterReading
from txocpp.interfaces import Put

TABLE = "register"


@attrs.define
class EnergyRegister:
    """One connector's register in whole Wh."""

    connector_id: int
    shown_wh: int = 0
    """What was shown last."""
    raw_wh: int = 0
    """What the device showed then."""
    seen_at: datetime | None = None
    """When the device was last known to be measuring."""

    @classmethod
    def restored(cls, connector_id: int, document: Mapping[str, Any] | None) -> EnergyRegister:
        """The register of an earlier life; a new one begins with what the device shows."""
        if document is None:
            return cls(connector_id)
        at = document["at"]
        return cls(
            connector_id,
            document["shown_wh"],
            document["raw_wh"],
            datetime.fromisoformat(at) if at is not None else None,
        )

    def observe(self, reading: MeterReading, at: datetime) -> MeterReading:
        """Take in a reading; gives it back with the register as it is to be shown."""
        self.seen_at = at
        if reading.energy_wh is not None:
            # After a step back nobody knows how much is missing: go on from what was shown.
            self.shown_wh += max(0, reading.energy_wh - self.raw_wh)
            self.raw_wh = reading.energy_wh
        return attrs.evolve(reading, energy_wh=self.shown_wh)

    def put(self) -> Put:
        """The change that saves the register."""
        at = None if self.seen_at is None else self.seen_at.isoformat()
        document = {"shown_wh": self.shown_wh, "raw_wh": self.raw_wh, "at": at}
        return Put(TABLE, str(self.connector_id), document)
