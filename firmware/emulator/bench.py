"""A charger on the bench: the real firmware with a board and plants that exist only as numbers.

Runs under MicroPython (`emulator.mjs`) and under CPython (the tests). Time is virtual here: `run`
turns the firmware as often as that many milliseconds need; who wants real time calls it in step.

Every command is a JSON object with a member `do`, every answer has `ok`, and `error` if it is
false. Lines to hosts are numbered: 0 is the cable, each TCP connection gets the next number.

    {"do": "new", "config": {...}}                   another charger, see `Bench`
    {"do": "run", "ms": 100, "in": {"0": "hex"}}     -> {"out": {"0": "hex"}, "closed": [], ...}
    {"do": "connect"}                                -> {"line": 1}
    {"do": "disconnect", "line": 1}
    {"do": "plant", "c": 1, "cp": "C", "draw": 16000, ...}      any attribute of `SimulatedPlant`
    {"do": "state"}                                   -> {"outlets": [...]}: what is really so
    {"do": "cut", "on": 1}                            nothing gets through, either way
    {"do": "noise", "to": "host" | "device", "hex": "..."}
    {"do": "lose", "frames": 1}                       the next frames to the host vanish
    {"do": "double", "frames": 1}                     ... arrive twice
    {"do": "button", "on": 1}
    {"do": "tag", "c": 1, "uid": "04A2"}
    {"do": "weak", "on": 1}                           the Wi-Fi hardly reaches the charger
    {"do": "crash", "memory": 0}                      the next turn of the firmware raises
    {"do": "reboot", "why": "wdt"}
"""

import json
import os
from binascii import hexlify, unhexlify

import app
import charger
from simulated_board import Pipe, Reboot, SimulatedBoard
from simulated_plant import SimulatedPlant
from store import Store

_TURN_MS = 20


