"""What every plant has: the attributes and methods that an `outlet.Outlet` asks for.

Rules of this room: pins come from the board as callables (`pin()` reads, `pin(1)` sets), so that a
plant runs on any board and on none. A plant reports and obeys; it decides nothing.
"""

from s0 import PulseMeter


class Plant:
    """A plant without anything; the others begin here."""

    ONCE: tuple[str, ...] = ("__init__",)
    """Methods that are not called again when the plant is there (see `app.App.forget_start`)."""
    caps = "fail"
    max = 16000
    steps: tuple[int, ...] = ()
    ph = 1
    phases: tuple[int, ...] = (1,)
    blind = False
    vent = False
    grace = 6000
    cp = "A"
    aux: int | None = None
    trips: tuple[str, ...] = ()
    cable: int | None = None
    temp: int | None = None
    lk: int | None = None
    metered = False
    wh: int | None = None
    w: int | None = None
    mv: list[int] | None = None
    ma: list[int] | None = None
    hz: int | None = None
    pf: int | None = None
    meter: PulseMeter | None = None

    def read(self, dt: int) -> None:
        """Sample the inputs; `dt` ms have passed since the last time."""
        meter = self.meter
        if meter:
            meter.tick(dt)
            self.wh = meter.wh()
            self.w = meter.w()

    def drive(self, on: int, ma: int, f: bool) -> None:
        """Contactor, offer in mA (0: X1, no pulses), and whether the pilot shows F instead."""

    def lock(self, on: int) -> None:
        """Move the lock."""

    def use(self, ph: int) -> None:
        """Use so many phases; called with the contactor open and no offer."""
        self.ph = ph

    def test(self) -> bool | None:
        """Test the RCD before closing: passed, failed, or None while that lasts."""
        return True

    def tag(self) -> str | None:
        """A tag that was just presented."""
        return None

    def _count_pulses(self, board, settings, pin) -> None:
        if pin is None:
            return
        self.meter = PulseMeter(settings, board.kept_pulses(settings.get("wh")))
        self.metered = True
        self.caps += ",meter"
        self.read(0)
        board.on_pulse(pin, self.meter.pulse)
