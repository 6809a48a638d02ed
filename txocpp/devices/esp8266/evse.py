"""One connector of an evlink/1 device: what is wanted of it, what it last said, and the difference.

The charge point says what it wants whenever it likes. Here that is kept, sent when there is a
session, and sent again after the device or the line has failed. The device alone is believed about
what is.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.devices.esp8266 import words
from txocpp.devices.esp8266.energy import EnergyRegister
from txocpp.devices.esp8266.host_line import DOWN_S
from txocpp.devices.esp8266.words import Greeting, Status
from txocpp.devices.wishes import Wish
from txocpp.errors import DeviceError, DeviceOffline, DeviceRefused
from txocpp.evse import (
    Capabilities,
    CarState,
    EVSEState,
    Fault,
    FaultCode,
    MeterReading,
    OfferReason,
    ResetKind,
)
from txocpp.interfaces import IEVSE, IEVSEListener, IStatusLight

if TYPE_CHECKING:
    from txocpp.devices.esp8266.device import EvlinkDevice

MOST_MA: Final = 80_000
LONGEST_TEXT: Final = 50
_GENEROUS_V: Final = 300
_JUMPED: Final = Fault(
    FaultCode.POWER_METER_FAILURE, blocking=False, info="meter jumped", vendor_code="meter_jump"
)

_log = Logger()


@implementer(IEVSE, IStatusLight)
class EvlinkEVSE:
    """One EVSE behind an evlink/1 line; made by `EvlinkDevice`."""

    def __init__(self, device: EvlinkDevice, number: int) -> None:
        self.number = number
        """Its number on the device, from 1."""
        self.capabilities = Capabilities()
        self.register = EnergyRegister(maximum_power_w=80 * 3 * _GENEROUS_V)
        self._device = device
        self._listener: IEVSEListener | None = None
        self._status: Status | None = None
        self._car_there = False
        self._limit_ma = 0
        self._phases: int | None = None
        self._permitted = False
        self._hard = False
        self._available = True
        self._is_up = False
        self._start: tuple[str, int] | None = None
        self._limit_wish = Wish(self._send_limit)
        self._gate_wish = Wish(self._send_gate)
        self._available_wish = Wish(self._send_available)
        self._told: EVSEState | None = None

    # IEVSE

    @property
    def state(self) -> EVSEState:
        """The last that the device said; offline until it has said anything.

        A pilot that cannot see the car (shorted, or showing F for a fault) leaves it where it was.
        """
        status, online = self._status, self._device.is_online(self.number)
        if status is None:
            return EVSEState(
                available=self._available,
                online=False,
                silent_s=self._silent_s(online),
                faults=self._device.faults,
            )
        blind = status.pilot in "EF" and self._car_there and self._available
        return EVSEState(
            car=CarState.CONNECTED if blind else status.car,
            energised=status.on,
            offered_a=Decimal(status.offered_ma) / 1000,
            reason=status.reason,
            phases=status.phases,
            locked=status.locked,
            available=self._available,
            faults=(*status.faults, *self._own_faults(), *self._device.faults),
            online=online,
            silent_s=self._silent_s(online),
        )

    def listen(self, listener: IEVSEListener) -> None:
        """From now on tell this listener."""
        self._listener = listener

    def set_current_limit(self, limit_a: Decimal, phases: int | None = None) -> Deferred[None]:
        """Rounded down to a tenth of an ampere; kept while there is no session."""
        tenths = int(Decimal(limit_a) * 10)
        self._limit_ma = min(max(tenths, 0) * 100, MOST_MA)
        self._phases = phases if self.capabilities.can_switch_phases else None
        return self._limit_wish.want(now=self._device.has_session)

    def permit(self, energise: bool, *, at_once: bool = False) -> Deferred[None]:
        """Fires when the device has taken it over.

        Without a session it waits for one until the line counts as down, then fails with
        `DeviceOffline`; a permission that was taken stays taken, one that was not given is not
        given later.
        """
        self._permitted, self._hard = energise, at_once
        if self._device.is_down:
            self._permitted = False
            return fail(DeviceOffline(f"EVSE {self.number}: the line to the device is down"))

        def failed(failure: Failure) -> Failure:
            self._permitted = False
            return failure

        return self._gate_wish.want(now=self._device.has_session).addErrback(failed)

    def set_available(self, available: bool) -> Deferred[None]:
        """Kept while there is no session, like the limit."""
        self._available = available
        return self._available_wish.want(now=self._device.has_session)

    def set_lock(self, locked: bool) -> Deferred[None]:
        """Fires when the lock has moved."""
        if not self.capabilities.has_lock:
            return fail(DeviceRefused(f"EVSE {self.number}: there is no lock"))
        return self._ask("lock", {"on": int(locked)}).addCallback(_nothing)

    def read_meter(self) -> Deferred[MeterReading]:
        """The meter's values now, with a register that never goes back.

        A device without a meter gives a reading without values.
        """
        return Deferred.fromCoroutine(self._read_meter())

    def reset(self, kind: ResetKind) -> Deferred[None]:
        """Restart the whole device; nothing is permitted afterwards."""
        for evse in self._device.evses:
            evse._permitted = False
        args = {"hard": int(kind is ResetKind.HARD)}
        return self._device.ask("reset", args, urgent=True).addCallback(_nothing)

    # Beyond IEVSE

    def wake(self) -> Deferred[None]:
        """Wake a sleeping car by taking the pilot away for some seconds.

        Refused while the contactor is closed, and by devices that make no pilot.
        """
        return self._ask("cycle").addCallback(_nothing)

    def clear_faults(self) -> Deferred[None]:
        """Forget latched faults whose cause is gone."""
        return self._ask("clear").addCallback(_nothing)

    # IStatusLight

    def show(self, status: str, text: str = "") -> Deferred[None]:
        """Show something on the device's light or display; words in ASCII, so that they fit."""
        plain = text.encode("ascii", "replace").decode("ascii")[:LONGEST_TEXT]
        return self._ask("ui", {"s": status, "m": plain}).addCallback(_nothing)

    # For the device

    async def bring_up(self, greeting: Greeting) -> None:
        """A session has begun: learn how things are, then say what is wanted."""
        self._learn(greeting)
        status = Status.read(await self._ask("status"))
        restarted = self._start not in (None, greeting.start)
        self._start = greeting.start
        if restarted and status.pilot != "A":
            # Nobody can know whether it is the same car. A reset takes seconds, so the transaction
            # goes on, and the permission is given again below.
            self._set_status(status)
        else:
            self._take_status(status)
        self._is_up = True
        await self._obeyed(self._available_wish.want(now=True))
        await self._obeyed(self._limit_wish.want(now=True))
        if status.gate != self._permitted or self._gate_wish.pending:
            await self._obeyed(self._gate_wish.want(now=True))
        await self._learn_meter(greeting)

    def session_ended(self) -> None:
        """What the device says is not believed before it has been brought up again."""
        self._is_up = False

    def state_heard(self, status: Status) -> None:
        """The device says how things are."""
        if self._is_up:
            self._take_status(status)

    def renew(self) -> None:
        """Send the limit again: after a lease that may have run out, nothing else ends the
        fallback."""
        if self._is_up and self._device.is_renewing and not self._limit_wish.busy:
            self._limit_wish.want(now=True).addErrback(self._log_failure)

    def look(self) -> None:
        """Ask for the state; not for a charge point that is dead, since asking renews leases."""
        if self._is_up and self._device.is_renewing:
            asked = self._ask("status").addCallback(Status.read)
            asked.addCallback(self.state_heard).addErrback(self._log_failure)

    def reading_heard(self, data: dict[str, Any]) -> None:
        """The device sent a reading by itself."""
        reading = self._reading(data)
        self._device.remember()
        listener = self._listener
        if listener is not None:
            self._device.tell(lambda: listener.measured(self, reading))

    def present_tag(self, evses: Sequence[IEVSE], id_tag: str) -> None:
        """Tell this EVSE's listener that a tag was held to the reader of `evses`."""
        listener = self._listener
        if listener is not None:
            self._device.tell(lambda: listener.tag_presented(evses, id_tag))

    def note(self) -> None:
        """Tell the listener if anything of the state is different."""
        self._tell_state(self.state)

    def went_down(self) -> None:
        """No session for so long that the line counts as down."""
        self._gate_wish.fail(DeviceOffline(f"EVSE {self.number}: the line to the device is down"))
        self.note()

    async def make_safe(self) -> None:
        """Take the permission, gracefully."""
        self._permitted = self._hard = False
        await self._obeyed(self._gate_wish.want(now=True))

    def give_up(self, error: DeviceError) -> None:
        """The device was stopped: whoever waits is told."""
        for wish in (self._limit_wish, self._gate_wish, self._available_wish):
            wish.fail(error)

    # Inside

    def _take_status(self, status: Status) -> None:
        before = self._status
        if status.pilot == "A" and (before is None or before.pilot != "A"):
            self._permitted = False
        elif before is not None and before.gate and self._lost_permission(status):
            # Only unplugging takes the permission away on the device: we have missed it.
            _log.info("connector {number}: the car was away meanwhile", number=self.number)
            self._permitted = False
            self._tell_state(_without_car(self.state))
        self._set_status(status)
        if status.why == "fb":
            self.renew()

    def _ask(
        self, verb: str, args: dict[str, Any] | None = None, *, urgent: bool = False
    ) -> Deferred[dict[str, Any]]:
        return self._device.ask(verb, {"c": self.number, **(args or {})}, urgent=urgent)

    def _send_limit(self) -> Deferred[Any]:
        args = {"ma": self._limit_ma, "ttl": self._device.settings.lease_s}
        if self._phases is not None:
            args["ph"] = self._phases
        return self._ask("limit", args)

    def _send_available(self) -> Deferred[Any]:
        return self._ask("avail", {"on": int(self._available)})

    def _send_gate(self) -> Deferred[Any]:
        args = {"on": int(self._permitted)}
        if self._hard and not self._permitted:
            args["hard"] = 1
        return self._ask("gate", args, urgent=not self._permitted)

    async def _obeyed(self, request: Deferred[Any]) -> None:
        """Wait for a request; a refusal is logged and changes nothing else."""
        try:
            await request
        except DeviceRefused as refusal:
            _log.warn("connector {number}: {refusal}", number=self.number, refusal=refusal)

    def _log_failure(self, failure: Failure) -> None:
        failure.trap(DeviceError)
        _log.warn("connector {number}: {why}", number=self.number, why=failure.value)

    def _learn(self, greeting: Greeting) -> None:
        abilities = greeting.abilities
        maximum_a = greeting.maximum_a(self.number)
        phases = greeting.wired_phases(self.number)
        has_lock = words.HAS_LOCK in abilities
        self.capabilities = Capabilities(
            maximum_current_a=maximum_a,
            phases=phases,
            can_switch_phases=words.CAN_SWITCH_PHASES in abilities and phases > 1,
            has_lock=has_lock,
            fixed_cable=not has_lock,
            steps_a=greeting.steps_a(self.number),
            measurands=self.capabilities.measurands,
            signals_ready=words.CANNOT_SEE_THE_CAR not in abilities,
        )
        self.register.maximum_power_w = int(maximum_a * phases * _GENEROUS_V)

    async def _learn_meter(self, greeting: Greeting) -> None:
        if words.HAS_METER not in greeting.abilities:
            return
        reading = await self._read_meter()
        warm = self._status is not None and self._status.temperature_dc is not None
        delivered = words.measurands(reading, temperature=warm)
        self.capabilities = attrs.evolve(self.capabilities, measurands=delivered)

    async def _read_meter(self) -> MeterReading:
        try:
            data = await self._ask("meter")
        except DeviceRefused as refusal:
            if str(refusal).startswith("Unsup"):
                return MeterReading(energy_wh=self.register.total_wh)
            raise
        reading = self._reading(data)
        self._device.remember()
        return reading

    def _reading(self, data: dict[str, Any]) -> MeterReading:
        reading = words.read_meter(data)
        doubted = self.register.doubted
        total_wh = self.register.read(reading.energy_wh, self._device.clock.seconds())
        if self.register.doubted != doubted:
            self.note()
        warmth_dc = self._status.temperature_dc if self._status is not None else None
        warmth_c = None if warmth_dc is None else Decimal(warmth_dc) / 10
        return attrs.evolve(reading, energy_wh=total_wh, temperature_c=warmth_c)

    def _lost_permission(self, status: Status) -> bool:
        return self._permitted and not status.gate and not self._gate_wish.busy

    def _silent_s(self, online: bool) -> float:
        return DOWN_S if self._device.is_down and not online else 0.0

    def _own_faults(self) -> tuple[Fault, ...]:
        return (_JUMPED,) if self.register.doubted else ()

    def _set_status(self, status: Status) -> None:
        self._status = status
        if status.pilot not in "EF":
            self._car_there = status.pilot != "A"
        self.note()

    def _tell_state(self, state: EVSEState) -> None:
        if state == self._told:
            return
        self._told = state
        listener = self._listener
        if listener is not None:
            self._device.tell(lambda: listener.state_changed(self, state))


def _nothing(_: object) -> None:
    """The result of a request that is only waited for."""


def _without_car(state: EVSEState) -> EVSEState:
    """The state while the car was away, as far as one can tell."""
    return attrs.evolve(
        state,
        car=CarState.ABSENT,
        energised=False,
        offered_a=Decimal(0),
        reason=OfferReason.OFF,
    )
