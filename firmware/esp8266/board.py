"""The ESP8266 itself: pins, serial line, network, watchdog, reset, memory that survives a reset.

The one file of the firmware that imports `machine`. Another chip needs another file like this one
and nothing else. What a board is wired for is told by `board.json` on its flash (docs/wiring.md).
"""

import gc
import json
import os
import time
from binascii import hexlify

import machine
import slot
from micropython import const

TYPE_CHECKING = const(0)  # the type checker takes it for true
if TYPE_CHECKING:
    import network

_ALIVE = b"tx1"  # marks memory that survived a reset
_CAUSES = ("power", "wdt", "fault", "wdt", "soft", "soft", "ext")
_WEAK_DBM = const(-85)
_GOOD_DBM = const(-80)


def _pulse_duty(us: int) -> int:
    """The duty of the 10-bit PWM that gives exactly this many microseconds at 1 kHz."""
    return (us * 1023 + 999) // 1000


class Board:
    """One NodeMCU or its like."""

    ONCE = (
        "__init__",
        "_remember",
        "listen",
        "input",
        "output",
        "pulses",
        "adc",
        "on_pulse",
        "kept_pulses",
        "on_trial",
    )
    """Methods that are not called again after the start (see `app.App.forget_start`)."""
    slots = True

    def __init__(self, slot_name: str) -> None:
        self.folder = slot.FOLDER
        self.slot = slot_name
        self.id = "esp8266-" + str(hexlify(machine.unique_id()), "utf8")
        self._rtc = machine.RTC()
        self._wh, self._pulses, failed = self._remember()
        if failed:
            self._store(False)  # told once: the next reset has a reason of its own
        cause = machine.reset_cause()
        self.why = "fault" if failed else _CAUSES[cause] if cause < len(_CAUSES) else "power"
        try:
            with open("board.json") as file:
                self.config = json.load(file)
        except (OSError, ValueError):
            self.config = None
        if type(self.config) is not dict:
            self.config = {}  # an outlet of unknown wiring is no outlet
        self.hw = self.config.get("plant", "unset")
        self.insecure = self.config.get("insecure", False)
        machine.freq(160000000)
        self.weak = False
        """The Wi-Fi hardly reaches us."""
        self._wifi: network.WLAN | None = None
        self._button = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)
        self._led = machine.Pin(2, machine.Pin.OUT, value=1)
        self._blink = 4  # nobody has said yet what to show
        self._turns = 0
        self._watchdog: machine.WDT | None = None
        os.dupterm(None, 1)  # the line belongs to the charger from here on
        self._uart = machine.UART(0, 115200, rxbuf=512, timeout=0)

    # Time and life.

    def ms(self):
        return time.ticks_ms()

    def nap(self, ms: int) -> None:
        if ms > 0:
            time.sleep_ms(ms)

    def time(self, unix_s: int) -> None:
        """The host tells the time of day; nothing here depends on it."""

    def feed(self) -> None:
        """A turn has ended well: calm the watchdog (the first time starts it), tidy up, blink."""
        if not self._watchdog:
            self._watchdog = machine.WDT()
        self._watchdog.feed()
        self._turns = (self._turns + 1) & 63
        if not self._turns & 15:
            gc.collect()  # before the garbage of turns and of a request does not fit any more
        if not self._turns:
            wifi = self._wifi
            if wifi and wifi.isconnected():
                self.weak = wifi.status("rssi") < (_GOOD_DBM if self.weak else _WEAK_DBM)
        if self._blink:
            self._led(0 if self._turns & self._blink else 1)

    def reset(self) -> None:
        """Start again."""
        machine.reset()

    def failed(self, error: BaseException) -> None:
        """Start again, and remember why for the host to be told."""
        self._store(True)
        machine.reset()

    def to_prompt(self) -> None:
        """Start again into Python instead of the firmware (see main.py)."""
        with open("prompt", "w"):
            pass
        machine.reset()

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    # The person at the box.

    def button(self) -> bool:
        """The FLASH button of a NodeMCU."""
        return not self._button()

    def show(self, connector: int, status: str, words: str) -> None:
        """The LED: dark when free, slow blink with a car, on when charging, fast for faults; a
        flicker means that nobody has said anything since the start."""
        self._blink = {"Charging": 0, "Available": 0, "Faulted": 8}.get(status, 32)
        self._led(0 if status == "Charging" else 1)

    # Lines.

    def read(self) -> bytes:
        return self._uart.read(256) or b"" if self._uart.any() else b""

    def write(self, data: bytes) -> None:
        self._uart.write(data)

    def listen(self):
        """A listening socket, if the configuration names a Wi-Fi."""
        wifi = self.config.get("wifi")
        if not wifi:
            return None
        import socket

        import network

        network.WLAN(network.AP_IF).active(False)
        self._wifi = station = network.WLAN(network.STA_IF)
        station.active(True)
        station.connect(wifi["ssid"], wifi["password"])
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", self.config.get("port", 4116)))
        server.listen(2)
        return server

    # Pins, as callables.

    def input(self, number: int):
        return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)

    def output(self, number: int):
        return machine.Pin(number, machine.Pin.OUT, value=0)

    def pulses(self, number: int):
        """1 kHz with pulses of so many microseconds; 1000: always high, 0: always low."""
        pwm = machine.PWM(machine.Pin(number), freq=1000, duty=1023)  # type: ignore[call-arg]
        return lambda us: pwm.duty(_pulse_duty(us))

    def adc(self):
        return machine.ADC(0).read

    def on_pulse(self, number: int, heard) -> None:
        """Call `heard(ms)` at each falling edge."""
        pin = self.input(number)
        pin.irq(lambda _: heard(time.ticks_ms()), machine.Pin.IRQ_FALLING)

    # Memory that survives a reset, but no power cut.

    def _remember(self) -> tuple[int, int, bool]:
        kept = self._rtc.memory()
        if len(kept) != 12 or kept[:3] != _ALIVE:
            return 0, 0, False
        wh, pulses = int.from_bytes(kept[4:8], "big"), int.from_bytes(kept[8:], "big")
        return wh, pulses, kept[3] == 1

    def _store(self, failed: bool) -> None:
        numbers = self._wh.to_bytes(4, "big") + self._pulses.to_bytes(4, "big")
        self._rtc.memory(_ALIVE + bytes([failed]) + numbers)

    def kept_pulses(self, wh: int) -> int:
        """Pulses counted before the reset, on top of `wh` in the settings."""
        return self._pulses if wh == self._wh else 0

    def keep_pulses(self, wh: int, pulses: int) -> None:
        if (wh, pulses) != (self._wh, self._pulses):
            self._wh, self._pulses = wh, pulses
            self._store(False)

    # The slot that runs.

    def on_trial(self) -> bool:
        return slot.trial()

    def confirm(self) -> None:
        slot.confirm()
