"""The firmware put together: board, settings, plant, outlet, charger and lines, turned for ever.

One turn takes 20 ms. Whatever goes wrong in a turn, the contactor opens and the chip restarts.
"""

from charger import Charger
from evlink import Link, members
from micropython import const
from outlet import Outlet
from plant import Plant
from store import Store

TURN_MS = const(20)

_SETTLE_TURNS = const(5)
_TRIAL_MS = const(120000)
_KEEP_MS = const(10000)
_SILENCE_MS = const(5000)


# What a configuration may name: the module and the class of the plant.
PLANTS = {
    "relay": ("relay", "Relay"),
    "socket": ("socket_plant", "Socket"),
    "levels": ("levels", "Levels"),
    "pilot": ("pilot", "Pilot"),
}


def make_plant(board, settings):
    """The plant that the board's configuration names; without one, a plant that is at fault."""
    module, name = PLANTS.get(board.config.get("plant"), ("plant", ""))
    if name:
        return getattr(__import__(module), name)(board, settings, board.config)
    unknown = Plant()
    unknown.trips = ("config",)
    return unknown


class App:
    """Everything, for one board."""

    def __init__(self, board, plants=None) -> None:
        self.board = board
        settings = Store(board.folder)
        if plants is None:
            plants = [make_plant(board, settings)]
        outlets = [Outlet(plant, settings) for plant in plants]
        settings.put("n", settings.get("n") + 1)
        settings.save()
        self.settings = settings
        self.charger = Charger(board, settings, outlets)
        self.link = Link(self.charger, board.write, True)
        self._ms = self.charger.ms
        self._tcp = None
        self._turns = 0
        self._up_ms = self._open_ms = 0
        self._trial = board.on_trial()
        server = board.listen()
        if server:
            from tcp import Listener

            self._tcp = Listener(self.charger, server)

    def forget_start(self) -> None:
        """Give back the memory of the code that has run for the last time: 4 KiB of the heap.

        For `main.py` only. Nothing of these kinds can be made afterwards.
        """
        for name in ("PLANTS", "make_plant"):
            del globals()[name]
        once = [(App, "__init__"), (Charger, "__init__"), (Outlet, "__init__")]
        once += [(Store, "__init__"), (Store, "_load")]
        for name in self.board.ONCE:
            once.append((type(self.board), name))
        for outlet in self.charger.outlets:
            for name in outlet.plant.ONCE:
                once.append((type(outlet.plant), name))
            once.append((Plant, "_count_pulses"))
            if outlet.plant.meter:
                once.append((type(outlet.plant.meter), "__init__"))
        once.append((App, "forget_start"))
        for kind, name in once:
            setattr(kind, name, None)

    def turn(self) -> None:
        """Serve the lines, step the charger, keep house."""
        board = self.board
        charger = self.charger
        ms = board.ms()
        dt = (ms - self._ms) & 0x3FFFFFFF
        self._ms = ms
        self.link.tick(dt)
        if self._turns >= _SETTLE_TURNS:  # before, the pilot is not known well enough to tell
            self._serve(dt)
        charger.step(ms)
        if self._turns < _SETTLE_TURNS:
            self._turns += 1
            if self._turns == _SETTLE_TURNS:
                self._say_boot()
        self._keep_energy(dt)
        self._prove_slot(dt)
        if self.settings.damaged and charger.heard:
            self.settings.damaged = False
            charger.event("log", members("l", "warn", "m", "settings damaged, using safe ones"))
        board.feed()
        if charger.restart_ms == 1:
            board.reset()

    def _say_boot(self) -> None:
        board = self.board
        pairs = ["id", board.id, "fw", self.charger.firmware, "boot", self.settings.get("n")]
        pairs += ["why", board.why]
        self.link.event("boot", self._ms, members(*pairs))

    def _serve(self, dt: int) -> None:
        data = self.board.read()
        if data:
            link = self.link
            # A developer at the cable wants Python; a host would not be silent for so long.
            free = not link.open or link.age_ms > _SILENCE_MS
            if free and data.startswith(b"\r\x03") and not self.charger.live():
                self.board.to_prompt()
            link.feed(data)
        if self._tcp:
            self._tcp.poll(dt)

    def _keep_energy(self, dt: int) -> None:
        """Pulses survive a reset at once, a power cut as soon as the flash may be written."""
        outlet = self.charger.outlets[0]
        meter = outlet.plant.meter
        if not meter:
            return
        self._open_ms = 0 if outlet.on else min(_KEEP_MS, self._open_ms + dt)
        if self._open_ms == _KEEP_MS and meter.wh() != self.settings.get("wh"):
            meter.keep()
            self.settings.save()
        self.board.keep_pulses(self.settings.get("wh"), meter.pulses())

    def _prove_slot(self, dt: int) -> None:
        if not self._trial:
            return
        self._up_ms += dt
        if self.charger.heard and not self.charger.live():
            self._trial = False
            self.board.confirm()
        elif self._up_ms >= _TRIAL_MS and not self.charger.heard:
            self.board.reset()

    def spin(self) -> None:
        """One turn that cannot end badly: after any exception the contactor is open."""
        try:
            self.turn()
        except BaseException as error:
            try:
                self.charger.open()
            finally:
                self.board.failed(error)

    def run(self) -> None:
        """Turn for ever."""
        board = self.board
        while True:
            self.spin()
            board.nap(TURN_MS - ((board.ms() - self._ms) & 0x3FFFFFFF))
