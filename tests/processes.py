"""Real processes in tests: started, heard line by line, ended by their own pid.

Whatever a process prints is kept. A line that holds a JSON object with an ``event`` is an event;
tests wait for events by what they contain, never by sleeping, and every wait has an end.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet import error, reactor
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, gatherResults
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

WITHIN_S = 30.0
"""How long a test waits for anything before it fails; far beyond what a healthy run takes."""

Event = dict[str, Any]

_started: list[RealProcess] = []
_given_out: set[int] = set()
_dice = random.SystemRandom()
"""The other one may be set by whoever wants the same numbers again."""


@atexit.register
def _leave_nobody_behind() -> None:
    """What a failed test has left running ends with the tests."""
    for process in _started:
        if process.is_running:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def fits(pattern: Any, value: Any) -> bool:
    """True if a value is what a test asks for.

    A mapping asks for its keys and lets others be; a callable is asked; anything else is compared.
    """
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            key in value and fits(wanted, value[key]) for key, wanted in pattern.items()
        )
    if callable(pattern):
        return bool(pattern(value))
    return bool(pattern == value)


class RealProcess(ProcessProtocol):
    """A child process and everything that it has said.

    `Popen`-like objects are not used because the reactor of the tests has to hear the child.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[Event] = []
        self.lines: list[str] = []
        """Output that was no event, standard error included."""
        self.exit_status: int | None = None
        """After the end: the exit status, or minus the signal."""
        self._taken: set[int] = set()
        self._waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []
        self._ended: list[Deferred[None]] = []
        self._buffers = {1: b"", 2: b""}

    # what the reactor tells us

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        *lines, self._buffers[childFD] = (self._buffers[childFD] + data).split(b"\n")
        for line in lines:
            self._heard(line.decode(errors="replace"))
        self._look()

    def processEnded(self, reason: Failure) -> None:
        ended = reason.value
        assert isinstance(ended, error.ProcessDone | error.ProcessTerminated)
        self.exit_status = -ended.signal if ended.signal else ended.exitCode
        self._look()
        for _, waiter in self._waiting:
            waiter.errback(AssertionError(f"{self.name} ended while a test waited\n{self.story()}"))
        self._waiting.clear()
        for end in self._ended:
            end.callback(None)
        self._ended.clear()

    def _heard(self, line: str) -> None:
        try:
            event = json.loads(line) if line.startswith("{") else None
        except ValueError:
            event = None
        if isinstance(event, dict) and "event" in event:
            self.events.append(event)
        elif line.strip():
            self.lines.append(line)

    def _look(self) -> None:
        for waiting in list(self._waiting):
            find, waiter = waiting
            found = find()
            if found is not None:
                self._waiting.remove(waiting)
                waiter.callback(found)

    # what tests do

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.transport is not None
        return int(self.transport.pid)

    @property
    def is_running(self) -> bool:
        """False once it has ended."""
        return self.exit_status is None

    def story(self) -> str:
        """The last that was heard, for failure messages."""
        events = "\n".join(json.dumps(event) for event in self.events[-25:])
        lines = "\n".join(self.lines[-40:])
        return f"--- events of {self.name}\n{events}\n--- other output of {self.name}\n{lines}"

    async def _wait(self, find: Callable[[], Any], what: str, within_s: float) -> Any:
        found = find()
        if found is not None:
            return found
        if not self.is_running:
            raise AssertionError(f"{self.name} has ended, no {what} will come\n{self.story()}")
        waiter: Deferred[Any] = Deferred()
        waiting = (find, waiter)
        self._waiting.append(waiting)
        waiter.addTimeout(within_s, reactor)
        try:
            return await waiter
        except (TimeoutError, CancelledError):
            raise AssertionError(
                f"{self.name}: no {what} within {within_s:g} s\n{self.story()}"
            ) from None
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    async def event(self, event: str, *, within_s: float = WITHIN_S, **facts: Any) -> Event:
        """The first event of that kind with those facts that no test has taken yet."""
        pattern = {"event": event, **facts}

        def find() -> Event | None:
            for index, candidate in enumerate(self.events):
                if index not in self._taken and fits(pattern, candidate):
                    self._taken.add(index)
                    return candidate
            return None

        found: Event = await self._wait(find, f"event {pattern}", within_s)
        return found

    def take(self, **facts: Any) -> None:
        """Count all events with these facts as taken."""
        self._taken |= {index for index, event in enumerate(self.events) if fits(facts, event)}

    def seen(self, event: str, **facts: Any) -> list[Event]:
        """All such events so far, taken or not."""
        return [e for e in self.events if fits({"event": event, **facts}, e)]

    async def line(self, text: str, *, within_s: float = WITHIN_S) -> str:
        """The first line of other output that contains the text."""

        def find() -> str | None:
            return next((line for line in self.lines if text in line), None)

        found: str = await self._wait(find, f"line with {text!r}", within_s)
        return found

    def send(self, **command: Any) -> None:
        """Write one JSON line to its standard input."""
        assert self.transport is not None
        self.transport.write(json.dumps(command).encode() + b"\n")

    def end(self) -> Deferred[None]:
        """Fires when the process has ended, at once if it has already."""
        ended: Deferred[None] = Deferred()
        if self.is_running:
            self._ended.append(ended)
        else:
            ended.callback(None)
        return ended

    async def stop(self, name: str = "TERM", *, within_s: float = 10.0) -> int:
        """Send it a signal, wait for its end (kill it when it takes too long), give its status."""
        if self.is_running and self.transport is not None:
            ended = self.end()
            late = reactor.callLater(within_s, self.transport.signalProcess, "KILL")  # type: ignore[attr-defined]
            self.transport.signalProcess(name)
            await ended
            if late.active():
                late.cancel()
        assert self.exit_status is not None
        return self.exit_status


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    kind: Callable[[str], RealProcess] = RealProcess,
) -> Any:
    """Start a program with the environment of the tests; `kind` makes the object that hears it."""
    process = kind(name)
    arguments = [str(part) for part in command]
    reactor.spawnProcess(  # type: ignore[attr-defined]
        process,
        arguments[0],
        args=arguments,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        path=None if folder is None else str(folder),
    )
    _started.append(process)
    return process


async def stop_all(processes: Sequence[RealProcess]) -> None:
    """End them all at the same time."""
    await gatherResults([Deferred.fromCoroutine(process.stop()) for process in processes])


def free_port() -> int:
    """A port that nobody uses now, at no address, out of the range the system gives out itself.

    Given out once; tests that run side by side get theirs from different ranges.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    while True:
        port = 15000 + 2000 * worker + _dice.randrange(2000)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        if port not in _given_out:
            _given_out.add(port)
            return port


async def eventually(
    look: Callable[[], Any], what: str, *, within_s: float = WITHIN_S, every_s: float = 0.05
) -> Any:
    """Ask again and again until the answer is true; for things that tell nobody of their changes.

    `look` may return a Deferred or coroutine.
    """
    deadline = reactor.seconds() + within_s  # type: ignore[attr-defined]
    while True:
        answer = look()
        if hasattr(answer, "__await__"):
            answer = await answer
        if answer:
            return answer
        if reactor.seconds() > deadline:  # type: ignore[attr-defined]
            raise AssertionError(f"not within {within_s:g} s: {what}")
        await deferLater(reactor, every_s, lambda: None)
