"""Telling the central system about the status of one connector (OCPP 1.6 §4.9; rules S-01 to S-11).

A `StatusReporter` is shown each condition of its connector and tells what has to be told: not what
was too short, not what was overtaken while the line was down, nothing that the table forbids.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.connector import Status, way
from txocpp.errors import CallFailed, ConnectionGone

NO_ERROR = "NoError"

log = Logger()


@attrs.frozen
class Condition:
    """What there is to tell about a connector."""

    status: Status
    error_code: str = NO_ERROR
    """OCPP 1.6 §7.6. With another status than Faulted it is a warning (S-07)."""
    info: str = ""
    vendor_error_code: str = ""

    def says(self, other: Condition) -> bool:
        """Whether it is no news to who knows the other: other words alone are none."""
        return (self.status, self.error_code) == (other.status, other.error_code)


@attrs.frozen
class StatusReport:
    """One StatusNotification."""

    connector_id: int
    condition: Condition
    at: datetime
    """When the connector came to be so (S-10)."""


class StatusReporter:
    """Reports for one connector, 0 being the station.

    `tell` sends one report; its Deferred fails with a `CallFailed`. `minimum_s` gives
    MinimumStatusDuration as it is now (S-04).
    """

    def __init__(
        self,
        connector_id: int,
        clock: StationClock,
        tell: Callable[[StatusReport], Deferred[None]],
        *,
        minimum_s: Callable[[], int] = lambda: 0,
    ) -> None:
        self.current = Condition(Status.AVAILABLE)
        self.since = clock.now()
        self._connector_id = connector_id
        self._clock = clock
        self._tell = tell
        self._minimum_s = minimum_s
        self._online = self._stopped = False
        self._told: Condition | None = None
        """What was put on the line last."""
        self._confirmed: Condition | None = None
        """What the central system has answered last."""
        self._doubtful: set[Status] = set()
        """What was told without an answer since: each may have arrived, or not."""
        self._timer: IDelayedCall | None = None
        clock.on_step(self._shift)

    def show(self, condition: Condition) -> None:
        """The connector is like this now."""
        before, self.current = self.current, condition
        changed = condition.status is not before.status
        if changed:
            self.since = self._clock.now()
            self._stop_waiting()
            self._wait_or_tell()
        elif condition.error_code != before.error_code and self._timer is None:
            # S-09: a new or cleared error is told although the status is the same.
            self._tell_current()

    def online(self, *, afresh: bool = False) -> None:
        """Reports get through from now on: tell what has changed meanwhile, not how (S-11).

        `afresh`: the charge point has booted, and the status is told in any case (B-10).
        """
        self._online = True
        self._told = self._confirmed
        if afresh:
            self.tell_now()
        else:
            self._wait_or_tell()

    def offline(self) -> None:
        """Reports do not get through."""
        self._online = False

    def tell_now(self) -> None:
        """Tell the present condition, changed or not: after a boot or on demand (B-10, T-09)."""
        self._stop_waiting()
        self._lead_to_current()

    def remark(self, error_code: str, info: str = "") -> None:
        """Tell something that has happened, with the present status."""
        self._send(attrs.evolve(self.current, error_code=error_code, info=info), self._clock.now())

    def stop(self) -> None:
        """Tell nothing any more."""
        self._online, self._stopped = False, True
        self._stop_waiting()

    def _shift(self, step: timedelta) -> None:
        """The clock has been set: what began so long ago, began then by the new clock."""
        self.since += step

    def _wait_or_tell(self) -> None:
        """Tell the condition when it has lasted as long as it must."""
        lasted_s = (self._clock.now() - self.since).total_seconds()
        remaining_s = self._minimum_s() - lasted_s
        if remaining_s <= 0:
            self._tell_current()
        elif self._timer is None and not self._stopped:
            self._timer = self._clock.call_later(remaining_s, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self._tell_current()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell_current(self) -> None:
        # S-05: nothing is told of a status that has come back to what was told.
        if not self._online or (self._told is not None and self.current.says(self._told)):
            return
        self._lead_to_current()

    def _lead_to_current(self) -> None:
        """Tell the present status, and before it what must not be left out."""
        for step in self._steps():
            self._send(Condition(step), self.since)
        self._send(self.current, self.since)

    def _steps(self) -> tuple[Status, ...]:
        """What has to be told before the present status, so that no step is forbidden (S-01)."""
        possible = self._doubtful | ({self._told.status} if self._told is not None else set())
        if not possible or self._connector_id == 0:
            return ()
        return way(possible, self.current.status)[:-1]

    def _send(self, condition: Condition, at: datetime) -> None:
        if not self._online:
            return
        self._told = condition
        told = self._tell(StatusReport(self._connector_id, condition, at))
        told.addCallbacks(
            self._heard, self._unheard, callbackArgs=(condition,), errbackArgs=(condition,)
        )

    def _heard(self, _: None, condition: Condition) -> None:
        self._confirmed = condition
        self._doubtful.clear()

    def _unheard(self, failure: Failure, condition: Condition) -> None:
        failure.trap(CallFailed)
        self._doubtful.add(condition.status)
        if failure.check(ConnectionGone) is None:
            log.warn(
                "status {status} of connector {connector} was not taken: {reason}",
                status=condition.status,
                connector=self._connector_id,
                reason=failure.getErrorMessage(),
            )
