"""A central system without a memory: charge points connect, are answered, and can be called.

This is the part for applications that bring their own logic. `txocpp.csms.service` puts a store,
rules and an API on top of the very same class. What is said comes in as a factory and a table of
responders; only the defaults are of one version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.csms.registry import Registry
from txocpp.csms.station import Registration, Responder, Station
from txocpp.csms.v16.plain import plain_answers
from txocpp.errors import StoreError
from txocpp.interfaces import Credentials, IFrameReceiver, IMessageFactory, IStationGate, Refusal
from txocpp.messages.v16 import MessageFactory16
from txocpp.transport.peer import Direction, Peer, Reply

R = TypeVar("R", bound=Responder)


@attrs.frozen
class Admission:
    """A station may come in."""

    registration: Registration | None = Registration.ACCEPTED
    """What it is until it boots: a reconnection needs no BootNotification (C-13)."""
    key: int = 0
    """Its key in the store."""


Doorkeeper = Callable[[Credentials], Deferred[Admission | Refusal]]
"""Decides before the upgrade who may come in (C-07, C-16)."""


def admit_all(credentials: Credentials) -> Deferred[Admission | Refusal]:
    """Everybody may come in and talk at once. For trials and trusted networks."""
    return succeed(Admission())


class _Responders(Mapping[type[Any], Callable[[Any], Any]]):
    """The common table of responders, as one station's peer sees it."""

    __slots__ = ("_station", "_table")

    def __init__(self, table: dict[type[Any], Responder], station: Station) -> None:
        self._table = table
        self._station = station

    def __getitem__(self, request_type: type[Any]) -> Callable[[Any], Any]:
        return partial(self._table[request_type], self._station)

    def get(self, request_type: type[Any], default: Any = None) -> Any:
        responder = self._table.get(request_type)
        return default if responder is None else partial(responder, self._station)

    def __iter__(self) -> Any:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


@implementer(IStationGate)
class CentralSystem:
    """Many charge points, answered by one table of responders.

    `clock`: the reactor. `factory`: the version of OCPP. `responders`: by request class, called
    with the station and the request. Without both it speaks OCPP 1.6 and answers everything in a
    friendly way (`txocpp.csms.v16.plain`); `on` replaces single answers. `doorkeeper`: who may
    come in.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        factory: IMessageFactory | None = None,
        responders: Mapping[type[Any], Responder] | None = None,
        *,
        doorkeeper: Doorkeeper = admit_all,
        call_timeout_s: float = 30.0,
    ) -> None:
        self.factory = factory if factory is not None else MessageFactory16()
        self.clock = clock
        self.call_timeout_s = call_timeout_s
        self.stations = Registry()
        self.on_connected: list[Callable[[Station], object]] = []
        """Called with each station that is on the line."""
        self.on_registered: list[Callable[[Station], object]] = []
        """Called with each station right after its BootNotification was answered."""
        self.on_disconnected: list[Callable[[Station, str], object]] = []
        """Called with each station whose line is gone, and the reason."""
        self.on_frame: Callable[[Station, Direction, str], object] | None = None
        """Sees every frame of every station, for message logs. Frames may hold secrets."""
        self.calls_received: Counter[str] = Counter()
        """Calls of stations, by action."""
        self._doorkeeper = doorkeeper
        self._responders: dict[type[Any], Responder] = {}
        self._actions: set[str] = set()
        # Until the upgrade; an attempt that dies on the way is forgotten with its credentials.
        self._admitted: WeakKeyDictionary[Credentials, Admission] = WeakKeyDictionary()
        if responders is None and factory is None:
            responders = plain_answers(clock.seconds)
        for request_type, responder in (responders or {}).items():
            self.answer(request_type, responder)

    def answer(self, request_type: type[Any], responder: Responder) -> None:
        """From now on answer requests of this class so."""
        if request_type.action == "BootNotification":
            responder = partial(self._register, responder)
        self._responders[request_type] = responder
        self._actions.add(request_type.action)

    def on(self, request_type: type[Any]) -> Callable[[R], R]:
        """Decorator: this function answers requests of this class."""

        def register(responder: R) -> R:
            self.answer(request_type, responder)
            return responder

        return register

    def close(self, reason: str = "the central system goes down") -> None:
        """Say goodbye to all stations; they will reconnect later (close code 1001)."""
        for station in self.stations:
            station.close(1001, reason)

    # --- for the transport

    def admit(self, credentials: Credentials) -> Deferred[Refusal | None]:
        decision = self._doorkeeper(credentials)
        return decision.addCallback(self._decided, credentials)

    def _decided(self, decision: Admission | Refusal, credentials: Credentials) -> Refusal | None:
        if isinstance(decision, Refusal):
            return decision
        self._admitted[credentials] = decision
        return None

    def receiver(self, credentials: Credentials, subprotocol: str) -> IFrameReceiver:
        admission = self._admitted.pop(credentials)
        now = self.clock.seconds()
        station = Station(
            credentials.identity,
            self.clock,
            admission.registration,
            key=admission.key,
            address=credentials.address,
            protocol=subprotocol,
            secure=credentials.secure,
            certificate_name=credentials.certificate_common_name,
            connected_at=now,
            last_heard=now,
        )
        station.peer = Peer(
            self.factory,
            _Responders(self._responders, station),
            clock=self.clock,
            timeout_s=self.call_timeout_s,
            screen=partial(self._screen, station),
            on_connected=partial(self._connected, station),
            on_disconnected=partial(self._disconnected, station),
            on_frame=None if self.on_frame is None else partial(self.on_frame, station),
        )
        return station.peer

    def _screen(self, station: Station, action: str) -> bool:
        if action in self._actions:
            self.calls_received[action] += 1
        return station.screen(action)

    def _connected(self, station: Station) -> None:
        older = self.stations.enter(station)
        if older is not None:
            older.close(1000, "replaced by a newer connection")
        self._announce(self.on_connected, station)

    def _disconnected(self, station: Station, reason: str) -> None:
        if not self.stations.leave(station):
            return
        self._announce(self.on_disconnected, station, reason)

    def _announce(self, listeners: list[Callable[..., object]], *facts: Any) -> None:
        for listener in listeners:
            try:
                outcome = listener(*facts)
            except Exception:
                self._log.failure("{listener} failed", listener=listener)
                continue
            if isinstance(outcome, CoroutineType):
                outcome = Deferred.fromCoroutine(outcome)
            if isinstance(outcome, Deferred):
                outcome.addErrback(self._listener_failed, listener)

    def _listener_failed(self, failure: Failure, listener: object) -> None:
        if failure.check(StoreError):
            self._log.error("{reason}", reason=failure.getErrorMessage())
        else:
            self._log.failure("{listener} failed", failure, listener=listener)

    def _register(self, responder: Responder, station: Station, request: Any) -> Any:
        """Answer a BootNotification, and remember what the station was told."""
        outcome = responder(station, request)
        if isinstance(outcome, CoroutineType):
            outcome = Deferred.fromCoroutine(outcome)
        if isinstance(outcome, Deferred):
            return outcome.addCallback(self._registered, station)
        return self._registered(outcome, station)

    def _registered(self, outcome: Any, station: Station) -> Reply:
        response, then = outcome, None
        if isinstance(outcome, Reply):
            response, then = outcome.response, outcome.then
        station.registration = Registration(response.status)

        def announce() -> object:
            self._announce(self.on_registered, station)
            return None if then is None else then()

        return Reply(response, announce)
