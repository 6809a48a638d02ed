"""When to sample (OCPP 1.6 §3.16; rules M-02 to M-10).

One `Sampler` per connector keeps two rhythms: from the start of the transaction, and from midnight
UTC. What is taken goes to the central system, and, where the configuration wants it, into the data
of the StopTransaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.measurands import INTERVAL, REGISTER, Context, Sample, Snapshot, samples
from txocpp.errors import DeviceError

log = Logger()


@attrs.frozen
class Taken:
    """Values of one instant."""

    at: datetime
    samples: tuple[Sample, ...]


class MeterPoint(Protocol):
    """What a sampler samples."""

    def snapshot(self) -> Deferred[Snapshot]:
        """A fresh reading; fails with `DeviceError`."""

    @property
    def occasion(self) -> Any:
        """What values that are taken now belong to: a transaction, or None. A reading takes time,
        and the transaction may be over when it is there (M-08)."""

    def report(self, taken: Taken, occasion: Any) -> None:
        """These values go to the central system."""

    def collect(self, taken: Taken, occasion: Any) -> None:
        """These values go into the data of the StopTransaction, if there is a transaction."""


@attrs.frozen
class Lists:
    """The keys that belong to one rhythm."""

    interval: str
    sent: str
    collected: str
    context: Context


SAMPLED = Lists(
    "MeterValueSampleInterval", "MeterValuesSampledData", "StopTxnSampledData", Context.PERIODIC
)
ALIGNED = Lists(
    "ClockAlignedDataInterval", "MeterValuesAlignedData", "StopTxnAlignedData", Context.CLOCK
)


class Rhythm:
    """Beats every so many seconds, without drift, from an anchor on the wall clock; `daily`, from
    each midnight UTC anew."""

    def __init__(
        self, clock: StationClock, beat: Callable[[datetime], None], *, daily: bool = False
    ) -> None:
        self._daily = daily
        self._clock = clock
        self._beat = beat
        self._timer: IDelayedCall | None = None
        self._anchor: datetime | None = None
        self._interval_s = 0
        clock.on_step(lambda step: self._plan())

    def start(self, anchor: datetime, interval_s: int) -> None:
        """Beat at every multiple of the interval after the anchor; 0 beats never."""
        self._anchor, self._interval_s = anchor, interval_s
        self._plan()

    def stop(self) -> None:
        """Beat no more."""
        self._anchor = None
        self._plan()

    def _plan(self, after: datetime | None = None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._anchor is None or self._interval_s <= 0:
            return
        moment = self._next(after or self._clock.now(), self._anchor)
        self._timer = self._clock.call_at(moment, lambda: self._beat_at(moment))

    def _next(self, after: datetime, anchor: datetime) -> datetime:
        interval = timedelta(seconds=self._interval_s)
        if not self._daily:
            return anchor + ((after - anchor) // interval + 1) * interval
        midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
        moment = midnight + ((after - midnight) // interval + 1) * interval
        return min(moment, midnight + timedelta(days=1))

    def _beat_at(self, moment: datetime) -> None:
        # A timer may fire a moment early: the next beat is counted from this one.
        self._plan(after=max(moment, self._clock.now()))
        self._beat(moment)


class Sampler:
    """Samples one connector as the configuration says."""

    def __init__(
        self, point: MeterPoint, clock: StationClock, configuration: Configuration
    ) -> None:
        self._point = point
        self._clock = clock
        self._configuration = configuration
        self._last_wh: dict[Context, int | None] = {}
        self._began: datetime | None = None
        self._sampled = Rhythm(clock, lambda moment: self._take(SAMPLED, moment))
        self._aligned = Rhythm(clock, lambda moment: self._take(ALIGNED, moment), daily=True)
        configuration.on_change(SAMPLED.interval, self._plan_sampled)
        configuration.on_change(ALIGNED.interval, self._plan_aligned)

    def start(self) -> None:
        """Begin the clock-aligned rhythm; it goes on without a transaction too (M-03)."""
        self._plan_aligned()

    def stop(self) -> None:
        """Sample no more."""
        self._began = None
        self._sampled.stop()
        self._aligned.stop()

    def begin(self, at: datetime, snapshot: Snapshot | None) -> None:
        """A transaction begins, or goes on after a restart, that started at this time."""
        self._began = at
        self._last_wh[Context.PERIODIC] = snapshot.reading.energy_wh if snapshot else None
        self._plan_sampled()
        if snapshot is not None:
            self._collect_edge(at, snapshot, Context.BEGIN)

    def end(self, at: datetime, snapshot: Snapshot) -> None:
        """The transaction ends: take its last values (M-06)."""
        self._began = None
        self._sampled.stop()
        self._collect_edge(at, snapshot, Context.END)

    def triggered(self) -> Deferred[None]:
        """Report the latest values of MeterValuesSampledData (M-16); fails with `DeviceError`."""
        at, occasion = self._clock.now(), self._point.occasion

        def report(snapshot: Snapshot) -> None:
            taken = Taken(at, samples(self._wanted(SAMPLED), snapshot, Context.TRIGGER))
            if taken.samples:
                self._point.report(taken, occasion)

        return self._point.snapshot().addCallback(report)

    def _plan_sampled(self) -> None:
        if self._began is None:
            self._sampled.stop()
        else:
            self._sampled.start(self._began, self._configuration.integer(SAMPLED.interval))

    def _plan_aligned(self) -> None:
        now = self._clock.now()
        self._aligned.start(now, self._configuration.integer(ALIGNED.interval))

    def _wanted(self, lists: Lists) -> Sequence[str]:
        # M-04: an empty list of values to send stands for the energy register.
        return self._configuration.items(lists.sent) or (REGISTER,)

    def _take(self, lists: Lists, moment: datetime) -> None:
        occasion = self._point.occasion
        taken = self._point.snapshot()
        taken.addCallback(self._distribute, lists, moment, occasion)
        taken.addErrback(self._missed, lists)

    def _distribute(
        self, snapshot: Snapshot, lists: Lists, moment: datetime, occasion: Any
    ) -> None:
        snapshot = self._over_interval(snapshot, lists)
        for taken in self._values(self._wanted(lists), snapshot, lists, moment):
            self._point.report(taken, occasion)
        collected = self._configuration.items(lists.collected)
        for taken in self._values(collected, snapshot, lists, moment):
            self._point.collect(taken, occasion)

    def _over_interval(self, snapshot: Snapshot, lists: Lists) -> Snapshot:
        """Add the energy since the last beat of the same rhythm."""
        before = self._last_wh.get(lists.context)
        now_wh = snapshot.reading.energy_wh
        self._last_wh[lists.context] = now_wh
        if before is None or now_wh is None:
            return snapshot
        return attrs.evolve(snapshot, interval_wh=now_wh - before)

    def _values(
        self, items: Sequence[str], snapshot: Snapshot, lists: Lists, moment: datetime
    ) -> list[Taken]:
        """The values of a list, those over an interval of the clock apart: they carry the start of
        the interval, not its end (M-10, M-17)."""
        if lists is not ALIGNED:
            groups = [Taken(moment, samples(items, snapshot, lists.context))]
        else:
            interval = timedelta(seconds=self._configuration.integer(lists.interval))
            over = [item for item in items if item == INTERVAL]
            instant = [item for item in items if item != INTERVAL]
            groups = [
                Taken(moment - interval, samples(over, snapshot, lists.context)),
                Taken(moment, samples(instant, snapshot, lists.context)),
            ]
        return [taken for taken in groups if taken.samples]

    def _collect_edge(self, at: datetime, snapshot: Snapshot, context: Context) -> None:
        """First and last values of everything that is collected for the StopTransaction."""
        wanted = dict.fromkeys(
            item
            for lists in (SAMPLED, ALIGNED)
            for item in self._configuration.items(lists.collected)
            if item != INTERVAL
        )
        taken = Taken(at, samples(tuple(wanted), snapshot, context))
        if taken.samples:
            self._point.collect(taken, self._point.occasion)

    def _missed(self, failure: Failure, lists: Lists) -> None:
        failure.trap(DeviceError)
        log.warn(
            "no {context} values: {reason}",
            context=lists.context.value,
            reason=failure.getErrorMessage(),
        )


@attrs.define
class Series:
    """Values collected for a StopTransaction, never more than it may hold (M-07).

    When it is full, every second one in the middle goes, and from then on only every second new
    one is taken: first and last stay, the rest is spread evenly.
    """

    limit: int
    """StopTransactionMaxMeterValues, at least 2."""
    taken: list[Taken] = attrs.field(factory=list)
    _stride: int = 1
    _skipped: int = 0

    def add(self, taken: Taken) -> list[Taken] | None:
        """Take in the next values of the middle.

        Returns those that had to go for them; None if the new ones are left out.
        """
        self._skipped += 1
        if self.taken and self._skipped < self._stride:
            return None
        gone: list[Taken] = []
        # One place is kept for the last values.
        if len(self.taken) >= self.limit - 1:
            if self.limit <= 2:
                return None
            gone = self.taken[1::2]
            self.taken = self.taken[:1] + self.taken[2::2]
            self._stride *= 2
        self._skipped = 0
        self.taken.append(taken)
        return gone

    def close(self, last: Taken) -> None:
        """Take in the last values, whatever was left out before."""
        self.taken.append(last)
