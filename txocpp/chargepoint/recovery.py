"""After a power cut or a reboot: what becomes of transactions that were running (OCPP 1.6 §5.14;
rules TX-30, E-03, S-19)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.limits import Limits
from txocpp.chargepoint.outlet import OPENING_S, Outlet
from txocpp.chargepoint.transactions import Stop, StopReason, Transaction, Transactions

DEVICE_WAIT_S: Final = 5.0
"""How long a device may take to show its register before the saved one has to do."""

log = Logger()


class Recovery:
    """Closes what a power cut has interrupted, or lets it go on.

    `stopped_cleanly`: it was no power cut, somebody had the program stopped.
    """

    def __init__(
        self,
        outlets: Mapping[int, Outlet],
        transactions: Transactions,
        limits: Limits,
        clock: StationClock,
        *,
        resume: bool = False,
        stopped_cleanly: bool = False,
    ) -> None:
        self._outlets = outlets
        self._transactions = transactions
        self._limits = limits
        self._clock = clock
        self._resume = resume
        self._usual = StopReason.REBOOT if stopped_cleanly else StopReason.POWER_LOSS

    async def run(self) -> None:
        """Look after every transaction that was running when the charge point went down."""
        running = self._transactions.running()
        outlets = [self._outlets[t.connector_id] for t in running if self._knows(t)]
        await self._until(lambda: all(one.state.online for one in outlets), DEVICE_WAIT_S)
        ending = [t for t in running if not self._goes_on(t)]
        for transaction in running:
            if transaction not in ending:
                log.info("connector {c}: the transaction goes on", c=transaction.connector_id)
        await self._open_all([self._outlets[t.connector_id] for t in ending if self._knows(t)])
        for transaction in ending:
            await self._close(transaction, self._outlets.get(transaction.connector_id))
        self._limits.resume()

    def _goes_on(self, transaction: Transaction) -> bool:
        outlet = self._outlets.get(transaction.connector_id)
        plugged = outlet is not None and outlet.state.plugged
        return self._resume and transaction.stop_reason is None and plugged

    async def _open_all(self, outlets: list[Outlet]) -> None:
        """A charger that lived on lets its cars draw until it is told; all end at the same time."""
        for outlet in outlets:
            outlet.start()
        await self._until(lambda: not any(one.draws for one in outlets), OPENING_S)

    async def _close(self, transaction: Transaction, outlet: Outlet | None) -> None:
        """End it with the last register, at the last time that the charge point was alive."""
        meter_stop_wh = transaction.meter_start_wh
        at = transaction.started_at
        if outlet is not None:
            # The time first: reading the meter makes it now.
            at = max(at, outlet.register.seen_at or at)
            await outlet.snapshot_or_last()
            meter_stop_wh = max(meter_stop_wh, outlet.register.shown_wh)
            await outlet.unlock()
        reason = transaction.stop_reason or self._usual
        log.info(
            "connector {c}: the transaction is closed, reason {reason}",
            c=transaction.connector_id,
            reason=reason.value,
        )
        stop = Stop(reason=reason, meter_stop_wh=meter_stop_wh, at=at)
        changes = [] if outlet is None else [outlet.register.put()]
        await self._transactions.stop(transaction, stop, *changes)

    async def _until(self, there: Callable[[], bool], longest_s: float) -> None:
        """Look again and again: nobody listens to the EVSEs yet."""
        deadline = self._clock.seconds() + longest_s
        while not there() and self._clock.seconds() < deadline:
            pause: Deferred[None] = Deferred()
            self._clock.call_later(0.25, lambda: pause.callback(None))  # noqa: B023
            await pause

    def _knows(self, transaction: Transaction) -> bool:
        return transaction.connector_id in self._outlets
