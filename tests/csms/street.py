"""A central system on a clock turned by hand, and charge points that tests play themselves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import create_engine, text
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from txocpp.csms.accounts import Passwords
from txocpp.csms.events import Event
from txocpp.csms.operations import Asked
from txocpp.csms.service import CentralSystemService
from txocpp.csms.settings import Settings
from txocpp.interfaces import Credentials, Refusal
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.central import CentralStore
from txocpp.storage.central.operations import OperationRecord
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

FAST = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Password hashing that does not slow down the tests."""

ACCEPTING = {
    "RemoteStartTransaction": {"status": "Accepted"},
    "RemoteStopTransaction": {"status": "Accepted"},
    "SetChargingProfile": {"status": "Accepted"},
    "ClearChargingProfile": {"status": "Accepted"},
    "ChangeConfiguration": {"status": "Accepted"},
    "ChangeAvailability": {"status": "Accepted"},
    "UnlockConnector": {"status": "Unlocked"},
    "Reset": {"status": "Accepted"},
    "ClearCache": {"status": "Accepted"},
    "ReserveNow": {"status": "Accepted"},
    "CancelReservation": {"status": "Accepted"},
    "SendLocalList": {"status": "Accepted"},
    "GetLocalListVersion": {"listVersion": 0},
    "TriggerMessage": {"status": "Accepted"},
    "ExtendedTriggerMessage": {"status": "Accepted"},
    "GetConfiguration": {"configurationKey": []},
}


