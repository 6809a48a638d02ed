"""One simulated EVSE as the charge point sees it: `IEVSE` around an outlet, on a clock.

Nothing is polled: it sleeps until the next instant at which its outlet changes by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from txocpp.devices.simulation.car import SECOND_US, whole_us
from txocpp.devices.simulation.outlet import Outlet
from txocpp.devices.simulation.settings import SimulationSettings
from txocpp.errors import DeviceOffline, DeviceRefused
from txocpp.evse import Capabilities, EVSEState, Fault, FaultCode, MeterReading, ResetKind
from txocpp.interfaces import IEVSE, IEVSEListener

if TYPE_CHECKING:
    from txocpp.devices.simulation.device import SimulatedDevice

MEASURANDS: Final = frozenset(
    {
        "Energy.Active.Import.Register",
        "Power.Active.Import",
        "Power.Factor",
        "Current.Import",
        "Voltage",
        "Frequency",
        "Temperature",
        "SoC",
    }
)
_HALF_US: Final = 4e-7  # timers may fire this much early; instants are whole microseconds


@implementer(IEVSE)
class SimulatedEVSE:
    """One outlet with a car that is plugged, unplugged, paused and broken by program.

    The pokes (`plug_in` and so on) raise `txocpp.errors.DeviceRefused` if they make no sense now
    and `txocpp.errors.ConfigurationError` for a wrong setting.
    """

    def __init__(self, device: SimulatedDevice, number: int, settings: SimulationSettings) -> None:
        self.number = number
        """1-based, as the people who poke it count."""
        self._device = device
        self._clock = device.clock
        self._now = whole_us(self._clock.seconds())
        self._outlet = Outlet(settings, self._now)
        self._outlet.switch_power(False)
        self._listener: IEVSEListener | None = None
        self._limit: tuple[Decimal, int | None] | None = None
        self._available = True
        self._waiting: list[Deferred[None]] = []
        self._timer: IDelayedCall | None = None
        self._told = self.state

    # IEVSE

    @property
    def capabilities(self) -> Capabilities:
        """What the settings make of it."""
        settings = self._outlet.settings
        return Capabilities(
            maximum_current_a=settings.maximum_current_a,
            phases=settings.phases,
            can_switch_phases=settings.can_switch_phases,
            has_lock=settings.lock,
            fixed_cable=not settings.lock,
            steps_a=settings.steps_a,
            measurands=MEASURANDS,
        )

    @property
    def state(self) -> EVSEState:
        """The state at this moment."""
        self._catch_up()
        return self._outlet.state

    def listen(self, listener: IEVSEListener) -> None:
        """From now on tell this listener."""
        self._listener = listener

    def set_current_limit(self, limit_a: Decimal, phases: int | None = None) -> Deferred[None]:
        """Fires at once; while the device is off, when it is back and has the newest limit."""
        limit = Decimal(limit_a)
        self._limit = (limit, phases)
        return self._kept_until_online(lambda: self._outlet.set_limit(limit, phases))

    def set_available(self, available: bool) -> Deferred[None]:
        """Like the limit, availability is kept while the device is off."""
        self._available = available
        return self._kept_until_online(lambda: self._outlet.set_available(available))

    def permit(self, energise: bool, *, at_once: bool = False) -> Deferred[None]:
        """Fires at once; a car that must stop still draws for some seconds.

        Fails with `DeviceOffline` while the device is off; a permission that was taken meanwhile
        is not there when it is back.
        """
        if not self._outlet.powered:
            self._outlet.permitted = self._outlet.permitted and energise
            return fail(DeviceOffline(f"EVSE {self.number}: the device is off"))
        self.change(lambda: self._outlet.permit(energise, at_once))
        return succeed(None)

    def set_lock(self, locked: bool) -> Deferred[None]:
        """Fails with `DeviceRefused` if told so by `fail_lock`, or without a socket."""
        if not self._outlet.powered:
            return fail(DeviceOffline(f"EVSE {self.number}: the device is off"))
        try:
            self.change(lambda: self._outlet.set_lock(locked))
        except DeviceRefused as refusal:
            return fail(DeviceRefused(f"EVSE {self.number}: {refusal}"))
        return succeed(None)

    def read_meter(self) -> Deferred[MeterReading]:
        """The register that is given out is remembered first."""
        if not self._outlet.powered:
            return fail(DeviceOffline(f"EVSE {self.number}: the device is off"))
        self._catch_up()
        self._device.remember()
        return succeed(self._outlet.read())

    def reset(self, kind: ResetKind) -> Deferred[None]:
        """The whole device restarts; permissions are gone, limits are set again afterwards."""
        self._device.restart(kind)
        return succeed(None)

    # What the world does to it

    def plug_in(self, **car_settings: Any) -> None:
        """A car comes; it may differ from the last one by these settings of a car."""
        self.change(lambda: self._outlet.plug_in(car_settings))
        self._device.remember()

    def plug_out(self) -> None:
        """The car is unplugged at its end (a locked socket keeps the other end)."""
        self.change(self._outlet.plug_out)
        self._device.remember()

    def ev_pause(self) -> None:
        """The car stops asking for energy."""
        self.change(self._outlet.pause_car)

    def ev_resume(self) -> None:
        """The car asks for energy again."""
        self.change(self._outlet.resume_car)

    def adjust(self, **car_settings: Any) -> None:
        """Change settings of the car while it is there or away."""
        self.change(lambda: self._outlet.adjust(car_settings))

    def raise_fault(self, fault: Fault) -> None:
        """Something is wrong from now on."""
        self.change(lambda: self._outlet.raise_fault(fault))

    def clear_fault(self, code: FaultCode | None = None) -> None:
        """One fault, or all, is over."""
        self.change(lambda: self._outlet.clear_fault(code))

    def fail_lock(self, fails: bool = True) -> None:
        """From now on the lock does not move, or moves again."""
        self._outlet.lock_fails = fails

    def weld(self, welded: bool = True) -> None:
        """The contactor sticks; the device notices a second after it should have opened."""
        self.change(lambda: self._outlet.weld(welded))

    def silence_meter(self, silent: bool = True) -> None:
        """The meter answers no more; the register shown stands still."""
        self.change(lambda: self._outlet.silence_meter(silent))

    @property
    def outlet(self) -> Outlet:
        """The physics, for reading, as it is at this moment."""
        self._catch_up()
        return self._outlet

    # For the device

    def change(self, action: Callable[[], None]) -> None:
        """Do something to the outlet now, tell the listener later, plan what follows."""
        self._catch_up()
        try:
            action()
        finally:
            self._note()
            self._plan()

    def switch_power(self, powered: bool) -> None:
        """Mains on: whatever was asked for meanwhile is taken over."""

        def switch() -> None:
            self._outlet.switch_power(powered)
            if powered:
                self._outlet.set_available(self._available)
                if self._limit is not None:
                    self._outlet.set_limit(*self._limit)

        self.change(switch)
        if powered:
            self._answer_waiting(None)

    def forget_permission(self) -> None:
        """A restart on demand ends what was permitted."""
        self.change(lambda: self._outlet.permit(False, True))

    def stop(self) -> None:
        """No timer is left behind; who still waits is told."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._answer_waiting(DeviceOffline(f"EVSE {self.number}: the device was stopped"))

    def present_tag(self, evses: Sequence[IEVSE], id_tag: str) -> None:
        """Tell this EVSE's listener, once, that a tag was held to the reader of `evses`."""

        def tell() -> None:
            if self._listener is not None:
                self._listener.tag_presented(evses, id_tag)

        self._device.tell(tell)

    def _kept_until_online(self, action: Callable[[], None]) -> Deferred[None]:
        if self._outlet.powered:
            self.change(action)
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def _answer_waiting(self, error: DeviceOffline | None) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            if error is None:
                deferred.callback(None)
            else:
                deferred.errback(error)

    def _catch_up(self) -> None:
        self._now = max(self._now, whole_us(self._clock.seconds()))
        while self._outlet.advance(self._now):
            self._note()

    def _note(self) -> None:
        state = self._outlet.state
        if state == self._told:
            return
        self._told = state

        def tell() -> None:
            if self._listener is not None:
                self._listener.state_changed(self, state)

        self._device.tell(tell)

    def _plan(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        due = self._outlet.next_change
        if due is not None and self._device.running:
            wait_s = max((due - self._now) / SECOND_US - _HALF_US, 0)
            self._timer = self._clock.callLater(wait_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._catch_up()
        self._plan()
