"""A board of numbers at the end of a cable: the chip's own file in place of a bench."""

from __future__ import annotations

from typing import Any

from fake_chip import Chip, ChipReset


class ChipEngine:
    """Provides `firmware_rig.Engine` as far as a cable needs it; time is the chip's."""

    def __init__(self, chip: Chip, start: Any) -> None:
        self.chip = chip
        self.starts = 0
        self._start = start
        self._boot()

    def _boot(self) -> None:
        self.app = self._start()
        self.starts += 1

    def command(self, command: dict[str, Any]) -> dict[str, Any]:
        """Obey ``run``; there is nothing else to obey."""
        if command["do"] != "run":
            return {}
        chip = self.chip
        chip.received += bytes.fromhex(command["in"].get("0", ""))
        for _ in range(command["ms"] // 20):
            chip.ms += 20
            try:
                self.app.spin()
            except ChipReset:
                self._boot()
        data, chip.sent = chip.sent, b""
        return {"out": {"0": data.hex()}, "closed": []}
