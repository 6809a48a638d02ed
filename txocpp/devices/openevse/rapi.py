"""RAPI on the wire: what OpenEVSE controllers are asked, and how they answer.

::

    command = "$" words [" :" ss] "^" xk CR         ss: sequence, 01 to FF; xk: XOR of all before ^
    answer  = "$OK" | "$NK" [words] [" :" ss] "^" xk CR
    event   = "$AT" | "$AB" | "$AN" | "$WF" | "$ST" words "^" xk CR

Rules of this file: bytes in, values out; no clock, no line, no Twisted. What controllers of
different ages do is taken as it comes: sums by ``*``, double spaces, answers without a sequence,
debug text between the lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import IntEnum
from typing import Final

import attrs

from txocpp.errors import DeviceError
from txocpp.evse import CarState, Fault, FaultCode

LONGEST_COMMAND: Final = 32
"""A controller's receive buffer; what is longer is dropped without an answer."""
LONGEST_LINE: Final = 256
LONGEST_SUPERVISION_S: Final = 60
"""From 66 s on the interval overflows 16 bits of milliseconds: 100 s would become 34.5 s."""
ACKNOWLEDGE: Final = "SY 165"
"""Ends the fallback after a missed pulse, but restores the *maximum*: a limit must follow."""

_EVENTS: Final = frozenset({"AT", "AB", "AN", "WF", "ST"})


@attrs.frozen
class Answer:
    """What a controller says to a command."""

    ok: bool
    words: tuple[str, ...] = ()
    sequence: int | None = None
    """Of the command; None from controllers before 3.0, and after a damaged command."""

    def numbers(self, *bases: int) -> list[int]:
        """The words as whole numbers, each in its base; raises `DeviceError` if that is not so."""
        if len(self.words) < len(bases):
            raise DeviceError(f"a RAPI answer is too short: {' '.join(self.words)!r}")
        try:
            return [int(word, base) for word, base in zip(self.words, bases, strict=False)]
        except ValueError:
            raise DeviceError(f"no number in a RAPI answer: {' '.join(self.words)!r}") from None


@attrs.frozen
class Event:
    """What a controller says by itself: ``AT`` state, ``AB`` boot, ``AN`` button."""

    name: str
    words: tuple[str, ...] = ()


def encode(command: str, sequence: int | None = None) -> bytes:
    """One command with its checksum. Raises ValueError if no controller would take it."""
    words = f"${command}" if sequence is None else f"${command} :{sequence:02X}"
    line = words.encode("ascii")
    line += b"^%02X\r" % _xor(line)
    if len(line) > LONGEST_COMMAND:
        raise ValueError(f"{command!r} is too long for the buffer of a controller")
    return line


def decode(line: bytes) -> Answer | Event | None:
    """An answer or event; None for what is damaged or something else."""
    try:
        text = line.decode("ascii")
    except UnicodeDecodeError:
        return None
    start = text.rfind("$")
    if start < 0:
        return None
    text = text[start:]
    for mark, sum_of in (("^", _xor), ("*", _sum)):
        body, sign, checksum = text.rpartition(mark)
        if sign:
            if checksum.strip().upper() != f"{sum_of(body.encode()):02X}":
                return None
            return _message(body[1:].split())
    return None


def _message(words: list[str]) -> Answer | Event | None:
    if not words:
        return None
    name, *rest = words
    if name in _EVENTS:
        return Event(name, tuple(rest))
    if name not in ("OK", "NK"):
        return None
    sequence = None
    if rest and rest[-1].startswith(":"):
        try:
            sequence = int(rest.pop()[1:], 16)
        except ValueError:
            return None
    return Answer(name == "OK", tuple(rest), sequence)


