"""An ESP8266 in numbers: the modules that `board.py` finds on the chip and nowhere else."""

from __future__ import annotations

import os
import sys
import time
import types
from typing import Any

import pytest


class ChipReset(BaseException):
    """The chip was reset."""


class Chip:
    """What the fake modules share."""

    def __init__(self) -> None:
        self.ms = 1000
        self.levels: dict[int, int] = {0: 1}
        self.interrupts: dict[int, Any] = {}
        self.sent = b""
        self.received = b""
        self.memory = b""
        self.cause = 0
        self.fed = 0
        self.prompt_on_line = True
        self.duty: dict[int, int] = {}
        self.wifi: tuple[str, str] | None = None
        self.rssi = -60

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put the modules in their places."""
        patch.setitem(sys.modules, "machine", self._machine())
        patch.setitem(sys.modules, "network", self._network())
        patch.setitem(sys.modules, "gc", self._collector())
        patch.setattr(time, "ticks_ms", lambda: self.ms & 0x3FFFFFFF, raising=False)
        patch.setattr(time, "sleep_ms", self._sleep, raising=False)
        patch.setattr(os, "dupterm", self._dupterm, raising=False)
        for name in ("board", "main"):
            patch.delitem(sys.modules, name, raising=False)

    def _collector(self) -> types.ModuleType:
        """A heap of 35 KiB is collected in no time, that of a test is not."""
        gc: Any = types.ModuleType("gc")
        gc.collect = lambda: 0
        return gc

    def _sleep(self, ms: int) -> None:
        self.ms += ms

    def _dupterm(self, stream: object, index: int) -> None:
        assert index == 1
        self.prompt_on_line = stream is not None

    def _machine(self) -> types.ModuleType:
        chip = self
        machine: Any = types.ModuleType("machine")

        class Pin:
            IN, OUT, PULL_UP, IRQ_FALLING = 0, 1, 1, 2

            def __init__(self, number: int, mode: int = 0, pull: int = -1, value: int = -1) -> None:
                self.number = number
                if value >= 0:
                    chip.levels[number] = value
                elif pull == Pin.PULL_UP:
                    chip.levels.setdefault(number, 1)

            def __call__(self, *value: int) -> int:
                if value:
                    chip.levels[self.number] = value[0]
                return chip.levels.get(self.number, 0)

            def irq(self, handler: Any, trigger: int) -> None:
                chip.interrupts[self.number] = lambda: handler(self)

        class PWM:
            def __init__(self, pin: Pin, freq: int, duty: int) -> None:
                assert freq == 1000
                self._number = pin.number
                self.duty(duty)

            def duty(self, duty: int) -> None:
                chip.duty[self._number] = duty

        class UART:
            def __init__(self, number: int, baudrate: int, rxbuf: int, timeout: int) -> None:
                assert (number, baudrate) == (0, 115200)
                assert rxbuf >= 256
                assert not chip.prompt_on_line

            def any(self) -> int:
                return len(chip.received)

            def read(self, most: int) -> bytes | None:
                data, chip.received = chip.received[:most], chip.received[most:]
                return data or None

            def write(self, data: bytes) -> None:
                chip.sent += data

        class RTC:
            def memory(self, *data: bytes) -> bytes:
                if data:
                    chip.memory = data[0]
                return chip.memory

        class WDT:
            def feed(self) -> None:
                chip.fed += 1

        class ADC:
            def __init__(self, number: int) -> None:
                pass

            def read(self) -> int:
                return 930

        def reset() -> None:
            raise ChipReset

        machine.Pin, machine.PWM, machine.UART, machine.RTC = Pin, PWM, UART, RTC
        machine.WDT, machine.ADC, machine.reset = WDT, ADC, reset
        machine.reset_cause = lambda: self.cause
        machine.unique_id = lambda: b"\x00\xa1\xb2\xc3"
        machine.freq = lambda hz: None
        return machine

    def _network(self) -> types.ModuleType:
        chip = self
        network: Any = types.ModuleType("network")

        class WLAN:
            def __init__(self, interface: int) -> None:
                self._interface = interface

            def active(self, flag: bool) -> None:
                assert flag is (self._interface == network.STA_IF)

            def connect(self, ssid: str, password: str) -> None:
                chip.wifi = (ssid, password)

            def isconnected(self) -> bool:
                return chip.wifi is not None

            def status(self, what: str) -> int:
                assert what == "rssi"
                return chip.rssi

        network.WLAN, network.STA_IF, network.AP_IF = WLAN, 0, 1
        return network
