"""A register that never goes back, whatever the meter behind it does.

Meters are exchanged, cleared by others, or lose their last pulses with the power. What a charge
point reports must only grow (OCPP 1.6 §7.31, rule M-01), and must not jump by energy that cannot
have flowed. Rules of this file: whole Wh and seconds; time is an argument.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from twisted.logger import Logger

from txocpp.errors import StoreError

MARGIN_WH: Final = 20
"""How much a register may be ahead of the power that can have flowed: pulses and rounding."""
AGREEING: Final = 3
"""So many readings in a row that agree with each other make a jumped register the new base."""

_log = Logger()


@attrs.define
class EnergyRegister:
    """The register of one connector: meter plus offset."""

    maximum_power_w: int
    """What can flow at most; decides which jump is one."""
    meter_wh: int | None = None
    """What the meter showed last."""
    offset_wh: int = 0
    _read_at: float | None = None
    _jumped_wh: int | None = None
    _agreeing: int = 0
    _replaced: bool = False

    @property
    def total_wh(self) -> int | None:
        """The register to report; None before the first reading."""
        return None if self.meter_wh is None else self.meter_wh + self.offset_wh

    @property
    def doubted(self) -> bool:
        """The meter has jumped and is not believed yet."""
        return self._jumped_wh is not None

    def read(self, meter_wh: int | None, now: float) -> int | None:
        """Take a reading of the meter; gives the register to report."""
        if meter_wh is None or meter_wh < 0:
            return self.total_wh
        if self.meter_wh is None:
            self._accept(meter_wh, now)
        elif self._replaced:
            self.offset_wh += self.meter_wh - meter_wh
            self._accept(meter_wh, now)
        elif meter_wh < self.meter_wh:
            self._went_back(meter_wh, now)
        elif self._read_at is None or meter_wh - self.meter_wh <= self._possible_wh(now):
            # After a start of the host nobody knows how long it was away: anything can have flowed.
            self._accept(meter_wh, now)
        else:
            self._jumped(meter_wh, now)
        return self.total_wh

    def _possible_wh(self, now: float) -> float:
        elapsed_s = now - self._read_at if self._read_at is not None else 0
        return self.maximum_power_w * elapsed_s / 3600 + MARGIN_WH

    def _accept(self, meter_wh: int, now: float) -> None:
        self.meter_wh = meter_wh
        self._read_at = now
        self._jumped_wh = None
        self._agreeing = 0
        self._replaced = False

    def _went_back(self, meter_wh: int, now: float) -> None:
        assert self.meter_wh is not None
        lost_wh = self.meter_wh - meter_wh
        _log.warn("a meter went back by {lost_wh} Wh; the register goes on", lost_wh=lost_wh)
        self.offset_wh += lost_wh
        self._accept(meter_wh, now)

    def _jumped(self, meter_wh: int, now: float) -> None:
        assert self.meter_wh is not None
        before_wh, self._jumped_wh = self._jumped_wh, meter_wh
        if before_wh is None:
            _log.warn(
                "a meter jumped by {jump_wh} Wh, more than can have flowed; held back",
                jump_wh=meter_wh - self.meter_wh,
            )
        near = before_wh is not None and 0 <= meter_wh - before_wh <= self._possible_wh(now)
        self._agreeing = self._agreeing + 1 if near else 1
        if self._agreeing >= AGREEING:
            self.offset_wh -= meter_wh - self.meter_wh
            self._accept(meter_wh, now)

    def replaced(self) -> None:
        """Another meter is there: its first reading continues from the last one of the old."""
        self._replaced = True

    def memory(self) -> dict[str, Any]:
        """What must survive, as plain JSON values."""
        kept: dict[str, Any] = {"meter_wh": self.meter_wh, "offset_wh": self.offset_wh}
        return {**kept, "replaced": True} if self._replaced else kept

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on where an earlier register ended; raises `txocpp.errors.StoreError`."""
        meter_wh, offset_wh = memory.get("meter_wh"), memory.get("offset_wh")
        if type(offset_wh) is not int or (meter_wh is not None and type(meter_wh) is not int):
            raise StoreError(f"not the memory of an energy register: {memory!r}")
        self.meter_wh, self.offset_wh = meter_wh, offset_wh
        self._replaced = memory.get("replaced") is True
