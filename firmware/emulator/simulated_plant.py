"""A charger with everything, and a car that can be asked anything; all of it numbers."""

from plant import Plant


class SimulatedPlant(Plant):
    """A charger with a pilot, a lock, a three-phase meter, and a car that can be asked anything."""

    caps = "pwm,relay,ph,meter,fail,lock,tag"
    max = 32000
    ph = 3
    phases = (1, 3)
    metered = True

    def __init__(self) -> None:
        self.car = "A"
        """What the car and its cable do to the pilot: A, B, C, D or E."""
        self.draw = 16000
        """mA per phase that the car would take."""
        self.obeys = True
        """The car takes no more than is offered."""
        self.volts = 230
        self.weld = False
        self.stuck_open = False
        self.lock_stuck = False
        self.silent = False
        """The meter does not answer."""
        self.diode_missing = self.rcd = self.earth = False
        self.under_u = self.over_u = self.reader = False
        self.test_fails = False
        self.ventilated = False
        self.lk = 0
        self.aux = 0
        self.uid = None
        self.closed = False
        """Energy can reach the car."""
        self.on = 0
        self.offer = 0
        self._f = False
        self._mws = 0
        self._ms = 0

    @property
    def vent(self) -> bool:
        return self.ventilated

    def read(self, dt: int) -> None:
        self._mws += self._power() * dt
        self.cp = "F" if self._f else self.car
        self.closed = self.weld or (bool(self.on) and not self.stuck_open)
        self.aux = int(self.closed)
        self.trips = tuple(
            [
                word
                for word in ("rcd", "earth", "under_u", "over_u", "reader")
                if getattr(self, word)
            ]
        )
        if self.diode_missing and self.car in "BCD":
            self.trips += ("diode",)
        self._show()

    def _power(self) -> int:
        return self.flows() * self.volts * self.ph // 1000

    def flows(self) -> int:
        """mA per phase into the car."""
        if not self.closed or self.car not in "CD":
            return 0
        return min(self.draw, self.offer) if self.obeys else self.draw

    def _show(self) -> None:
        if self.silent:
            self.wh = self.w = self.mv = self.ma = None
            return
        self.wh = self._mws // 3600000
        self.w = self._power()
        self.mv = [self.volts * 1000] * 3
        flow = self.flows()
        self.ma = [flow if i < self.ph else 0 for i in range(3)]

    def drive(self, on: int, ma: int, f: bool) -> None:
        self.on = on
        self.offer = ma
        self._f = f
        self.closed = self.weld or (bool(on) and not self.stuck_open)
        self._show()

    def lock(self, on: int) -> None:
        if not self.lock_stuck:
            self.lk = on

    def test(self) -> bool:
        return not self.test_fails

    def tag(self):
        uid = self.uid
        self.uid = None
        return uid
