"""The words in which a charge point and a charger talk: states, readings, faults, capabilities.

Rules of this room: plain frozen values, no behaviour beyond reading them, no OCPP message, no
Twisted. Currents are per phase in A, energy in Wh, both exact (Decimal or int).
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, StrEnum
from typing import Final

import attrs

MINIMUM_CURRENT_A: Final = Decimal(6)
"""The least current a pilot signal can offer (IEC 61851-1). Below it charging pauses."""


class CarState(StrEnum):
    """What the control pilot says about the car (IEC 61851-1 states)."""

    ABSENT = "A"
    CONNECTED = "B"
    READY = "C"
    READY_VENTILATION = "D"
    PILOT_SHORT = "E"
    UNAVAILABLE = "F"


class OfferReason(StrEnum):
    """Why the device offers what it offers."""

    HOST = "host"
    """The limit that was asked for is in force."""
    FALLBACK = "fallback"
    """Nobody renewed the limit in time; the device's fail-safe current is in force."""
    BOOT = "boot"
    """Nobody has set a limit since the device started."""
    MAXIMUM = "maximum"
    """The hardware or the cable allows less than was asked for."""
    TEMPERATURE = "temperature"
    OFF = "off"
    """No permission, out of service, or no car."""
    FAULT = "fault"


class FaultCode(StrEnum):
    """Faults, in the words of OCPP 1.6 §7.6."""

    CONNECTOR_LOCK_FAILURE = "ConnectorLockFailure"
    EV_COMMUNICATION_ERROR = "EVCommunicationError"
    GROUND_FAILURE = "GroundFailure"
    HIGH_TEMPERATURE = "HighTemperature"
    INTERNAL_ERROR = "InternalError"
    OTHER_ERROR = "OtherError"
    OVER_CURRENT_FAILURE = "OverCurrentFailure"
    OVER_VOLTAGE = "OverVoltage"
    POWER_METER_FAILURE = "PowerMeterFailure"
    POWER_SWITCH_FAILURE = "PowerSwitchFailure"
    READER_FAILURE = "ReaderFailure"
    RESET_FAILURE = "ResetFailure"
    UNDER_VOLTAGE = "UnderVoltage"
    WEAK_SIGNAL = "WeakSignal"


@attrs.frozen
class Fault:
    """One thing that is wrong with an EVSE."""

    code: FaultCode
    blocking: bool = True
    """True: no energy can be delivered (status Faulted). False: a warning (rule S-07)."""
    info: str = ""
    """For people, at most 50 characters."""
    vendor_code: str = ""
    """The device's own word, at most 50 characters."""


@attrs.frozen
class Capabilities:
    """What an EVSE can do; it decides what a charge point may promise over OCPP."""

    maximum_current_a: Decimal = Decimal(32)
    """Per phase, by hardware."""
    phases: int = 3
    """Phases wired, 1 to 3."""
    can_switch_phases: bool = False
    """True: may change between one and three phases while a car is connected."""
    has_lock: bool = False
    """True: a socket with a lock. False: a fixed cable or no lock."""
    fixed_cable: bool = True
    steps_a: tuple[Decimal, ...] = ()
    """Currents that can be offered, ascending, where they are few (relay only: the one of the
    installation). Empty: any whole deciampere from 6 A to the maximum."""
    measurands: frozenset[str] = frozenset()
    """OCPP measurand names that `read_meter` can deliver."""
    signals_ready: bool = True
    """False: a relay that cannot tell whether the car asks for energy."""


@attrs.frozen
class EVSEState:
    """All that is known of one EVSE at one moment."""

    car: CarState = CarState.ABSENT
    energised: bool = False
    """The contactor is closed."""
    offered_a: Decimal = Decimal(0)
    """What the pilot offers now, per phase; 0 = nothing."""
    reason: OfferReason = OfferReason.OFF
    phases: int = 3
    """Phases in use."""
    locked: bool | None = None
    """None: there is no lock."""
    available: bool = True
    """What `set_available` was told last."""
    faults: tuple[Fault, ...] = ()
    online: bool = True
    """The line to the device is up. False: everything else is the last that was heard. A driver may
    wait a while before it says so."""
    silent_s: float = 0.0
    """While not `online`: how long nothing had been heard already when the driver said so. Whoever
    reckons how long a device has been away adds this."""

    @property
    def plugged(self) -> bool:
        """True while a car is connected, as far as the pilot can tell."""
        return self.car in (CarState.CONNECTED, CarState.READY, CarState.READY_VENTILATION)

    @property
    def wants_energy(self) -> bool:
        """True while the car asks for energy."""
        return self.car in (CarState.READY, CarState.READY_VENTILATION)

    @property
    def blocking_fault(self) -> Fault | None:
        """The first fault that forbids charging, or None."""
        return next((fault for fault in self.faults if fault.blocking), None)


@attrs.frozen
class MeterReading:
    """One reading of an EVSE's meter; None and missing phases mean not measured.

    Phase values are in the order L1, L2, L3.
    """

    energy_wh: int | None = None
    """Import register, never decreasing over the life of the charge point (rule M-01)."""
    power_w: Decimal | None = None
    """Active power to the car, all phases."""
    currents_a: tuple[Decimal, ...] = ()
    voltages_v: tuple[Decimal, ...] = ()
    powers_w: tuple[Decimal, ...] = ()
    frequency_hz: Decimal | None = None
    power_factor: Decimal | None = None
    temperature_c: Decimal | None = None
    soc_percent: Decimal | None = None
    """State of charge of the car's battery, where the device can know it."""


@attrs.frozen
class DeviceInfo:
    """Who made the box, and what runs in it."""

    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    firmware_version: str = ""
    meter_type: str = ""
    meter_serial_number: str = ""


class ResetKind(Enum):
    """How thoroughly a device is restarted."""

    SOFT = "soft"
    HARD = "hard"