class Bench:
    """The charger, its plants, its lines, and the accidents that can happen to them.

    The configuration may name: outlets (how many), caps, max, steps, lock (0: none), key (hex),
    insecure, id, hw, fw, boots (starts so far), ms (the clock at the start).
    """

    def __init__(self, folder: str, config: dict) -> None:
        self._home = folder
        self._news = 0
        self._set_up(folder, config)

    def _set_up(self, folder: str, config: dict) -> None:
        self._config = config
        self.board = SimulatedBoard(folder, config)
        self.plants = [SimulatedPlant() for _ in range(config.get("outlets", 1))]
        for plant in self.plants:
            for name in ("caps", "max", "steps"):
                if name in config:
                    setattr(plant, name, config[name])
            if not config.get("lock", 1):
                plant.lk = None
        self.starts = 0
        self._pipes = {0: self.board.cable}
        self._next_line = 1
        self._cut = False
        self._lose = self._double = 0
        settings = Store(folder)
        settings.put("key", config.get("key", ""))
        settings.put("n", config.get("boots", 0))
        settings.save()
        self._start()

    def _start(self) -> None:
        for pipe in self._pipes.values():
            pipe.incoming = b""
            if pipe.line:
                pipe.closed = True
        self.board.shown = None
        for plant in self.plants:
            plant.drive(0, 0, False)  # a chip in reset lets go of everything
        self.starts += 1
        self.app = app.App(self.board, self.plants)
        self.app.charger.firmware = self._config.get("fw", charger.VERSION)

    def command(self, words: str) -> str:
        """Obey one JSON object, answer with one."""
        try:
            command = json.loads(words)
            answer = getattr(self, "_do_" + command.pop("do"))(command) or {}
            answer["ok"] = True
        except Exception as error:
            answer = {"ok": False, "error": "%s: %s" % (type(error).__name__, error)}
        return json.dumps(answer)

    def spin(self) -> None:
        """One turn of the firmware, which may end in a restart."""
        try:
            self.app.spin()
        except Reboot:
            self._start()

    def _do_run(self, command: dict) -> dict:
        for line, data in command.get("in", {}).items():
            pipe = self._pipes.get(int(line))
            if pipe and not self._cut:
                pipe.incoming += unhexlify(data)
        left = command.get("ms", 0)
        if not left:
            self.spin()
        while left > 0:
            step = min(left, _TURN_MS)
            self.board.clock_ms += step
            left -= step
            self.spin()
        return self._collect()

    def _collect(self) -> dict:
        out, closed = {}, []
        for line in sorted(self._pipes):
            pipe = self._pipes[line]
            data, pipe.outgoing = self._damage(pipe.outgoing), b""
            if data and not self._cut:
                out[str(line)] = str(hexlify(data), "utf8")
            if pipe.closed and line:
                closed.append(line)
        for line in closed:
            del self._pipes[line]
        return {"ms": self.board.clock_ms, "out": out, "closed": closed, "starts": self.starts}

    def _damage(self, data: bytes) -> bytes:
        if not (self._lose or self._double) or not data:
            return data
        kept = b""
        for frame in data.split(b"\n"):
            if not frame:
                continue
            if self._lose:
                self._lose -= 1
                continue
            kept += b"\n" + frame + b"\n"
            if self._double:
                self._double -= 1
                kept += b"\n" + frame + b"\n"
        return kept

    def _do_new(self, command: dict) -> None:
        self._news += 1
        folder = "%s/%d" % (self._home, self._news)
        os.mkdir(folder)
        self._set_up(folder, command.get("config", {}))

    def _do_connect(self, command: dict) -> dict:
        pipe = Pipe(self._next_line)
        self._next_line += 1
        self._pipes[pipe.line] = pipe
        self.board.server.waiting.append(pipe)
        return {"line": pipe.line}

    def _do_disconnect(self, command: dict) -> None:
        pipe = self._pipes.get(command["line"])
        if pipe:
            pipe.ended = True

    def _do_plant(self, command: dict) -> None:
        plant = self.plants[command.pop("c", 1) - 1]
        for name in command:
            if not hasattr(plant, name):
                raise ValueError("a plant has no " + name)
        for name in command:
            setattr(plant, name, command[name])

    def _do_state(self, command: dict) -> dict:
        outlets = []
        for i in range(len(self.plants)):
            plant, outlet = self.plants[i], self.app.charger.outlets[i]
            outlets.append(
                {
                    "car": plant.car,
                    "on": outlet.on,
                    "cp": outlet.cp,
                    "closed": plant.closed,
                    "offer": plant.offer,
                    "flows": plant.flows(),
                    "wh": plant._mws // 3600000,
                    "gate": outlet.gate,
                    "why": outlet.why,
                    "faults": outlet.faults,
                    "lk": plant.lk,
                }
            )
        return {
            "outlets": outlets,
            "starts": self.starts,
            "ms": self.board.clock_ms,
            "error": self.board.error,
            "shown": self.board.shown,
        }

    def _do_cut(self, command: dict) -> None:
        self._cut = bool(command.get("on", 1))

    def _do_noise(self, command: dict) -> None:
        pipe = self._pipes[command.get("line", 0)]
        data = unhexlify(command["hex"])
        if command.get("to") == "device":
            pipe.incoming += data
        else:
            pipe.outgoing += data

    def _do_lose(self, command: dict) -> None:
        self._lose = command.get("frames", 1)

    def _do_double(self, command: dict) -> None:
        self._double = command.get("frames", 1)

    def _do_button(self, command: dict) -> None:
        self.board.pressed = bool(command.get("on", 1))

    def _do_weak(self, command: dict) -> None:
        self.board.weak = bool(command.get("on", 1))

    def _do_tag(self, command: dict) -> None:
        self.plants[command.get("c", 1) - 1].uid = command["uid"]

    def _do_crash(self, command: dict) -> None:
        self.board.crashing = MemoryError if command.get("memory") else RuntimeError

    def _do_reboot(self, command: dict) -> None:
        self.board.why = command.get("why", "power")
        self._start()
