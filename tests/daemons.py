"""Our own daemons as real processes: `twistd ocpp-cp` and `twistd ocpp-csms` on loopback.

Each gets a folder of its own for its configuration and whatever it stores; it can be killed and
started again on the same folder.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from pathlib import Path
from typing import Any

import processes
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool

TWISTD = Path(sys.executable).with_name("twistd")


class DoorClient(LineOnlyReceiver):
    """Talks to the door of a simulated charger."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def __init__(self) -> None:
        self._waiting: deque[Deferred[dict[str, Any]]] = deque()

    def lineReceived(self, line: bytes) -> None:
        self._waiting.popleft().callback(json.loads(line))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        while self._waiting:
            self._waiting.popleft().errback(reason)

    def say(self, do: str, **members: Any) -> Deferred[dict[str, Any]]:
        """One command and its answer."""
        self.sendLine(json.dumps({"do": do, **members}).encode())
        return self.hear()

    def hear(self) -> Deferred[dict[str, Any]]:
        """The next answer."""
        answer: Deferred[dict[str, Any]] = Deferred()
        self._waiting.append(answer)
        return answer.addTimeout(processes.WITHIN_S, reactor)


def toml_lines(table: dict[str, Any]) -> str:
    """A flat table; JSON writes these values as TOML does."""
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in table.items())


class Daemon:
    """One of our programs, with the folder that survives it."""

    service = ""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.name = name
        self.process: processes.RealProcess | None = None

    @property
    def running(self) -> processes.RealProcess:
        """The process; there is one after the start."""
        assert self.process is not None
        return self.process

    def configuration(self) -> str:
        """The TOML file."""
        raise NotImplementedError

    def launch(self) -> processes.RealProcess:
        """Write the configuration and start the process."""
        path = self.folder / f"{self.service}.toml"
        path.write_text(self.configuration())
        command = [TWISTD, "-n", "--pidfile=", self.service, "--config", path]
        self.process = processes.start(self.name, command, folder=self.folder)
        return self.running

    def assert_no_traceback(self) -> None:
        """Nothing went wrong inside that it did not expect."""
        assert not [line for line in self.running.lines if "Traceback" in line], (
            self.running.story()
        )

    async def stop(self, name: str = "TERM") -> int:
        """End it with this signal; gives its exit status."""
        return await self.running.stop(name)


class ChargePoint(Daemon):
    """`twistd ocpp-cp` on a simulated charger, poked through its door."""

    service = "ocpp-cp"

    def __init__(
        self,
        folder: Path,
        identity: str,
        url: str,
        *,
        keys: dict[str, Any] | None = None,
        car: dict[str, Any] | None = None,
        central: dict[str, Any] | None = None,
        more: str = "",
    ) -> None:
        super().__init__(folder, f"charge point {identity}")
        self.identity = identity
        self.url = url
        self.keys = keys or {}
        """Initial values of OCPP configuration keys."""
        self.car = {"follow_s": 0.05, "wake_s": 0.05, **(car or {})}
        """Settings of the simulated charger and its car."""
        self.central = {"url": url, "first_pause_s": 0.1, "longest_pause_s": 0.3, **(central or {})}
        """Settings of the connection."""
        self.more = more
        """Further tables of the configuration."""
        self.door_port = processes.free_port()
        self._door: DoorClient | None = None

    def configuration(self) -> str:
        return f"""
[station]
identity = {json.dumps(self.identity)}

[central_system]
{toml_lines(self.central)}

[storage]
path = "{self.folder / "journal.sqlite3"}"

[[device]]
type = "simulated"
connectors = 2

[device.settings]
{toml_lines(self.car)}

[simulation]
control = "tcp:{self.door_port}:interface=127.0.0.1"

[configuration]
{toml_lines(self.keys)}

{self.more}
"""

    async def open_door(self) -> DoorClient:
        """Connect to the door as soon as it is there."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.door_port, timeout=5)

        async def knock() -> DoorClient | None:
            if not self.running.is_running:
                raise AssertionError(f"it has ended\n{self.running.story()}")
            try:
                client: DoorClient = await connectProtocol(endpoint, DoorClient())
            except ConnectError:
                return None
            return client

        self._door = await processes.eventually(knock, "a door to the simulated charger")
        assert self._door is not None
        return self._door

    async def do(self, verb: str, **members: Any) -> dict[str, Any]:
        """Poke the simulated charger; fails if it refuses."""
        door = self._door or await self.open_door()
        answer = await door.say(verb, **members)
        assert answer["ok"], f"{verb} {members}: {answer}"
        return answer

    async def connector(self, number: int = 1) -> dict[str, Any]:
        """What the simulated charger knows of one connector."""
        found: dict[str, Any] = (await self.do("state", connector=number))["connectors"][0]
        return found

    async def becomes(self, number: int = 1, **wanted: Any) -> dict[str, Any]:
        """Wait until the simulated charger shows these values at a connector."""
        last: dict[str, Any] = {}

        async def look() -> dict[str, Any] | None:
            last.update(await self.connector(number))
            return last if processes.fits(wanted, last) else None

        try:
            found: dict[str, Any] = await processes.eventually(look, f"connector shows {wanted}")
        except AssertionError as late:
            raise AssertionError(f"{late}; it shows {last}\n{self.running.story()}") from None
        return found

    async def stop(self, name: str = "TERM") -> int:
        """Leave through the door, then end it."""
        if self._door is not None and self._door.transport is not None:
            self._door.transport.loseConnection()
        self._door = None
        return await super().stop(name)


class CentralSystem(Daemon):
    """`twistd ocpp-csms`, spoken to over its HTTP API."""

    service = "ocpp-csms"

    def __init__(self, folder: Path, *, more: str = "", database: str | None = None) -> None:
        super().__init__(folder, "central system")
        self.database = database or str(folder / "central.sqlite3")
        """A file, or the URL of another database."""
        self.ocpp_port = processes.free_port()
        self.http_port = processes.free_port()
        self.more = more
        """Further tables of the configuration."""

    @property
    def url(self) -> str:
        """Where charge points connect, without the identity."""
        return f"ws://127.0.0.1:{self.ocpp_port}/ocpp"

    def configuration(self) -> str:
        return f"""
[listen]
ocpp = ["tcp:{self.ocpp_port}:interface=127.0.0.1"]
http = "tcp:{self.http_port}:interface=127.0.0.1"

[database]
url = {json.dumps(self.database)}

{self.more}
"""

    async def start(self) -> None:
        """Start the process and wait until its API answers."""
        self.launch()
        await self.running.line("HTTP API on", within_s=30.0)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request to the API; gives status and body."""
        pool = HTTPConnectionPool(reactor, persistent=False)
        client = HTTPClient(Agent(reactor, connectTimeout=5, pool=pool))
        response = await client.request(
            method, f"http://127.0.0.1:{self.http_port}{path}", json=body, timeout=30
        )
        text = await response.text()
        return response.code, json.loads(text) if text else None

    async def get(self, path: str) -> Any:
        """Read something that is there."""
        status, found = await self.ask("GET", path)
        assert status == 200, (path, status, found)
        return found

    async def operate(self, identity: str, action: str, **payload: Any) -> dict[str, Any]:
        """Ask a station for an action; gives the operation as it ended."""
        status, operation = await self.ask(
            "POST",
            f"/api/stations/{identity}/operations",
            {"action": action, "payload": payload},
        )
        assert status in (200, 202, 422), (action, status, operation)
        found: dict[str, Any] = operation
        return found
