"""One simulated station on a clock turned by hand, and a central system that a test plays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from txocpp.load.figures import Figures
from txocpp.load.settings import LoadSettings
from txocpp.load.station import Station
from txocpp.load.times import SimulatedTime
from txocpp.messages.v16 import MessageFactory16
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}


class Wire:
    """In place of the client that would dial: a line in memory."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.link: MemoryLink | None = None
        self.changes: dict[str, Any] = {}
        self.redialled = 0

    def startService(self) -> None:
        assert self.link is not None
        self.link.connect()

    def stopService(self) -> Deferred[None]:
        self.cut("stopped")
        return succeed(None)

    def cut(self, reason: str) -> None:
        assert self.link is not None
        self.link.cut(reason)

    def reconnect(self, reason: str) -> None:
        self.redialled += 1
        # What was said before still arrives.
        self.clock.callLater(0, self.startService)

    def change(self, **changes: Any) -> None:
        self.changes.update(changes)


class Yard:
    """The station, the line, and the central system."""

    def __init__(self, **settings: Any) -> None:
        chosen = {"cars_per_hour": 0.0, "stay_s": 1800.0, "connectors": 2, **settings}
        self.settings = LoadSettings(url="ws://127.0.0.1/ocpp", **chosen)
        self.clock = Clock()
        self.clock.advance(NOON.timestamp())
        self.figures = Figures()
        self.settled: list[tuple[str, Any, Any]] = []
        self.station = Station(
            self.clock,
            self.settings,
            "CP1",
            SimulatedTime(self.clock, self.settings.faster, self.settings.ahead_s),
            self.figures,
            endpoint=None,  # type: ignore[arg-type] - the wire needs none
            on_settled=lambda *facts: self.settled.append(facts),
        )
        self.answers: dict[str, Any] = {
            "BootNotification": lambda _: self.registration("Accepted", 300),
            "Heartbeat": lambda _: {"currentTime": self.now()},
            "Authorize": ACCEPTED,
            "StartTransaction": {"transactionId": 17, **ACCEPTED},
        }
        self.heard: list[tuple[str, dict[str, Any]]] = []
        """Every call of the station: action and payload."""
        self.central = Peer(MessageFactory16(), {}, clock=self.clock, fallback=self._answer)
        self.wire = Wire(self.clock)
        self.wire.link = self.link = MemoryLink(self.clock, self.station.line.peer, self.central)
        self.station.line.client = self.wire  # type: ignore[assignment]

    @property
    def connector(self) -> Any:
        """The first one."""
        return self.station.connectors[0]

    def now(self) -> str:
        """On the wire."""
        return datetime.fromtimestamp(self.clock.seconds(), UTC).isoformat().replace("+00:00", "Z")

    def registration(self, status: str, interval: int) -> dict[str, Any]:
        """An answer to BootNotification."""
        return {"status": status, "interval": interval, "currentTime": self.now()}

    def _answer(self, action: str, payload: dict[str, Any]) -> Any:
        self.heard.append((action, payload))
        answer = self.answers.get(action, {})
        if isinstance(answer, Exception):
            raise answer
        return answer(payload) if callable(answer) else answer

    def run(self, seconds: float = 0, step_s: float = 1.0) -> None:
        """Time goes by."""
        self.clock.pump([0] * 12)
        while seconds > 0:
            self.clock.advance(min(step_s, seconds))
            self.clock.pump([0] * 12)
            seconds -= step_s

    def start(self) -> None:
        """Switch the station on, and let it say what it has to say."""
        self.station.start()
        self.run()

    def charge(self, tag: str = "TAG000001") -> None:
        """A transaction begins at the first connector."""
        self.connector.plug_in()
        self.connector.begin(tag)
        self.run()

    def actions(self) -> list[str]:
        """Of what was heard, in order."""
        return [action for action, _ in self.heard]

    def told(self, action: str) -> list[dict[str, Any]]:
        """Payloads of the calls with one action."""
        return [payload for heard, payload in self.heard if heard == action]

    def statuses(self, connector: int = 1) -> list[str]:
        """What was told of a connector."""
        return [
            payload["status"]
            for payload in self.told("StatusNotification")
            if payload["connectorId"] == connector
        ]

    def ask(self, action: str, **payload: Any) -> dict[str, Any]:
        """A call of the central system; the station's answer. Raises `RemoteError`."""
        results: list[Any] = []
        self.central.call_raw(action, payload).addBoth(results.append)
        self.run()
        assert results, f"no answer to {action}"
        if not isinstance(results[0], dict):
            results[0].raiseException()
        answer: dict[str, Any] = results[0]
        return answer

    def stop(self) -> None:
        """Leave no timer behind."""
        self.station.stop()
        self.run()
