"""One connector's transaction: its beginning, its energy, its end (OCPP 1.6 §3.6, §4.8, §4.10).

A `Charge` knows the EVSE and the transaction, not the status: a `Bay` derives that. Beginning and
ending take time (a lock moves, a meter is read, a disk is written); they happen one at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.connector import Flow
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.limits import Limits
from txocpp.chargepoint.measurands import Snapshot
from txocpp.chargepoint.metering import Sampler, Taken
from txocpp.chargepoint.outlet import Outlet
from txocpp.chargepoint.reservations import Reservation
from txocpp.chargepoint.tags import TagInfo, TagStatus
from txocpp.chargepoint.timers import Timers
from txocpp.chargepoint.transactions import Stop, StopReason, Transaction, Transactions
from txocpp.evse import FaultCode
from txocpp.smartcharging import Profile

SETTLE_S = 5.0
"""How long a car may take to follow a new offer before it counts as not taking it."""

CHECKPOINT_S = 60.0
"""How often the register of a running transaction is saved, for its end after a power cut."""

log = Logger()


@attrs.frozen(kw_only=True)
class Grant:
    """Somebody may start a transaction here."""

    id_tag: str
    parent_id_tag: str | None = None
    profile: Profile | None = None
    """Came with the remote start, and comes into force with the transaction (SR-702)."""
    connectors: tuple[int, ...] = ()
    """Where else the cable may be plugged in: the other connectors of the same reader, or any where
    a remote start has left the choice to the station."""


class Holds(Protocol):
    """What may keep a connector from serving: availability and reservations."""

    def operative(self, connector_id: int) -> bool:
        """Neither the connector nor the station is out of service."""

    def reserved(self, connector_id: int) -> bool:
        """Whether the connector shows as reserved."""

    def meant_for(
        self, connector_id: int, id_tag: str, parent_id_tag: str | None
    ) -> Reservation | None:
        """The reservation that a start uses up (V-08, V-09)."""

    def used(self, reservation: Reservation) -> None:
        """It has been used up."""


@attrs.frozen
class Surroundings:
    """What all connectors of a charge point share."""

    clock: StationClock
    configuration: Configuration
    journal: Journal
    transactions: Transactions
    limits: Limits
    holds: Holds


class LockFailed(Exception):
    """The plug could not be locked; no transaction begins (S-16)."""


class Charge:
    """The transaction of one connector. `on_change` is called when flow or transaction may be
    different from before."""

    def __init__(self, outlet: Outlet, surroundings: Surroundings) -> None:
        self.connector_id = outlet.connector_id
        self.outlet = outlet
        self.on_change: Callable[[], object] = lambda: None
        self.sampler = Sampler(self, surroundings.clock, surroundings.configuration)
        self._s = surroundings
        self._timers = Timers(surroundings.clock)
        self._one_at_a_time = DeferredLock()
        self._ending = False
        self._stopped = False

    @property
    def transaction(self) -> Transaction | None:
        """The transaction that runs here."""
        return self._s.transactions.on_connector(self.connector_id)

    @property
    def busy(self) -> bool:
        """A transaction is beginning or ending just now."""
        return self._one_at_a_time.locked

    def start(self) -> None:
        """Begin to work: a transaction of an earlier life goes on (TX-30)."""
        self.sampler.start()
        transaction = self.transaction
        if transaction is not None:
            self.sampler.begin(transaction.started_at, None)
            self._keep_checkpoints()
            self.outlet.permitted = not transaction.refused
            self.offer_anew()
        self.outlet.start()

    def stop(self) -> None:
        """Do nothing more; what runs is left as it is."""
        self._stopped = True
        self._timers.cancel_all()
        self.sampler.stop()
        self.outlet.stop()

    # Beginning and ending.

    async def begin(self, grant: Grant, still_possible: Callable[[], bool]) -> bool:
        """Begin a transaction, unless it has become impossible during the preparations.

        Raises `LockFailed`, or `StoreError` if it could not be saved.
        """
        async with self._one_at_a_time:
            try:
                begun = await self._begin(grant, still_possible)
            except Exception:
                await self.outlet.unlock()
                raise
            if not begun:
                await self.outlet.unlock()
            return begun

    async def end(self, reason: StopReason, id_tag: str | None, *, unlock: bool) -> bool:
        """End the running transaction; False if none was running. Returns when it is saved."""
        async with self._one_at_a_time:
            transaction = self.transaction
            if transaction is None or self._stopped:
                return False
            await self._end(transaction, reason, id_tag)
            if unlock:
                await self.outlet.unlock()
            return True

    async def _begin(self, grant: Grant, still_possible: Callable[[], bool]) -> bool:
        if not await self.outlet.lock():
            raise LockFailed
        snapshot = await self.outlet.snapshot_or_last()
        if not still_possible() or self._stopped or not self._s.transactions.may_start:
            return False
        reservation = self._s.holds.meant_for(self.connector_id, grant.id_tag, grant.parent_id_tag)
        changes: list[Change] = [self.outlet.register.put()]
        if reservation is not None:
            changes.append(reservation.delete())
        if grant.profile is not None:
            changes += self._s.limits.bind(grant.profile, self.connector_id)
        at = self._s.clock.now()
        transaction = await self._s.transactions.start(
            connector_id=self.connector_id,
            id_tag=grant.id_tag,
            parent_id_tag=grant.parent_id_tag,
            meter_start_wh=self.outlet.register.shown_wh,
            at=at,
            reservation_id=None if reservation is None else reservation.reservation_id,
            changes=changes,
        )
        if reservation is not None:
            self._s.holds.used(reservation)
        self.sampler.begin(at, snapshot)
        self._keep_checkpoints()
        self._s.limits.refresh()
        if not transaction.refused:
            self.outlet.permit()
            self.offer_anew()
        return True

    async def _end(self, transaction: Transaction, reason: StopReason, id_tag: str | None) -> None:
        await self.outlet.take_back(at_once=reason is StopReason.EMERGENCY_STOP)
        snapshot = await self.outlet.snapshot_or_last()
        at = self._s.clock.now()
        self._ending = True
        self.sampler.end(at, snapshot)
        self._ending = False
        self._timers.cancel_all()
        stop = Stop(
            reason=transaction.stop_reason or reason,
            meter_stop_wh=self.outlet.register.shown_wh,
            at=at,
            id_tag=id_tag,
        )
        saved = self._s.transactions.stop(
            transaction,
            stop,
            *self._s.limits.end_transaction(self.connector_id),
            self.outlet.register.put(),
        )
        self._s.limits.refresh()
        await saved

    # Energy.

    @property
    def flow(self) -> Flow | None:
        """What becomes of the energy; None without a transaction."""
        if self.transaction is None:
            return None
        state = self.outlet.state
        if not self.outlet.offers:
            return Flow.HELD_BACK
        if not state.plugged:
            return Flow.NOT_TAKEN
        if state.energised and (state.wants_energy or not self.outlet.capabilities.signals_ready):
            return Flow.FLOWING
        if self._timers.runs("settling"):
            return Flow.BEGINNING
        # A pilot that says nothing sensible is a reason of ours (OCPP 1.6 §7.6).
        unclear = any(one.code is FaultCode.EV_COMMUNICATION_ERROR for one in state.faults)
        return Flow.HELD_BACK if state.wants_energy or unclear else Flow.NOT_TAKEN

    def refuse(self, info: TagInfo) -> None:
        """The central system did not accept the tag, and the transaction goes on without energy
        as soon as MaxEnergyOnInvalidId is used up (A-61, A-62)."""
        transaction = self.transaction
        if transaction is not None and info.status is not TagStatus.ACCEPTED:
            shown_wh = self.outlet.register.shown_wh
            self._s.transactions.change(transaction, refused=True, refused_at_wh=shown_wh)
            self.watch_energy()

    def watch_energy(self) -> None:
        """Hold back the energy of a refused tag when it has had what it may have."""
        transaction = self.transaction
        if transaction is None or not transaction.refused or not self.outlet.permitted:
            return
        used_wh = self.outlet.register.shown_wh - (transaction.refused_at_wh or 0)
        if used_wh >= self._s.configuration.integer("MaxEnergyOnInvalidId"):
            self._spawn(self.outlet.take_back())
            self.on_change()

    def offer_anew(self) -> None:
        """Charging is possible again: the car gets some time to follow it."""
        if self.transaction is not None:
            self._timers.set("settling", SETTLE_S, self.on_change)

    # MeterPoint: what the sampler asks and gives.

    def snapshot(self) -> Deferred[Snapshot]:
        """See `metering.MeterPoint`."""
        return Deferred.fromCoroutine(self._read())

    def report(self, taken: Taken, occasion: Transaction | None) -> None:
        """See `metering.MeterPoint`."""
        register = self.outlet.register.put()
        self._s.transactions.report(self.connector_id, occasion, taken, register)

    def collect(self, taken: Taken, occasion: Transaction | None) -> None:
        """See `metering.MeterPoint`."""
        if occasion is not None:
            self._s.transactions.collect(occasion, taken, last=self._ending)

    @property
    def occasion(self) -> Transaction | None:
        """See `metering.MeterPoint`."""
        return self.transaction

    # Inside.

    async def _read(self) -> Snapshot:
        snapshot = await self.outlet.snapshot()
        self.watch_energy()
        return snapshot

    def _keep_checkpoints(self) -> None:
        self._timers.set("checkpoint", CHECKPOINT_S, self._check)

    def _check(self) -> None:
        self._keep_checkpoints()
        self._spawn(self._save_register())

    async def _save_register(self) -> None:
        await self.outlet.snapshot_or_last()
        self.watch_energy()
        if self.transaction is not None:
            self._s.journal.keep(self.outlet.register.put())

    def _spawn(self, work: object) -> None:
        Deferred.fromCoroutine(work).addErrback(self._stumbled)  # type: ignore[arg-type]

    def _stumbled(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            log.failure("connector {connector}", failure, connector=self.connector_id)
