"""One connector at work: cable, grant, transaction, faults, and the status that follows.

A `Bay` is told what happens (a car is plugged in, somebody may charge, a transaction shall end) and
does what follows. What a presented tag means is decided in `access`, what a remote command means in
`remote`; neither the wire nor the device is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.charge import Charge, Grant, LockFailed, Surroundings
from txocpp.chargepoint.connector import Facts, Status, status
from txocpp.chargepoint.outlet import Outlet
from txocpp.chargepoint.reservations import Standing
from txocpp.chargepoint.statusreports import NO_ERROR, Condition, StatusReporter
from txocpp.chargepoint.tags import TagInfo, TagStatus
from txocpp.chargepoint.timers import Timers
from txocpp.chargepoint.transactions import StopReason, Transaction
from txocpp.errors import StoreError
from txocpp.evse import EVSEState, Fault, FaultCode, MeterReading

OFFLINE_GRACE_S = 10.0
"""A charger that has not been heard for so long is told to be offline."""

UNREACHABLE_S = 60.0
"""A connector without a transaction whose charger has not been heard for so long is unavailable."""

UNPLUGGED_INFO = "EV side disconnected"
LINE_FAULT = Fault(
    FaultCode.OTHER_ERROR,
    blocking=False,
    info="no line to the charger",
    vendor_code="DeviceLinkLost",
)
LOCK_FAULT = Fault(FaultCode.CONNECTOR_LOCK_FAILURE)

log = Logger()


class Bay:
    """One connector at work.

    `on_plugged` is called when a car comes that nobody here has waited for, `on_status` when the
    status is another one.
    """

    def __init__(
        self, outlet: Outlet, reporter: StatusReporter, surroundings: Surroundings
    ) -> None:
        self.connector_id = outlet.connector_id
        self.outlet = outlet
        self.reporter = reporter
        self.charge = Charge(outlet, surroundings)
        self.charge.on_change = self.refresh
        self.grant: Grant | None = None
        self.held_for: Transaction | None = None
        """The stopped transaction whose tag must be shown to unlock the cable (A-60)."""
        self._unreachable = False
        self.closed = False
        """No new transaction begins any more: a reset is under way (E-08)."""
        self.plugged = outlet.state.plugged
        """A car is connected."""
        self.on_plugged: Callable[[], object] = lambda: None
        self.on_status: Callable[[], object] = lambda: None
        self._s = surroundings
        self._timers = Timers(surroundings.clock)
        self._finished = False
        self._beginning = False
        self._before_fault = Status.AVAILABLE
        self._online = outlet.state.online
        self._own_faults: dict[FaultCode, Fault] = {}
        self._working = False

    @property
    def transaction(self) -> Transaction | None:
        """The transaction that runs here."""
        return self.charge.transaction

    @property
    def faults(self) -> list[Fault]:
        """What is wrong here, blocking faults first."""
        faults = [*self._own_faults.values(), *self.outlet.state.faults]
        return sorted(faults, key=lambda fault: not fault.blocking)

    @property
    def faulted(self) -> bool:
        """A fault forbids charging."""
        return any(fault.blocking for fault in self.faults)

    @property
    def is_free(self) -> bool:
        """Somebody could begin here now (TX-01, R-04, S-17)."""
        return (
            self._s.holds.operative(self.connector_id)
            and self.outlet.state.online
            and not self.faulted
            and self.transaction is None
            and self.grant is None
            and self.held_for is None
            and not self._beginning
            and not self.charge.busy
            and not self.closed
        )

    @property
    def in_use(self) -> bool:
        """A transaction runs or begins, or somebody has been let in."""
        return (
            self.transaction is not None
            or self.grant is not None
            or self._beginning
            or self.charge.busy
        )

    @property
    def standing(self) -> Standing:
        """How it stands towards a new reservation (V-02)."""
        if self.faulted:
            return Standing.FAULTED
        if self.in_use:
            return Standing.OCCUPIED
        if not self._s.holds.operative(self.connector_id):
            return Standing.UNAVAILABLE
        return Standing.OCCUPIED if self.plugged else Standing.FREE

    # The life of the bay.

    def start(self) -> None:
        """Begin to work."""
        self._working = True
        self.charge.start()
        self._watch_line(self.outlet.state)
        self.refresh()

    def stop(self) -> None:
        """Do nothing more; what runs is left as it is."""
        self._working = False
        self._timers.cancel_all()
        self.charge.stop()
        self.reporter.stop()

    # What the device tells.

    def state_changed(self, state: EVSEState) -> None:
        """Something is different at the EVSE."""
        self.outlet.state_changed(state)
        self._watch_line(state)
        if state.online and state.plugged != self.plugged:
            self.plugged = state.plugged
            if state.plugged:
                self._plugged_in()
            else:
                self._unplugged()
        if self.transaction is not None or state.online is not self._online:
            # What a box can do is known only when its line is up.
            self._s.limits.refresh()
        self._online = state.online
        self.refresh()

    def measured(self, reading: MeterReading) -> None:
        """The device sent a reading by itself."""
        self.outlet.measured(reading)
        self.charge.watch_energy()

    # What somebody wants.

    def give(self, grant: Grant) -> None:
        """Somebody may start: at once if a car is plugged in, else when it is, within
        ConnectionTimeOut (S-18, R-05)."""
        self.grant = grant
        if self.plugged:
            self._begin()
        else:
            timeout_s = self._s.configuration.integer("ConnectionTimeOut")
            self._timers.set("patience", timeout_s, self._out_of_patience)
        self.refresh()

    def take_grant(self) -> Grant | None:
        """The grant goes elsewhere, or its owner has given up (B1)."""
        grant, self.grant = self.grant, None
        self._timers.cancel("patience")
        if grant is not None:
            self.refresh()
        return grant

    def end(
        self, reason: StopReason, id_tag: str | None = None, *, unlock: bool = True
    ) -> Deferred[None]:
        """End the running transaction; fires when that is saved. Ends at once if none runs."""
        return Deferred.fromCoroutine(self._end(reason, id_tag, unlock=unlock))

    def release(self) -> None:
        """The right tag has been shown: unlock the cable that was kept (A-60)."""
        self._spawn(self.unlock())

    async def unlock(self) -> bool:
        """Unlock the plug; False if it stays locked (U-01)."""
        self.held_for = None
        unlocked = await self.outlet.unlock()
        if unlocked and not self.plugged:
            self._finished = False
        self.refresh()
        return unlocked

    def confirmed(self, transaction: Transaction, info: TagInfo) -> None:
        """The central system has taken in the start of our transaction (A-60 to A-63)."""
        self._s.limits.refresh()
        if info.status is TagStatus.ACCEPTED or transaction.stopped:
            return
        log.info("{tag} was refused: {status}", tag=transaction.id_tag, status=info.status)
        if self._s.configuration.boolean("StopTransactionOnInvalidId"):
            self._spawn(self._end(StopReason.DE_AUTHORIZED, None, unlock=False))
        else:
            self.charge.refuse(info)

    def limit_changed(self) -> None:
        """The limit of the EVSE is another one now."""
        if self.outlet.offers:
            self.charge.offer_anew()
        self.refresh()

    def refresh(self) -> None:
        """Derive the status anew from what is true now, and show it."""
        # What happens while a transaction begins or ends is part of that.
        if not self._working or self._beginning or self.charge.busy:
            return
        self._keep_in_service()
        faulted = self.faulted
        if not faulted and self.reporter.current.status is Status.FAULTED:
            self.charge.offer_anew()
        facts = Facts(
            fault=faulted,
            operative=self._s.holds.operative(self.connector_id) and not self._unreachable,
            flow=self.charge.flow,
            granted=self.grant is not None,
            plugged=self.plugged,
            finished=self._finished,
            reserved=self._s.holds.reserved(self.connector_id),
        )
        self._show(status(facts, self._status_before(facts.fault)))

    def _status_before(self, fault: bool) -> Status:
        """The status to go on from; when a fault is over, that before the fault (I1 to I8)."""
        current = self.reporter.current.status
        if fault:
            if current is not Status.FAULTED:
                self._before_fault = current
        elif current is Status.FAULTED:
            return self._before_fault
        return current

    # Cable.

    def _plugged_in(self) -> None:
        self._finished = False
        if self.transaction is not None:
            return
        if self.grant is not None:
            self._begin()
        else:
            self.on_plugged()

    def _unplugged(self) -> None:
        self._own_faults.pop(FaultCode.CONNECTOR_LOCK_FAILURE, None)
        if not self.outlet.state.locked:
            self._finished = False
            self.held_for = None
        stops = self._s.configuration.boolean("StopTransactionOnEVSideDisconnect")
        if self.transaction is not None and stops:
            unlock = self._s.configuration.boolean("UnlockConnectorOnEVSideDisconnect")
            self._spawn(self._end(StopReason.EV_DISCONNECTED, None, unlock=unlock))

    def _out_of_patience(self) -> None:
        log.info("connector {connector}: no cable in time", connector=self.connector_id)
        self.take_grant()

    # Beginning and ending.

    def _begin(self) -> None:
        grant, self.grant = self.grant, None
        self._timers.cancel("patience")
        if grant is not None and self.transaction is None and not self.charge.busy:
            self._beginning = True
            self._show(Status.PREPARING)
            self._spawn(self._begin_with(grant))

    async def _begin_with(self, grant: Grant) -> None:
        try:
            begun = await self.charge.begin(grant, self._may_begin)
        except LockFailed:
            begun = False
            if self.plugged:
                self._own_faults[LOCK_FAULT.code] = LOCK_FAULT
        except StoreError as error:
            begun = False
            log.error("no transaction begins: {reason}", reason=str(error))
        finally:
            self._beginning = False
        if begun:
            self._finished = False
        self.refresh()
        if begun and not self.plugged:
            self._unplugged()

    def _may_begin(self) -> bool:
        """Whether everything that a start needs is still there after the preparations (TX-01)."""
        return (
            self.plugged
            and self.outlet.state.online
            and not self.faulted
            and self._s.holds.operative(self.connector_id)
            and not self.closed
        )

    async def _end(self, reason: StopReason, id_tag: str | None, *, unlock: bool) -> None:
        transaction = self.transaction
        if await self.charge.end(reason, id_tag, unlock=unlock):
            locked = bool(self.outlet.state.locked)
            self._finished = self.plugged or locked
            if locked and not unlock:
                self.held_for = transaction
            if reason is StopReason.EV_DISCONNECTED:
                # S-13: told even where the connector is free again at once.
                self.reporter.show(Condition(Status.FINISHING, info=UNPLUGGED_INFO))
            self.refresh()

    # Faults and service.

    def _watch_line(self, state: EVSEState) -> None:
        if state.online:
            self._timers.cancel("offline")
            self._timers.cancel("unreachable")
            self._own_faults.pop(LINE_FAULT.code, None)
            self._unreachable = False
        elif not self._timers.runs("unreachable") and not self._unreachable:
            self._timers.set(
                "offline", max(OFFLINE_GRACE_S - state.silent_s, 0.0), self._line_is_down
            )
            self._timers.set(
                "unreachable", max(UNREACHABLE_S - state.silent_s, 0.0), self._out_of_reach
            )

    def _line_is_down(self) -> None:
        self._own_faults[LINE_FAULT.code] = LINE_FAULT
        self.refresh()

    def _out_of_reach(self) -> None:
        self._unreachable = True
        self.refresh()

    def _keep_in_service(self) -> None:
        """Out of service means no grants, and the EVSE itself when the transaction is over
        (AV-02)."""
        operative = self._s.holds.operative(self.connector_id)
        if not operative and self.grant is not None:
            self.grant = None
            self._timers.cancel("patience")
        wanted = operative or self.transaction is not None
        if wanted != self.outlet.state.available:
            self.outlet.set_available(wanted)

    def _show(self, new: Status) -> None:
        faults = self.faults
        if faults:
            first = faults[0]
            condition = Condition(new, first.code.value, first.info, first.vendor_code)
        elif self.transaction is not None and not self.plugged:
            condition = Condition(new, NO_ERROR, UNPLUGGED_INFO)
        else:
            condition = Condition(new)
        changed = new is not self.reporter.current.status
        self.reporter.show(condition)
        self.outlet.show(new.value, condition.info)
        if changed:
            self.on_status()

    def _spawn(self, work: Coroutine[Deferred[Any], Any, object]) -> None:
        Deferred.fromCoroutine(work).addErrback(self._stumbled)

    def _stumbled(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            log.failure("connector {connector}", failure, connector=self.connector_id)