def outcome_of(deferred: Deferred[Any]) -> Any:
    """What a Deferred has come to; raises its failure."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "it is still waiting"
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def instant(seconds: float = 0) -> str:
    """A moment on the wire, so many seconds after noon."""
    return (NOON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def new_store() -> CentralStore:
    """An empty store in memory, or in the PostgreSQL database that the environment names."""
    url = os.environ.get("TXOCPP_TEST_DATABASE")
    if url is None:
        return CentralStore.in_memory()
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    store = CentralStore(url)
    store.open()
    return store


class ChargePoint:
    """A charge point: says what the test says, answers as the test has it."""

    def __init__(self, street: Street, identity: str) -> None:
        self.street = street
        self.identity = identity
        self.answers: dict[str, Any] = dict(ACCEPTING)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.peer = Peer(MessageFactory16(), {}, clock=street.clock, fallback=self._answer)
        self.link: MemoryLink | None = None

    def say(self, action: str, **payload: Any) -> dict[str, Any]:
        """One call and its answer; raises `RemoteError` for a CALLERROR."""
        answer: dict[str, Any] = outcome_of(self.begin(action, **payload))
        return answer

    def begin(self, action: str, **payload: Any) -> Deferred[dict[str, Any]]:
        """The same, without waiting for the answer."""
        calling = self.peer.call_raw(action, payload)
        self.street.run()
        return calling

    def boot(self, **more: Any) -> dict[str, Any]:
        """BootNotification."""
        return self.say(
            "BootNotification", chargePointVendor="Acme", chargePointModel="Wall", **more
        )

    def start(self, at: float = 0, connector: int = 1, tag: str = "TAG", **more: Any) -> Any:
        """StartTransaction; the whole answer."""
        payload = {"meterStart": 1000, **more}
        return self.say(
            "StartTransaction", connectorId=connector, idTag=tag, timestamp=instant(at), **payload
        )

    def stop(self, number: int, at: float = 3600, meter: int = 9000, **more: Any) -> Any:
        """StopTransaction; the whole answer."""
        return self.say(
            "StopTransaction",
            transactionId=number,
            timestamp=instant(at),
            meterStop=meter,
            **more,
        )

    def meter(self, at: float, number: int | None, energy: int, connector: int = 1) -> Any:
        """MeterValues with an energy register."""
        told = {} if number is None else {"transactionId": number}
        value = {"timestamp": instant(at), "sampledValue": [{"value": str(energy)}]}
        return self.say("MeterValues", connectorId=connector, meterValue=[value], **told)

    def status(self, status: str, at: float | None = None, connector: int = 1, **more: Any) -> Any:
        """StatusNotification."""
        told = {} if at is None else {"timestamp": instant(at)}
        payload = {"errorCode": "NoError", **told, **more}
        return self.say("StatusNotification", connectorId=connector, status=status, **payload)

    def leave(self) -> None:
        """The line breaks."""
        assert self.link is not None
        self.link.cut()
        self.street.run()

    def _answer(self, action: str, payload: dict[str, Any]) -> Any:
        self.heard.append((action, payload))
        answer = self.answers[action]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Street:
    """A central system with everything but ports, and whoever plugs in."""

    def __init__(self, settings: Settings | None = None, store: CentralStore | None = None) -> None:
        self.clock = Clock()
        self.clock.advance(NOON.timestamp())
        self.store = store or new_store()
        self.service = CentralSystemService(self.clock, settings or Settings(), self.store, FAST)
        self.office = self.service.office
        self.events: list[Event] = []
        self.office.events.listen(self.events.append)

    @property
    def now(self) -> datetime:
        """The present moment of the clock."""
        return self.office.now()

    def run(self, seconds: float = 0) -> None:
        """Let everything happen that is due."""
        self.clock.pump([0] * 12)
        if seconds:
            self.clock.advance(seconds)
            self.clock.pump([0] * 12)

    def knock(self, identity: str, **shown: Any) -> Refusal | None:
        """Somebody wants to connect; the refusal, or None."""
        refusal: Refusal | None = outcome_of(
            self.office.central.admit(Credentials(identity=identity, **shown))
        )
        return refusal

    def plug_in(self, identity: str, cp: ChargePoint | None = None, **shown: Any) -> ChargePoint:
        """A charge point connects."""
        cp = cp or ChargePoint(self, identity)
        credentials = Credentials(identity=identity, **shown)
        assert outcome_of(self.office.central.admit(credentials)) is None
        receiver = self.office.central.receiver(credentials, "ocpp1.6")
        cp.link = MemoryLink(self.clock, cp.peer, receiver)
        cp.link.connect()
        self.run()
        return cp

    def booted(self, identity: str = "CP1") -> ChargePoint:
        """A charge point has connected and was accepted."""
        cp = self.plug_in(identity)
        assert cp.boot()["status"] == "Accepted"
        return cp

    def station(self, identity: str = "CP1") -> Any:
        """What is known of a station."""
        return self.ask(lambda records: records.stations.find(identity))

    def ask(self, question: Any) -> Any:
        """A question to the store."""
        return outcome_of(self.store.read(question))

    def change(self, change: Any) -> Any:
        """A change of the store."""
        return outcome_of(self.store.write(change))

    def decide(self, identity: str, **facts: Any) -> Any:
        """An operator edits a station."""
        station = self.station(identity)
        return self.change(lambda records: records.stations.edit(station.id, None, **facts))

    def transactions(self) -> list[Any]:
        """All transactions, oldest first."""
        return list(reversed(self.ask(lambda records: records.transactions.page())))

    def operate(self, identity: str, action: str, /, **options: Any) -> OperationRecord:
        """Ask a station for something and wait."""
        record: OperationRecord = outcome_of(self.begin(identity, action, **options))
        return record

    def begin(
        self, identity: str, action: str, /, payload: Any = None, **options: Any
    ) -> Deferred[OperationRecord]:
        """The same, without waiting for the outcome."""
        asked = Asked(action, payload or {}, **options)
        asking = self.office.operations.ask(self.station(identity), asked)
        self.run()
        return asking

    def told(self, kinds: Iterable[str] | str) -> list[Event]:
        """The events of these kinds."""
        wanted = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        return [event for event in self.events if event.kind in wanted]


def wire(text: str) -> Any:
    """A frame as a list."""
    return json.loads(text)
