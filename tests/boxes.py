"""A charger as a real process: the ESP8266 firmware in MicroPython, behind a cable or a socket.

The cable is a pseudo-terminal, so that a driver opens it as it opens any serial port. The process
has a control channel for what cannot be done from outside: cars, faults, cut cables.
"""

from __future__ import annotations

import json
import os
import shutil
import tty
from pathlib import Path
from typing import Any

import processes
import pytest
from daemons import DoorClient
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol

HERE = Path(__file__).resolve().parent
EMULATOR = HERE.parent / "firmware" / "emulator" / "emulator.mjs"
MICROPYTHON = HERE / "firmware" / "node_modules" / "@micropython"


class FirmwareBox(processes.RealProcess):
    """One charger; `where` is how a driver finds it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.where = ""
        self._held: list[int] = []
        self._door: DoorClient | None = None

    async def do(self, do: str, **members: Any) -> dict[str, Any]:
        """A command of `bench.py`; fails if it refuses."""
        if self._door is None:
            port = await self._port("control on ")
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port, timeout=5)
            self._door = await connectProtocol(endpoint, DoorClient())
        answer: dict[str, Any] = await self._door.say(do, **members)
        assert answer["ok"], f"{do} {members}: {answer}"
        return answer

    async def outlet(self, number: int = 1) -> dict[str, Any]:
        """What is really so at an outlet."""
        found: dict[str, Any] = (await self.do("state"))["outlets"][number - 1]
        return found

    async def becomes(self, within_s: float = processes.WITHIN_S, **wanted: Any) -> dict[str, Any]:
        """Wait until the first outlet is so."""
        last: dict[str, Any] = {}

        async def look() -> dict[str, Any] | None:
            last.update(await self.outlet())
            return last if processes.fits(wanted, last) else None

        try:
            found: dict[str, Any] = await processes.eventually(
                look, f"the outlet shows {wanted}", within_s=within_s
            )
        except AssertionError as late:
            raise AssertionError(f"{late}; it shows {last}\n{self.story()}") from None
        return found

    async def _port(self, before: str) -> int:
        return int((await self.line(before)).rpartition(":")[2])

    async def pull_down(self) -> None:
        """End the process and let go of the cable."""
        if self._door is not None and self._door.transport is not None:
            self._door.transport.loseConnection()
        await self.stop()
        for descriptor in self._held:
            os.close(descriptor)


async def start_firmware(*, cable: bool, **config: Any) -> FirmwareBox:
    """A charger in real time; skips the test where Node.js or MicroPython is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here: no firmware under MicroPython")
    if not MICROPYTHON.is_dir():
        pytest.skip("MicroPython for Node.js is not installed: npm ci in tests/firmware")
    box = FirmwareBox("MicroPython charger")
    command = [node, str(EMULATOR), "--control-port", "0", "--config", json.dumps(config)]
    child: dict[int, Any] = {0: "w", 1: "r", 2: "r"}
    if cable:
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        box._held += [ours, theirs]
        child = {0: ours, 1: ours, 2: "r"}
        command.append("--stdio")
        box.where = f"serial:{os.ttyname(theirs)}"
    else:
        command += ["--tcp", "0"]
    reactor.spawnProcess(box, node, args=command, env=dict(os.environ), childFDs=child)  # type: ignore[attr-defined]
    processes._started.append(box)
    if not cable:
        box.where = f"tcp:127.0.0.1:{await box._port('charger on ')}"
    return box
