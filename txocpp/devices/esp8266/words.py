"""What an evlink/1 device says about itself, and what that means to a charge point.

Rules of this file: plain values; a device may say anything, so types are checked here and only
here. Members that are not known are left alone, as the protocol's extension rule wants.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import attrs

from txocpp.errors import DeviceError
from txocpp.evse import CarState, Fault, FaultCode, MeterReading, OfferReason

CAN_SWITCH_PHASES: Final = "ph"
"""Capability words of the greeting that decide what is promised over OCPP."""
HAS_LOCK: Final = "lock"
HAS_METER: Final = "meter"
ALL_OR_NOTHING: Final = "relay"
MAKES_PILOT: Final = "pwm"
CANNOT_SEE_THE_CAR: Final = "blind"

_REASONS: Final = {
    "host": OfferReason.HOST,
    "fb": OfferReason.FALLBACK,
    "boot": OfferReason.BOOT,
    "max": OfferReason.MAXIMUM,
    "cable": OfferReason.MAXIMUM,
    "temp": OfferReason.TEMPERATURE,
    "off": OfferReason.OFF,
    "fault": OfferReason.FAULT,
}

KNOWN_FAULTS: Final[dict[str, tuple[FaultCode, bool, str]]] = {
    "relay_weld": (FaultCode.POWER_SWITCH_FAILURE, True, "contactor does not open"),
    "relay_open": (FaultCode.POWER_SWITCH_FAILURE, True, "contactor does not close"),
    "rcd": (FaultCode.GROUND_FAILURE, True, "residual current"),
    "earth": (FaultCode.GROUND_FAILURE, True, "no protective earth"),
    "self_test": (FaultCode.GROUND_FAILURE, True, "RCD failed its self-test"),
    "diode": (FaultCode.EV_COMMUNICATION_ERROR, False, "no diode in the car's pilot circuit"),
    "pilot": (FaultCode.EV_COMMUNICATION_ERROR, False, "pilot is shorted"),
    "vent": (FaultCode.EV_COMMUNICATION_ERROR, False, "car demands ventilation"),
    "temp": (FaultCode.HIGH_TEMPERATURE, True, "too hot to charge"),
    "over_i": (FaultCode.OVER_CURRENT_FAILURE, True, "car draws more than offered"),
    "meter": (FaultCode.POWER_METER_FAILURE, False, "meter does not answer"),
    "under_u": (FaultCode.UNDER_VOLTAGE, True, "mains voltage too low"),
    "over_u": (FaultCode.OVER_VOLTAGE, True, "mains voltage too high"),
    "lock": (FaultCode.CONNECTOR_LOCK_FAILURE, False, "lock does not answer"),
    "reader": (FaultCode.READER_FAILURE, False, "tag reader does not answer"),
    "rssi": (FaultCode.WEAK_SIGNAL, False, "weak Wi-Fi"),
}
"""Word on the wire: OCPP error code, whether it forbids charging, and words for people."""

_DERATED: Final = Fault(
    FaultCode.HIGH_TEMPERATURE, blocking=False, info="hot, offers less", vendor_code="temp"
)


class _Members:
    """A JSON object from a device, read with its types demanded."""

    def __init__(self, what: str, data: dict[str, Any]) -> None:
        self._what = what
        self._data = data

    def whole(self, name: str, default: int | None = None) -> int:
        value = self._data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name)
        return value

    def maybe(self, name: str) -> int | None:
        value = self._data.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.wrong(name)
        return value

    def text(self, name: str, default: str = "") -> str:
        value = self._data.get(name, default)
        if not isinstance(value, str):
            raise self.wrong(name)
        return value

    def wholes(self, name: str) -> tuple[int, ...]:
        values = self._data.get(name, [])
        if not isinstance(values, list) or any(type(value) is not int for value in values):
            raise self.wrong(name)
        return tuple(values)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._data.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self.wrong(name)
        return tuple(values)

    def rows(self, name: str) -> tuple[tuple[int, ...], ...]:
        rows = self._data.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise self.wrong(name)
        if any(type(value) is not int for row in rows for value in row):
            raise self.wrong(name)
        return tuple(tuple(row) for row in rows)

    def wrong(self, name: str) -> DeviceError:
        return DeviceError(f"the device's {self._what} is damaged at {name!r}")


@attrs.frozen
class Greeting:
    """Who the device is, as it says after ``hello``."""

    id: str
    firmware: str
    hardware: str
    boots: int
    """How often it has started in its life."""
    why: str
    """What the last start came from: power, wdt, fault, soft, ext, brown."""
    connectors: int
    abilities: frozenset[str]
    maximum_ma: tuple[int, ...]
    phases: tuple[int, ...]
    """Of each connector."""
    steps_ma: tuple[tuple[int, ...], ...] = ()
    """Of each connector: the few currents that it can offer, ascending, or nothing for any; () from
    a device that does not say."""

    @classmethod
    def read(cls, data: dict[str, Any]) -> Greeting:
        """Raises `txocpp.errors.DeviceError` naming what is wrong."""
        members = _Members("greeting", data)
        connectors = members.whole("nc")
        if not 1 <= connectors <= 99:
            raise members.wrong("nc")
        maximum_ma, phases = members.wholes("max"), members.wholes("ph")
        if any(not 0 <= phase <= 3 for phase in phases):
            raise members.wrong("ph")
        steps_ma = members.rows("steps")
        if any(step <= 0 for row in steps_ma for step in row):
            raise members.wrong("steps")
        return cls(
            id=members.text("id")[:50],
            firmware=members.text("fw")[:50],
            hardware=members.text("hw")[:50],
            boots=members.whole("boot", 0),
            why=members.text("why")[:20],
            connectors=connectors,
            abilities=frozenset(members.text("cap").split(",")),
            maximum_ma=maximum_ma,
            phases=phases,
            steps_ma=tuple(tuple(sorted(row)) for row in steps_ma),
        )

    @property
    def start(self) -> tuple[str, int]:
        """Which device, and which of its starts: another one means that it has forgotten us."""
        return self.id, self.boots

    def maximum_a(self, number: int) -> Decimal:
        """Most that a connector can offer; a device that does not say is taken at 16 A."""
        if not self.maximum_ma:
            return Decimal(16)
        return Decimal(self.maximum_ma[min(number, len(self.maximum_ma)) - 1]) / 1000

    def steps_a(self, number: int) -> tuple[Decimal, ...]:
        """The few currents that a connector can offer; () if it can offer any.

        A device that does not say so, and has a relay and no pilot, can do all or nothing.
        """
        if len(self.steps_ma) >= number:
            return tuple(Decimal(step) / 1000 for step in self.steps_ma[number - 1])
        all_or_nothing = ALL_OR_NOTHING in self.abilities and MAKES_PILOT not in self.abilities
        return (self.maximum_a(number),) if all_or_nothing else ()

    def wired_phases(self, number: int) -> int:
        """Phases of a connector."""
        return (self.phases[min(number, len(self.phases)) - 1] or 1) if self.phases else 1


@attrs.frozen
class Status:
    """The state of one connector, as ``status`` and the event ``state`` tell it."""

    connector: int
    pilot: str
    on: bool
    offered_ma: int
    why: str
    gate: bool
    available: bool
    phases: int
    locked: bool | None
    fault_words: tuple[str, ...]
    energy_wh: int | None
    power_w: int | None
    temperature_dc: int | None

    @classmethod
    def read(cls, data: dict[str, Any]) -> Status:
        """Raises `txocpp.errors.DeviceError` naming what is wrong."""
        members = _Members("state", data)
        pilot = members.text("cp")
        if len(pilot) != 1 or pilot not in "ABCDEF":
            raise members.wrong("cp")
        phases = members.whole("ph", 1)
        if not 1 <= phases <= 3:
            raise members.wrong("ph")
        lock = members.maybe("lk")
        return cls(
            connector=members.whole("c"),
            pilot=pilot,
            on=bool(members.whole("on")),
            offered_ma=max(members.whole("ma"), 0),
            why=members.text("why"),
            gate=bool(members.whole("gate")),
            available=bool(members.whole("av", 1)),
            phases=phases,
            locked=None if lock is None else bool(lock),
            fault_words=members.texts("f"),
            energy_wh=members.maybe("wh"),
            power_w=members.maybe("w"),
            temperature_dc=members.maybe("t"),
        )

    @property
    def car(self) -> CarState:
        """What the pilot says about the car."""
        return CarState(self.pilot)

    @property
    def reason(self) -> OfferReason:
        """Why it offers what it offers; OFF without a permission, a car, or in no service."""
        reason = _REASONS.get(self.why, OfferReason.HOST)
        idle = not self.gate or not self.available or self.pilot == "A"
        if idle and not self.offered_ma and reason is not OfferReason.FAULT:
            return OfferReason.OFF
        return reason

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Its faults in the words of OCPP; one that nobody knows blocks if the device says so."""
        faults = []
        for word in dict.fromkeys(self.fault_words):
            known = KNOWN_FAULTS.get(word)
            if known is None:
                known = (FaultCode.OTHER_ERROR, self.why == "fault", "")
            code, blocking, info = known
            faults.append(Fault(code, blocking, info, word[:50]))
        if self.why == "temp" and "temp" not in self.fault_words:
            faults.append(_DERATED)
        return tuple(faults)


