"""The EVSE of an OpenEVSE: what is wanted of it, what was seen of it, and the difference."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import attrs
from twisted.internet.defer import Deferred, DeferredLock, fail
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from txocpp.devices.esp8266.energy import EnergyRegister
from txocpp.devices.openevse.controller import Controller, Mode, Observation
from txocpp.errors import DeviceError, DeviceOffline, DeviceRefused
from txocpp.evse import (
    Capabilities,
    CarState,
    EVSEState,
    MeterReading,
    OfferReason,
    ResetKind,
)
from txocpp.interfaces import IEVSE, IEVSEListener

DOWN_S: Final = 10.0
"""Nothing seen for so long: the controller counts as offline."""
_GENEROUS_V: Final = 300
_MEASURANDS: Final = frozenset(
    {"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"}
)
_PLUGGED: Final = (CarState.CONNECTED, CarState.READY, CarState.READY_VENTILATION)


@implementer(IEVSE)
class OpenEVSE:
    """The EVSE of an OpenEVSE; made by `OpenEVSEDevice`."""

    def __init__(self, clock: IReactorTime, controller: Controller, *, phases: int) -> None:
        self.capabilities = Capabilities(phases=phases, measurands=_MEASURANDS)
        self.register = EnergyRegister(maximum_power_w=80 * 3 * _GENEROUS_V)
        self.seen: Observation | None = None
        self.seen_at: float | None = None
        self.on_reading: Callable[[], None] = lambda: None
        """Called after each look."""
        self.tell: Callable[[Callable[[], None]], None] = lambda call: None
        """Makes a call to a listener."""
        self.stir: Callable[[], None] = lambda: None
        """Asks for `settle` to be called soon."""
        self._clock = clock
        self._controller = controller
        self._phases = phases
        self._listener: IEVSEListener | None = None
        self._limit_a = Decimal(0)
        self._permitted = False
        self._available = True
        self._at_once = False
        self._told_current_a: int | None = None
        self._told: EVSEState | None = None
        self._waiting: list[Deferred[None]] = []
        self._busy = DeferredLock()

    # IEVSE

    @property
    def is_online(self) -> bool:
        """It was seen lately."""
        return self.seen_at is not None and self._clock.seconds() - self.seen_at < DOWN_S

    @property
    def state(self) -> EVSEState:
        """As it was seen last."""
        seen = self.seen
        if seen is None:
            return EVSEState(available=self._available, phases=self._phases, online=False)
        online = self.is_online
        offers = seen.mode is Mode.ENABLED and seen.car in _PLUGGED and not seen.faults
        return EVSEState(
            car=seen.car,
            energised=seen.energised,
            offered_a=Decimal(seen.pilot_a) if offers else Decimal(0),
            reason=self._reason(seen),
            phases=self._phases,
            locked=seen.locked,
            available=self._available,
            faults=seen.faults,
            online=online,
            silent_s=0.0 if online else DOWN_S,
        )

    def listen(self, listener: IEVSEListener) -> None:
        """From now on tell this listener."""
        self._listener = listener

    def set_current_limit(self, limit_a: Decimal, phases: int | None = None) -> Deferred[None]:
        """Rounded down to whole amperes; less than 6 A puts the controller to sleep.

        An OpenEVSE does not switch phases here: `phases` changes nothing.
        """
        self._limit_a = max(Decimal(limit_a), Decimal(0))
        return self._apply_soon()

    def permit(self, energise: bool, *, at_once: bool = False) -> Deferred[None]:
        """Without permission it sleeps; a permission that cannot be given now is not given."""
        self._permitted = energise
        self._at_once = at_once and not energise
        if not self.is_online:
            self._permitted = False
            return fail(DeviceOffline("the line to the controller is down"))
        return self._apply_soon()

    def set_available(self, available: bool) -> Deferred[None]:
        """Out of service it is disabled, and nobody sees whether a car is there."""
        self._available = available
        return self._apply_soon()

    def set_lock(self, locked: bool) -> Deferred[None]:
        """Only controllers built for a socket have one."""
        if not self.capabilities.has_lock:
            return fail(DeviceRefused("there is no lock"))
        return Deferred.fromCoroutine(self._controller.set_lock(locked))

    def read_meter(self) -> Deferred[MeterReading]:
        """A fresh look; the voltage is what the controller believes it is."""
        return Deferred.fromCoroutine(self._read_meter())

    def reset(self, kind: ResetKind) -> Deferred[None]:
        """Both kinds restart the controller."""
        self._permitted = False
        return Deferred.fromCoroutine(self._controller.restart())

    # For the device

    def met(self) -> None:
        """The controller is there and has forgotten what it was told."""
        self._told_current_a = None
        most_a = Decimal(self._controller.range.maximum_a)
        self.register.maximum_power_w = int(most_a * self._phases * _GENEROUS_V)
        self.capabilities = attrs.evolve(
            self.capabilities,
            maximum_current_a=most_a,
            has_lock=self._controller.has_lock,
            fixed_cable=not self._controller.has_lock,
            steps_a=tuple(
                Decimal(step_a)
                for step_a in range(self._controller.range.minimum_a, int(most_a) + 1)
            ),
        )

    async def settle(self) -> None:
        """Look, tell what has changed, and correct what is not as it should be."""
        async with self._busy:
            waiting = self._waiting[:]
            try:
                await self._look()
                await self._correct()
            except DeviceRefused as refusal:
                self._answer(waiting, refusal)
                raise
            self._answer(waiting, None)

    async def observe(self) -> None:
        """Look, and tell what has changed; correct nothing."""
        async with self._busy:
            await self._look()

    async def make_safe(self) -> None:
        """Take the permission and see it obeyed."""
        self._permitted = False
        await self.settle()

    def give_up(self, error: DeviceError) -> None:
        """Whoever waits need not wait any longer."""
        self._answer(self._waiting[:], error)

    def note(self) -> None:
        """Tell the listener if anything of the state is different."""
        state = self.state
        if state == self._told:
            return
        self._told = state
        listener = self._listener
        if listener is not None:
            self.tell(lambda: listener.state_changed(self, state))

    # Inside

    async def _look(self) -> None:
        before = self.seen
        self.seen = await self._controller.look()
        self.seen_at = self._clock.seconds()
        self.register.read(self.seen.meter_wh, self.seen_at)
        self.on_reading()
        was_plugged = before is not None and before.car in _PLUGGED
        if was_plugged and self.seen.car is CarState.ABSENT:
            self._permitted = False
        self.note()

    async def _correct(self) -> None:
        current_a = self._controller.range.fit(self._limit_a)
        wanted = self._wanted_mode(current_a)
        raised = self.seen is not None and self.seen.pilot_a > current_a and not self._fallen_back
        if current_a and (current_a != self._told_current_a or raised):
            await self._controller.set_current(current_a)
            self._told_current_a = current_a
        if self._at_once and self.seen is not None and self.seen.mode is Mode.ENABLED:
            # Sleeping gives the car some seconds; disabling does not.
            await self._controller.set_mode(Mode.DISABLED)
        elif self.seen is not None and self.seen.mode is wanted:
            self._at_once = False
            return
        self._at_once = False
        await self._controller.set_mode(wanted)
        await self._look()

    @property
    def _fallen_back(self) -> bool:
        return self.seen is not None and self.seen.fallen_back

    def _wanted_mode(self, current_a: int) -> Mode:
        if not self._available:
            return Mode.DISABLED
        return Mode.ENABLED if self._permitted and current_a else Mode.ASLEEP

    def _apply_soon(self) -> Deferred[None]:
        """Soon if it is there; else what is wanted is told when it is."""
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        self.stir()
        return waiting

    def _answer(self, waiting: list[Deferred[None]], error: DeviceError | None) -> None:
        for deferred in waiting:
            if deferred in self._waiting:  # or somebody has lost patience meanwhile
                self._waiting.remove(deferred)
                if error is None:
                    deferred.callback(None)
                else:
                    deferred.errback(error)

    async def _read_meter(self) -> MeterReading:
        async with self._busy:
            await self._look()
        return self.reading()

    def reading(self) -> MeterReading:
        """What the last look gave."""
        seen = self.seen
        if seen is None:
            return MeterReading(energy_wh=self.register.total_wh)
        current_a, voltage_v = seen.current_a, seen.voltage_v
        power_w = None
        if current_a is not None and voltage_v is not None:
            power_w = (current_a * voltage_v * self._phases).quantize(Decimal(1))
        return MeterReading(
            energy_wh=self.register.total_wh,
            power_w=power_w,
            # There is one current transformer: the other phases are not measured.
            currents_a=() if current_a is None else (current_a,),
            voltages_v=() if voltage_v is None else (voltage_v,),
            temperature_c=seen.temperature_c,
        )

    def _reason(self, seen: Observation) -> OfferReason:
        if seen.faults:
            return OfferReason.FAULT
        if seen.fallen_back:
            return OfferReason.FALLBACK
        if not self._permitted or not self._available or seen.car not in _PLUGGED:
            return OfferReason.OFF
        most_a = self.capabilities.maximum_current_a
        return OfferReason.MAXIMUM if self._limit_a > most_a else OfferReason.HOST
