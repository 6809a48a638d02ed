"""A sign of life when there is nothing else to say (OCPP 1.6 §4.6; rules H-01 to H-05)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.timers import Timers
from txocpp.errors import CallFailed

INTERVAL: Final = "HeartbeatInterval"
LONGEST_S: Final = 86_400.0
"""Even a busy line needs one a day, for the clock (H-04)."""

log = Logger()


class Heartbeat:
    """Sends Heartbeats while `online`, and sets the clock by the answers (H-02).

    One is due HeartbeatInterval seconds after the last exchange of any kind; with
    `despite_traffic`, after the last Heartbeat.
    """

    def __init__(
        self,
        clock: StationClock,
        configuration: Configuration,
        send: Callable[[], Deferred[datetime]],
        *,
        despite_traffic: bool = False,
    ) -> None:
        self._clock = clock
        self._configuration = configuration
        self._send = send
        self._despite_traffic = despite_traffic
        self._timers = Timers(clock)
        self._online = False
        self._last_exchange = self._last_beat = clock.seconds()
        configuration.on_change(INTERVAL, self._plan)

    def online(self) -> None:
        """The central system may be told things from now on."""
        self._online = True
        self._last_exchange = self._last_beat = self._clock.seconds()
        self._plan()

    def offline(self) -> None:
        """Nothing gets through."""
        self._online = False
        self._plan()

    def exchanged(self) -> None:
        """Some message has been exchanged."""
        self._last_exchange = self._clock.seconds()

    def beat(self) -> None:
        """Send one now."""
        self._last_exchange = self._last_beat = self._clock.seconds()
        self._send().addCallbacks(self._clock.adjust, self._unheard)
        self._plan()

    def stop(self) -> None:
        """Send no more."""
        self.offline()

    def _plan(self) -> None:
        self._timers.cancel("beat")
        if self._online:
            self._timers.set("beat", max(0.0, self._due() - self._clock.seconds()), self._look)

    def _due(self) -> float:
        interval_s = self._configuration.integer(INTERVAL)
        at_latest = self._last_beat + LONGEST_S
        if interval_s <= 0:
            return at_latest
        since = self._last_beat if self._despite_traffic else self._last_exchange
        return min(at_latest, since + interval_s)

    def _look(self) -> None:
        """The time has come, unless something was exchanged meanwhile."""
        if self._due() <= self._clock.seconds():
            self.beat()
        else:
            self._plan()

    def _unheard(self, failure: Failure) -> None:
        failure.trap(CallFailed)
        log.info("heartbeat unanswered: {reason}", reason=failure.getErrorMessage())
