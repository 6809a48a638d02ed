"""The clock of the simulated stations, which may run faster than ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class SimulatedTime:
    """Simulated time on top of a real clock.

    It begins `behind_s` before now, so that a fast load catches up with the present at its end:
    no station ever sends a timestamp from the future.
    """

    __slots__ = ("_began_s", "_begin", "clock", "faster")

    def __init__(self, clock: IReactorTime, faster: float = 1.0, behind_s: float = 0.0) -> None:
        self.clock = clock
        """The real one."""
        self.faster = faster
        self._began_s = clock.seconds()
        self._begin = self.real_now() - timedelta(seconds=behind_s)

    def seconds(self) -> float:
        """Simulated seconds since the beginning."""
        return (self.clock.seconds() - self._began_s) * self.faster

    def now(self) -> datetime:
        """The simulated instant, in whole milliseconds."""
        instant = self._begin + timedelta(seconds=self.seconds())
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def real_now(self) -> datetime:
        """The instant for everybody else."""
        return datetime.fromtimestamp(self.clock.seconds(), UTC)

    def later(self, delay_s: float, what: Callable[..., Any], *with_: Any) -> IDelayedCall:
        """Do something in so many simulated seconds."""
        return self.clock.callLater(max(0.0, delay_s) / self.faster, what, *with_)
