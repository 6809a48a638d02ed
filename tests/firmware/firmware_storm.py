"""Weather for a line: frames that are right, nearly right, and nothing at all, in both directions.

As a program it is the long campaign of the firmware and of the driver:

    python tests/firmware/firmware_storm.py --frames 100000 [--seed 1] [--micropython]

It prints what it did and ends with status 1 as soon as something escapes or a contactor is closed
that must not be.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parents[1] / "firmware"

if __name__ == "__main__":
    for place in (FIRMWARE / "emulator" / "shims", FIRMWARE / "emulator", FIRMWARE / "esp8266"):
        sys.path.insert(0, str(place))

from firmware_rig import KEY, NONCE, Engine, InMicroPython, InThisPython, hmac_of, seal  # noqa: E402
from twisted.internet.defer import Deferred, succeed  # noqa: E402
from twisted.internet.error import ConnectionDone  # noqa: E402
from twisted.internet.interfaces import IStreamClientEndpoint  # noqa: E402
from twisted.internet.task import Clock  # noqa: E402
from twisted.internet.testing import StringTransport  # noqa: E402
from twisted.logger import globalLogPublisher  # noqa: E402
from twisted.python.failure import Failure  # noqa: E402
from zope.interface import implementer  # noqa: E402

from txocpp.devices.esp8266.device import EvlinkDevice  # noqa: E402
from txocpp.errors import DeviceError  # noqa: E402
from txocpp.evse import ResetKind  # noqa: E402

VERBS = (
    *("hello", "auth", "ping", "status", "limit", "gate", "avail", "lock", "meter", "sub", "conf"),
    *("time", "clear", "cycle", "ui", "key", "ota", "reset", "dance", ""),
)
NAMES = (
    *("c", "ma", "ttl", "ph", "on", "hard", "s", "k", "v", "t", "m", "p", "n", "op", "off", "b64"),
    *("size", "sha", "mac", "ver", "h"),
)
PLANT = {
    "car": "ABCDE",
    "draw": (0, 6000, 16000, 40000),
    "obeys": (True, True, False),
    "rcd": (False, False, True),
    "earth": (False, False, True),
    "diode_missing": (False, False, True),
    "silent": (False, True),
    "lock_stuck": (False, True),
    "stuck_open": (False, False, True),
    "temp": (None, 200, 610, 700, 800),
    "cable": (None, 13000, 20000, 63000, 5000),
    "ventilated": (False, True),
    "test_fails": (False, False, True),
}


def odd_value(dice: random.Random, depth: int = 0) -> Any:
    """Something that JSON can say."""
    choices: list[Any] = [
        *(None, True, False, 0, 1, -1, 1.5, 6000, 16000, 80001, 2**31, -(2**63), 10**30, 1e308),
        *("", "fb", "boot", "max", "imp", "name", "x" * 40, "\u00e9\u20ac", "00" * 16, "\\"),
        *("begin", "data", "end", "AAAA", KEY.hex(), [], {}, [1]),
    ]
    if depth < 3 and dice.random() < 0.1:
        inner = odd_value(dice, depth + 1)
        return [inner] if dice.random() < 0.5 else {"x": inner}
    return dice.choice(choices)


def request(dice: random.Random) -> list[Any]:
    """A request, sensible more often than not."""
    verb = dice.choice(VERBS)
    sensible = {
        "limit": {"c": 1, "ma": dice.choice((0, 5999, 6000, 10000, 32000, 80000))},
        "gate": {"c": 1, "on": 1},
        "avail": {"c": 1, "on": int(dice.random() < 0.9)},
        "conf": {"k": dice.choice(("fb", "boot", "max")), "v": dice.choice((0, 6000, 20000))},
        "clear": {"c": 1},
    }
    args: dict[str, Any] = dict(sensible.get(verb, {"c": 1, "on": dice.randrange(2)}))
    if dice.random() < 0.3:
        for _ in range(dice.randrange(1, 4)):
            args[dice.choice(NAMES)] = odd_value(dice)
    message: list[Any] = [2, dice.randrange(1, 65536), verb, args]
    if dice.random() < 0.05:
        message[dice.randrange(4)] = odd_value(dice)
    if dice.random() < 0.02:
        message = message[: dice.randrange(4)]
    return message


def odd_counter(dice: random.Random, last: int) -> int:
    """A counter that is not the next one; a far one, which ends a session, is rare."""
    if dice.random() < 0.02:
        return dice.randrange(10**9)
    return dice.choice((0, last, max(last - 1, 0), dice.randrange(last + 1)))


def damaged(dice: random.Random, frame: bytes) -> bytes:
    """The frame after an accident on the line."""
    data = bytearray(frame)
    for _ in range(dice.randrange(1, 4)):
        place = dice.randrange(len(data) + 1)
        accident = dice.randrange(5)
        if accident == 0 and data:
            data[place % len(data)] ^= 1 << dice.randrange(8)
        elif accident == 1:
            del data[place : place + dice.randrange(1, 20)]
        elif accident == 2:
            data[place:place] = dice.randbytes(dice.randrange(1, 20))
        elif accident == 3:
            data[place:place] = data[: dice.randrange(len(data) + 1)]
        else:
            del data[place:]
    return bytes(data)


class DeviceStorm:
    """A host gone mad, at the cable of a charger in an engine."""

    def __init__(self, engine: Engine, seed: int, *, sealed: bool) -> None:
        self.dice = random.Random(seed)
        self.engine = engine
        self.counts: Counter[str] = Counter()
        self._key = KEY if sealed else b""
        self._session: bytes | None = None
        self._counter = 0
        self._ms = self._since_ms = 0
        self._car = "A"
        engine.command({"do": "new", "config": {"key": self._key.hex()}})
        engine.command({"do": "run", "ms": 120})
        self._greet()

    def _exchange(self, data: bytes, ms: int = 20) -> bytes:
        answer = self.engine.command({"do": "run", "ms": ms, "in": {"0": data.hex()}})
        self._ms = answer["ms"]
        return bytes.fromhex(answer["out"].get("0", ""))

    def _frame(self, message: list[Any], *, counter: int | None = None) -> bytes:
        if counter is None:
            self._counter += 1
            counter = self._counter
        body = f">{counter} {json.dumps(message, separators=(',', ':'))}".encode()
        key = self._session if counter else None
        return b"\n" + body + b"*" + seal(body, key) + b"\n"

    def _greet(self) -> None:
        """A real session, so that what follows is listened to."""
        self._session, self._counter = None, 0
        words = {"v": [1], "h": "storm", "n": NONCE.hex()}
        answer = self._exchange(self._frame([2, 1, "hello", words], counter=0), 1100)
        if not self._key or b'"n":"' not in answer:
            return
        start = answer.rindex(b'"n":"') + 5
        nonces = NONCE + bytes.fromhex(answer[start : start + 32].decode())
        proof = hmac_of(KEY, b"H" + nonces)[:16].hex()
        self._exchange(self._frame([2, 2, "auth", {"p": proof}]))
        self._session, self._counter = hmac_of(KEY, b"h" + nonces), 0

    def gust(self) -> None:
        """One more frame, or something like it; then see whether all is safe."""
        dice = self.dice
        if dice.random() < 0.02:
            self._greet()
        if dice.random() < 0.15:
            name = dice.choice(list(PLANT))
            self._plant(**{name: dice.choice(PLANT[name])})
        if dice.random() < 0.3:
            # Often enough all is well, or nothing would ever charge.
            well = {"rcd": False, "earth": False, "diode_missing": False, "car": "C"}
            self._plant(**well)
            for verb, args in (("limit", {"c": 1, "ma": 16000}), ("gate", {"c": 1, "on": 1})):
                self._exchange(self._frame([2, dice.randrange(1, 65536), verb, args]))
        kind = dice.choice(("right", "right", "damaged", "noise", "counter", "unsealed"))
        self.counts[kind] += 1
        frame = self._frame(request(dice))
        if kind == "damaged":
            frame = damaged(dice, frame)
        elif kind == "noise":
            frame = dice.randbytes(dice.randrange(400))
        elif kind == "counter":
            frame = self._frame(request(dice), counter=odd_counter(dice, self._counter))
        elif kind == "unsealed":
            session, self._session = self._session, None
            frame = self._frame(request(dice))
            self._session = session
        self._exchange(frame, dice.choice((20, 20, 40, 200)))
        self._check()

    def _plant(self, **attributes: Any) -> None:
        car = attributes.get("car", self._car)
        if car != self._car:
            self._car, self._since_ms = car, self._ms
        self.engine.command({"do": "plant", **attributes})

    def _check(self) -> None:
        state = self.engine.command({"do": "state"})
        if state["error"]:
            raise AssertionError(f"escaped: {state['error']}")
        outlet = state["outlets"][0]
        offer, on = outlet["offer"], outlet["on"]
        assert offer == 0 or 6000 <= offer <= 32000, outlet
        assert not on or outlet["cp"] in "CD", outlet
        assert outlet["gate"] or not offer, outlet
        late = outlet["car"] in "ABE" and state["ms"] - self._since_ms >= 100
        assert not (late and outlet["closed"]), outlet
        self.counts["closed"] += outlet["closed"]


def storm_over_device(engine: Engine, frames: int, seed: int) -> Counter[str]:
    """So many frames against the firmware, half of them in sealed sessions."""
    counts: Counter[str] = Counter()
    for sealed in (False, True):
        storm = DeviceStorm(engine, seed, sealed=sealed)
        for _ in range(frames // 2):
            storm.gust()
        counts += storm.counts
    return counts


class HostStorm:
    """A device gone mad, at the other end of the package's own driver."""

    def __init__(self, seed: int, *, sealed: bool) -> None:
        self.dice = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.clock = Clock()
        self.line = MadLine()
        self.device = EvlinkDevice(
            self.clock, self.line, key=KEY if sealed else None, serial=True, connectors=2
        )
        self._sealed = sealed
        self._session: bytes | None = None
        self._counter = 0
        self._failures: list[Any] = []
        globalLogPublisher.addObserver(self._watch)
        self.device.startService()

    def close(self) -> None:
        """Leave nothing behind."""
        self.device.stopService()
        self.clock.advance(5)
        self.line.lose()
        globalLogPublisher.removeObserver(self._watch)

    def _watch(self, event: dict[str, Any]) -> None:
        if event.get("log_failure") is not None:
            self._failures.append(event["log_failure"])

    def gust(self) -> None:
        """Serve what the driver asks, more or less; and say things that nobody asked for."""
        dice = self.dice
        for body in self.line.taken():
            self._serve(body)
        if dice.random() < 0.01:
            self.line.lose()
        self._use_driver()
        kind = dice.choice(("event", "event", "answer", "damaged", "noise", "counter"))
        self.counts[kind] += 1
        message = event(dice) if kind == "event" else answer(dice, dice.randrange(65536))
        frame = self._frame(message)
        if kind == "damaged":
            frame = damaged(dice, frame)
        elif kind == "noise":
            frame = dice.randbytes(dice.randrange(700))
        elif kind == "counter":
            frame = self._frame(message, counter=odd_counter(dice, self._counter))
        self.line.say(frame)
        self.clock.advance(dice.choice((0.01, 0.05, 0.3)))
        if self._failures:
            raise AssertionError(self._failures[0].getTraceback())
        self.counts["online"] += self.device.evses[0].state.online

    def _serve(self, body: bytes) -> None:
        """Answer a request of the driver, wrongly now and then."""
        _, request_id, verb, *rest = json.loads(body.partition(b" ")[2])
        if verb == "hello":
            self._greet(request_id, rest[0])
        elif self.dice.random() < 0.1:
            self.line.say(self._frame(answer(self.dice, request_id)))
        elif self.dice.random() < 0.95:
            args = rest[0] if rest else {}
            self.line.say(self._frame([3, request_id, sensible_result(self.dice, verb, args)]))

    def _greet(self, request_id: int, args: dict[str, Any]) -> None:
        self._session, self._counter = None, 0
        greeting: dict[str, Any] = {
            "id": "storm",
            "fw": "1",
            "hw": "x",
            "boot": self.dice.randrange(3),
            "why": "wdt",
            "nc": 2,
            "cap": "pwm,lock,meter",
            "max": [32000, 32000],
            "ph": [3, 3],
            "v": 1,
            "auth": int(self._sealed),
        }
        if self._sealed:
            nonces = bytes.fromhex(args["n"]) + NONCE
            greeting |= {"n": NONCE.hex(), "p": hmac_of(KEY, b"D" + nonces)[:16].hex()}
            if self.dice.random() < 0.1:
                greeting["p"] = odd_value(self.dice)
        if self.dice.random() < 0.05:
            greeting[self.dice.choice(list(greeting))] = odd_value(self.dice)
        self.line.say(self._frame([3, request_id, greeting], counter=0))
        if self._sealed:
            self._session = hmac_of(KEY, b"d" + nonces)

    def _frame(self, message: list[Any], *, counter: int | None = None) -> bytes:
        if counter is None:
            self._counter += self.dice.choice((1, 1, 1, 1, 2))
            counter = self._counter
        body = f"<{counter} {json.dumps(message, separators=(',', ':'))}".encode()
        key = self._session if counter else None
        return b"\n" + body + b"*" + seal(body, key) + b"\n"

    def _use_driver(self) -> None:
        evse, dice = self.dice.choice(self.device.evses), self.dice
        if dice.random() < 0.3:
            wish = dice.choice(
                (
                    lambda: evse.set_current_limit(Decimal(dice.randrange(0, 40))),
                    lambda: evse.permit(dice.random() < 0.7, at_once=dice.random() < 0.2),
                    lambda: evse.set_available(dice.random() < 0.8),
                    lambda: evse.set_lock(dice.random() < 0.5),
                    evse.read_meter,
                    lambda: evse.reset(ResetKind.SOFT),
                )
            )
            wish().addErrback(lambda failure: failure.trap(DeviceError))


