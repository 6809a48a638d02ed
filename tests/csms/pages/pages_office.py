"""A central system in the process of the tests, and stations that stories play themselves.

It serves the same API and pages on a real port as the daemon does, but is there at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from street import ACCEPTING, FAST
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

from txocpp.csms.service import CentralSystemService
from txocpp.csms.settings import Listen, Settings, Stations
from txocpp.interfaces import Credentials
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.central import CentralStore
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer


def meanwhile(work: Callable[[], Awaitable[Any]]) -> Any:
    """Outside the browser something happens; the person waits for it."""

    async def run() -> Any:
        return await work()

    return blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(run()))


def instant() -> str:
    """Now, as it stands on the wire."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Player:
    """A charge point: says what the story says, answers as the story has it."""

    def __init__(self, office: PagesOffice, identity: str) -> None:
        self.identity = identity
        self.answers: dict[str, Any] = dict(ACCEPTING)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.peer = Peer(MessageFactory16(), {}, clock=reactor, fallback=self._answer)
        self._office = office
        self._link: MemoryLink | None = None

    async def connect(self) -> None:
        """Come in."""
        central = self._office.service.central
        credentials = Credentials(identity=self.identity, address="192.0.2.7:4711")
        assert await central.admit(credentials) is None
        receiver = central.receiver(credentials, "ocpp1.6")
        self._link = MemoryLink(reactor, self.peer, receiver)
        self._link.connect()

    def leave(self) -> None:
        """The line breaks."""
        if self._link is not None:
            self._link.cut()

    async def say(self, action: str, **payload: Any) -> dict[str, Any]:
        """One call and its answer."""
        answer: dict[str, Any] = await self.peer.call_raw(action, payload)
        return answer

    async def boot(self, **more: Any) -> dict[str, Any]:
        """BootNotification."""
        facts = {"chargePointVendor": "Acme", "chargePointModel": "Wall", **more}
        return await self.say("BootNotification", **facts)

    async def status(self, status: str, connector: int = 1, **more: Any) -> None:
        """StatusNotification."""
        facts = {"errorCode": "NoError", "timestamp": instant(), **more}
        await self.say("StatusNotification", connectorId=connector, status=status, **facts)

    async def start(self, tag: str = "ANNA", connector: int = 1) -> int:
        """StartTransaction; gives its id."""
        answer = await self.say(
            "StartTransaction",
            connectorId=connector,
            idTag=tag,
            meterStart=1000,
            timestamp=instant(),
        )
        await self.status("Charging", connector)
        return int(answer["transactionId"])

    async def meter(self, transaction: int, energy_wh: int, current_a: float) -> None:
        """MeterValues."""
        values = [
            {"value": str(energy_wh)},
            {"value": str(current_a), "measurand": "Current.Import", "unit": "A"},
            {"value": str(current_a * 690), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        value = [{"timestamp": instant(), "sampledValue": values}]
        await self.say("MeterValues", connectorId=1, transactionId=transaction, meterValue=value)

    def was_asked(self, action: str) -> list[dict[str, Any]]:
        """The payloads of this action that have come."""
        return [payload for name, payload in self.heard if name == action]

    def _answer(self, action: str, payload: dict[str, Any]) -> Any:
        self.heard.append((action, payload))
        answer = self.answers[action]
        if isinstance(answer, Exception):
            raise answer
        return answer


class PagesOffice:
    """A central system with pages, in this process."""

    def __init__(self, path: Path | None = None, **stations: Any) -> None:
        settings = Settings(
            listen=Listen(ocpp=(), http="tcp:0:interface=127.0.0.1"), stations=Stations(**stations)
        )
        if path is None:
            self.store = CentralStore.in_memory()
        else:
            self.store = CentralStore(path, reactor=reactor)
        self.service = CentralSystemService(reactor, settings, self.store, FAST)
        self._players: list[Player] = []
        self._http_port = 0

    def start(self) -> None:
        """Open everything."""
        self.service.startService()
        self._http_port = self.http.port.getHost().port

    async def stop(self) -> None:
        """Close everything; what a browser holds open is cut off."""
        for player in self._players:
            player.leave()
        await self.service.stopService()

    async def hang_up(self) -> None:
        """Close the port of the pages and all connections to it."""
        await self.http.stopService()

    def listen_again(self) -> None:
        """Open the port of the pages where it was."""
        http = self.http
        http.description = f"tcp:{self._http_port}:interface=127.0.0.1"
        http.startService()

    @property
    def http(self) -> Any:
        """The port of the pages."""
        assert self.service.http is not None
        return self.service.http

    @property
    def http_port(self) -> int:
        """Its number."""
        return int(self._http_port)

    def player(self, identity: str) -> Player:
        """A station that is not there yet."""
        player = Player(self, identity)
        self._players.append(player)
        return player

    async def station(self, identity: str, connectors: int = 1, **facts: Any) -> Player:
        """A station that has booted and is available."""
        player = self.player(identity)
        await player.connect()
        assert (await player.boot(**facts))["status"] == "Accepted"
        for number in range(1, connectors + 1):
            await player.status("Available", number)
        return player

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        """Look into the store."""
        return await self.store.read(question)

    async def change(self, change: Callable[[Any], Any]) -> Any:
        """Change the store."""
        return await self.store.write(change)

    async def account(self, name: str, role: str, password: str) -> None:
        """Somebody may log in from now on."""
        assert await self.service.office.accounts.add(name, role, password) is not None
