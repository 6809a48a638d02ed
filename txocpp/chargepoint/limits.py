"""The charge point's own limits: keeps every EVSE at what smart charging allows (OCPP 1.6 §3.13;
SR-601 to SR-713).

The limit in force reaches an EVSE the moment its period begins, and whenever profiles,
transactions or the device change. The sum over all connectors stays below the limit of the station.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

import attrs
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from txocpp.chargepoint import transactions
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.handover import Handover
from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.outlet import Outlet
from txocpp.interfaces import Delete, Put
from txocpp.smartcharging import (
    Claim,
    Composite,
    Outcome,
    Profile,
    Purpose,
    RateUnit,
    Report,
    Stack,
    Station,
    StationKeys,
    Switches,
    Transaction,
    report,
    share,
    turn_at,
)
from txocpp.smartcharging.installed import Installed

TABLE = "profiles"
UNITS: Final = {"Current": RateUnit.A, "Power": RateUnit.W}
LINES: Final = {"R": 1, "S": 2, "T": 3}

log = Logger()


@attrs.frozen(kw_only=True)
class Grid:
    """What the installation allows, whatever profiles say."""

    voltage_v: Decimal = Decimal(230)
    """Nominal, phase to neutral."""
    station_limit_a: Decimal | None = None
    """Fuse of the whole station, A per phase; None: what its connectors allow together."""
    zone: tzinfo | None = None
    """Wall clock that Recurring profiles follow; None: UTC, as the standard has it."""


STANDARD_GRID: Final = Grid()
DEFAULT_READINGS: Final = Switches()


@attrs.frozen
class Allowance:
    """What one connector is allowed now, and why."""

    limit_a: Decimal
    reason: str

    @classmethod
    def unknown(cls) -> Allowance:
        """Before anything has been worked out nothing is allowed."""
        return cls(Decimal(0), "not worked out yet")


class Limits:
    """Installed profiles, and what follows from them for each connector.

    `on_change` is called after the limit of any EVSE has been set anew.
    """

    def __init__(
        self,
        outlets: Mapping[int, Outlet],
        running: transactions.Transactions,
        configuration: Configuration,
        clock: StationClock,
        journal: Journal,
        *,
        grid: Grid = STANDARD_GRID,
        switches: Switches = DEFAULT_READINGS,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.on_change: Callable[[], object] = lambda: None
        self.sound = False
        """The limits could be worked out the last time, and were set."""
        self.stack = Stack.from_documents((saved or {}).values())
        self._allowances: dict[int, Allowance] = {}
        self._outlets = outlets
        self._running = running
        self._configuration = configuration
        self._clock = clock
        self._journal = journal
        self._grid = grid
        self._switches = switches
        self._handover = Handover()
        self._timer: IDelayedCall | None = None
        self._stopped = False
        self._one_at_a_time = DeferredLock()
        clock.on_step(lambda step: self.refresh())

    # What the central system asks.

    async def install(self, profile: Profile, connector_id: int) -> Outcome:
        """SetChargingProfile: saved, then in force (SR-601 to SR-633). Raises `StoreError`."""
        async with self._one_at_a_time:
            outcome = self._try_to_install(profile, connector_id)
            if outcome.rule == "SR-618":
                # Those that can never count again make room (SR-713).
                await self._take_over(self.stack.prune(self._clock.now()))
                outcome = self._try_to_install(profile, connector_id)
            return await self._take_over(outcome)

    async def clear(
        self,
        *,
        profile_id: int | None = None,
        connector_id: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> Outcome:
        """ClearChargingProfile (SR-641 to SR-646). Raises `StoreError`."""
        async with self._one_at_a_time:
            outcome = self.stack.clear(
                profile_id=profile_id,
                connector_id=connector_id,
                purpose=purpose,
                stack_level=stack_level,
            )
            return await self._take_over(outcome)

    def check_remote_start(self, profile: Profile) -> Outcome:
        """Whether a remote start may come with this profile (SR-701). Those that can never count
        again take no room (SR-713)."""
        useful = self.stack.prune(self._clock.now()).stack
        return useful.check_remote_start(profile, keys=self.keys)

    def composite_schedule(self, connector_id: int, duration_s: int, unit: str | None) -> Report:
        """GetCompositeSchedule; in A unless asked otherwise (SR-501 to SR-508)."""
        if unit is None and RateUnit.A in self.keys.units:
            unit = RateUnit.A
        now = self._clock.now()
        return report(self.composite, connector_id, now, duration_s, unit, keys=self.keys)

    # What happens to transactions.

    def bind(self, profile: Profile, connector_id: int) -> list[Change]:
        """The profile of a remote start comes into force with its transaction (SR-702); gives the
        changes to save."""
        now, changes = self._clock.now(), []
        if len(self.stack) >= self.keys.max_installed:
            changes = self._apply(self.stack.prune(now))
        return changes + self._apply(self.stack.bind(profile, connector_id, received_at=now))

    def end_transaction(self, connector_id: int) -> list[Change]:
        """The profiles of an ended transaction go (SR-706); gives the changes to save."""
        return self._apply(self.stack.end_transaction(connector_id))

    def resume(self) -> None:
        """After a restart: only transactions that go on keep their profiles (SR-707)."""
        outcome = self.stack.resume(self.station.transactions)
        self._journal.keep(*self._apply(outcome))
        self.refresh()

    # The present.

    @property
    def keys(self) -> StationKeys:
        """What the configuration says about smart charging."""
        number, items = self._configuration.integer, self._configuration.items
        supported = self._configuration.supports("SmartCharging")
        units = items("ChargingScheduleAllowedChargingRateUnit")
        return StationKeys(
            max_stack_level=number("ChargeProfileMaxStackLevel"),
            max_periods=number("ChargingScheduleMaxPeriods"),
            max_installed=number("MaxChargingProfilesInstalled"),
            units=tuple(UNITS[name] for name in units) or (RateUnit.A,),
            purposes=frozenset(Purpose) if supported else frozenset(),
        )

    @property
    def station(self) -> Station:
        """Local limits and running transactions, as they are now."""
        capabilities = {c: outlet.capabilities for c, outlet in self._outlets.items()}
        return Station(
            limits_a={c: able.maximum_current_a for c, able in capabilities.items()},
            station_limit_a=self._grid.station_limit_a,
            voltage_v=self._grid.voltage_v,
            phases=max((able.phases for able in capabilities.values()), default=3),
            transactions={
                t.connector_id: Transaction(t.transaction_id, t.started_at)
                for t in self._running.running()
            },
        )

    @property
    def composite(self) -> Composite:
        """What is allowed, for any moment."""
        return Composite(self.stack, self.station, self._switches, self._grid.zone)

    @property
    def allowances(self) -> dict[int, Allowance]:
        """What each connector is allowed now, and why; an idle one, if it began to charge now."""
        composite, now = self.composite, self._clock.now()
        idle = [c for c in self._outlets if self._running.on_connector(c) is None]
        limits = [composite.limit_at(c, now) for c in idle]
        return self._allowances | {
            limit.connector_id: Allowance(limit.limit, limit.explanation.text) for limit in limits
        }

    def hardware_phases(self, connector_id: int) -> int:
        """Phases wired to a connector, or with 0 the most that any has."""
        if connector_id in self._outlets:
            return int(self._outlets[connector_id].capabilities.phases)
        return self.station.phases

    # Enforcement.

    def refresh(self) -> None:
        """Bring every EVSE to the limit in force now, and wake up at the next change."""
        if self._stopped:
            return
        self.sound = False
        now = self._clock.now()
        composite = self.composite
        charging = [t.connector_id for t in self._running.running()]
        wanted = {
            c: composite.limit_at(c, now, phases_in_use=self._outlets[c].state.phases)
            for c in self._outlets
        }
        ceiling = composite.ceiling.limit_at(0, now, phases_in_use=3).limit
        shares = self._shares(ceiling, now, {c: wanted[c].limit for c in charging})
        present = {c: self._outlets[c].limit_a for c in charging}
        drawing = [c for c in charging if self._outlets[c].state.energised]
        offers = self._handover.offers(shares, present, drawing, ceiling, now)
        changed = False
        for connector_id, limit in wanted.items():
            amount = shares.get(connector_id, limit.limit)
            reason = limit.explanation.text
            if amount < limit.limit:
                reason = f"{amount:f} A: the limit of the station is shared; {reason}"
            self._allowances[connector_id] = Allowance(amount, reason)
            offered = offers.get(connector_id, Decimal(0))
            changed |= self._set(connector_id, offered, limit.phases)
        self._plan(
            composite, now, charging, shared=any(shares[c] < wanted[c].limit for c in shares)
        )
        self.sound = True
        if changed:
            self.on_change()

    def stop(self) -> None:
        """Set no limits any more."""
        self._stopped = True
        self._plan_at(None)

    def _set(self, connector_id: int, limit_a: Decimal, phases: int | None) -> bool:
        outlet = self._outlets[connector_id]
        # SR-416: phases are switched only where that is said to be possible.
        may_switch = outlet.capabilities.can_switch_phases and self._configuration.boolean(
            "ConnectorSwitch3to1PhaseSupported"
        )
        before = outlet.limit_a
        outlet.set_limit(limit_a, phases if may_switch else None)
        if before != limit_a and self._running.on_connector(connector_id) is not None:
            log.info(
                "limit of connector {connector}: {limit} A ({reason})",
                connector=connector_id,
                limit=limit_a,
                reason=self._allowances[connector_id].reason,
            )
        return before != limit_a

    def _shares(
        self, ceiling: Decimal, now: datetime, wanted: Mapping[int, Decimal]
    ) -> dict[int, Decimal]:
        """What each charging connector gets of the limit of the station (SR-709)."""
        turn = turn_at(now)
        shares = share(ceiling, [self._claim(c, wanted[c]) for c in wanted], turn=turn)
        if all(shares[c] == wanted[c] for c in wanted):
            return shares
        # Not enough for all: who does not ask for energy now leaves all but the least to others.
        claims = [self._claim(c, self._modest(c, wanted[c])) for c in wanted]
        return share(ceiling, claims, turn=turn)

    def _modest(self, connector_id: int, wanted_a: Decimal) -> Decimal:
        outlet = self._outlets[connector_id]
        asks = outlet.state.wants_energy or not outlet.capabilities.signals_ready
        return wanted_a if asks else min(wanted_a, outlet.floor_a)

    def _claim(self, connector_id: int, wanted_a: Decimal) -> Claim:
        outlet = self._outlets[connector_id]
        return Claim(
            connector_id=connector_id,
            maximum_a=wanted_a,
            lines=self._lines(connector_id)[: outlet.state.phases],
            minimum_a=outlet.floor_a,
        )

    def _lines(self, connector_id: int) -> tuple[int, ...]:
        """The lines of the supply behind the phases, by ConnectorPhaseRotation."""
        for item in self._configuration.items("ConnectorPhaseRotation"):
            number, _, rotation = item.partition(".")
            if number == str(connector_id) and set(rotation) == set(LINES):
                return tuple(LINES[letter] for letter in rotation)
        return (1, 2, 3)

    def _plan(
        self, composite: Composite, now: datetime, charging: Sequence[int], *, shared: bool
    ) -> None:
        # Asked as in `refresh`: what the car's phases make of a limit may change by itself.
        moments = [
            composite.next_change(c, now, phases_in_use=self._outlets[c].state.phases)
            for c in charging
        ]
        if charging:
            moments.append(composite.ceiling.next_change(0, now, phases_in_use=3))
            moments.append(self._handover.next_end())
        if shared:
            # The right of the first one goes round.
            moments.append(now + timedelta(seconds=900 - int(now.timestamp()) % 900))
        self._plan_at(min((m for m in moments if m is not None), default=None))

    def _plan_at(self, moment: datetime | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None if moment is None else self._clock.call_at(moment, self.refresh)

    # Keeping.

    def _try_to_install(self, profile: Profile, connector_id: int) -> Outcome:
        return self.stack.install(
            profile,
            connector_id,
            received_at=self._clock.now(),
            station=self.station,
            keys=self.keys,
        )

    async def _take_over(self, outcome: Outcome) -> Outcome:
        if outcome.accepted:
            await self._journal.promise(*_changes(outcome))
            self._catch_up(outcome)
            self._forget_orphan(outcome.installed)
            self.refresh()
        return outcome

    def _forget_orphan(self, installed: Installed | None) -> None:
        """The transaction of a new TxProfile may have ended while the profile was being saved."""
        if installed is None or installed.profile.purpose is not Purpose.TX_PROFILE:
            return
        if self._running.on_connector(installed.connector_id) is None:
            self._journal.keep(*self.end_transaction(installed.connector_id))

    def _catch_up(self, outcome: Outcome) -> None:
        """Take over what has been saved. Meanwhile a transaction may have begun or ended, and its
        profile may have taken the same id or the same place (SR-631, SR-632)."""
        self.stack = Stack(tuple(one for one in self.stack if one not in outcome.removed))
        if outcome.installed is None:
            return
        again = self.stack.put(outcome.installed)
        changes = self._apply(again)
        if again.removed:
            self._journal.keep(*changes)

    def _apply(self, outcome: Outcome) -> list[Change]:
        self.stack = outcome.stack
        return _changes(outcome)


def _changes(outcome: Outcome) -> list[Change]:
    gone: Iterable[Change] = (Delete(TABLE, str(one.profile_id)) for one in outcome.removed)
    if outcome.installed is None:
        return list(gone)
    key = str(outcome.installed.profile_id)
    return [*gone, Put(TABLE, key, outcome.installed.to_document())]
