"""What a board with an ESP8266 may be wired for: which names its pins have, and which pins are good
for what.

Rules of this file: GPIO numbers, names and values; no board, no tools. The firmware believes its
`board.json`; mistakes are found here, before it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

import attrs

from txocpp.errors import ConfigurationError

CONTACTOR_PINS: Final = (4, 5)
"""The two that stay quiet while the chip starts; on the others a contactor might close."""
OUTPUT_PINS: Final = (4, 5, 12, 13, 14, 15, 16)
INPUT_PINS: Final = (4, 5, 12, 13, 14)
"""Those with a pull-up and an interrupt that no start depends on."""

_TAKEN: Final = {
    0: "is the FLASH button",
    1: "is the cable",
    2: "is the LED",
    3: "is the cable",
    **dict.fromkeys(range(6, 12), "belongs to the flash memory"),
}


@attrs.frozen
class Wiring:
    """One kind of plant: its names, and the pins that they have if nothing is said."""

    contactors: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    usual: Mapping[str, int] = attrs.field(factory=dict)
    needed: tuple[str, ...] = ()
    """Inputs without which it never charges."""
    more: tuple[str, ...] = ("pump", "active")
    """What else `board.json` may say of it."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.contactors, *self.outputs, *self.inputs)

    def fits(self, name: str) -> tuple[int, ...]:
        """The pins that are good for a name."""
        if name in self.contactors:
            return CONTACTOR_PINS
        return OUTPUT_PINS if name in self.outputs else INPUT_PINS


_RELAY: Final = Wiring(
    contactors=("relay",),
    inputs=("plug", "ask", "auth", "aux", "rcd", "s0"),
    usual={"relay": 5, "plug": 14, "auth": 12, "ask": 13},
    needed=("plug",),
    more=("pump", "active", "uid"),
)

WIRINGS: Final[Mapping[str, Wiring]] = {
    "relay": _RELAY,
    "socket": attrs.evolve(
        _RELAY, inputs=(*_RELAY.inputs, "locked"), outputs=("lock", "ph", "test")
    ),
    "levels": Wiring(
        contactors=("first", "second"),
        inputs=("charging", "plug", "s0"),
        usual={"first": 5, "second": 4, "charging": 14},
        needed=("charging",),
        more=("levels", "active"),
    ),
    "pilot": Wiring(
        contactors=("relay",),
        inputs=("minus", "aux", "rcd", "auth", "s0"),
        outputs=("pwm",),
        usual={"relay": 5, "pwm": 4, "minus": 14, "aux": 12, "rcd": 13},
        more=("pump", "active", "uid", "thresholds"),
    ),
}


def check_pins(plant: str, given: Mapping[str, int | None]) -> None:
    """Raises `ConfigurationError` for a name that the plant does not have, a pin that is not good
    for it, a needed one that is left out, or two names on one pin."""
    wiring = WIRINGS[plant]
    for name, number in given.items():
        if name not in wiring.names:
            known = ", ".join(wiring.names)
            raise ConfigurationError(f"a {plant} has no pin {name!r}; there are {known}")
        if number is None and name in (*wiring.contactors, *wiring.needed):
            raise ConfigurationError(f"{name}: a {plant} cannot do without it")
        if number is not None:
            _check_pin(wiring, name, number)
    if given.get("test") is not None and given.get("rcd") is None:
        raise ConfigurationError("test: without rcd nobody sees what the test did")
    by_number: dict[int, str] = {}
    for name, number in {**wiring.usual, **given}.items():
        if number is None:
            continue
        if number in by_number:
            raise ConfigurationError(
                f"GPIO{number} is {by_number[number]} and {name}: move one, or leave it out with "
                "NAME=none"
            )
        by_number[number] = name


def _check_pin(wiring: Wiring, name: str, number: int) -> None:
    fitting = wiring.fits(name)
    if number in fitting:
        return
    good = ", ".join(map(str, fitting))
    why = _TAKEN.get(number, "is not good for that")
    raise ConfigurationError(f"{name}: GPIO{number} {why}; good for it: {good}")


def check_more(plant: str, given: Mapping[str, Any]) -> None:
    """Raises `ConfigurationError` for a further setting that the plant does not have, or another
    value than it may have."""
    known = (*WIRINGS[plant].more, "port", "insecure")
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(f"a {plant} has no {name!r}; there are {', '.join(known)}")
        is_good, words = _MORE[name]
        if not is_good(value):
            raise ConfigurationError(f"{name}: expected {words}")


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _are_levels(rows: Any) -> bool:
    """Rows of current and two outputs, rising from off."""
    if not isinstance(rows, list) or len(rows) < 2:
        return False
    for row in rows:
        if (
            not isinstance(row, list)
            or len(row) != 3
            or not all(_is_whole(n, 0, 1) for n in row[1:])
        ):
            return False
        if row[0] != 0 and not _is_whole(row[0], 6000, 80000):
            return False
    return rows[0] == [0, 0, 0] and all(low[0] < high[0] for low, high in pairwise(rows))


def _are_thresholds(values: Any) -> bool:
    if not isinstance(values, list) or len(values) != 4:
        return False
    whole = all(_is_whole(value, 1, 1023) for value in values)
    return whole and all(high > low for high, low in pairwise(values))


_SWITCH: Final = (lambda value: _is_whole(value, 0, 1), "0 or 1")
_MORE: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "pump": _SWITCH,
    "active": _SWITCH,
    "uid": (lambda value: isinstance(value, str) and 1 <= len(value) <= 20, "1 to 20 characters"),
    "port": (lambda value: _is_whole(value, 1, 65535), "a number from 1 to 65535"),
    "insecure": (lambda value: isinstance(value, bool), "true or false"),
    "levels": (_are_levels, "rows [mA, first, second] that rise, of which the first is [0, 0, 0]"),
    "thresholds": (_are_thresholds, "four falling numbers from 1023 to 1"),
}
