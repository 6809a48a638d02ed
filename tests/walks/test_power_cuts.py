"""A real charge point daemon on a real file, killed again and again in the midst of charging.

The charger is a program of its own and lives on, as a wall box does; so does the central system.
``TXOCPP_KILLS=200 pytest tests/walks/test_power_cuts.py`` kills more often.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import daemons
import processes
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater
from zope.interface import implementer

from txocpp.interfaces import Credentials, IFrameReceiver, IStationGate, ITransport, Refusal
from txocpp.transport.websocket_server import WebSocketServer
from txocpp.transport.websocket_settings import ServerSettings

KILLS = int(os.environ.get("TXOCPP_KILLS", "24"))
CONNECTORS = (1, 2)
TRANSACTION_MESSAGES = ("StartTransaction", "StopTransaction", "MeterValues")


@implementer(IStationGate)
class Clerk:
    """A central system that writes down each transaction message once, whatever happens to the
    line: repetitions are known by their message ids, and get the answer of the first time."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.stopped: dict[int, dict[str, Any]] = {}
        self.heard: list[str] = []
        """Actions of this life of the daemon."""
        self.repetitions = 0
        self.faults: list[str] = []
        self._answers: dict[str, dict[str, Any]] = {}

    def admit(self, credentials: Credentials) -> Deferred[Refusal | None]:
        return succeed(None)

    def receiver(self, credentials: Credentials, subprotocol: str) -> IFrameReceiver:
        receiver: IFrameReceiver = Desk(self)
        return receiver

    def answer(self, message_id: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Act once, answer always."""
        self.heard.append(action)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if action == "BootNotification":
            return {"status": "Accepted", "currentTime": now, "interval": 300}
        if action == "Heartbeat":
            return {"currentTime": now}
        if action == "Authorize":
            return {"idTagInfo": {"status": "Accepted"}}
        if action not in TRANSACTION_MESSAGES:
            return {}
        if message_id in self._answers:
            self.repetitions += 1
        else:
            self._answers[message_id] = self._act(action, payload)
        return self._answers[message_id]

    def _act(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "StartTransaction":
            self.started.append(payload)
            return {"transactionId": len(self.started), "idTagInfo": {"status": "Accepted"}}
        number = payload.get("transactionId")
        if number is not None and (not 1 <= number <= len(self.started) or number in self.stopped):
            self.faults.append(f"{action} {payload}: the transaction does not run")
        elif action == "StopTransaction":
            self.stopped[number] = payload
        return {}


@implementer(IFrameReceiver)
class Desk:
    """One connection."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._transport: ITransport | None = None

    def connected(self, transport: ITransport) -> None:
        self._transport = transport

    def frame_received(self, frame: str) -> None:
        kind, message_id, *rest = json.loads(frame)
        if kind == 2 and self._transport is not None:
            answer = self._clerk.answer(message_id, *rest)
            self._transport.send(json.dumps([3, message_id, answer]))

    def disconnected(self, reason: str) -> None:
        self._transport = None


class ChargePoint(daemons.Daemon):
    """`twistd ocpp-cp` with a charger that is another process."""

    service = "ocpp-cp"

    def __init__(self, folder: Path, url: str, link: str, resume: bool) -> None:
        super().__init__(folder, "charge point")
        self._url = url
        self._link = link
        self._resume = resume

    def configuration(self) -> str:
        return f"""
[station]
identity = "CP1"

[central_system]
url = "{self._url}"
first_pause_s = 0.1
longest_pause_s = 0.2

[storage]
path = "{self.folder / "journal.sqlite3"}"

[[device]]
type = "evlink"
connectors = {len(CONNECTORS)}
link = "{self._link}"

[device.settings]
insecure = true

[behaviour]
resume_transactions = {str(self._resume).lower()}

[configuration]
MeterValueSampleInterval = 1
"""


class Yard:
    """The charger, its door, the central system, and the charge point that dies."""

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self.clerk = Clerk()
        self.server = WebSocketServer(
            reactor, "tcp:0:interface=127.0.0.1", self.clerk, ServerSettings()
        )
        self.server.startService()
        self._line_port, self._door_port = processes.free_port(), processes.free_port()
        loopback = "interface=127.0.0.1"
        self.box = processes.start(
            "charger",
            [
                *(sys.executable, "-m", "txocpp", "sim", "serve", "--insecure"),
                *("--connectors", str(len(CONNECTORS))),
                *("--listen", f"tcp:{self._line_port}:{loopback}"),
                *("--control", f"tcp:{self._door_port}:{loopback}"),
                # So much that a Wh goes by in a moment.
                *("--set", "maximum_current_a=80", "--set", "car_max_a=80"),
                *("--set", "voltage_v=300", "--set", "battery_wh=1000000"),
                *("--set", "follow_s=0.05", "--set", "wake_s=0.05"),
            ],
            folder=folder,
        )
        host = self.server.port.getHost()
        self.daemon = ChargePoint(
            folder,
            f"ws://127.0.0.1:{host.port}/ocpp",
            f"tcp:127.0.0.1:{self._line_port}",
            resume,
        )
        self._door: daemons.DoorClient | None = None

    async def open_door(self) -> None:
        """To poke the charger."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self._door_port, timeout=5)

        async def knock() -> daemons.DoorClient | None:
            try:
                client: daemons.DoorClient = await connectProtocol(endpoint, daemons.DoorClient())
            except ConnectError:
                return None
            return client

        self._door = await processes.eventually(knock, "a door to the charger")

    async def do(self, verb: str, **members: Any) -> dict[str, Any]:
        """Poke the charger."""
        assert self._door is not None
        return await self._door.say(verb, **members)

    async def connector(self, number: int) -> dict[str, Any]:
        """What the charger knows of a connector."""
        found: dict[str, Any] = (await self.do("state", connector=number))["connectors"][0]
        return found

    def start(self) -> None:
        """A new life of the charge point."""
        self.clerk.heard.clear()
        self.daemon.launch()

    async def booted(self) -> None:
        """It has told all its statuses."""

        def told() -> bool:
            return self.clerk.heard.count("StatusNotification") > len(CONNECTORS)

        await processes.eventually(told, "the statuses after the boot", every_s=0.02)

    async def transaction_told(self) -> None:
        """Something has begun or ended in this life."""

        def told() -> bool:
            return any(action in self.clerk.heard for action in TRANSACTION_MESSAGES)

        await processes.eventually(told, "news of a transaction", every_s=0.02)

    async def kill(self) -> None:
        """As a power cut does it."""
        await self.daemon.stop("KILL")

    async def close(self) -> None:
        """Nothing is left running."""
        if self._door is not None and self._door.transport is not None:
            self._door.transport.loseConnection()
        if self.daemon.process is not None and self.daemon.running.is_running:
            await self.daemon.stop()
        await self.box.stop()
        await self.server.stopService()

    async def compare_books(self) -> int:
        """What was told against what was metered; gives how many transactions there were."""
        clerk = self.clerk
        assert clerk.faults == []
        assert sorted(clerk.stopped) == list(range(1, len(clerk.started) + 1))
        for connector in CONNECTORS:
            at_wh, last = 0, "the beginning"
            for number, start in enumerate(clerk.started, 1):
                if start["connectorId"] == connector:
                    assert start["meterStart"] == at_wh, (
                        f"{number} does not begin where {last} ends"
                    )
                    at_wh, last = clerk.stopped[number]["meterStop"], f"transaction {number}"
                    assert at_wh >= start["meterStart"]
            assert (await self.connector(connector))["energy_wh"] == at_wh
        return len(clerk.started)


@pytest_twisted.async_yield_fixture(params=(False, True), ids=("closed", "resumed"))
async def yard(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Yard]:
    """A charger and a central system; the charge point is yet to be started."""
    built = Yard(tmp_path, resume=request.param)
    await built.open_door()
    yield built
    await built.close()


@pytest.mark.slow
@pytest.mark.rule("TX-21", "TX-24", "TX-30", "M-01")
async def test_nothing_is_lost_or_doubled(yard: Yard) -> None:
    """However often it dies, each Wh that was metered is told in one transaction, once."""
    dice = random.Random(KILLS)
    for connector in CONNECTORS:
        await yard.do("plug_in", connector=connector)
    for _ in range(KILLS // 2):
        yard.start()
        if dice.random() < 0.85:
            await yard.booted()
            for connector in CONNECTORS:
                answer = await yard.do("swipe", connectors=[connector], id_tag=f"TAG{connector}")
                assert answer["ok"], answer
            if dice.random() < 0.7:
                await yard.transaction_told()
            await deferLater(reactor, dice.uniform(0, 0.5), lambda: None)
        else:
            await deferLater(reactor, dice.uniform(0, 2), lambda: None)
        await yard.kill()
    yard.start()
    await yard.booted()
    for connector in CONNECTORS:
        await yard.do("plug_out", connector=connector)

    def all_told() -> bool:
        return len(yard.clerk.stopped) == len(yard.clerk.started)

    await processes.eventually(all_told, "the end of every transaction")
    await deferLater(reactor, 0.3, lambda: None)
    transactions = await yard.compare_books()
    assert transactions > 1
    print(f"{KILLS // 2} kills, {transactions} transactions, {yard.clerk.repetitions} repetitions")
