"""One simulated outlet: pilot, contactor, meter and faults, with a car in front of it.

Rules of this file: no Twisted and no interface; time is an argument in whole microseconds that
never goes back. Whoever owns an outlet calls `advance` at `next_change`; between two such instants
nothing changes, so energy is exact however long the wait was.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from txocpp.devices.simulation.car import SECOND_US, WH_PJ, Car
from txocpp.devices.simulation.settings import CAR_SETTINGS, SimulationSettings
from txocpp.errors import ConfigurationError, DeviceRefused
from txocpp.evse import (
    MINIMUM_CURRENT_A,
    CarState,
    EVSEState,
    Fault,
    FaultCode,
    MeterReading,
    OfferReason,
)

OPEN_UNDER_LOAD_US: Final = 6 * SECOND_US
"""A car that goes on drawing without an offer is cut off after this time (IEC 61851-1 practice)."""
WELD_NOTICED_US: Final = 1 * SECOND_US
"""How long the contactor may disagree with its command."""
PHASE_PAUSE_US: Final = 10 * SECOND_US
"""Pause between opening the contactor and offering on another number of phases."""

_FREQUENCY_HZ: Final = Decimal(50)
_AMBIENT_C: Final = Decimal(25)
_WELD = Fault(
    FaultCode.POWER_SWITCH_FAILURE, info="contactor does not open", vendor_code="relay_weld"
)
_METER_SILENT = Fault(
    FaultCode.POWER_METER_FAILURE, blocking=False, info="meter does not answer", vendor_code="meter"
)


def stops_charging(fault: Fault) -> bool:
    """Does this fault open the contactor? A broken pilot does, although it is only a warning."""
    return fault.blocking or fault.code is FaultCode.EV_COMMUNICATION_ERROR


class Outlet:
    """The physics of one EVSE; all inputs take effect at the instant `now` that they are given."""

    def __init__(self, settings: SimulationSettings, now: int = 0) -> None:
        self.settings = settings
        self.car = Car(settings)
        self.plugged = settings.plugged
        self.permitted = False
        self.available = True
        self.powered = True
        self.locked: bool | None = False if settings.lock else None
        self.lock_fails = False
        self.energy_pj = 0
        """The register of the meter, since it was made."""
        self._now = now
        self._limit_a: Decimal | None = None
        self._phases = self._wanted_phases = settings.phases
        self._phases_free_at: int | None = None
        self._closed = False
        self._open_at: int | None = None
        self._welded = False
        self._weld_noticed_at: int | None = None
        self._meter_silent = False
        self._last_told_wh = 0
        self._faults: dict[FaultCode, Fault] = {}
        self._settle()

    # What can be seen

    @property
    def limit_a(self) -> Decimal:
        """What was asked for last."""
        return self._limit_a if self._limit_a is not None else Decimal(0)

    @property
    def welded(self) -> bool:
        """The contactor cannot open."""
        return self._welded

    @property
    def meter_silent(self) -> bool:
        """The meter does not answer."""
        return self._meter_silent

    @property
    def energised(self) -> bool:
        """Voltage reaches the car's socket."""
        return self.powered and (self._closed or self._welded)

    @property
    def energy_wh(self) -> int:
        """The register in whole Wh, rounded down."""
        return self.energy_pj // WH_PJ

    @property
    def state(self) -> EVSEState:
        """Everything that the device tells about this outlet."""
        offered_a, reason = self._offer()
        return EVSEState(
            car=self._pilot(),
            energised=self.energised,
            offered_a=offered_a,
            reason=reason,
            phases=self._phases,
            locked=self.locked,
            available=self.available,
            faults=tuple(self._faults.values()),
            online=self.powered,
        )

    def read(self) -> MeterReading:
        """Everything the meter shows now. A silent meter repeats its last register."""
        if self._meter_silent:
            return MeterReading(energy_wh=self._last_told_wh)
        self._last_told_wh = self.energy_wh
        car, settings = self.car, self.settings
        current_a = Decimal(car.draw_ma) / 1000
        used = car.phases_used if car.draw_ma else 0
        currents = tuple(
            current_a if phase < used else Decimal(0) for phase in range(settings.phases)
        )
        return MeterReading(
            energy_wh=self._last_told_wh,
            power_w=Decimal(car.power_uw) / 1_000_000,
            currents_a=currents,
            voltages_v=(settings.voltage_v,) * settings.phases,
            powers_w=tuple(current * settings.voltage_v for current in currents),
            frequency_hz=_FREQUENCY_HZ,
            power_factor=Decimal(1),
            temperature_c=_AMBIENT_C + current_a / 4,
            soc_percent=car.soc_percent.quantize(Decimal("0.1"), ROUND_DOWN)
            if self.plugged
            else None,
        )

    # Time

    @property
    def next_change(self) -> int | None:
        """The next instant at which something changes by itself; None: nothing is on its way."""
        due = [self.car.next_change, self._open_at, self._weld_noticed_at, self._phases_free_at]
        battery_us = self.car.battery_change_in()
        if battery_us is not None:
            due.append(self._now + battery_us)
        return min((at for at in due if at is not None), default=None)

    def advance(self, now: int) -> bool:
        """Go to `next_change` or `now`, whichever is earlier; True while more is due by `now`."""
        due = self.next_change
        self._pass_time(min(due, now) if due is not None else now)
        if due is None or due > now:
            return False
        self._do_what_is_due()
        return True

    def _pass_time(self, until: int) -> None:
        if until > self._now:
            energy_pj = self.car.power_uw * (until - self._now)
            self.energy_pj += energy_pj
            self.car.take(energy_pj)
            self._now = until

    def _do_what_is_due(self) -> None:
        if self._open_at is not None and self._now >= self._open_at:
            self._closed, self._open_at = False, None
        if self._weld_noticed_at is not None and self._now >= self._weld_noticed_at:
            self._weld_noticed_at = None
            self._faults[_WELD.code] = _WELD
        if self._phases_free_at is not None and self._now >= self._phases_free_at:
            self._phases_free_at, self._phases = None, self._wanted_phases
        self.car.advance(self._now)
        self._settle()

    # What the charge point asks

    def set_limit(self, limit_a: Decimal, phases: int | None) -> None:
        """Offer at most this much; a change of phases takes a pause of some seconds."""
        self._limit_a = limit_a
        if phases is not None and self.settings.can_switch_phases:
            self._wanted_phases = 1 if phases == 1 else self.settings.phases
        self._settle()

    def permit(self, energise: bool, at_once: bool) -> None:
        """Give or take the permission to close the contactor."""
        self.permitted = energise
        if not energise and at_once:
            self._closed = False
        self._settle()

    def set_available(self, available: bool) -> None:
        """Put it in or out of service."""
        self.available = available
        self._settle()

    def set_lock(self, locked: bool) -> None:
        """Move the lock; raises `txocpp.errors.DeviceRefused` if it does not get there."""
        if self.locked is None:
            raise DeviceRefused("there is no lock")
        if self.lock_fails:
            word = "lock" if locked else "unlock"
            self._faults[FaultCode.CONNECTOR_LOCK_FAILURE] = Fault(
                FaultCode.CONNECTOR_LOCK_FAILURE,
                blocking=False,
                info=f"socket does not {word}",
                vendor_code="lock",
            )
            raise DeviceRefused(f"the socket does not {word}")
        self._faults.pop(FaultCode.CONNECTOR_LOCK_FAILURE, None)
        self.locked = locked

    # What the world does

    def plug_in(self, changes: dict[str, Any]) -> None:
        """A car is plugged in; `changes` are settings of that car."""
        if self.plugged:
            raise DeviceRefused("a car is plugged in already")
        self.adjust(changes)
        self.car.ready = self.settings.ready
        self.plugged = True
        self._settle()

    def plug_out(self) -> None:
        """The car is unplugged; the permission goes with it."""
        self._require_car()
        self.plugged = self.permitted = self._closed = False
        self.car.unplug()
        self._settle()

    def pause_car(self) -> None:
        """The car stops asking for energy."""
        self._require_car()
        self.car.pause(self._now)
        self._settle()

    def resume_car(self) -> None:
        """The car asks for energy again."""
        self._require_car()
        self.car.resume(self._now)
        self._settle()

    def adjust(self, changes: dict[str, Any]) -> None:
        """Change settings of the car."""
        for name in changes:
            if name not in CAR_SETTINGS:
                raise ConfigurationError(f"{name}: no such setting of a car")
        share = Decimal(self.car.stored_pj) / self.car.capacity_pj
        self.settings = self.car.settings = self.settings.changed(changes)
        if "soc_percent" in changes:
            self.car.charge(self.settings.soc_percent)
        elif "battery_wh" in changes:
            self.car.charge(share * 100)
        self.car.replan(self._now)
        self._settle()

    def raise_fault(self, fault: Fault) -> None:
        """Something is wrong from now on; one fault per code, the newest."""
        self._faults[fault.code] = fault
        self._settle()

    def clear_fault(self, code: FaultCode | None) -> None:
        """Take back one fault or all; what still has its cause is refused."""
        if code is not None and code not in self._faults:
            raise DeviceRefused(f"there is no fault {code}")
        if code in (None, _WELD.code) and self._welded and _WELD.code in self._faults:
            raise DeviceRefused("the contactor is still welded")
        if code is None:
            self._faults.clear()
        else:
            del self._faults[code]
        self._settle()

    def weld(self, welded: bool) -> None:
        """The contacts stick together, or come loose again; the fault stays until cleared."""
        self._welded = welded
        self._settle()

    def silence_meter(self, silent: bool) -> None:
        """The meter does not answer any more, or answers again."""
        if silent and not self._meter_silent:
            self._last_told_wh = self.energy_wh
            self._faults[_METER_SILENT.code] = _METER_SILENT
        elif not silent:
            self._faults.pop(_METER_SILENT.code, None)
        self._meter_silent = silent

    def switch_power(self, powered: bool) -> None:
        """Mains on or off; latched things and the car stay as they are."""
        self.powered = powered
        self._closed = False
        self._settle()

    def recall(self, *, energy_wh: int, plugged: bool, soc_percent: Decimal) -> None:
        """Begin where an earlier outlet ended."""
        self.energy_pj = max(self.energy_pj, energy_wh * WH_PJ)
        self.plugged = plugged
        self.car.charge(soc_percent)
        self._settle()

    # How one thing follows from another

    def _require_car(self) -> None:
        if not self.plugged:
            raise DeviceRefused("no car is plugged in")

    def _pilot(self) -> CarState:
        if not self.plugged:
            return CarState.ABSENT
        return CarState.READY if self.car.asking else CarState.CONNECTED

    def _offer(self) -> tuple[Decimal, OfferReason]:
        """What the pilot offers, and why."""
        if any(stops_charging(fault) for fault in self._faults.values()):
            return Decimal(0), OfferReason.FAULT
        if not (self.powered and self.plugged and self.permitted and self.available):
            return Decimal(0), OfferReason.OFF
        if self._limit_a is None:
            return Decimal(0), OfferReason.BOOT
        if self._phases != self._wanted_phases:
            return Decimal(0), OfferReason.HOST
        return self._within_hardware(self._limit_a)

    def _within_hardware(self, limit_a: Decimal) -> tuple[Decimal, OfferReason]:
        maximum_a = self.settings.maximum_current_a
        reason = OfferReason.MAXIMUM if limit_a > maximum_a else OfferReason.HOST
        offer_a = min(limit_a, maximum_a).quantize(Decimal("0.1"), ROUND_DOWN)
        if self.settings.steps_a:
            offer_a = max((s for s in self.settings.steps_a if s <= offer_a), default=Decimal(0))
        return (offer_a if offer_a >= MINIMUM_CURRENT_A else Decimal(0)), reason

    def _settle(self) -> None:
        """Bring contactor, car and deadlines in line with everything else."""
        # Contactor and car answer each other: whatever one does, the other has seen it.
        while self._step():
            pass
        self._watch_weld()
        self._switch_phases()

    def _step(self) -> bool:
        before = self.energised, self.car.asking, self.car.draw_ma
        offered_a, reason = self._offer()
        connected = self.plugged and self.powered
        if reason is OfferReason.FAULT or not connected or not self.car.asking:
            self._closed = False
        elif offered_a:
            self._closed = True
        if self._closed and not offered_a:
            self._open_at = self._open_at or self._now + OPEN_UNDER_LOAD_US
        else:
            self._open_at = None
        if self.plugged:
            self.car.notice(
                self._now,
                offered_ma=int(offered_a * 1000),
                energised=self.energised,
                phases=self._phases,
            )
        return before != (self.energised, self.car.asking, self.car.draw_ma)

    def _watch_weld(self) -> None:
        stuck = self._welded and self.powered and not self._closed
        if not stuck or _WELD.code in self._faults:
            self._weld_noticed_at = None
        elif self._weld_noticed_at is None:
            self._weld_noticed_at = self._now + WELD_NOTICED_US

    def _switch_phases(self) -> None:
        if self._phases == self._wanted_phases:
            self._phases_free_at = None
        elif not self.plugged:
            self._phases, self._phases_free_at = self._wanted_phases, None
        elif not self._closed and self._phases_free_at is None:
            self._phases_free_at = self._now + PHASE_PAUSE_US
