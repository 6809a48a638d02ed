"""A charger that makes its own pilot and takes orders by two load-management inputs.

As the serial controllers of the ClipperCreek kind do it: two of our outputs choose among a few
currents, one of our inputs sees whether it charges. What each choice means is a table in mA; the
first row must be off.
"""

from micropython import const
from plant import Plant

PINS = {"first": 5, "second": 4, "charging": 14}
LEVELS = ((0, 0, 0), (16000, 1, 0), (32000, 1, 1))

_STUCK_MS = const(10000)  # time for the charger to obey "off"


class Levels(Plant):
    """Two outputs, one or two inputs, an S0 meter if there is one."""

    blind = True

    def __init__(self, board, settings, config: dict) -> None:
        pins = dict(PINS)
        pins.update(config.get("pins", {}))
        self._first = board.output(pins["first"])
        self._second = board.output(pins["second"])
        self._levels = config.get("levels", LEVELS)
        if tuple(self._levels[0]) != LEVELS[0]:
            raise ValueError("levels")  # there is no "off": better no charger
        self._stuck_ms = 0
        self._on = 0
        self.drive(0, 0, False)
        self._charging = board.input(pins["charging"])
        self._plug = None if pins.get("plug") is None else board.input(pins["plug"])
        self._active = config.get("active", 0)
        self.steps = tuple([row[0] for row in self._levels if row[0]])
        self.max = max(self.steps)
        self.ph = config.get("ph", 1)
        self.phases = (self.ph,)
        self.caps = "levels,fail,blind"
        self._count_pulses(board, settings, pins.get("s0"))

    def read(self, dt: int) -> None:
        Plant.read(self, dt)
        charging = self._charging() == self._active
        if self._plug and self._plug() != self._active:
            self.cp = "A"
        else:
            # Without an input for the plug nobody knows: a car may always be there.
            self.cp = "C" if charging else "B"
        self._stuck_ms = min(_STUCK_MS, self._stuck_ms + dt) if charging and not self._on else 0
        self.trips = ("relay_weld",) if self._stuck_ms == _STUCK_MS else ()

    def drive(self, on: int, ma: int, f: bool) -> None:
        self._on = on
        row = self._levels[0]
        if on:
            for level in self._levels:
                if level[0] <= ma:
                    row = level
        self._first(row[1])
        self._second(row[2])
