"""The charger as a host sees it: requests answered, events sent, the outlets stepped in turn.

Rules of this room: knows the verbs of evlink/1 and the outlets; knows no pin and no byte of a
frame. A request changes an outlet, the outlet is stepped at once, and only then comes the answer.
The verbs stand in two chains and not in a function each, because that saves 2 KiB of the heap.
"""

from evlink import Refused, members, text, unhex
from micropython import const

_MASK = const(0x3FFFFFFF)  # `ms` on the wire: uptime modulo 2^30
_LOCKOUT_MS = const(5000)
_LONG_PRESS_MS = const(2000)
VERSION = "0.1.0"

TYPE_CHECKING = const(0)  # the type checker takes it for true
if TYPE_CHECKING:
    from evlink import Link
    from update import Update


def whole(args: dict, name: str, least: int, most: int, default: int | None = None) -> int:
    """The whole number of that name; refuses anything else and what is out of range."""
    value = args.get(name, default)
    if type(value) is not int or not least <= value <= most:
        raise Refused("BadArg", name)
    return value


class Charger:
    """Outlets, settings and the host that is in charge of them."""

    def __init__(self, board, settings, outlets: list) -> None:
        self.board = board
        self.firmware = VERSION
        self.settings = settings
        self.outlets = outlets
        self.host: Link | None = None
        """The line whose session is in force."""
        self.heard = False
        """A host has opened a session since the start."""
        self.restart_ms = 0
        """Counts down to a reset that was asked for; 1: now."""
        self.locked_out = 0
        """Counts down the pause after three failed proofs, in ms."""
        self.ms = board.ms() & _MASK
        self.key = unhex(settings.get("key"))
        """The 32 bytes shared with the host, or nothing yet."""
        self._up_s = self._part_ms = 0
        self._failed = 0
        self._every_s = self._next_ms = 0
        self._pressed_ms = 0
        self.update: Update | None = None
        """New firmware that is coming in; keeps all contactors open."""
        # A `lock` request without its answer: link, id, outlet.
        self._waiting: tuple | None = None
        self._told: list[tuple | None] = [None] * len(outlets)

    # What a line asks of its charger.

    def greeting(self) -> str:
        """Members of the answer to `hello`: who this is and what it can do."""
        board = self.board
        plants = [outlet.plant for outlet in self.outlets]
        steps = [plant.steps for plant in plants]
        return (
            '"id":"%s","fw":"%s","hw":"%s","boot":%d,"why":"%s","nc":%d,"cap":"%s","max":%s,'
            '"ph":%s,"rx":256,"up":%d,"v":1%s'
        ) % (
            board.id,
            self.firmware,
            board.hw,
            self.settings.get("n"),
            board.why,
            len(plants),
            plants[0].caps,
            text([plant.max for plant in plants]),
            text([plant.ph for plant in plants]),
            self.ms,
            ',"steps":' + text(steps) if any(steps) else "",
        )

    def opened(self, link) -> None:
        """A session begins on this line and ends on any other."""
        if self.host and self.host is not link:
            self.host.close()
        self.host = link
        self.heard = True
        self._every_s = 0
        self._waiting = None

    def proof(self, right: bool) -> None:
        """A host has shown its proof. The third wrong one earns a pause."""
        self._failed = 0 if right else self._failed + 1
        if self._failed == 3:
            self._failed = 0
            self.locked_out = _LOCKOUT_MS

    def renew(self) -> None:
        """A frame of the session has come."""
        for outlet in self.outlets:
            outlet.renew()

    def request(self, link, request_id: int, verb: str, args: dict) -> str | None:
        """Do it, and give the result as JSON text; None if the answer comes later."""
        if verb not in ("status", "limit", "gate", "avail", "lock", "meter", "clear", "cycle"):
            return self._ask_device(link, verb, args)
        number = args.get("c")
        if type(number) is not int or not 1 <= number <= len(self.outlets):
            raise Refused("BadConn")
        outlet = self.outlets[number - 1]
        if verb == "status":
            return self._state(number)
        if verb == "meter":
            return self._reading(number)
        if verb == "lock":
            on = whole(args, "on", 0, 1)
            if outlet.plant.lk is None:
                raise Refused("Unsup")
            if outlet.on and not on:
                raise Refused("Busy")
            outlet.lock(on)
            self._waiting = (link, request_id, outlet)
            return None
        answer = self._ask_outlet(outlet, verb, args)
        outlet.step(0)
        self._tell(number)
        if answer:
            return answer
        if verb == "clear":
            return members("f", outlet.faults)
        if verb == "gate":
            return members("on", outlet.on, "ma", outlet.ma)
        return members("ma", outlet.ma, "why", outlet.why)

    def _ask_outlet(self, outlet, verb: str, args: dict) -> str | None:
        if verb == "limit":
            ma = whole(args, "ma", 0, 80000)
            ttl_s = whole(args, "ttl", 5, 600, 30)
            ph = whole(args, "ph", 1, 3, outlet.ph)
            if ph not in outlet.plant.phases:
                raise Refused("Unsup", "ph")
            outlet.limit(ma, ttl_s, ph)
        elif verb == "gate":
            on = whole(args, "on", 0, 1)
            hard = whole(args, "hard", 0, 1, 0)
            if on and "relay_weld" in outlet.faults:
                raise Refused("Fault", "relay_weld")
            outlet.permit(on, hard)
        elif verb == "avail":
            outlet.av = whole(args, "on", 0, 1)
            return "{}"
        elif verb == "clear":
            outlet.clear()
        else:
            if outlet.on:
                raise Refused("Busy")
            if "pwm" not in outlet.plant.caps:
                raise Refused("Unsup")
            outlet.cycle()
            return "{}"
        return None

    def _ask_device(self, link, verb: str, args: dict) -> str:
        board = self.board
        if verb == "ping":
            return members("up", self._up_s, "bad", link.bad)
        # What is needed seldom is loaded when it is needed.
        if verb == "conf":
            from setting import configure

            return members("v", configure(self.settings, args))
        if verb == "ota":
            from update import take

            return members("off", take(self, args))
        if verb == "sub":
            self._every_s = whole(args, "s", 0, 3600)
            self._next_ms = self._every_s * 1000
        elif verb == "ui":
            status = args.get("s")
            if type(status) is not str:
                raise Refused("BadArg", "s")
            board.show(whole(args, "c", 1, len(self.outlets)), status, args.get("m"))
        elif verb == "time":
            board.time(whole(args, "t", 0, 0xFFFFFFFF))
        elif verb == "reset":
            whole(args, "hard", 0, 1, 0)
            self.restart()
        elif verb == "key":
            from setting import set_key

            set_key(self, link, args)
        else:
            raise Refused("BadVerb", verb[:32])
        return "{}"

    def restart(self) -> None:
        """Open everything, and reset the chip when the answer has gone out."""
        self.open()
        for outlet in self.outlets:
            outlet.gate = 0
        self.restart_ms = 200

    # What happens by itself.

    def step(self, ms: int) -> None:
        """Time has come to `ms`, a counter that wraps at 2^30."""
        dt = (ms - self.ms) & _MASK
        self.ms = ms & _MASK
        self._part_ms += dt
        self._up_s += self._part_ms // 1000
        self._part_ms %= 1000
        self.locked_out = max(0, self.locked_out - dt)
        if self.restart_ms:
            self.restart_ms = max(1, self.restart_ms - dt)
        number = 0
        for outlet in self.outlets:
            number += 1
            outlet.weak = self.board.weak
            outlet.step(dt)
            self._tell(number)
            uid = outlet.plant.tag()
            if uid:
                self.event("tag", members("c", number, "uid", uid))
        self._answer_lock()
        self._watch_button(dt)
        if self._every_s:
            self._next_ms -= dt
            if self._next_ms <= 0:
                self._next_ms = self._every_s * 1000
                for number in range(len(self.outlets)):
                    self.event("meter", self._reading(number + 1))
        if self.update:
            self.update.tick(dt)
        if self.settings.dirty and not self.live():
            self.settings.save()

    def live(self) -> bool:
        """A contactor is closed: no time for the flash, which stops everything for 100 ms."""
        for outlet in self.outlets:
            if outlet.on:
                return True
        return False

    def open(self) -> None:
        """All contactors, now, whatever happens to the rest."""
        for outlet in self.outlets:
            outlet.open()

    def event(self, name: str, obj: str) -> None:
        """Tell the host, if there is one."""
        if self.host:
            self.host.event(name, self.ms, obj)

    def _tell(self, number: int) -> None:
        """A state event, if anything but the meter has changed."""
        o = self.outlets[number - 1]
        now = (o.cp, o.on, o.ma, o.lim, o.why, o.gate, o.av, o.plant.ph, o.plant.lk, o.faults)
        if now != self._told[number - 1]:
            self._told[number - 1] = now
            self.event("state", self._state(number))

    def _state(self, number: int) -> str:
        o = self.outlets[number - 1]
        plant = o.plant
        pairs = ["c", number, "cp", o.cp, "on", o.on, "ma", o.ma, "lim", o.lim, "why", o.why]
        pairs += ["gate", o.gate, "av", o.av, "ph", plant.ph]
        if plant.lk is not None:
            pairs += ["lk", plant.lk]
        pairs += ["f", o.faults]
        if plant.metered:
            pairs += ["wh", plant.wh, "w", plant.w]
        if plant.temp is not None:
            pairs += ["t", plant.temp]
        return members(*pairs)

    def _reading(self, number: int) -> str:
        plant = self.outlets[number - 1].plant
        if not plant.metered:
            raise Refused("Unsup")
        pairs = ["c", number]
        for name in ("wh", "w", "mv", "ma", "hz", "pf"):
            value = getattr(plant, name)
            if value is not None:
                pairs += [name, value]
        return members(*pairs)

    def _watch_button(self, dt: int) -> None:
        if self.board.button():
            self._pressed_ms = min(_LONG_PRESS_MS, self._pressed_ms + (dt or 1))
        elif self._pressed_ms:
            long = int(self._pressed_ms == _LONG_PRESS_MS)
            self._pressed_ms = 0
            self.event("btn", members("c", 1, "long", long))

    def _answer_lock(self) -> None:
        if self._waiting:
            link, request_id, outlet = self._waiting
            moving = outlet.locking()
            if moving <= 0:
                self._waiting = None
                words = '[4,%d,"Fault",""]' if moving else "[3,%d,{}]"
                link.answer(words % request_id, request_id)
