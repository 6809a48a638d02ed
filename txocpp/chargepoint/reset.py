"""Restarting on demand (OCPP 1.6 §5.14; rules E-01 to E-08).

Soft: transactions end in good order, what is queued gets some time to go out. Hard: at once;
transactions are closed after the next boot. Either way the charge point boots again by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.logger import Logger

from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.outbox import Outbox
from txocpp.chargepoint.transactions import StopReason, Transactions
from txocpp.errors import DeviceError
from txocpp.evse import ResetKind
from txocpp.interfaces import IEVSE

DELIVERY_S: Final = 5.0
"""How long a soft reset waits for the queue to go out; the rest goes after the boot (E-04)."""

PARTING_S: Final = 1.0
"""Time for the last statuses to get out."""

RETRY_S: Final = 5.0

log = Logger()


class Reset:
    """Takes the charge point down for a reboot.

    `reboot` brings it up again. `on_failure` hears that the device could not be restarted (E-07).
    """

    def __init__(
        self,
        bays: Iterable[Bay],
        evses: Iterable[IEVSE],
        transactions: Transactions,
        outbox: Outbox,
        clock: StationClock,
        configuration: Configuration,
        *,
        reboot: Callable[[], object],
        on_failure: Callable[[], object] = lambda: None,
    ) -> None:
        self._bays = list(bays)
        self._evses = list(evses)
        self._transactions = transactions
        self._outbox = outbox
        self._clock = clock
        self._configuration = configuration
        self._reboot = reboot
        self._on_failure = on_failure
        self._under_way = False

    @property
    def possible(self) -> bool:
        """False while one is under way."""
        return not self._under_way

    async def run(self, kind: ResetKind) -> None:
        """Restart. The answer to the central system is out by now (E-01)."""
        self._under_way = True
        for bay in self._bays:
            bay.closed = True
            bay.take_grant()
        if kind is ResetKind.SOFT:
            await self._end_transactions()
        else:
            self._note_hard_reset()
        if await self._restart_device(kind):
            self._reboot()
            return
        self._under_way = False
        for bay in self._bays:
            bay.closed = False
        self._on_failure()

    async def _end_transactions(self) -> None:
        """E-02: in good order, with the reason, and told if the line allows it."""
        await gatherResults([bay.end(StopReason.SOFT_RESET) for bay in self._bays])
        sent = self._outbox.emptied()
        sent.addTimeout(DELIVERY_S, self._clock.reactor_clock)
        sent.addErrback(lambda failure: failure.trap(TookTooLong))
        await sent
        await self._pause(PARTING_S)

    def _note_hard_reset(self) -> None:
        """E-03: what runs is stopped after the boot, and then the reason must be known."""
        for transaction in self._transactions.running():
            self._transactions.change(transaction, stop_reason=StopReason.HARD_RESET)

    async def _restart_device(self, kind: ResetKind) -> bool:
        """E-07: try again as often as ResetRetries says."""
        for attempt in range(1 + self._configuration.integer("ResetRetries")):
            if attempt:
                await self._pause(RETRY_S)
            try:
                await gatherResults([evse.reset(kind) for evse in self._evses], consumeErrors=True)
            except Exception as error:
                log.warn("the device does not restart: {reason}", reason=_words(error))
            else:
                return True
        return False

    def _pause(self, seconds: float) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self._clock.call_later(seconds, lambda: done.callback(None))
        return done


def _words(error: Exception) -> str:
    failure = getattr(error, "subFailure", None)
    if failure is None:
        return str(error)
    failure.trap(DeviceError)
    return str(failure.getErrorMessage())
