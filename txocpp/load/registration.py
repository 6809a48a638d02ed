"""Boot until accepted, then heartbeats (OCPP 1.6 §4.2, §4.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from txocpp.errors import ConnectionGone
from txocpp.load.figures import Figures
from txocpp.load.keys import Keys
from txocpp.load.line import Line
from txocpp.load.times import SimulatedTime
from txocpp.messages.v16 import BootNotificationRequest, HeartbeatRequest, RegistrationStatus

FIRST_RETRY_S: Final = 10.0
"""After a BootNotification that was not answered, in simulated seconds; doubled each time."""
LONGEST_RETRY_S: Final = 300.0
OWN_CHOICE_S: Final = 30.0
"""Until the next BootNotification where the central system leaves it to the station (B-04)."""


class Registration:
    """Where a station stands with its central system."""

    __slots__ = (
        "_boot",
        "_boot_at_s",
        "_boot_timer",
        "_failures",
        "_figures",
        "_heartbeat_timer",
        "_keys",
        "_line",
        "_on_accepted",
        "_time",
        "_waiting",
        "ever_accepted",
        "last_said_s",
        "status",
    )

    def __init__(
        self,
        line: Line,
        time: SimulatedTime,
        keys: Keys,
        figures: Figures,
        boot: BootNotificationRequest,
        on_accepted: Callable[[], object],
    ) -> None:
        self.status: RegistrationStatus | None = None
        """None: no BootNotification was answered since the last boot."""
        self.ever_accepted = False
        self.last_said_s = 0.0
        """When something was sent last, in simulated seconds (H-01)."""
        self._line = line
        self._time = time
        self._keys = keys
        self._figures = figures
        self._boot = boot
        self._on_accepted = on_accepted
        self._boot_at_s = 0.0
        self._failures = 0
        self._waiting = False
        self._boot_timer: IDelayedCall | None = None
        self._heartbeat_timer: IDelayedCall | None = None

    @property
    def accepted(self) -> bool:
        """It may say whatever it likes."""
        return self.status is RegistrationStatus.ACCEPTED

    def line_up(self) -> None:
        """Boot, or carry on if the station has not restarted (C-13)."""
        if self.accepted:
            self._go_on()
        else:
            self._boot_when_due()

    def line_down(self) -> None:
        """Nothing can be said for now."""
        self._stop_booting()
        self._stop_heartbeats()

    def forget(self, wait_s: float = 0.0) -> None:
        """The station restarts, or the central system does not know it any more."""
        self.status = None
        self._boot_at_s = self._time.seconds() + wait_s
        self._stop_heartbeats()
        if self._line.is_open:
            self._boot_when_due()

    def trigger(self) -> bool:
        """TriggerMessage(BootNotification); False once accepted (B-05, B-16)."""
        if self.accepted:
            return False
        self._send()
        return True

    def watch_heartbeats(self) -> None:
        """HeartbeatInterval has changed."""
        self._stop_heartbeats()
        interval_s = self._keys.number("HeartbeatInterval")
        if self.accepted and self._line.is_open and interval_s:
            self._heartbeat_timer = self._time.later(interval_s, self._heartbeat)

    def _boot_when_due(self) -> None:
        self._stop_booting()
        wait_s = self._boot_at_s - self._time.seconds()
        if wait_s > 0:
            self._boot_timer = self._time.later(wait_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        self._stop_booting()
        if not self._waiting and self._line.is_open:
            self._waiting = True
            self._line.call(self._boot).addCallbacks(self._answered, self._failed)

    def _answered(self, answer: Any) -> None:
        self._waiting = False
        self._failures = 0
        self.status = answer.status
        self._figures.registrations[str(answer.status)] += 1
        if self.accepted:
            self._figures.registered += not self.ever_accepted
            self.ever_accepted = True
            if answer.interval > 0:
                self._keys.put("HeartbeatInterval", answer.interval)
            self._go_on()
        else:
            self._again_in(answer.interval or OWN_CHOICE_S)

    def _go_on(self) -> None:
        self.last_said_s = self._time.seconds()
        self.watch_heartbeats()
        self._on_accepted()

    def _failed(self, failure: Failure) -> None:
        self._waiting = False
        if failure.check(ConnectionGone) is not None:
            return
        self._failures += 1
        self._again_in(min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10)))

    def _again_in(self, wait_s: float) -> None:
        self._boot_at_s = self._time.seconds() + wait_s
        if self._line.is_open:
            self._boot_when_due()

    def _heartbeat(self) -> None:
        """Say something if nothing was said for an interval (H-01)."""
        interval_s = self._keys.number("HeartbeatInterval")
        rest_s = self.last_said_s + interval_s - self._time.seconds()
        if rest_s <= 0.001:
            self.last_said_s = self._time.seconds()
            self._line.tell(HeartbeatRequest())
            rest_s = float(interval_s)
        self._heartbeat_timer = None
        if interval_s:
            self._heartbeat_timer = self._time.later(rest_s, self._heartbeat)

    def _stop_booting(self) -> None:
        if self._boot_timer is not None and self._boot_timer.active():
            self._boot_timer.cancel()
        self._boot_timer = None

    def _stop_heartbeats(self) -> None:
        if self._heartbeat_timer is not None and self._heartbeat_timer.active():
            self._heartbeat_timer.cancel()
        self._heartbeat_timer = None
