"""Everything on one clock, thrown together by the dice of a seed, and run to the end of the day."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from txocpp.chargepoint.limits import Grid
from txocpp.chargepoint.settings import Behaviour, StationSettings
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.storage.memory import Fate, MemoryChargePointStore

from .central import Central, Moods
from .network import Network
from .process import Process
from .referee import Referee

MORNING = datetime(2026, 6, 3, 6, 0, 0, tzinfo=UTC)
CHECKPOINT_S = 60.0


class Broken(AssertionError):
    """The house did something that it must never do. The text ends with the log of events."""


class Town:
    """One house and its world. `overrides` fix what the dice would choose: ``connectors`` and
    ``attempts``, fields of `Behaviour`, or configuration keys by their names."""

    def __init__(self, seed: int, **overrides: Any) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.clock.advance(MORNING.timestamp())
        self.log: list[str] = []
        self.writes = 0
        """Writes that reached a disk, in all lives of the process."""
        self.writes_of_the_day = 0
        """Those before everything was healed."""
        self.cut_at: dict[int, Fate] = {}
        """Fates of single writes."""
        self.disk_full = False
        self.forgetful = False
        """The charger has lost its register at least once."""
        self.deaths = 0
        self.clock_error_s = 0.0
        self._forgotten_wh: dict[int, int] = {}
        self._furnish(overrides)
        self.referee = Referee(self)
        self.central = Central(self, knows_by=self._knows_by)
        self.network = Network(self)
        self.device = SimulatedDevice(self.clock, simulation_settings(self._car, self.connectors))
        self.device.startService()
        self.process: Process | None = None
        self._disk = MemoryChargePointStore(clock=self.clock, latency_s=self._latency_s)

    def _furnish(self, overrides: dict[str, Any]) -> None:
        """Choose the house."""
        dice = self.dice
        self.connectors = overrides.get("connectors", dice.choice((1, 2, 2, 3)))
        self.attempts = overrides.get("attempts", dice.choice((2, 3, 10, 10)))
        self.hardware_a = Decimal(32)
        self._latency_s = overrides.get("latency_s", dice.choice((0.0, 0.01, 0.3)))
        behaviour = Behaviour(
            resume_transactions=dice.random() < 0.4,
            retry_message_id=dice.choice(("same", "same", "new")),
            queue_limit=dice.choice((12, 60, 10_000)),
            trust_computer_clock=dice.random() < 0.8,
            charge_before_first_accepted=dice.random() < 0.3,
        )
        names = {field.name for field in type(behaviour).__attrs_attrs__}  # type: ignore[attr-defined]
        behaviour = Behaviour(
            **{name: overrides.get(name, getattr(behaviour, name)) for name in names}
        )
        self._knows_by = (
            "content" if behaviour.retry_message_id == "new" else dice.choice(("id", "content"))
        )
        lock = dice.random() < 0.4
        keys: dict[str, object] = {
            "TransactionMessageAttempts": self.attempts,
            "TransactionMessageRetryInterval": dice.choice((0, 2, 10)),
            "MeterValueSampleInterval": dice.choice((0, 20, 60)),
            "ClockAlignedDataInterval": dice.choice((0, 0, 300)),
            "StopTxnSampledData": dice.choice(("", "Energy.Active.Import.Register")),
            "MinimumStatusDuration": dice.choice((0, 0, 2, 20)),
            "ConnectionTimeOut": dice.choice((20, 90)),
            "StopTransactionOnEVSideDisconnect": dice.choice(("true", "true", "false")),
            "StopTransactionOnInvalidId": dice.choice(("true", "false")),
            "MaxEnergyOnInvalidId": dice.choice((0, 500)),
            "AllowOfflineTxForUnknownId": dice.choice(("true", "false")),
            "LocalPreAuthorize": dice.choice(("true", "false")),
            "AuthorizeRemoteTxRequests": dice.choice(("true", "false")),
            **{name: value for name, value in overrides.items() if name[0].isupper()},
        }
        self._car = {
            "wake_s": 1,
            "follow_s": dice.choice((0, 1, 3)),
            "lock": lock,
            "maximum_current_a": 32,
            "car_max_a": 32,
        }
        station_limit_a = dice.choice((None, None, Decimal(40), Decimal(20)))
        self.settings = StationSettings(
            identity="CP1",
            vendor="txocpp",
            model="Simulated",
            configuration=keys,
            behaviour=behaviour,
            grid=Grid(station_limit_a=overrides.get("station_limit_a", station_limit_a)),
        )
        self.note(f"seed {self.seed}: {self.connectors} connectors, {keys}, {behaviour}")

    # The log.

    def note(self, event: str) -> None:
        """Write down what has happened."""
        at = datetime.fromtimestamp(self.clock.seconds(), UTC)
        self.log.append(f"{at:%d %H:%M:%S}.{at.microsecond // 1000:03} {event}")

    def _logged(self, event: dict[str, Any]) -> None:
        failure = event.get("log_failure")
        if failure is not None:
            self.referee.blame("a failure was logged: " + failure.getTraceback())

    # Time.

    def run(self, seconds: float) -> None:
        """Let this much time pass, event by event, under the eyes of the referee."""
        clock, referee = self.clock, self.referee
        end = clock.seconds() + seconds
        while clock.calls and clock.calls[0].getTime() <= end:
            clock.advance(max(0.0, clock.calls[0].getTime() - clock.seconds()))
            referee.watch()
            if referee.violations:
                raise Broken(self.story())
        if clock.seconds() < end:
            clock.advance(end - clock.seconds())

    def story(self) -> str:
        """What went wrong, and everything that led to it."""
        found = "; ".join(self.referee.violations)
        return f"seed {self.seed}: {found}\n" + "\n".join(self.log)

    # The life of the process.

    def start(self) -> None:
        """Start the process, on what the disk holds."""
        if self.process is not None and self.process.alive:
            return
        self.note("the process starts")
        disk = self._disk
        disk.fate, disk.power_cut = self._fate, self._cut_by_write
        self.process = Process(self, disk, self.clock_error_s)
        self.process.station.startService()

    def kill(self, restart_after_s: float, why: str = "killed") -> None:
        """The process dies at once and is started again later."""
        process = self.process
        if process is None or not process.alive:
            return
        self.note(f"THE PROCESS DIES: {why}")
        self.deaths += 1
        process.die()
        self.referee.died()
        self._disk = process.disk.survivor()
        if self.dice.random() < 0.5:
            self.network.cut("the process is gone")
        self.clock.callLater(restart_after_s, self.start)

    def _fate(self, number: int) -> Fate:
        self.writes += 1
        if self.disk_full:
            return Fate.REFUSED
        return self.cut_at.pop(self.writes, Fate.KEPT)

    def _cut_by_write(self) -> None:
        self.kill(self.dice.uniform(1, 20), f"at write {self.writes}")

    # The charger.

    def metered_wh(self, connector: int) -> int:
        """What has really flown."""
        outlet = self.device.evse(connector).outlet
        return self._forgotten_wh.get(connector, 0) + int(outlet.energy_wh)

    @property
    def unseen_wh(self) -> int:
        """Energy that nobody can know of: what flows between the last look of the charge point at
        the register and a failure of the charger, while a transaction ends without it."""
        if not self.referee.outages:
            return 0
        seconds = CHECKPOINT_S * min(self.referee.outages, 5) + 30
        return int(self.hardware_a * 3 * 230 * int(seconds) / 3600)

    def forget_registers(self) -> None:
        """The charger has lost its memory, and counts from zero."""
        self.forgetful = True
        self.referee.outage()
        for evse in self.device.evses:
            outlet = evse.outlet
            self._forgotten_wh[evse.number] = self.metered_wh(evse.number) + 1
            outlet.energy_pj = 0

    # The day.

    def heal(self) -> None:
        """No faults any more."""
        self.note("-- all is well again --")
        self.network.up, self.network.slow_s = True, 0.0
        self.central.moods = Moods()
        self.central.up = True
        self.disk_full = False
        self.cut_at.clear()
        for evse in self.device.evses:
            evse.fail_lock(False)
            evse.silence_meter(False)
            evse.clear_fault()
        self.network.cut("the line is renewed")
        if self.process is None or not self.process.alive:
            self.start()

    def close_the_day(self) -> None:
        """Heal everything, send everybody home, deliver everything, settle."""
        self.heal()
        self.run(120)
        for evse in self.device.evses:
            if evse.outlet.plugged:
                evse.plug_out()
        self.run(120)
        quiet = {"key": "ClockAlignedDataInterval", "value": "0"}
        self.central.ask("ChangeConfiguration", quiet)
        for _ in range(10):
            answers: list[Any] = []
            self.central.ask("Reset", {"type": "Hard"}, answers.append)
            self.run(120)
            if answers and answers[0] and answers[0].get("status") == "Accepted":
                break
        for _ in range(60):
            self.run(60)
            process = self.process
            if process is not None and process.up and not len(process.station.assembly.outbox):  # type: ignore[union-attr]
                break
        self.run(180)
        self.referee.settle()
        if self.referee.violations:
            raise Broken(self.story())

    def live(self, day: Callable[[Town], None]) -> None:
        """Start the process, do what the day brings, close it. Raises `Broken`."""
        globalLogPublisher.addObserver(self._logged)
        try:
            self.start()
            day(self)
            self.writes_of_the_day = self.writes
            self.close_the_day()
        finally:
            globalLogPublisher.removeObserver(self._logged)
            self._clear_up()

    def _clear_up(self) -> None:
        if self.process is not None:
            self.process.die()
        self.device.stopService()
        for call in self.clock.getDelayedCalls():
            call.cancel()

    def set_clock(self, step: timedelta) -> None:
        """The central system's clock is set."""
        self.referee.steps += 1
        self.central.step = step
