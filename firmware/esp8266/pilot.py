"""EXPERIMENTAL: the chip makes the pilot itself, with its software PWM and its one slow ADC.

Good for a bench, not for a wall: every microsecond of jitter is 60 mA of promise, and flash writes
stop the pulses. It needs a +-12 V stage, a peak detector before the ADC and a comparator that sees
the negative half (docs/wiring.md).
"""

from micropython import const
from relay import Relay

PINS = {"relay": 5, "pwm": 4, "minus": 14, "aux": 12, "rcd": 13}

# The least ADC reading of A, B, C and D, when +12 V reads 930; below the last it is E.
THRESHOLDS = (815, 582, 348, 116)

_DIODE_MS = const(100)


def pulse_us(ma: int) -> int:
    """Pulse width of an offer at 1 kHz (IEC 61851-1), rounded so as never to promise more."""
    if ma <= 51000:
        return ma // 60
    return min(ma // 250 + 640, 960)


class Pilot(Relay):
    """Relay, pilot output and pilot input."""

    grace = 6000
    vent = False

    def __init__(self, board, settings, config: dict) -> None:
        self._us = 1000
        Relay.__init__(self, board, settings, config, PINS)
        self.blind = False
        self.steps = ()
        self.caps = "pwm,relay,fail" + (",meter" if self.metered else "")
        self._thresholds = config.get("thresholds", THRESHOLDS)
        self._minus = self._input("minus")
        self._diode_ms = 0
        self._adc = board.adc()
        self._pulse = board.pulses(self._pins["pwm"])
        self._pulse(1000)

    def read(self, dt: int) -> None:
        Relay.read(self, dt)
        # Without pulses nothing is seen of the diode: what was found holds until the car leaves.
        if self.cp == "A" or (self._is(self._minus) and 0 < self._us < 1000):
            self._diode_ms = 0
        elif self._minus and 0 < self._us < 1000:
            self._diode_ms = min(_DIODE_MS, self._diode_ms + dt)
        if self._diode_ms == _DIODE_MS:
            self.trips += ("diode",)

    def _pilot(self) -> str:
        if not self._us:
            return "F"
        volts = self._adc()
        for i in range(4):
            if volts >= self._thresholds[i]:
                return "ABCD"[i]
        return "E"

    def drive(self, on: int, ma: int, f: bool) -> None:
        Relay.drive(self, on, ma, f)
        us = 0 if f else pulse_us(ma) if ma else 1000
        if us != self._us:
            self._us = us
            self._pulse(us)