def read_meter(data: dict[str, Any]) -> MeterReading:
    """The result of ``meter`` as a reading; raises `txocpp.errors.DeviceError`."""
    members = _Members("meter reading", data)
    voltages = tuple(Decimal(mv) / 1000 for mv in members.wholes("mv"))
    currents = tuple(Decimal(ma) / 1000 for ma in members.wholes("ma"))
    return MeterReading(
        energy_wh=members.maybe("wh"),
        power_w=_scaled(members.maybe("w"), 1),
        currents_a=currents,
        voltages_v=voltages,
        frequency_hz=_scaled(members.maybe("hz"), 100),
        power_factor=_scaled(members.maybe("pf"), 100),
    )


def _scaled(value: int | None, by: int) -> Decimal | None:
    return None if value is None else Decimal(value) / by


def measurands(reading: MeterReading, *, temperature: bool) -> frozenset[str]:
    """OCPP measurands that a device with such a reading delivers."""
    delivered = {
        "Energy.Active.Import.Register": reading.energy_wh is not None,
        "Power.Active.Import": reading.power_w is not None,
        "Current.Import": bool(reading.currents_a),
        "Voltage": bool(reading.voltages_v),
        "Frequency": reading.frequency_hz is not None,
        "Power.Factor": reading.power_factor is not None,
        "Temperature": temperature,
    }
    return frozenset(name for name, there in delivered.items() if there)
