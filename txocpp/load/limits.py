"""How much the central system lets a station draw: its charging profiles, on real time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from twisted.internet.interfaces import IDelayedCall

from txocpp.load.outbox import Transaction
from txocpp.load.times import SimulatedTime
from txocpp.smartcharging import (
    Claim,
    Composite,
    Outcome,
    Profile,
    Purpose,
    Report,
    Stack,
    Station,
    StationKeys,
    report,
    share,
    turn_at,
)
from txocpp.smartcharging import Transaction as Charging

HARDWARE_A: Final = Decimal(32)
"""Of each connector, per phase."""
KEYS: Final = StationKeys()
PHASES: Final = 3
LINES: Final = (1, 2, 3)
LONGEST_WAIT_S: Final = 86_400.0


class Limits:
    """The installed profiles of one station."""

    __slots__ = ("_change", "_connectors", "_on_change", "_stack", "_time", "_transactions")

    def __init__(
        self,
        time: SimulatedTime,
        connectors: Iterable[int],
        transactions: Callable[[], dict[int, Transaction]],
        on_change: Callable[[], object],
    ) -> None:
        self._time = time
        self._connectors = tuple(connectors)
        self._transactions = transactions
        self._on_change = on_change
        self._stack = Stack()
        self._change: IDelayedCall | None = None

    def offers_a(self, charging: Mapping[int, int]) -> dict[int, Decimal]:
        """What each connector offers its car now, A per phase. `charging`: connectors with a
        transaction, and the phases of their cars."""
        if not self._stack.profiles:
            return dict.fromkeys(charging, HARDWARE_A)
        now, composite = self._time.real_now(), self._composite()
        wanted = {
            connector: min(
                composite.limit_at(connector, now, phases_in_use=phases).limit, HARDWARE_A
            )
            for connector, phases in charging.items()
        }
        ceiling = composite.ceiling.limit_at(0, now, phases_in_use=PHASES).limit
        if sum(wanted.values()) <= ceiling:
            return wanted
        claims = [
            Claim(connector_id=connector, maximum_a=limit, lines=LINES[: charging[connector]])
            for connector, limit in wanted.items()
        ]
        return share(ceiling, claims, turn=turn_at(now))

    def install(self, profile: Profile, connector: int) -> Outcome:
        """SetChargingProfile."""
        outcome = self._stack.install(
            profile,
            connector,
            received_at=self._time.real_now(),
            station=self._station(),
            keys=KEYS,
        )
        return self._taken(outcome)

    def check_remote_start(self, profile: Profile) -> Outcome:
        """Whether a RemoteStartTransaction may bring this profile."""
        return self._stack.check_remote_start(profile, keys=KEYS)

    def bind(self, profile: Profile, connector: int) -> None:
        """The transaction begins that was asked for with this profile."""
        self._taken(self._stack.bind(profile, connector, received_at=self._time.real_now()))

    def clear(
        self,
        *,
        profile_id: int | None,
        connector_id: int | None,
        purpose: Purpose | None,
        stack_level: int | None,
    ) -> Outcome:
        """ClearChargingProfile."""
        return self._taken(
            self._stack.clear(
                profile_id=profile_id,
                connector_id=connector_id,
                purpose=purpose,
                stack_level=stack_level,
            )
        )

    def end_transaction(self, connector: int) -> None:
        """Its TxProfiles go with it."""
        if self._stack.profiles:
            self._taken(self._stack.end_transaction(connector))

    def composite_schedule(
        self, connector: int, duration_s: int, unit: str | None
    ) -> tuple[datetime, Report]:
        """GetCompositeSchedule: since when, and the schedule."""
        now = self._time.real_now().replace(microsecond=0)
        return now, report(self._composite(), connector, now, duration_s, unit, keys=KEYS)

    def stop(self) -> None:
        """Look at the clock no more."""
        if self._change is not None and self._change.active():
            self._change.cancel()
        self._change = None

    def _taken(self, outcome: Outcome) -> Outcome:
        if outcome.refusal is None and outcome.stack is not self._stack:
            self._stack = outcome.stack
            self._changed()
        return outcome

    def _changed(self) -> None:
        """The limits are different now; wake up when they change next by themselves."""
        self.stop()
        self._on_change()
        if not self._stack.profiles:
            return
        now = self._time.real_now()
        composite = self._composite()
        changes = [
            at for connector in self._connectors if (at := composite.next_change(connector, now))
        ]
        if changes:
            wait_s = min((min(changes) - now).total_seconds() + 0.001, LONGEST_WAIT_S)
            self._change = self._time.clock.callLater(max(0.0, wait_s), self._changed)

    def _composite(self) -> Composite:
        return Composite(self._stack, self._station())

    def _station(self) -> Station:
        return Station(
            limits_a=dict.fromkeys(self._connectors, HARDWARE_A),
            phases=PHASES,
            transactions={
                connector: Charging(running.number, running.began)
                for connector, running in self._transactions().items()
            },
        )
