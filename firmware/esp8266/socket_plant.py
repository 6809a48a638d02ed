"""A relay with a socket: lock, switched phases, and an RCD that is tested before each closing.

Begins as `relay.Relay`; the pins are named in `board.json`, there are no defaults for them.
"""

from micropython import const
from relay import Relay

_TEST_MS = const(300)


class Socket(Relay):
    """Outputs `lock`, `ph` (closes L2 and L3) and `test` (the RCD's test input), input `locked`."""

    def __init__(self, board, settings, config: dict) -> None:
        self._testing_ms = self._valid = 0
        self._passed = False
        Relay.__init__(self, board, settings, config)
        self._locked = self._input("locked")
        self._lock = self._output("lock")
        self._three = self._output("ph")
        self._test = self._output("test")
        if self._lock:
            self.caps += ",lock"
            self.lk = 0
        if self._three:
            self.caps += ",ph"
            self.phases = (1, 3)
            self.use(self.ph)

    def _output(self, name: str):
        number = self._pins.get(name)
        return None if number is None else self._board.output(number)

    def read(self, dt: int) -> None:
        Relay.read(self, dt)
        if self._locked:
            self.lk = int(self._is(self._locked))
        self._valid = max(0, self._valid - 1)
        if self._testing_ms:
            self._watch_test(dt)
            self.trips = ()

    def lock(self, on: int) -> None:
        if self._lock:
            self._lock(on)
            if not self._locked:
                self.lk = on

    def use(self, ph: int) -> None:
        self.ph = ph
        self._three(1 if ph == 3 else 0)

    def test(self) -> bool | None:
        """Press the RCD's test button: it must trip, and must let go again."""
        if not (self._test and self._rcd):
            return True
        if self._testing_ms:
            return None
        if self._valid:
            self._valid = 0
            return self._passed
        self._testing_ms = _TEST_MS
        self._passed = False
        self._test(1)
        return None

    def _watch_test(self, dt: int) -> None:
        pin = self._test
        self._testing_ms = max(0, self._testing_ms - dt)
        if pin():
            if self._is(self._rcd):
                pin(0)
        elif not self._is(self._rcd):
            self._passed = True
            self._testing_ms = 0
        if not self._testing_ms:
            pin(0)
            self._valid = 3  # looked at soon, or forgotten