@implementer(IStreamClientEndpoint)
class MadLine:
    """A line that a storm holds in its hand."""

    def __init__(self) -> None:
        self._protocol: Any = None
        self._transport = StringTransport()

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        self._protocol = protocolFactory.buildProtocol(None)
        self._transport = StringTransport()
        self._protocol.makeConnection(self._transport)
        return succeed(self._protocol)

    def taken(self) -> list[bytes]:
        """The signed parts of the frames that the driver has sent."""
        frames = self._transport.value().split(b"\n")
        self._transport.clear()
        if self._transport.disconnecting:
            self.lose()
        return [frame.rpartition(b"*")[0] for frame in frames if frame]

    def say(self, data: bytes) -> None:
        if self._protocol is not None:
            self._protocol.dataReceived(data)

    def lose(self) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


def event(dice: random.Random) -> list[Any]:
    """Something that a device might say by itself."""
    name = dice.choice(("state", "state", "meter", "tag", "btn", "log", "boot", "rain"))
    data = sensible_result(dice, {"state": "status"}.get(name, name), {"c": dice.randrange(4)})
    if dice.random() < 0.3:
        data[dice.choice(("c", "cp", "ma", "f", "wh", "w", "uid", "lk", "mv"))] = odd_value(dice)
    message: list[Any] = [5, name, dice.randrange(2**30), data]
    if dice.random() < 0.05:
        message[dice.randrange(4)] = odd_value(dice)
    return message


