"""An S0 pulse meter: counts pulses, and tells energy and power from them (IEC 62053-31).

Rules of this room: told when a pulse came; knows no pin. Energy is Wh, power W.
"""

from micropython import const

_MASK = const(0x3FFFFFFF)
_BOUNCE_MS = const(20)  # S0 pulses last 30 ms at least: anything faster is one pulse bouncing
_SILENT_MS = const(360000)


class PulseMeter:
    """One meter; the setting `imp` says how many pulses it gives for a kWh."""

    def __init__(self, settings, counted: int) -> None:
        self._settings = settings
        self._imp = settings.get("imp")
        self._base_wh = settings.get("wh")
        self._count = counted
        self._kept = 0
        self._last_ms = -1
        self._apart_ms = 0  # between the last two pulses; 0: not known
        self._since_ms = 0

    def pulse(self, ms: int) -> None:
        """A pulse has come at `ms`. Called from an interrupt: short, and takes no memory."""
        if self._last_ms >= 0:
            apart = (ms - self._last_ms) & _MASK
            if apart < _BOUNCE_MS:
                return
            self._apart_ms = apart
        self._last_ms = ms
        self._since_ms = 0
        self._count += 1

    def tick(self, dt: int) -> None:
        """Time has passed."""
        self._since_ms = min(_MASK, self._since_ms + dt)
        if self._settings.get("imp") != self._imp:
            self.keep()

    def pulses(self) -> int:
        """Since the register went into the settings."""
        return self._count - self._kept

    def wh(self) -> int:
        """The register; never less than before."""
        return self._base_wh + self.pulses() * 1000 // self._imp

    def w(self) -> int:
        """Power by the time between pulses; falls while the next one is late."""
        apart = max(self._apart_ms, self._since_ms)
        if not self._apart_ms or apart > _SILENT_MS:
            return 0
        return 3600000 * 1000 // (self._imp * apart)

    def keep(self) -> None:
        """Move whole Wh into the settings, to be written when that is safe."""
        wh = self.wh()
        self._kept -= -(wh - self._base_wh) * self._imp // 1000
        self._base_wh = wh
        self._settings.put("wh", wh)
        self._imp = self._settings.get("imp")
