"""The simulated charger as the charge point sees it: `IEVSE` and `IEVSEDevice` on a clock.

Nothing is polled: each EVSE sleeps until the next instant at which its outlet changes by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from txocpp.devices.simulation.car import SECOND_US, whole_us
from txocpp.devices.simulation.outlet import Outlet
from txocpp.devices.simulation.settings import SimulationSettings
from txocpp.errors import DeviceOffline, DeviceRefused, StoreError
from txocpp.evse import (
    Capabilities,
    DeviceInfo,
    EVSEState,
    Fault,
    FaultCode,
    MeterReading,
    ResetKind,
)
from txocpp.interfaces import IEVSE, IEVSEDevice, IEVSEListener

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
REBOOT_S: Final = {ResetKind.SOFT: 1.0, ResetKind.HARD: 3.0}
"""How long a restart of the simulated device takes."""
_HALF_US: Final = 4e-7  # timers may fire this much early; instants are whole microseconds

_log = Logger()


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


@implementer(IEVSEDevice)
class SimulatedDevice(Service):
    """A box with simulated EVSEs, a tag reader in front of all of them, and a power switch.

    `clock` may be real, a `twisted.internet.task.Clock` or anything between. `memory` is what an
    earlier device gave to `on_remember`: registers, plugged cars and their batteries survive with
    it. `on_remember` is called with such a small document of plain JSON values before a new
    register reading is given out, and when a car comes or goes.
    """

    def __init__(
        self,
        clock: IReactorTime,
        settings: Sequence[SimulationSettings] = (SimulationSettings(),),
        *,
        info: DeviceInfo | None = None,
        memory: Mapping[str, Any] | None = None,
        on_remember: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.clock = clock
        self.info = info or DeviceInfo(
            vendor="txocpp",
            model="Simulated EVSE",
            serial_number="SIM-0001",
            firmware_version="1",
            meter_type="simulated",
        )
        self._on_remember = on_remember
        self._remembered: dict[str, Any] | None = None
        self._events: deque[Callable[[], None]] = deque()
        self._teller: IDelayedCall | None = None
        self._power: IDelayedCall | None = None
        self.evses: tuple[SimulatedEVSE, ...] = tuple(
            SimulatedEVSE(self, number, one) for number, one in enumerate(settings, 1)
        )
        if memory is not None:
            self._recall(memory)

    @property
    def online(self) -> bool:
        """The device has power and is not restarting."""
        return all(evse.outlet.powered for evse in self.evses)

    def startService(self) -> None:
        """Switch the device on."""
        super().startService()  # type: ignore[no-untyped-call]
        self._power_on()

    def stopService(self) -> None:
        """Open all contactors and switch the device off."""
        self.remember()
        for evse in self.evses:
            evse.forget_permission()
            evse.switch_power(False)
        super().stopService()  # type: ignore[no-untyped-call]
        for evse in self.evses:
            evse.stop()
        for timer in (self._power, self._teller):
            if timer is not None and timer.active():
                timer.cancel()
        self._events.clear()

    def evse(self, number: int) -> SimulatedEVSE:
        """The EVSE with this 1-based number."""
        if not 1 <= number <= len(self.evses):
            raise DeviceRefused(f"there is no connector {number}, only 1 to {len(self.evses)}")
        return self.evses[number - 1]

    def swipe(self, id_tag: str, connectors: Sequence[int] = ()) -> None:
        """Hold a tag to the reader of these connectors, or of all.

        One listener is told, that of the first of them.
        """
        if not self.online:
            raise DeviceRefused("the device is off, nobody reads the tag")
        chosen = tuple(self.evse(number) for number in connectors) or self.evses
        chosen[0].present_tag(chosen, id_tag)

    def power_cut(self, duration_s: float = 5.0) -> None:
        """Mains gone for this long. Limits, availability and permissions are back afterwards, the
        permission only if the car stayed plugged in."""
        for evse in self.evses:
            evse.switch_power(False)
        if self._power is not None and self._power.active():
            self._power.cancel()
        self._power = self.clock.callLater(duration_s, self._power_on)

    def restart(self, kind: ResetKind) -> None:
        """Restart on demand: as a power cut, but no permission survives it."""
        _log.info("simulated device restarts ({kind})", kind=kind.value)
        for evse in self.evses:
            evse.forget_permission()
        self.power_cut(REBOOT_S[kind])

    def remember(self) -> None:
        """Give what has to survive to whoever keeps it, if it is news."""
        if self._on_remember is None:
            return
        document = self.memory()
        if document != self._remembered:
            self._on_remember(document)
            self._remembered = document

    def memory(self) -> dict[str, Any]:
        """Registers, plugs and batteries as plain JSON values."""
        outlets = [evse.outlet for evse in self.evses]
        return {
            "evses": [
                {
                    "energy_wh": outlet.energy_wh,
                    "plugged": outlet.plugged,
                    "soc_percent": str(outlet.car.soc_percent),
                }
                for outlet in outlets
            ]
        }

    def tell(self, event: Callable[[], None]) -> None:
        """Queue a call to a listener: never from inside whatever happens now, one at a time."""
        self._events.append(event)
        if self._teller is None and self.running:
            self._teller = self.clock.callLater(0, self._tell_all)

    def _tell_all(self) -> None:
        try:
            while self._events:
                event = self._events.popleft()
                try:
                    event()
                except Exception:
                    _log.failure("a listener of the simulated charger failed")
        finally:
            self._teller = None

    def _power_on(self) -> None:
        self._power = None
        for evse in self.evses:
            evse.switch_power(True)

    def _recall(self, memory: Mapping[str, Any]) -> None:
        """Raises `StoreError` for what no device has written."""
        try:
            for evse, kept in zip(self.evses, memory["evses"], strict=False):
                evse.outlet.recall(
                    energy_wh=int(kept["energy_wh"]),
                    plugged=bool(kept["plugged"]),
                    soc_percent=Decimal(kept["soc_percent"]),
                )
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise StoreError(f"not the memory of a simulated charger: {error!r}") from None
