"""A relay or contactor, and inputs that say whether a car is plugged in and asks for energy.

The wiring of the first sketch of this project: GPIO14 plugged in, GPIO12 authorised, GPIO13 the car
asks, GPIO5 relay. Something else makes the pilot (or there is none), so the current is the one of
the installation: all or nothing.
"""

from plant import Plant

PINS = {"relay": 5, "plug": 14, "auth": 12, "ask": 13}


class Relay(Plant):
    """One relay, with feedback contact, RCD contact and S0 meter where they are wired."""

    ONCE = ("__init__", "_input")
    grace = 0  # no pilot of ours tells the car to stop drawing

    def __init__(self, board, settings, config: dict, pins: dict = PINS) -> None:
        self._pins = dict(pins)
        self._pins.update(config.get("pins", {}))
        self._board = board
        self._relay = board.output(self._pins["relay"])
        self._relay(0)
        self._pump = config.get("pump", 0)
        self._active = config.get("active", 0)
        self._plug = self._input("plug")
        self._ask = self._input("ask")
        self._auth = self._input("auth")
        self._aux = self._input("aux")
        self._rcd = self._input("rcd")
        self._uid = config.get("uid", "LOCAL")
        self._authorised = True
        self.max = config.get("ma", 16000)
        self.steps = (self.max,)
        self.ph = config.get("ph", 1)
        self.phases = (self.ph,)
        self.caps = "relay,fail"
        if self._auth:
            self.caps += ",tag"
        if not self._ask:
            self.caps += ",blind"
            self.blind = True
        self._count_pulses(board, settings, self._pins.get("s0"))

    def _input(self, name: str):
        number = self._pins.get(name)
        return None if number is None else self._board.input(number)

    def _is(self, pin) -> bool:
        return pin is not None and pin() == self._active

    def read(self, dt: int) -> None:
        Plant.read(self, dt)
        self.cp = self._pilot()
        if self._aux:
            self.aux = int(self._is(self._aux))
        self.trips = ("rcd",) if self._is(self._rcd) else ()

    def _pilot(self) -> str:
        if not self._is(self._plug):
            return "A"
        return "C" if self._is(self._ask) else "B"

    def drive(self, on: int, ma: int, f: bool) -> None:
        if on and self._pump:
            # A charge pump holds the contactor only as long as this goes on.
            self._pump ^= 2
            on = self._pump >> 1
        self._relay(on)

    def tag(self) -> str | None:
        """The key switch or reader behind the input counts as a tag when it comes on."""
        before = self._authorised
        self._authorised = self._is(self._auth)
        return self._uid if self._authorised and not before else None
