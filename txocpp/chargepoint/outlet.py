"""The electrical side of one connector: permission, lock, limit and meter of its EVSE.

It keeps what the role wants apart from what the box has been told, and repeats the wish when the
line to the box comes back. It knows no transaction.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.measurands import Snapshot
from txocpp.chargepoint.register import EnergyRegister
from txocpp.errors import DeviceError, DeviceOffline
from txocpp.evse import MINIMUM_CURRENT_A, EVSEState, MeterReading
from txocpp.interfaces import IEVSE, IStatusLight

METER_TIMEOUT_S = 5.0
LOCK_TIMEOUT_S = 10.0
OPENING_S: Final = 7.0
"""A car that does not stop drawing loses the contactor after 6 s (IEC 61851-1)."""

log = Logger()


class Outlet:
    """One EVSE, as its connector uses it."""

    def __init__(
        self,
        connector_id: int,
        evse: IEVSE,
        register: EnergyRegister,
        clock: StationClock,
        *,
        voltage_v: Decimal = Decimal(230),
    ) -> None:
        self.connector_id = connector_id
        self.register = register
        self.limit_a = Decimal(0)
        """The limit that the EVSE has been told last."""
        self.permitted = False
        """Whether the car may charge, as far as we want it."""
        self._evse = evse
        self._clock = clock
        self._voltage_v = voltage_v
        self._limit_phases: int | None = None
        self._was_online = evse.state.online
        self._was_plugged = evse.state.plugged
        self.last = MeterReading()
        """The latest reading."""
        self._opened: list[Deferred[None]] = []
        self._shown: tuple[str, str] | None = None

    @property
    def state(self) -> EVSEState:
        """The latest that is known of the EVSE."""
        state: EVSEState = self._evse.state
        return state

    @property
    def capabilities(self) -> Any:
        """`txocpp.evse.Capabilities` of the EVSE."""
        return self._evse.capabilities

    @property
    def floor_a(self) -> Decimal:
        """The least that can be offered; with less charging pauses."""
        steps = self._evse.capabilities.steps_a
        return min(steps) if steps else MINIMUM_CURRENT_A

    @property
    def offers(self) -> bool:
        """Whether the car may take energy now, as far as we are concerned."""
        return self.permitted and self.limit_a >= self.floor_a

    @property
    def draws(self) -> bool:
        """Whether the contactor is known to be closed."""
        return bool(self.state.energised and self.state.online)

    # What the role wants.

    def start(self) -> None:
        """Tell the EVSE what we want: it may have kept what an earlier life wanted."""
        self._tell_limit()
        self._tell_permission()

    def set_limit(self, limit_a: Decimal, phases: int | None = None) -> None:
        """Offer at most this much from now on, per phase."""
        if (limit_a, phases) == (self.limit_a, self._limit_phases):
            return
        self.limit_a, self._limit_phases = limit_a, phases
        self._tell_limit()

    def permit(self) -> None:
        """Let the car charge."""
        self.permitted = True
        self._tell_permission()

    async def take_back(self, *, at_once: bool = False) -> None:
        """End charging; returns when the contactor is open, or should be."""
        self.permitted = False
        # Until the box has heard it, a permission on its way may still close the contactor.
        with suppress(TookTooLong):
            await _in_time(self._tell_permission(at_once=at_once), OPENING_S, self._clock)
        if self.draws:
            opened: Deferred[None] = Deferred()
            self._opened.append(opened)
            timer = self._clock.call_later(OPENING_S, self._tell_opened)
            await opened
            if timer.active():
                timer.cancel()

    def set_available(self, available: bool) -> None:
        """Put the EVSE in or out of service."""
        self._noting_failure(self._evse.set_available(available), "take in or out of service")

    def show(self, status: str, text: str) -> None:
        """Show this at the EVSE, if it has a light."""
        if (status, text) != self._shown:
            self._shown = status, text
            self._tell_shown()

    async def lock(self) -> bool:
        """Lock the plug; False if the lock does not answer (S-16). True without a lock."""
        return await self._move_lock(True)

    async def unlock(self) -> bool:
        """Unlock the plug; False if it stays locked. True without a lock."""
        return await self._move_lock(False)

    async def snapshot(self) -> Snapshot:
        """A fresh reading, its register never behind an earlier one. Fails with `DeviceError`."""
        reading: Deferred[MeterReading] = self._evse.read_meter()
        try:
            self.last = self.register.observe(
                await _in_time(reading, METER_TIMEOUT_S, self._clock), self._clock.now()
            )
        except TookTooLong:
            raise DeviceOffline(f"the meter of connector {self.connector_id} is silent") from None
        return self._as_snapshot()

    async def snapshot_or_last(self) -> Snapshot:
        """A fresh reading, or the last one if the EVSE gives none."""
        try:
            return await self.snapshot()
        except DeviceError as error:
            log.warn("connector {c}: {reason}", c=self.connector_id, reason=str(error))
            return self._as_snapshot()

    # What the device tells.

    def state_changed(self, state: EVSEState) -> None:
        """Take note; a box that has come back is told again what we want."""
        if not state.energised:
            self._tell_opened()
        if state.online and not self._was_online:
            self._tell_limit()
            self._tell_permission()
            self._tell_shown()
        elif state.plugged and not self._was_plugged and self.permitted:
            # Unplugging takes the permission back by itself; the same car is back (TX-16).
            self._tell_permission()
        self._was_online, self._was_plugged = state.online, state.plugged

    def measured(self, reading: MeterReading) -> None:
        """Take in a reading that the device sent by itself."""
        self.last = self.register.observe(reading, self._clock.now())

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._tell_opened()

    # Inside.

    def _as_snapshot(self) -> Snapshot:
        state = self.state
        last = attrs.evolve(self.last, energy_wh=self.register.shown_wh)
        return Snapshot(last, state.offered_a, state.phases, self._voltage_v)

    def _tell_limit(self) -> None:
        told = self._evse.set_current_limit(self.limit_a, self._limit_phases)
        self._noting_failure(told, "limit")

    def _tell_permission(self, *, at_once: bool = False) -> Deferred[None]:
        if not self.state.online:
            return succeed(None)
        told = self._evse.permit(self.permitted, at_once=at_once)
        return self._noting_failure(told, "permit")

    def _tell_shown(self) -> None:
        if self._shown is not None and self.state.online and IStatusLight.providedBy(self._evse):
            self._noting_failure(self._evse.show(*self._shown), "show its status")

    def _tell_opened(self) -> None:
        opened, self._opened = self._opened, []
        for waiting in opened:
            waiting.callback(None)

    async def _move_lock(self, locked: bool) -> bool:
        if not self._evse.capabilities.has_lock:
            return True
        try:
            await _in_time(self._evse.set_lock(locked), LOCK_TIMEOUT_S, self._clock)
        except (DeviceError, TookTooLong) as error:
            log.warn("lock of connector {c}: {reason}", c=self.connector_id, reason=str(error))
            return False
        return True

    def _noting_failure(self, done: Deferred[None], what: str) -> Deferred[None]:
        return done.addErrback(self._note_failure, what)

    def _note_failure(self, failure: Failure, what: str) -> None:
        failure.trap(DeviceError)
        log.warn(
            "connector {connector}: cannot {what}: {reason}",
            connector=self.connector_id,
            what=what,
            reason=failure.getErrorMessage(),
        )


def _in_time(done: Deferred[Any], timeout_s: float, clock: StationClock) -> Deferred[Any]:
    """The same, failing with `TookTooLong` if it takes longer."""
    return done.addTimeout(timeout_s, clock.reactor_clock)
