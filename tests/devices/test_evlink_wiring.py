"""Which pins are good for what."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from txocpp.devices.esp8266.wiring import (
    CONTACTOR_PINS,
    INPUT_PINS,
    WIRINGS,
    check_more,
    check_pins,
)
from txocpp.errors import ConfigurationError

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware" / "esp8266"


@pytest.mark.parametrize("plant", WIRINGS)
def test_what_the_firmware_does_if_nothing_is_said(plant: str) -> None:
    """The usual pins are those of the firmware, and are good ones."""
    module = {"socket": "relay"}.get(plant, plant)
    tree = ast.parse((FIRMWARE / f"{module}.py").read_text())
    (pins,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PINS"
    )
    assert WIRINGS[plant].usual == pins
    check_pins(plant, {})
    check_pins(plant, pins)


@pytest.mark.parametrize(
    ("plant", "pins"),
    [
        ("relay", {"auth": None, "aux": 12, "s0": 4}),
        ("relay", {"relay": 4}),
        (
            "socket",
            {"auth": None, "ask": None, "locked": 12, "lock": 4, "rcd": 13, "ph": 15, "test": 16},
        ),
        ("levels", {"plug": 12, "s0": 13}),
        ("pilot", {"rcd": None, "s0": 13}),
    ],
)
def test_wirings_that_are_good(plant: str, pins: dict[str, int | None]) -> None:
    """Nothing is said against them."""
    check_pins(plant, pins)


@pytest.mark.parametrize(
    ("plant", "pins", "why"),
    [
        ("relay", {"lock": 4}, "a relay has no pin 'lock'"),
        ("relay", {"relay": None}, "cannot do without it"),
        ("relay", {"plug": None}, "plug: a relay cannot do without it"),
        ("levels", {"charging": None}, "cannot do without it"),
        ("socket", {"test": 16}, "test: without rcd"),
        ("relay", {"relay": 12}, "GPIO12 is not good for that; good for it: 4, 5"),
        ("relay", {"relay": 16}, "GPIO16 is not good for that"),
        ("relay", {"s0": 16}, "GPIO16 is not good for that"),
        ("relay", {"s0": 15}, "GPIO15 is not good for that"),
        ("relay", {"s0": 0}, "GPIO0 is the FLASH button"),
        ("relay", {"s0": 2}, "GPIO2 is the LED"),
        ("relay", {"s0": 3}, "GPIO3 is the cable"),
        ("relay", {"s0": 9}, "GPIO9 belongs to the flash memory"),
        ("relay", {"aux": 12}, "GPIO12 is auth and aux"),
        ("socket", {"lock": 12}, "GPIO12 is auth and lock"),
    ],
)
def test_wirings_that_are_not(plant: str, pins: dict[str, int | None], why: str) -> None:
    """The pin is named, and the reason."""
    with pytest.raises(ConfigurationError, match=why):
        check_pins(plant, pins)


def test_a_contactor_is_where_nothing_moves_at_the_start() -> None:
    """Not on a pin that a start of the chip pulls up or drives."""
    assert not {0, 1, 2, 3, 12, 13, 14, 16} & set(CONTACTOR_PINS)
    assert not {0, 1, 2, 3, 15, 16} & set(INPUT_PINS)


@pytest.mark.parametrize(
    ("plant", "more"),
    [
        ("relay", {"pump": 1, "active": 1, "uid": "CARD", "port": 4117, "insecure": True}),
        ("levels", {"levels": [[0, 0, 0], [10000, 0, 1], [20000, 1, 1]], "active": 0}),
        ("pilot", {"thresholds": [800, 600, 350, 100]}),
    ],
)
def test_further_settings_that_are_good(plant: str, more: dict[str, Any]) -> None:
    """Nothing is said against them."""
    check_more(plant, more)


@pytest.mark.parametrize(
    ("plant", "name", "value"),
    [
        ("levels", "pump", 1),
        ("relay", "fb", 6000),
        ("relay", "pump", True),
        ("relay", "active", "0"),
        ("relay", "uid", ""),
        ("relay", "uid", 5),
        ("relay", "port", 70000),
        ("relay", "insecure", 1),
        ("levels", "levels", [[0, 0, 0]]),
        ("levels", "levels", [[0, 1, 0], [16000, 1, 1]]),
        ("levels", "levels", [[6000, 0, 0], [16000, 1, 1]]),
        ("levels", "levels", [[0, 0, 0], [16000, 1, 1], [10000, 1, 0]]),
        ("levels", "levels", [[0, 0, 0], [5000, 1, 1]]),
        ("levels", "levels", [[0, 0, 0], [16000, 1, 2]]),
        ("levels", "levels", [[0, 0, 0], [16000, 1]]),
        ("levels", "levels", 16000),
        ("pilot", "thresholds", [100, 350, 600, 800]),
        ("pilot", "thresholds", [800]),
    ],
)
def test_further_settings_that_are_not(plant: str, name: str, value: Any) -> None:
    """The setting is named."""
    with pytest.raises(ConfigurationError, match=name):
        check_more(plant, {name: value})
