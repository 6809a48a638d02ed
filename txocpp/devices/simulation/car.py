"""The car behind a simulated EVSE: when it asks, what it draws, and its battery.

Rules of this file: time is an argument in whole microseconds, currents are mA, powers µW, energies
pJ (µW times µs), all whole numbers, so that nothing is ever rounded but a reading that is shown.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from txocpp.devices.simulation.settings import SimulationSettings

SECOND_US: Final = 1_000_000
WH_PJ: Final = 3600 * 10**12
"""One Wh in pJ."""


def whole_us(seconds: Decimal | float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND_US)


class Car:
    """One car: it reads the pilot and decides by itself whether and how much it draws.

    After every change of what the car can notice call `notice`, after `next_change` `advance`.
    """

    def __init__(self, settings: SimulationSettings) -> None:
        self.asking = False
        """Switch S2 is closed: the pilot reads C."""
        self.draw_ma = 0
        """What it takes now, per phase that it uses."""
        self.ready = settings.ready
        """False: the driver or the car itself has paused."""
        self._offered_ma = 0
        self._energised = False
        self._phases = settings.phases
        self._ask_at: int | None = None
        self._follow_at: int | None = None
        self.settings = settings
        self.stored_pj = 0
        self.charge(settings.soc_percent)

    @property
    def capacity_pj(self) -> int:
        """Energy of the full battery."""
        return int(self.settings.battery_wh) * WH_PJ

    @property
    def soc_percent(self) -> Decimal:
        """State of charge, rounded down to a thousandth of a percent."""
        return Decimal(100_000 * self.stored_pj // self.capacity_pj) / 1000

    @property
    def phases_used(self) -> int:
        """Phases that the car draws from."""
        return min(self.settings.car_phases, self._phases)

    @property
    def power_uw(self) -> int:
        """What it takes now, from all phases."""
        return self.draw_ma * int(self.settings.voltage_v * 1000) * self.phases_used

    @property
    def next_change(self) -> int | None:
        """Instants after `advance` when the car does something by itself; None: never."""
        due = [at for at in (self._ask_at, self._follow_at) if at is not None]
        return min(due, default=None)

    def charge(self, soc_percent: Decimal) -> None:
        """Set the state of charge."""
        self.stored_pj = int(self.capacity_pj * soc_percent / 100)

    def notice(self, now: int, *, offered_ma: int, energised: bool, phases: int) -> None:
        """The car sees an offer, mains voltage or phases change."""
        if not energised:
            self.draw_ma = 0
        self._offered_ma, self._energised, self._phases = offered_ma, energised, phases
        self._plan(now)

    def pause(self, now: int) -> None:
        """The car wants no more energy for now."""
        self.ready = False
        self._stop()
        self._plan(now)

    def resume(self, now: int) -> None:
        """The car wants energy again."""
        self.ready = True
        self._plan(now)

    def unplug(self) -> None:
        """The car is on its own: nothing is asked, nothing drawn, nothing planned."""
        self._offered_ma, self._energised = 0, False
        self._ask_at = self._follow_at = None
        self._stop()

    def take(self, energy_pj: int) -> None:
        """Put energy into the battery."""
        self.stored_pj = min(self.stored_pj + energy_pj, self.capacity_pj)

    def advance(self, now: int) -> None:
        """Do what is due at `now`."""
        if self._follow_at is not None and now >= self._follow_at:
            self._follow_at = None
            self.draw_ma = self._target_ma()
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_at = None
            self.asking = self._wants_to_ask()
        if self.stored_pj >= self.capacity_pj:
            self._stop()
        self.draw_ma = min(self.draw_ma, self._taper_ma())
        self._plan(now)

    def battery_change_in(self) -> int | None:
        """Microseconds until the battery makes the car draw less, at the present draw."""
        if not self.power_uw or self.stored_pj >= self.capacity_pj:
            return None
        missing_pj = self._next_threshold_pj() - self.stored_pj
        return -(-missing_pj // self.power_uw)

    def replan(self, now: int) -> None:
        """A setting of the car has changed."""
        if self.stored_pj >= self.capacity_pj:
            self._stop()
        self._plan(now)

    def _stop(self) -> None:
        self.draw_ma = 0
        self.asking = False

    def _wants_to_ask(self) -> bool:
        enough = self._offered_ma >= self.settings.car_min_a * 1000
        return self.ready and self.stored_pj < self.capacity_pj and enough

    def _target_ma(self) -> int:
        if not (self.asking and self._energised and self._wants_to_ask()):
            return 0
        return min(self._offered_ma, self._taper_ma())

    def _plan(self, now: int) -> None:
        if self._wants_to_ask() == self.asking:
            self._ask_at = None
        elif self._ask_at is None:
            wait = self.settings.follow_s if self.asking else self.settings.wake_s
            self._ask_at = now + whole_us(wait)
        if self._target_ma() == self.draw_ma:
            self._follow_at = None
        elif self._follow_at is None:
            self._follow_at = now + whole_us(self.settings.follow_s)

    def _percent(self) -> int:
        return 100 * self.stored_pj // self.capacity_pj

    def _taper_ma(self) -> int:
        """Most that the on-board charger takes at this state of charge."""
        full_ma = int(self.settings.car_max_a * 1000)
        start = int(self.settings.taper_from_percent)
        percent = self._percent()
        if percent < start:
            return full_ma
        return full_ma * (100 - percent) // (100 - start) if start < 100 else full_ma

    def _next_threshold_pj(self) -> int:
        percent = max(self._percent() + 1, int(self.settings.taper_from_percent))
        if percent >= 100:
            return self.capacity_pj
        return -(-self.capacity_pj * percent // 100)
