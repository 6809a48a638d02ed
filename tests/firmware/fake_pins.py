"""A board with pins that a test can move and look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Pin:
    """Called without a value it tells its level, called with one it takes it."""

    def __init__(self, level: int) -> None:
        self.level = level
        self.history: list[int] = []

    def __call__(self, *value: int) -> int:
        if value:
            self.level = value[0]
            self.history.append(value[0])
        return self.level


class PinBoard:
    """Gives out pins by number; inputs are pulled up, outputs begin low."""

    def __init__(self, **config: Any) -> None:
        self.config = config
        self.pins: dict[int, Pin] = {}
        self.pulse_us = -1
        self.volts = 930
        self.pulse: Callable[[int], None] | None = None

    def input(self, number: int) -> Pin:
        return self.pins.setdefault(number, Pin(1))

    def output(self, number: int) -> Pin:
        return self.pins.setdefault(number, Pin(0))

    def pulses(self, number: int) -> Callable[[int], None]:
        def set_us(us: int) -> None:
            self.pulse_us = us

        return set_us

    def adc(self) -> Callable[[], int]:
        return lambda: self.volts

    def on_pulse(self, number: int, heard: Callable[[int], None]) -> None:
        self.pulse = heard

    def kept_pulses(self, wh: int) -> int:
        return 0


class Settings(dict[str, Any]):
    """Settings in memory."""

    def __init__(self, **values: Any) -> None:
        super().__init__({"boot": 0, "fb": 0, "up": 0, "max": 0, "imp": 1000, "wh": 0, **values})

    def put(self, name: str, value: Any) -> None:
        self[name] = value
