"""What happens in a day, by the dice: people, the central system's operators, and faults.

Each seed chooses which kinds of trouble there are, so that some days are quiet and some are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from txocpp.evse import Fault, FaultCode
from txocpp.storage.memory import Fate

from .central import Moods
from .town import Town

TAGS = ("ANNA", "BERT", "CARL", "DORA", "EVIL", "GONE")
TROUBLES = ("network", "central", "deaths", "disk", "charger", "clocks")
KEYS: dict[str, tuple[object, ...]] = {
    "MeterValueSampleInterval": (0, 15, 60, 300),
    "ClockAlignedDataInterval": (0, 60, 900),
    "MinimumStatusDuration": (0, 3, 15),
    "ConnectionTimeOut": (10, 60),
    "StopTransactionOnInvalidId": ("true", "false"),
    "MaxEnergyOnInvalidId": (0, 200, 2000),
    "AuthorizeRemoteTxRequests": ("true", "false"),
    "LocalAuthorizeOffline": ("true", "false"),
    "AuthorizationCacheEnabled": ("true", "false"),
    "StopTransactionOnEVSideDisconnect": ("true", "false"),
    "NoSuchKey": ("1",),
}
Action = Callable[[], object]


class Schedule:
    """A day of `hours`, with something happening every `pause_s` on average, and with these
    `troubles`, or those that the dice choose."""

    def __init__(
        self,
        town: Town,
        *,
        hours: float = 2.5,
        pause_s: float = 50.0,
        troubles: Sequence[str] | None = None,
    ) -> None:
        self.town = town
        self.dice = town.dice
        self.hours = hours
        self.pause_s = pause_s
        count = self.dice.choice((0, 1, 2, 3, len(TROUBLES)))
        self.troubles = self.dice.sample(TROUBLES, count)
        if troubles is not None:
            self.troubles = list(troubles)
        town.note(f"troubles: {', '.join(self.troubles) or 'none'}")
        self._profile_id = 0
        self._reservation_id = 0

    def play(self) -> None:
        """Let the day happen."""
        end = self.town.clock.seconds() + self.hours * 3600
        actions: list[tuple[Action, float]] = [*self._people(), *self._operators()]
        for trouble in self.troubles:
            actions += getattr(self, f"_{trouble}")()
        acts, weights = zip(*actions, strict=True)
        while self.town.clock.seconds() < end:
            self.town.run(self.dice.expovariate(1 / self.pause_s))
            # Often several things happen in quick succession.
            self.dice.choices(acts, weights)[0]()

    # People.

    def _people(self) -> list[tuple[Action, float]]:
        return [
            (self._arrive, 12),
            (self._leave, 5),
            (self._swipe, 6),
            (self._swipe_own, 5),
            (self._pause_car, 2),
            (self._resume_car, 2),
        ]

    def _any(self) -> int:
        return self.dice.randint(1, self.town.connectors)

    def _arrive(self) -> None:
        """A car comes; as a rule its driver has a tag."""
        connector = self._any()
        if self.dice.random() < 0.3:
            self._tag(self.dice.choice(TAGS), connector)
            self.town.run(self.dice.uniform(0, 30))
        evse = self.town.device.evse(connector)
        if evse.outlet.plugged:
            return
        self.town.note(f"a car is plugged in at {connector}")
        evse.plug_in(
            car_max_a=self.dice.choice((8, 16, 32)),
            soc_percent=self.dice.choice((10, 40, 80, 99)),
            battery_wh=self.dice.choice((20_000, 60_000)),
            wake_s=self.dice.choice((0, 1, 12)),
        )
        if self.dice.random() < 0.8:
            self.town.run(self.dice.uniform(0, 10))
            self._tag(self.dice.choice(TAGS[:4]), connector)

    def _leave(self) -> None:
        connector = self._any()
        evse = self.town.device.evse(connector)
        if evse.outlet.plugged:
            self.town.note(f"the car is unplugged at {connector}")
            evse.plug_out()

    def _tag(self, id_tag: str, *connectors: int) -> None:
        if self.town.device.online:
            self.town.note(f"{id_tag} at the reader of {connectors or 'all'}")
            self.town.device.swipe(id_tag, connectors)

    def _swipe(self) -> None:
        connectors = (self._any(),) if self.dice.random() < 0.7 else ()
        self._tag(self.dice.choice(TAGS), *connectors)

    def _swipe_own(self) -> None:
        """Somebody comes back and stops."""
        connector = self._any()
        book = next(
            (
                b
                for b in self.town.referee.books.values()
                if b.stop is None and b.start["connectorId"] == connector
            ),
            None,
        )
        if book is not None:
            self._tag(book.start["idTag"], connector)

    def _pause_car(self) -> None:
        evse = self.town.device.evse(self._any())
        if evse.outlet.plugged:
            evse.ev_pause()

    def _resume_car(self) -> None:
        evse = self.town.device.evse(self._any())
        if evse.outlet.plugged:
            evse.ev_resume()

    # Operators.

    def _operators(self) -> list[tuple[Action, float]]:
        ask = self.town.central.ask
        dice = self.dice
        return [
            (self._remote_start, 3),
            (self._remote_stop, 3),
            (self._set_profile, 5),
            (self._clear_profiles, 1),
            (self._configure, 2),
            (lambda: ask("Reset", {"type": dice.choice(("Soft", "Hard"))}), 0.5),
            (self._change_availability, 1.5),
            (self._reserve, 1),
            (self._cancel, 0.5),
            (lambda: ask("UnlockConnector", {"connectorId": self._any()}), 0.5),
            (self._trigger, 1.5),
            (lambda: ask("ClearCache", {}), 0.2),
            (lambda: ask("GetConfiguration", {}), 0.3),
            (self._composite, 0.5),
        ]

    def _remote_start(self) -> None:
        payload: dict[str, Any] = {"idTag": self.dice.choice(TAGS)}
        if self.dice.random() < 0.7:
            payload["connectorId"] = self._any()
        self.town.central.ask("RemoteStartTransaction", payload)

    def _remote_stop(self) -> None:
        running = sorted(self.town.central.running) or [4711]
        self.town.central.ask("RemoteStopTransaction", {"transactionId": self.dice.choice(running)})

    def _set_profile(self) -> None:
        central, dice = self.town.central, self.dice
        if not self.town.referee.certain:
            self._ask_clear_all()
            return
        self._profile_id += 1
        now = datetime.fromtimestamp(self.town.clock.seconds(), UTC) + central.step
        purpose = dice.choice(("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"))
        connector = 0 if purpose == "ChargePointMaxProfile" else dice.randint(0, self._any())
        kind = dice.choice(("Absolute", "Recurring", "Relative"))
        if kind == "Relative" and purpose == "ChargePointMaxProfile":
            kind = "Absolute"
        profile: dict[str, Any] = {
            "chargingProfileId": dice.randint(1, 6),
            "stackLevel": dice.randint(0, 2),
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": kind,
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [
                    {"startPeriod": start, "limit": dice.choice((0, 6, 7.5, 10, 16, 24, 32))}
                    for start in (0, 300, 900)[: dice.randint(1, 3)]
                ],
            },
        }
        schedule = profile["chargingSchedule"]
        if dice.random() < 0.5:
            schedule["duration"] = dice.choice((600, 1200, 3600))
        if kind != "Relative":
            start = now - timedelta(seconds=dice.randint(-300, 600))
            if kind == "Recurring":
                profile["recurrencyKind"] = "Daily"
                start -= timedelta(days=dice.randint(0, 2))
            schedule["startSchedule"] = wire_time(start)
        if dice.random() < 0.3:
            profile["validTo"] = wire_time(now + timedelta(seconds=dice.randint(60, 2000)))
        if purpose == "TxProfile":
            if not central.running:
                return
            number = dice.choice(sorted(central.running))
            profile["transactionId"] = number
            connector = central.running[number]
        central.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile})

    def _clear_profiles(self) -> None:
        if self.dice.random() < 0.5:
            self._ask_clear_all()
        else:
            self.town.central.ask("ClearChargingProfile", {"id": self.dice.randint(1, 6)})

    def _ask_clear_all(self) -> None:
        self.town.central.ask("ClearChargingProfile", {})

    def _configure(self) -> None:
        key = self.dice.choice(list(KEYS))
        value = str(self.dice.choice(KEYS[key]))
        self.town.central.ask("ChangeConfiguration", {"key": key, "value": value})

    def _change_availability(self) -> None:
        self.town.central.ask(
            "ChangeAvailability",
            {
                "connectorId": self.dice.randint(0, self.town.connectors),
                "type": self.dice.choice(("Operative", "Operative", "Inoperative")),
            },
        )

    def _reserve(self) -> None:
        self._reservation_id += 1
        now = datetime.fromtimestamp(self.town.clock.seconds(), UTC) + self.town.central.step
        self.town.central.ask(
            "ReserveNow",
            {
                "connectorId": self.dice.randint(0, self.town.connectors),
                "expiryDate": wire_time(now + timedelta(seconds=self.dice.randint(30, 1500))),
                "idTag": self.dice.choice(TAGS[:4]),
                "reservationId": self._reservation_id,
            },
        )

    def _cancel(self) -> None:
        self.town.central.ask("CancelReservation", {"reservationId": max(1, self._reservation_id)})

    def _trigger(self) -> None:
        message = self.dice.choice(
            ("MeterValues", "StatusNotification", "Heartbeat", "BootNotification")
        )
        payload: dict[str, Any] = {"requestedMessage": message}
        if self.dice.random() < 0.6:
            payload["connectorId"] = self._any()
        self.town.central.ask("TriggerMessage", payload)

    def _composite(self) -> None:
        self.town.central.ask(
            "GetCompositeSchedule",
            {"connectorId": self.dice.randint(0, self.town.connectors), "duration": 3600},
        )

    # Troubles.

    def _network(self) -> list[tuple[Action, float]]:
        network, dice = self.town.network, self.dice
        return [
            (network.cut, 3),
            (lambda: network.hang(dice.uniform(5, 90)), 2),
            (lambda: network.lose_answers(dice.uniform(1, 60)), 3),
            (self._outage, 2),
            (self._slow, 1),
        ]

    def _outage(self) -> None:
        network = self.town.network
        self.town.note("the network is down")
        network.up = False
        network.cut()

        def end() -> None:
            network.up = True

        self.town.clock.callLater(self.dice.uniform(10, 1200), end)

    def _slow(self) -> None:
        self.town.network.slow_s = self.dice.choice((0.0, 0.5, 5.0))

    def _central(self) -> list[tuple[Action, float]]:
        return [(self._mood, 4), (self._reboot_central, 1), (self._boot_mood, 1)]

    def _mood(self) -> None:
        dice = self.dice
        name = dice.choice(("refuses", "deaf", "mute", "hangs_up", "late"))
        setattr(self.town.central.moods, name, dice.choice((0.1, 0.3)))
        self.town.note(f"mood of the central system: {self.town.central.moods}")
        self.town.clock.callLater(dice.uniform(10, 400), self._calm)

    def _calm(self) -> None:
        self.town.central.moods = Moods()

    def _reboot_central(self) -> None:
        self.town.central.restart(self.dice.uniform(1, 120))

    def _boot_mood(self) -> None:
        self.town.central.moods.boot = self.dice.choice(("Rejected", "Pending"))
        self.town.clock.callLater(self.dice.uniform(10, 200), self._calm)
        if self.dice.random() < 0.5:
            self.town.kill(1.0)

    def _deaths(self) -> list[tuple[Action, float]]:
        return [(self._kill, 2), (self._cut_soon, 5)]

    def _kill(self) -> None:
        self.town.kill(self.dice.uniform(0.5, 60))

    def _cut_soon(self) -> None:
        """The power goes at one of the next writes."""
        number = self.town.writes + self.dice.randint(1, 8)
        self.town.cut_at[number] = self.dice.choice((Fate.CUT_BEFORE, Fate.CUT_AFTER))

    def _disk(self) -> list[tuple[Action, float]]:
        return [(self._fill_disk, 1.5)]

    def _fill_disk(self) -> None:
        self.town.note("the disk is full")
        self.town.disk_full = True

        def end() -> None:
            self.town.disk_full = False

        self.town.clock.callLater(self.dice.uniform(1, 300), end)

    def _charger(self) -> list[tuple[Action, float]]:
        return [
            (self._power_cut, 1),
            (self._fault, 3),
            (self._mend, 3),
            (self._stick, 1),
        ]

    def _power_cut(self) -> None:
        town = self.town
        town.note("mains off")
        town.referee.outage()
        town.device.power_cut(self.dice.uniform(0.5, 30))
        if self.dice.random() < 0.3:
            town.forget_registers()
        if self.dice.random() < 0.5:
            town.kill(self.dice.uniform(1, 30), "mains off")

    def _fault(self) -> None:
        code = self.dice.choice(list(FaultCode))
        blocking = self.dice.random() < 0.7
        self.town.device.evse(self._any()).raise_fault(Fault(code, blocking))

    def _mend(self) -> None:
        for evse in self.town.device.evses:
            evse.clear_fault()
            evse.fail_lock(False)

    def _stick(self) -> None:
        self.town.device.evse(self._any()).fail_lock()

    def _clocks(self) -> list[tuple[Action, float]]:
        return [(self._step, 1)]

    def _step(self) -> None:
        """Somebody sets the clocks: the central system's, the computer's."""
        self.town.set_clock(timedelta(seconds=self.dice.choice((-7200, -30, 0, 30, 3600))))
        self.town.clock_error_s = self.dice.choice((0.0, -86400.0, 50.0))


def wire_time(moment: datetime) -> str:
    """As it goes over the line."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def live_a_day(seed: int, **overrides: Any) -> Town:
    """One seed, one reproducible run. Raises `town.Broken`."""
    town = Town(seed, **overrides)
    schedule = Schedule(town, troubles=overrides.get("troubles"))
    town.live(lambda _: schedule.play())
    return town