def answer(dice: random.Random, request_id: int) -> list[Any]:
    """Something like an answer."""
    if dice.random() < 0.5:
        codes = ("NoSession", "Auth", "Rate", "BadArg", "Busy", "Denied", "Fault", "Unsup", "Rain")
        return [4, request_id, dice.choice(codes), ""]
    return [3, request_id, {dice.choice(("ma", "cp", "f", "wh", "v")): odd_value(dice)}]


def sensible_result(dice: random.Random, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    """What a device in its right mind would say."""
    number = args.get("c", 1)
    if verb == "status":
        return {
            "c": number,
            "cp": dice.choice("ABCDEF"),
            "on": dice.randrange(2),
            "ma": 16000,
            "lim": 16000,
            "why": dice.choice(("host", "fb", "fault", "off")),
            "gate": 1,
            "av": 1,
            "ph": 3,
            "f": [],
            "wh": dice.choice((0, 5, 10**6)),
            "w": 0,
        }
    if verb == "meter":
        return {"c": number, "wh": dice.randrange(10**6), "w": 11040, "ma": [16000] * 3}
    if verb == "tag":
        return {"c": number, "uid": dice.choice(("04A2", "x" * 30))}
    return {"ma": 16000, "on": 1, "up": 1, "bad": 0}


def storm_over_host(frames: int, seed: int) -> Counter[str]:
    """So many frames against the driver, half of them in sealed sessions."""
    counts: Counter[str] = Counter()
    for sealed in (False, True):
        storm = HostStorm(seed, sealed=sealed)
        try:
            for _ in range(frames // 2):
                storm.gust()
        finally:
            storm.close()
        counts += storm.counts
    return counts


def main() -> int:
    """The campaign."""
    options = argparse.ArgumentParser(description="Fuzz the firmware and the driver.")
    options.add_argument("--frames", type=int, default=100_000, help="each way")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--micropython", action="store_true", help="run the firmware under Node")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine: Any = InMicroPython.start() if chosen.micropython else InThisPython(Path(folder))
        print("to the firmware:", dict(storm_over_device(engine, chosen.frames, chosen.seed)))
        print("its last words:", engine.command({"do": "state"}))
        print("to the driver: ", dict(storm_over_host(chosen.frames, chosen.seed)))
        if chosen.micropython:
            engine.stop()
    print("nothing escaped, nothing was unsafe")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
