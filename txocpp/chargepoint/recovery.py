"""After a power cut or a reboot: what becomes of transactions that were running (OCPP 1.6 §5.14;
rules TX-30, E-03, S-19)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.limits import Limits
from txocpp.chargepoint.outlet import Outlet
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
        if running:
            await self._wait_for_devices(running)
        for transaction in running:
            outlet = self._outlets.get(transaction.connector_id)
            if outlet is not None and self._goes_on(transaction, outlet):
                log.info("connector {c}: the transaction goes on", c=transaction.connector_id)
            else:
                await self._close(transaction, outlet)
        self._limits.resume()

    def _goes_on(self, transaction: Transaction, outlet: Outlet) -> bool:
        return self._resume and transaction.stop_reason is None and outlet.state.plugged

    async def _close(self, transaction: Transaction, outlet: Outlet | None) -> None:
        """End it with the last register, at the last time that the charge point was alive."""
        meter_stop_wh = transaction.meter_start_wh
        at = transaction.started_at
        if outlet is not None:
            # The time first: reading the meter makes it now.
            at = max(at, outlet.register.seen_at or at)
            await outlet.take_back()
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

    async def _wait_for_devices(self, running: list[Transaction]) -> None:
        until = self._clock.seconds() + DEVICE_WAIT_S
        concerned = [self._outlets[t.connector_id] for t in running if self._knows(t)]
        while self._clock.seconds() < until:
            if all(outlet.state.online for outlet in concerned):
                return
            pause: Deferred[None] = Deferred()
            self._clock.call_later(0.25, lambda: pause.callback(None))  # noqa: B023
            await pause

    def _knows(self, transaction: Transaction) -> bool:
        return transaction.connector_id in self._outlets
