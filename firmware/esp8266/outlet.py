"""One outlet: how much may flow, and whether the contactor may be closed.

Rules of this room: no pins, no bytes of a line, no clock; `step` is told how many milliseconds have
passed. In doubt the contactor is open. Currents are mA per phase, temperatures 0.1 °C.

A plant is what the outlet drives. It has the attributes

    caps, max, steps     what it can do; most mA; the few mA it can offer, or () for any
    ph, phases           phases in use; those it can switch between
    blind, vent, grace   cannot see whether the car asks; may charge state D; ms to wait for the car
    cp, aux, trips       pilot A..F; contactor feedback 0/1/None; fault words that hold right now
    cable, temp, lk      most mA of the cable or None; 0.1 °C or None; lock closed 0/1 or None
    metered, wh, w, mv, ma, hz, pf     what a meter says, None where it does not

and the methods read(dt), drive(on, ma, f), lock(on), use(ph), test().
"""

from micropython import const

_LEAST_MA = const(6000)
_WARM = const(600)
_HOT = const(750)
_COOL = const(650)

# What is waited for, in ms, each with its place in the list of what is left of it.
_RAISE_MS = const(5000)  # a car has 5 s to follow a new duty (IEC 61851-1)
_RAISE = const(0)
_REST_MS = const(3000)  # the least pause in X1 before the next offer
_REST = const(1)
_REOPEN_MS = const(1000)  # contacts may cool before they close again
_REOPEN = const(2)
_CUT_MS = const(4000)  # F is shown so long to wake a sleeping car, then X1 for a rest
_CYCLE = const(3)
_ANSWER_MS = const(1000)  # the lock has moved by then
_LOCK = const(4)
_LEASE = const(5)
_SWITCH_MS = const(10000)  # dead time before phases are switched; runs without offer only
_SWITCH = const(6)

# What is put up with, in ms.
_DOUBT_MS = const(80)  # a pilot that flutters
_CHECK_MS = const(1000)  # a contactor that is not where it should be
_OVER_MS = const(10000)
_UNLOCK_MS = const(5000)

# Words that warn but do not stop a charge.
_MILD = ("meter", "reader", "lock", "rssi")
# Held until `clear`, even when the cause has gone; those in _FORGIVEN also until the car leaves.
_LATCHED = ("relay_weld", "relay_open", "self_test", "rcd", "over_i")
_FORGIVEN = ("relay_open", "rcd", "over_i")


