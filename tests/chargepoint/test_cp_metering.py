"""When samples are taken, and where they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.keys import STANDARD_KEYS
from txocpp.chargepoint.measurands import Snapshot
from txocpp.chargepoint.metering import Sampler, Series, Taken
from txocpp.errors import DeviceOffline
from txocpp.evse import MeterReading
from txocpp.storage.memory import MemoryChargePointStore

NOON = datetime(2026, 6, 3, 12, 0, 30, tzinfo=UTC)
REGISTER = "Energy.Active.Import.Register"


class Meter:
    """A meter that counts one Wh a second from noon, a sampler, and what comes out."""

    def __init__(self, **initial: Any) -> None:
        self.clock = Clock()
        self.time = StationClock(self.clock)
        self.time.adjust(NOON)
        self.configuration = Configuration(
            STANDARD_KEYS,
            Journal(MemoryChargePointStore(), self.clock),
            initial={"MeterValueSampleInterval": 0, **initial},
        )
        self.reported: list[Taken] = []
        self.collected: list[Taken] = []
        self.broken = False
        self.sampler = Sampler(self, self.time, self.configuration)
        self.sampler.start()

    def snapshot(self) -> Deferred[Snapshot]:
        if self.broken:
            return fail(DeviceOffline("cut"))
        return succeed(self.now())

    def now(self) -> Snapshot:
        return Snapshot(MeterReading(energy_wh=int(self.clock.seconds())))

    @property
    def occasion(self) -> str:
        return "transaction"

    def report(self, taken: Taken, occasion: str) -> None:
        self.reported.append(taken)

    def collect(self, taken: Taken, occasion: str) -> None:
        self.collected.append(taken)

    def run(self, seconds: int) -> None:
        self.clock.pump([1] * seconds)

    def begin(self) -> None:
        self.sampler.begin(self.time.now(), self.now())

    def end(self) -> None:
        self.sampler.end(self.time.now(), self.now())


def told(taken: list[Taken]) -> list[tuple[int, str, str]]:
    """Seconds after noon, context and value of each sample."""
    return [
        (int((one.at - NOON).total_seconds()), s.context, s.value)
        for one in taken
        for s in one.samples
    ]


@pytest.mark.rule("M-02", "M-04")
def test_samples_are_taken_from_the_start_of_the_transaction() -> None:
    """Every interval, counted from the start, until the end; not outside of a transaction."""
    meter = Meter(MeterValueSampleInterval=10, MeterValuesSampledData="")
    meter.run(7)
    meter.begin()
    meter.run(35)
    meter.end()
    meter.run(100)
    assert told(meter.reported) == [
        (17, "Sample.Periodic", "17"),
        (27, "Sample.Periodic", "27"),
        (37, "Sample.Periodic", "37"),
    ]
    assert not meter.clock.getDelayedCalls()


@pytest.mark.rule("M-02", "K-07")
async def test_a_new_interval_counts_at_once() -> None:
    """Changing the interval changes the rhythm of a running transaction; 0 ends it."""
    meter = Meter(MeterValueSampleInterval=1000)
    meter.begin()
    meter.run(5)
    await meter.configuration.change("MeterValueSampleInterval", "2")
    meter.run(3)
    await meter.configuration.change("MeterValueSampleInterval", "0")
    meter.run(100)
    assert [at for at, _, _ in told(meter.reported)] == [6, 8]


@pytest.mark.rule("M-03", "M-04")
def test_clock_aligned_samples_are_on_the_grid() -> None:
    """Every multiple of the interval since midnight UTC, in a transaction or not."""
    meter = Meter(ClockAlignedDataInterval=60)
    meter.run(100)
    assert told(meter.reported) == [(30, "Sample.Clock", "30"), (90, "Sample.Clock", "90")]


@pytest.mark.rule("M-03")
def test_the_grid_moves_with_the_clock() -> None:
    """When the clock is set, the next sample is taken at the next moment of the new time."""
    meter = Meter(ClockAlignedDataInterval=60)
    meter.time.adjust(NOON + timedelta(seconds=25))
    meter.run(5)
    assert told(meter.reported) == [(30, "Sample.Clock", "5")]


@pytest.mark.rule("M-03")
def test_the_grid_begins_anew_at_midnight() -> None:
    """An interval that does not divide the day is counted from each midnight."""
    meter = Meter(ClockAlignedDataInterval=43_000)
    meter.clock.pump([100] * 1300)
    hours = [at / 3600 + 12 + 30 / 3600 for at, _, _ in told(meter.reported)]
    assert [round(hour, 1) for hour in hours] == [23.9, 24.0, 35.9, 47.9, 48.0]


@pytest.mark.rule("M-05", "M-06")
def test_values_for_the_stop_are_collected() -> None:
    """What StopTxn lists want is collected with the first and the last values."""
    meter = Meter(MeterValueSampleInterval=10, StopTxnSampledData=REGISTER)
    meter.begin()
    meter.run(15)
    meter.end()
    assert told(meter.collected) == [
        (0, "Transaction.Begin", "0"),
        (10, "Sample.Periodic", "10"),
        (15, "Transaction.End", "15"),
    ]


@pytest.mark.rule("M-05")
def test_without_lists_nothing_is_collected() -> None:
    """Empty StopTxn lists mean no values in the StopTransaction."""
    meter = Meter(MeterValueSampleInterval=10)
    meter.begin()
    meter.run(15)
    meter.end()
    assert meter.collected == []


@pytest.mark.rule("M-17", "M-10")
def test_energy_of_an_interval_belongs_to_the_interval() -> None:
    """Sampled: until the timestamp. Clock-aligned: from the timestamp, apart from other values."""
    items = "Energy.Active.Import.Interval," + REGISTER
    sampled = Meter(MeterValueSampleInterval=10, MeterValuesSampledData=items)
    sampled.begin()
    sampled.run(20)
    assert [value for _, _, value in told(sampled.reported)] == ["10", "10", "10", "20"]
    aligned = Meter(ClockAlignedDataInterval=60, MeterValuesAlignedData=items)
    aligned.run(90)
    assert told(aligned.reported) == [
        (30, "Sample.Clock", "30"),
        (30, "Sample.Clock", "60"),
        (90, "Sample.Clock", "90"),
    ]


@pytest.mark.rule("M-16")
def test_values_on_demand_say_so() -> None:
    """A trigger gives the values of MeterValuesSampledData at once, with context Trigger."""
    meter = Meter()
    meter.run(3)
    meter.sampler.triggered()
    assert told(meter.reported) == [(3, "Trigger", "3")]


def test_a_silent_device_gives_no_values() -> None:
    """A beat without an answer of the device is left out; the next one is taken."""
    meter = Meter(MeterValueSampleInterval=10)
    meter.begin()
    meter.broken = True
    meter.run(10)
    meter.broken = False
    meter.run(10)
    assert [at for at, _, _ in told(meter.reported)] == [20]


def test_a_resumed_transaction_keeps_its_rhythm() -> None:
    """After a restart samples are taken as if nothing had happened, without a second begin."""
    meter = Meter(MeterValueSampleInterval=10, StopTxnSampledData=REGISTER)
    meter.sampler.begin(NOON - timedelta(seconds=7), None)
    meter.run(5)
    assert told(meter.reported) == [(3, "Sample.Periodic", "3")]
    assert [c for _, c, _ in told(meter.collected)] == ["Sample.Periodic"]


def test_a_stopped_sampler_leaves_no_timer() -> None:
    """Stopping ends both rhythms."""
    meter = Meter(MeterValueSampleInterval=10, ClockAlignedDataInterval=60)
    meter.begin()
    meter.sampler.stop()
    assert not meter.clock.getDelayedCalls()


@pytest.mark.rule("M-07")
@pytest.mark.parametrize("limit", [2, 3, 10, 25])
def test_a_long_series_is_thinned_evenly(limit: int) -> None:
    """However long the transaction, the first and last values stay and the rest is spread out."""
    series = Series(limit)
    for second in range(1000):
        series.add(Taken(NOON + timedelta(seconds=second), ()))
        assert len(series.taken) < limit
    series.close(Taken(NOON + timedelta(seconds=1000), ()))
    seconds = [int((t.at - NOON).total_seconds()) for t in series.taken]
    assert (seconds[0], seconds[-1], len(seconds) <= limit) == (0, 1000, True)
    steps = [b - a for a, b in pairwise(seconds[1:-1])]
    assert not steps or max(steps) <= 2 * min(steps)
