"""One simulated charge point: its parts, and who of them knows whom."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint

from txocpp.load.answers import Bound
from txocpp.load.connector import Connector
from txocpp.load.figures import Figures
from txocpp.load.keys import Keys
from txocpp.load.limits import Limits
from txocpp.load.line import Line
from txocpp.load.outbox import Entry, Outbox, Transaction
from txocpp.load.registration import Registration
from txocpp.load.settings import LoadSettings
from txocpp.load.times import SimulatedTime
from txocpp.messages.v16 import (
    AuthorizationStatus,
    AuthorizeRequest,
    BootNotificationRequest,
    ChargePointErrorCode,
    ChargePointStatus,
    Reason,
    RegistrationStatus,
    StartTransactionRequest,
    StatusNotificationRequest,
    StopTransactionRequest,
)

OFF_S: Final = (5.0, 20.0)
"""A restart takes so long."""

OnSettled = Callable[[str, Any, Any], object]
"""Hears of every transaction message that is settled: identity, request, and the response, or None
if the message was given up."""


class Station:
    """One charge point with its connectors."""

    __slots__ = (
        "_away_since",
        "_figures",
        "_later",
        "_loss",
        "_on_settled",
        "_operative_told",
        "_restarting",
        "connectors",
        "dice",
        "identity",
        "keys",
        "limits",
        "line",
        "local_list",
        "local_list_version",
        "open_for_cars",
        "operative",
        "outbox",
        "registration",
        "settings",
        "time",
    )

    def __init__(
        self,
        reactor: Any,
        settings: LoadSettings,
        identity: str,
        time: SimulatedTime,
        figures: Figures,
        *,
        endpoint: IStreamClientEndpoint,
        on_settled: OnSettled | None = None,
    ) -> None:
        self.identity = identity
        self.settings = settings
        self.time = time
        self.dice = Random(f"{settings.seed} {identity}")
        self.open_for_cars = True
        self.operative = True
        """The station as a whole is in service (AV-09)."""
        self.local_list: frozenset[str] = frozenset()
        self.local_list_version = 0
        self._operative_told: bool | None = None
        self._figures = figures
        self._on_settled = on_settled
        self._restarting: IDelayedCall | None = None
        self._away_since: float | None = None
        self._loss: IDelayedCall | None = None
        self._later: tuple[IDelayedCall, ...] = ()
        self.keys = Keys(
            MeterValueSampleInterval=settings.sample_interval_s,
            NumberOfConnectors=settings.connectors,
        )
        self.line = Line(
            reactor,
            settings,
            identity,
            figures,
            Bound(self),
            endpoint=endpoint,
            chance=self.dice.random,
        )
        self.line.on_stranger = self._unknown
        peer = self.line.peer
        peer.screen = self._screen
        peer.on_connected = self._connected
        peer.on_disconnected = self._disconnected
        self.registration = Registration(
            self.line, time, self.keys, figures, _boot(identity), self._accepted
        )
        self.outbox = Outbox(self.line, time, self.keys, figures, self._settled)
        self.connectors = tuple(
            Connector(self, number) for number in range(1, settings.connectors + 1)
        )
        self.limits = Limits(
            time, [connector.number for connector in self.connectors], self._running, self.share
        )

    # --- life

    def start(self) -> None:
        """Connect, and let cars come."""
        self._away_since = self.time.clock.seconds()
        self.line.client.startService()
        for connector in self.connectors:
            connector.expect_car()
        self._plan_loss()

    def close(self) -> None:
        """No more cars and no more losses; whoever charges is sent away."""
        self.open_for_cars = False
        if self._loss is not None and self._loss.active():
            self._loss.cancel()
        for connector in self.connectors:
            connector.stop(Reason.LOCAL)
            connector.freeze()

    def stop(self) -> Deferred[None]:
        """Hang up for good; fires when the line is closed."""
        self.open_for_cars = False
        for connector in self.connectors:
            connector.freeze()
        self.limits.stop()
        for timer in (self._loss, self._restarting, *self._later):
            if timer is not None and timer.active():
                timer.cancel()
        self._figures.undelivered += len(self.outbox)
        self.outbox.halt()
        self.registration.line_down()
        return self.line.client.stopService()

    def restart(self, reason: Reason) -> None:
        """Reset (§5.14): end what runs, go off, come back and boot."""
        if self._restarting is not None:
            return
        for connector in self.connectors:
            connector.stop(reason)
        off_s = self.dice.uniform(*OFF_S)
        self.registration.forget(off_s)
        self.outbox.halt()
        self._restarting = self.time.later(off_s / 2, self._off)

    def _off(self) -> None:
        self._restarting = None
        self._operative_told = None
        for connector in self.connectors:
            connector.restart()
        self.line.redial()

    def schedule(self, delay_s: float, what: Callable[[], object]) -> None:
        """Do something later, unless the station is stopped before."""
        pending = (timer for timer in self._later if timer.active())
        self._later = (*pending, self.time.later(delay_s, what))

    # --- what it says

    @property
    def is_online(self) -> bool:
        """The central system can be asked and told anything."""
        return self.line.is_open and self.registration.accepted

    def tell(self, request: Any) -> None:
        """Say something that is not repeated."""
        self.registration.last_said_s = self.time.seconds()
        self.line.tell(request)

    def tell_status(self, connector: Connector, *, triggered: bool = False) -> None:
        """StatusNotification of a connector, unless the central system knows it already."""
        if self.is_online and (triggered or connector.told is not connector.status):
            connector.told = connector.status
            self.tell(self._status(connector.number, connector.status))

    def tell_own_status(self) -> None:
        """StatusNotification of connector 0."""
        self._operative_told = self.operative
        status = ChargePointStatus.AVAILABLE if self.operative else ChargePointStatus.UNAVAILABLE
        self.tell(self._status(0, status))

    def authorize(self, tag: str) -> Deferred[AuthorizationStatus | None]:
        """May this tag charge? None: nobody can be asked."""
        self.registration.last_said_s = self.time.seconds()
        return self.line.call(AuthorizeRequest(id_tag=tag)).addCallbacks(
            self._judged, lambda _: None
        )

    def _judged(self, answer: Any) -> AuthorizationStatus:
        status: AuthorizationStatus = answer.id_tag_info.status
        self._figures.refused_tags += status is not AuthorizationStatus.ACCEPTED
        return status

    def _status(self, number: int, status: ChargePointStatus) -> StatusNotificationRequest:
        return StatusNotificationRequest(
            connector_id=number,
            error_code=ChargePointErrorCode.NO_ERROR,
            status=status,
            timestamp=self.time.now(),
        )

    # --- what happens to it

    def share(self) -> None:
        """Limits or charging cars are different now."""
        charging = {
            connector.number: connector.car.phases
            for connector in self.connectors
            if connector.transaction is not None and connector.car is not None
        }
        for number, offered_a in self.limits.offers_a(charging).items():
            self.connectors[number - 1].offer(offered_a)

    def _running(self) -> dict[int, Transaction]:
        return {
            connector.number: connector.transaction
            for connector in self.connectors
            if connector.transaction is not None
        }

    def _connected(self) -> None:
        if self.settings.boot_always:
            self.registration.forget()
            self._operative_told = None
            for connector in self.connectors:
                connector.told = None
        else:
            self.registration.line_up()

    def _disconnected(self, reason: str) -> None:
        if self._away_since is None:
            self._away_since = self.time.clock.seconds()
        self.registration.line_down()
        self.outbox.halt()

    def _accepted(self) -> None:
        """Statuses first, then what waits in the outbox (B-10, B-11)."""
        if self._away_since is not None:
            self._figures.reunions.add(self.time.clock.seconds() - self._away_since)
            self._away_since = None
        if self._operative_told is not self.operative:
            self.tell_own_status()
        for connector in self.connectors:
            self.tell_status(connector)
        self.outbox.go()

    def _unknown(self) -> None:
        """The central system has forgotten this station: boot again, as after a restart."""
        if self.registration.accepted:
            self.outbox.halt()
            self._operative_told = None
            for connector in self.connectors:
                connector.told = None
            self.registration.forget()

    def _screen(self, action: str) -> bool:
        self._figures.calls_received[action] += 1
        # B-07
        return self.registration.status is not RegistrationStatus.REJECTED

    def _settled(self, entry: Entry, response: Any) -> None:
        """A transaction message was acknowledged, or given up."""
        request, transaction = entry.request, entry.transaction
        self.registration.last_said_s = self.time.seconds()
        if self._on_settled is not None:
            self._on_settled(self.identity, request, response)
        if response is None:
            return
        if isinstance(request, StartTransactionRequest):
            self._figures.started += 1
            transaction.number = response.transaction_id
            if response.id_tag_info.status is not AuthorizationStatus.ACCEPTED:
                self._figures.refused_tags += 1
                connector = self.connectors[transaction.connector - 1]
                if connector.transaction is transaction:
                    #
                    connector.stop(Reason.DE_AUTHORIZED)
        elif isinstance(request, StopTransactionRequest):
            self._figures.stopped += 1
            self._figures.energy_wh += request.meter_stop - transaction.meter_start

    def _plan_loss(self) -> None:
        rate = self.settings.losses_per_hour
        if rate > 0:
            self._loss = self.time.later(self.dice.expovariate(rate / 3600), self._lose)

    def _lose(self) -> None:
        self.line.cut()
        self._plan_loss()


def _boot(identity: str) -> BootNotificationRequest:
    return BootNotificationRequest(
        charge_point_vendor="txocpp",
        charge_point_model="simulated",
        charge_point_serial_number=identity[-25:],
        firmware_version="1.0",
    )
