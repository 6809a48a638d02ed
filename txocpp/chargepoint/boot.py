"""Registration with the central system (OCPP 1.6 §4.2; rules B-01 to B-18, C-13).

A table of what may be said and answered in each state, and one timer: the least time until the next
BootNotification.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.timers import Timers
from txocpp.errors import CallFailed, ConnectionGone
from txocpp.interfaces import Put

TABLE: Final = "station"
KEY: Final = "registration"
FIRST_RETRY_S: Final = 10.0
LONGEST_RETRY_S: Final = 300.0

log = Logger()


class State(StrEnum):
    """Where a charge point stands with its central system."""

    UNKNOWN = "not registered"
    """No BootNotification has been answered since the last boot."""
    PENDING = "Pending"
    REJECTED = "Rejected"
    ACCEPTED = "Accepted"


@attrs.frozen
class BootAnswer:
    """What the central system says to a BootNotification."""

    state: State
    interval_s: int
    """Accepted: between heartbeats. Otherwise: the least wait until the next attempt."""
    current_time: datetime


@attrs.frozen(kw_only=True)
class BootFacts:
    """What a charge point says about itself."""

    vendor: str
    model: str
    serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


class Registration:
    """Boots until accepted, and knows what may be said meanwhile.

    `boot` sends a BootNotification. `on_accepted` is called with each acceptance, `on_change` with
    every change of state or line.
    """

    def __init__(
        self,
        clock: StationClock,
        configuration: Configuration,
        journal: Journal,
        boot: Callable[[BootFacts], Deferred[BootAnswer]],
        facts: Callable[[], BootFacts],
        *,
        default_wait_s: float = 30.0,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.state = State.UNKNOWN
        self.connected = False
        self.ever_accepted = bool((saved or {}).get(KEY, {}).get("accepted", False))
        """Some central system has accepted this charge point once (B-14)."""
        self.on_accepted: Callable[[], object] = lambda: None
        self.on_change: Callable[[], object] = lambda: None
        self._clock = clock
        self._configuration = configuration
        self._journal = journal
        self._boot = boot
        self._facts = facts
        self._default_wait_s = default_wait_s
        self._timers = Timers(clock)
        self._told: BootFacts | None = None
        self._due_at = 0.0
        """Not before this second of the clock may the next attempt be (B-04, B-05)."""
        self._failures = 0
        self._waiting: Deferred[BootAnswer] | None = None

    @property
    def online(self) -> bool:
        """The central system can be asked and told anything."""
        return self.connected and self.state is State.ACCEPTED

    @property
    def answers(self) -> bool:
        """Whether calls of the central system are answered: not while Rejected (B-07)."""
        return self.state is not State.REJECTED

    def line_up(self) -> None:
        """A connection is there: boot, or carry on if nothing has changed (C-13)."""
        self.connected = True
        if self.state is State.ACCEPTED and self._told == self._facts():
            self.on_change()
            return
        if self.state is State.ACCEPTED:
            self.state = State.UNKNOWN
        self.on_change()
        self._boot_when_due()

    def line_down(self) -> None:
        """The connection is gone."""
        self.connected = False
        self._timers.cancel("boot")
        self.on_change()

    def trigger(self) -> bool:
        """TriggerMessage(BootNotification): send one now; False once accepted (B-05, B-16)."""
        if self.state is State.ACCEPTED or not self.connected:
            return False
        self._send()
        return True

    def stop(self) -> None:
        """Boot no more."""
        self.connected = False
        self._timers.cancel_all()
        if self._waiting is not None:
            self._waiting.cancel()

    def _boot_when_due(self) -> None:
        wait_s = max(0.0, self._due_at - self._clock.seconds())
        if wait_s > 0:
            self._timers.set("boot", wait_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        if self._waiting is not None or not self.connected:
            return
        self._timers.cancel("boot")
        facts = self._facts()
        self._waiting = self._boot(facts)
        self._waiting.addCallbacks(self._answered, self._failed, callbackArgs=(facts,))

    def _answered(self, answer: BootAnswer, facts: BootFacts) -> None:
        self._waiting = None
        self._failures = 0
        self._told = facts
        self.state = answer.state
        log.info("the central system says {state}", state=answer.state.value)
        if answer.state is State.ACCEPTED:
            self._accepted(answer)
            return
        # B-04: with 0 the station chooses.
        self._wait(float(answer.interval_s) if answer.interval_s > 0 else self._default_wait_s)
        self.on_change()

    def _accepted(self, answer: BootAnswer) -> None:
        self._clock.adjust(answer.current_time)
        if answer.interval_s > 0:
            # B-03, K-11
            self._configuration.set_here("HeartbeatInterval", str(answer.interval_s))
        if not self.ever_accepted:
            self.ever_accepted = True
            self._journal.keep(Put(TABLE, KEY, {"accepted": True}))
        self.on_accepted()
        self.on_change()

    def _failed(self, failure: Failure) -> None:
        self._waiting = None
        failure.trap(CallFailed, CancelledError)
        if failure.check(ConnectionGone, CancelledError) is not None or not self.connected:
            return
        self._failures += 1
        wait_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10))
        log.warn(
            "no answer to the BootNotification: {reason}; again in {wait_s:.0f} s",
            reason=failure.getErrorMessage(),
            wait_s=wait_s,
        )
        self._wait(wait_s)

    def _wait(self, wait_s: float) -> None:
        self._due_at = self._clock.seconds() + wait_s
        if self.connected:
            self._timers.set("boot", wait_s, self._send)
