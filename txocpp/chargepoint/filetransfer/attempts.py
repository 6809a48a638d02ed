"""Trying again (OCPP 1.6 §5.9, §5.19, §6.25, §6.55; rule F-06)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txocpp.chargepoint.clock import StationClock
from txocpp.errors import TransferFailed, TransferTrouble

HOPELESS: Final = (TransferTrouble.UNSUPPORTED, TransferTrouble.MALFORMED)

log = Logger()


@attrs.frozen
class Patience:
    """How often, and how long apart."""

    retries: int
    """After the first attempt."""
    interval_s: int
    """Seconds between two attempts."""

    def asked(self, retries: int | None, interval_s: int | None) -> Patience:
        """As the central system wants it, where it says something sensible."""
        return Patience(
            self.retries if retries is None else max(0, retries),
            self.interval_s if interval_s is None else max(0, interval_s),
        )


async def repeated(
    attempt: Callable[[], Deferred[Any]], patience: Patience, clock: StationClock, what: str
) -> None:
    """Try until it works; the last failure is raised, and one that will not go away at once."""
    for left in range(patience.retries, -1, -1):
        try:
            await attempt()
        except TransferFailed as failed:
            again = left > 0 and failed.kind not in HOPELESS
            log.warn(
                "{what}: {reason}{outlook}",
                what=what,
                reason=str(failed),
                outlook=f"; again in {patience.interval_s} s" if again else "",
            )
            if not again:
                raise
        else:
            return
        await pause(clock, patience.interval_s)


def pause(clock: StationClock, seconds: float) -> Deferred[None]:
    """Fires after so many seconds; may be cancelled."""
    waiting: Deferred[None] = Deferred(lambda _: call.cancel())
    call = clock.call_later(seconds, lambda: waiting.callback(None))
    return waiting