class Outlet:
    """One contactor, one pilot, at most one car."""

    def __init__(self, plant, settings) -> None:
        self.plant = plant
        self.settings = settings
        self.cp = "A"
        self.on = 0
        self.ma = 0
        """Offered now: 0, or between 6000 and the most that is allowed."""
        self.lim = 0
        """Asked by the host."""
        self.why = "boot"
        self.gate = 0
        """Permission to energise."""
        self.av = 1
        self.ph = plant.ph
        """Phases asked for."""
        self.faults: list[str] = []
        self.held = False
        """No closing, for the moment: an update is being written."""
        self.weak = False
        """The Wi-Fi hardly reaches the host."""
        self._latched: list[str] = []
        self._asked = False
        self._lapsed = False
        self._ttl_ms = 0
        self._left = [0] * 7
        self._seen = ""
        self._doubt_ms = self._stop_ms = self._check_ms = self._over_ms = self._f_ms = 0
        self._lock: int | None = None
        plant.drive(0, 0, False)

    # What a host may ask.

    def limit(self, ma: int, ttl_s: int, ph: int) -> None:
        """Offer at most this much from now on, as long as somebody renews it."""
        self.lim = ma
        self.ph = ph
        self._asked = True
        self._lapsed = False
        self._ttl_ms = self._left[_LEASE] = ttl_s * 1000

    def renew(self) -> None:
        """The host is alive. A lease that has run out stays so until the next `limit`."""
        self._left[_LEASE] = self._ttl_ms

    def permit(self, on: int, hard: int) -> None:
        """Give or take the permission; taken `hard`, the contactor opens at once."""
        self.gate = on
        if not on and hard:
            self.open()

    def cycle(self) -> None:
        """Wake a sleeping car: show it F for a while, then X1. Only with an open contactor."""
        self._left[_CYCLE] = _CUT_MS + _REST_MS

    def clear(self) -> None:
        """Forget the latched faults whose cause is gone."""
        plant = self.plant
        plant.read(0)
        self._latched = [
            word
            for word in self._latched
            if word in plant.trips or (word == "relay_weld" and plant.aux)
        ]

    def lock(self, on: int) -> None:
        """Lock or unlock the socket; `locking` says when that is done."""
        self._lock = on
        self._left[_LOCK] = _ANSWER_MS
        self.plant.lock(on)

    def locking(self) -> int:
        """1: still moving, 0: done, -1: the lock did not answer in time."""
        if self.plant.lk == self._lock:
            return 0
        return 1 if self._left[_LOCK] else -1

    def open(self) -> None:
        """Contactor open, no offer, now."""
        if self.on:
            self._left[_REOPEN] = _REOPEN_MS
            self._left[_SWITCH] = _SWITCH_MS
            self._check_ms = 0
        if self.ma:
            self._left[_REST] = _REST_MS
        self.on = 0
        self.ma = 0
        self.plant.drive(0, 0, False)

    # What happens by itself.

    def step(self, dt: int) -> None:
        """Look at the plant, decide, drive the plant."""
        plant = self.plant
        plant.read(dt)
        self._count_down(dt)
        self._watch_pilot(plant.cp, dt)
        self._watch_lock(dt)
        self._find_faults(dt)
        self._offer(self._allowed())
        self._switch(dt)
        plant.drive(self.on, self.ma, self._shows_f())

    def _count_down(self, dt: int) -> None:
        left = self._left
        for i in range(_SWITCH + (not self.on and not self.ma)):
            left[i] = max(0, left[i] - dt)
        if self._asked and not left[_LEASE]:
            self._lapsed = True

    def _watch_pilot(self, raw: str, dt: int) -> None:
        """Two equal samples are believed; one alone is doubted, and flutter not for long."""
        if not dt:
            return  # no second sample, but the same spike seen twice
        steady = raw == self._seen
        self._seen = raw
        if raw == self.cp and steady:
            self._doubt_ms = 0
            return
        self._doubt_ms += dt
        flutters = self._doubt_ms >= _DOUBT_MS and raw not in "CD"
        if raw == self.cp or not (steady or flutters):
            return
        self._doubt_ms = 0
        if raw in "AE" or (raw in "BCD" and self.cp not in "BCD"):
            self._lock = None
        self.cp = raw
        if raw == "A":
            self.gate = 0
            self._latched = [word for word in self._latched if word not in _FORGIVEN]

    def _watch_lock(self, dt: int) -> None:
        """Locked while a car is there. Free without one, in E, and in F after a while."""
        if self.plant.lk is None or self._doubt_ms:
            return
        self._f_ms = min(_UNLOCK_MS, self._f_ms + dt) if self.cp == "F" else 0
        if self._f_ms == _UNLOCK_MS and self._lock and "relay_weld" not in self.faults:
            self.lock(0)
        elif self._lock is None:
            self.lock(1 if self.cp in "BCDF" else 0)

    def _find_faults(self, dt: int) -> None:
        plant = self.plant
        found = list(plant.trips)
        if self.cp == "E":
            found.append("pilot")
        elif self.cp == "D" and not plant.vent:
            found.append("vent")
        if plant.temp is not None and plant.temp >= (_COOL if "temp" in self.faults else _HOT):
            found.append("temp")
        if plant.metered and plant.wh is None:
            found.append("meter")
        if plant.lk is not None and self.locking() < 0:
            found.append("lock")
        if self.weak:
            found.append("rssi")
        if plant.aux is None or plant.aux == self.on:
            self._check_ms = 0
        else:
            self._check_ms += dt
            if self._check_ms >= _CHECK_MS:
                found.append("relay_open" if self.on else "relay_weld")
        self._over_ms = self._over_ms + dt if self._draws_too_much() else 0
        if self._over_ms >= _OVER_MS:
            found.append("over_i")
        for word in found:
            if word in _LATCHED and word not in self._latched:
                self._latched.append(word)
        for word in self._latched:
            if word not in found:
                found.append(word)
        self.faults = found

    def _draws_too_much(self) -> bool:
        plant = self.plant
        if not self.on:
            return False
        if plant.ma:
            ma = max(plant.ma)
        elif plant.w:
            ma = plant.w * 1000 // (230 * plant.ph)
        else:
            return False
        return ma > self.ma + self.ma // 10 + 1000

    def blocked(self) -> bool:
        """A fault forbids charging."""
        for word in self.faults:
            if word not in _MILD:
                return True
        return False

    def _allowed(self) -> int:
        """The most that may be offered now, were there a car; sets `why`."""
        settings = self.settings
        plant = self.plant
        if not self._asked:
            ma = settings.get("boot")
            why = "boot"
        elif self._lapsed:
            ma = settings.get("fb")
            if not settings.get("up"):
                ma = min(ma, self.lim)
            why = "fb"
        else:
            ma = self.lim
            why = "host"
        most = min(plant.max, settings.get("max") or plant.max)
        if ma > most:
            ma = most
            why = "max"
        if plant.cable is not None and ma > plant.cable:
            ma = plant.cable
            why = "cable"
        if plant.temp is not None and plant.temp > _WARM:
            cooler = max(_LEAST_MA, most - (plant.temp - _WARM) * 200)
            if ma > cooler:
                ma = cooler
                why = "temp"
        if plant.steps:
            ma = max([step for step in plant.steps if step <= ma] or [0])
        if self.blocked():
            why = "fault"
        elif not self.av:
            why = "off"
        self.why = why
        return ma if ma >= _LEAST_MA else 0

    def _offer(self, ma: int) -> None:
        """Lower at once, raise at most every 5 s, rest in X1 before offering again."""
        if (
            not self.gate
            or not self.av
            or self.held
            or self._left[_CYCLE]
            or self.ph != self.plant.ph
            or self.cp not in "BCD"
            or self.blocked()
        ):
            ma = 0
        if ma < self.ma:
            self.ma = ma
            self._left[_RAISE] = _RAISE_MS
            if not ma:
                self._left[_REST] = _REST_MS
                self._left[_SWITCH] = _SWITCH_MS
                self._stop_ms = self.plant.grace
        elif ma > self.ma and not self._left[_RAISE if self.ma else _REST]:
            self.ma = ma
            self._left[_RAISE] = _RAISE_MS

    def _asks(self) -> bool:
        cp = self.cp
        plant = self.plant
        return cp == "C" or (cp == "D" and plant.vent) or (cp == "B" and plant.blind)

    def _switch(self, dt: int) -> None:
        if self.on:
            if not self._asks() or self.blocked():
                self.open()
            elif not self.ma:
                self._stop_ms -= dt
                if self._stop_ms <= 0:
                    self.open()
        elif self.ma and self._asks() and self.plant.cp == self.cp and not self._left[_REOPEN]:
            if self.plant.lk == 0:  # nobody pulls a live plug: locked first, or not at all
                if not self._lock:
                    self.lock(1)
                return
            passed = self.plant.test()
            if passed:
                self.on = 1
                self._check_ms = self._over_ms = 0
            elif passed is not None:
                self._latched.append("self_test")
                self.faults.append("self_test")
                self.ma = 0
        elif self.ph != self.plant.ph and not self.ma and not self._left[_SWITCH]:
            self.plant.use(self.ph)
            self._left[_REST] = _REST_MS

    def _shows_f(self) -> bool:
        """The pilot says: not available."""
        if self.on:
            return False
        return not self.av or "relay_weld" in self.faults or self._left[_CYCLE] > _REST_MS