def _xor(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
    return value


def _sum(data: bytes) -> int:
    return sum(data) & 0xFF


class LineSplitter:
    """Cuts a byte stream at carriage returns; what has no end is forgotten."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Answer | Event]:
        """Answers and events that are complete now."""
        self._buffer += data.replace(b"\n", b"\r")
        *lines, self._buffer = self._buffer.split(b"\r")
        self._buffer = self._buffer[-LONGEST_LINE:]
        for line in lines:
            message = decode(line)
            if message is not None:
                yield message


class State(IntEnum):
    """What a controller is doing (``$GS``, ``$AT``)."""

    STARTING = 0x00
    NOT_CONNECTED = 0x01
    CONNECTED = 0x02
    CHARGING = 0x03
    VENTILATION = 0x04
    DIODE = 0x05
    GFCI = 0x06
    NO_GROUND = 0x07
    STUCK_RELAY = 0x08
    GFCI_TEST = 0x09
    OVER_TEMPERATURE = 0x0A
    OVER_CURRENT = 0x0B
    RELAY_OPEN = 0x0E
    PP_SHORT = 0x0F
    PP_MISSING = 0x10
    EEPROM = 0x11
    SLEEPING = 0xFE
    DISABLED = 0xFF


_FAULTS: Final[dict[int, tuple[FaultCode, bool, str]]] = {
    State.VENTILATION: (FaultCode.EV_COMMUNICATION_ERROR, False, "car demands ventilation"),
    State.DIODE: (FaultCode.EV_COMMUNICATION_ERROR, False, "no diode in the pilot circuit"),
    State.GFCI: (FaultCode.GROUND_FAILURE, True, "residual current"),
    State.NO_GROUND: (FaultCode.GROUND_FAILURE, True, "no protective earth"),
    State.STUCK_RELAY: (FaultCode.POWER_SWITCH_FAILURE, True, "relay does not open"),
    State.GFCI_TEST: (FaultCode.GROUND_FAILURE, True, "GFCI failed its self-test"),
    State.OVER_TEMPERATURE: (FaultCode.HIGH_TEMPERATURE, True, "too hot to charge"),
    State.OVER_CURRENT: (FaultCode.OVER_CURRENT_FAILURE, True, "car draws more than offered"),
    State.RELAY_OPEN: (FaultCode.POWER_SWITCH_FAILURE, True, "relay does not close"),
    State.PP_SHORT: (FaultCode.OTHER_ERROR, True, "proximity contact is shorted"),
    State.PP_MISSING: (FaultCode.OTHER_ERROR, True, "no cable on the proximity contact"),
    State.EEPROM: (FaultCode.INTERNAL_ERROR, True, "EEPROM failed"),
}

_CARS: Final = {
    State.NOT_CONNECTED: CarState.ABSENT,
    State.CONNECTED: CarState.CONNECTED,
    State.CHARGING: CarState.READY,
    State.VENTILATION: CarState.READY_VENTILATION,
}

_HARD_FAULT: Final = 0x0002
_CHARGING_ON: Final = 0x0040
_EV_CONNECTED: Final = 0x0100


def faults_of(state: int, *, hard: bool = False) -> tuple[Fault, ...]:
    """A state in the words of OCPP; nothing for states that are none."""
    if state in _FAULTS:
        code, blocking, info = _FAULTS[state]
        return (Fault(code, blocking or hard, info, f"OpenEVSE {state:02X}"),)
    known = state in State._value2member_map_
    if known and not hard:
        return ()
    return (Fault(FaultCode.OTHER_ERROR, True, "controller reports a fault", f"{state:02X}"),)


def car_of(state: int, pilot: int | None, plugged: bool | None) -> CarState:
    """What is known of the car.

    While sleeping the pilot still tells; while disabled it is at -12 V and nobody knows.
    """
    if state == State.DISABLED:
        return CarState.UNAVAILABLE
    if state in _CARS:
        return _CARS[State(state)]
    if pilot in _CARS:
        return _CARS[State(pilot)]
    return CarState.CONNECTED if plugged else CarState.ABSENT


@attrs.frozen
class Status:
    """The answer to ``$GS``."""

    state: int
    pilot: int | None
    """State by the pilot alone; None from firmware before 6."""
    flags: int | None

    @classmethod
    def read(cls, answer: Answer) -> Status:
        """Old firmware gives two decimal words, newer four, hexadecimal but for the time."""
        if len(answer.words) < 4:
            (state,) = answer.numbers(10)
            return cls(state, None, None)
        state, _, pilot, flags = answer.numbers(16, 10, 16, 16)
        return cls(state, pilot, flags)

    @property
    def plugged(self) -> bool | None:
        """The car's plug is in; None if this firmware does not say."""
        return None if self.flags is None else bool(self.flags & _EV_CONNECTED)

    @property
    def car(self) -> CarState:
        """What is known of the car."""
        return car_of(self.state, self.pilot, self.plugged)

    @property
    def energised(self) -> bool:
        """The relay is closed."""
        if self.flags is None:
            return self.state == State.CHARGING
        return bool(self.flags & _CHARGING_ON)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong, in the words of OCPP."""
        return faults_of(self.state, hard=bool((self.flags or 0) & _HARD_FAULT))


@attrs.frozen
class Range:
    """The answer to ``$GC``: which currents can be offered, in whole A."""

    minimum_a: int
    maximum_a: int
    """What may be set: the stored maximum where it is told, else that of the hardware."""
    pilot_a: int | None = None
    """What the pilot offers now."""

    @classmethod
    def read(cls, answer: Answer) -> Range:
        """Old firmware gives minimum and maximum only."""
        numbers = answer.numbers(*[10] * max(len(answer.words), 2))
        if len(numbers) < 4:
            return cls(numbers[0], numbers[1])
        minimum_a, hardware_a, pilot_a, configured_a = numbers[:4]
        return cls(minimum_a, min(hardware_a, configured_a or hardware_a), pilot_a)

    def fit(self, limit_a: Decimal) -> int:
        """The largest current that can be set and is not more than the limit; 0 if there is none.

        Here, because a controller takes only the lower 8 bits of what it is told: 262 would be 6.
        """
        whole_a = min(int(limit_a), self.maximum_a)
        return whole_a if whole_a >= max(self.minimum_a, 6) else 0


def register_wh(answer: Answer, plugged: bool) -> int:
    """The energy register out of ``$GU``: session in Ws, total in Wh.

    The total takes a session in only when its car leaves, and the session keeps its value until
    the next one comes: added without a car it would count twice.
    """
    session_ws, total_wh = answer.numbers(10, 10)
    return total_wh + (session_ws // 3600 if plugged else 0)


def temperature_c(answer: Answer) -> Decimal | None:
    """The warmest sensor of ``$GP``; None if none is fitted."""
    fitted = [
        Decimal(value) / 10 for value in answer.numbers(*[10] * len(answer.words)) if value > -2560
    ]
    return max(fitted, default=None)
