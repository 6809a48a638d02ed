"""An OpenEVSE controller made of numbers, with the habits of the real ones.

For tests, and for people without one:

    python -m txocpp.devices.openevse.rapi_simulator [tcp:PORT:interface=127.0.0.1]

speaks RAPI on a TCP port, as a serial bridge does; lines on standard input such as ``car C`` or
``draw 16`` are what happens to it.

Habits, each of which has hurt somebody: commands that do not fit the receive buffer vanish; a bad
checksum is refused without the command's sequence number; `$SC` takes the lower 8 bits; the
supervision's interval overflows 16 bits; its acknowledgement restores the maximum; a session's
energy reaches the total when the car leaves, and is lost with the power; debug text and events
appear between the answers; disabled, nobody sees whether a car is there; hot, it is not raised; a
restart is not answered, and takes three seconds more while a car charges.
"""

from __future__ import annotations

import sys
from typing import Final

from txocpp.devices.openevse.rapi import LONGEST_COMMAND, State, _sum, _xor

MINIMUM_A: Final = 6
NOT_FITTED: Final = -2560
_ACKNOWLEDGED: Final = 1
_MISSED: Final = 2


class RapiSimulator:
    """One controller and one car. Bytes in by `feed`, time by `advance`, bytes out by `take`."""

    def __init__(
        self,
        *,
        firmware: str = "8.2.3",
        maximum_a: int = 32,
        lock: bool = False,
        supervision: bool = True,
        boot_lock: bool = False,
    ) -> None:
        self.firmware = firmware
        self.maximum_a = maximum_a
        self.has_lock = lock
        self.locked = False
        self.can_supervise = supervision
        self.has_boot_lock = boot_lock
        self.car = "A"
        """A, B, C or D, as the car makes the pilot."""
        self.draw_a = 32
        self.volts = 230
        self.temperatures_dc = [265, NOT_FITTED, NOT_FITTED]
        self.fault: State | None = None
        self.hot = False
        """It offers no more than it does."""
        self.mute = False
        """It blocks, as during a self-test."""
        self.relay_closed = False
        self.total_wh = 0
        self.eeprom_writes = 0
        self.commands: list[str] = []
        """Every command that was understood, without sequence and checksum."""
        self._stored_a = maximum_a
        self._supervision = (0, 0)
        self._buffer = b""
        self._out = b""
        self._power_up()

    @property
    def is_new(self) -> bool:
        """It repeats sequence numbers and tells four words of state."""
        return int(self.firmware.split(".")[0]) >= 6

    def _power_up(self) -> None:
        self.pilot_a = self._stored_a
        self.mode: State | None = None
        self._boot_locked = self.has_boot_lock
        self._session_ws = 0
        self._elapsed_s = 0.0
        self._waited_ms = 0.0
        self._trigger = 0
        self._sleeping_s: float | None = None
        self._restart_s: float | None = None
        self._was_plugged = self.car != "A"

    # What happens to it

    def plug(self, car: str) -> None:
        """The car changes the pilot."""
        self.car = car
        self._event_if_changed()

    def power_cut(self) -> None:
        """Off and on again: the session's energy was only in memory."""
        self._power_up()
        self._update()
        self._say(f"$AB 00 {self.firmware}")

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        if self.relay_closed:
            self._elapsed_s += seconds
            self._session_ws += int(self.current_a * self.volts * seconds)
        self._supervise(seconds)
        if self._restart_s is not None:
            self._restart_s -= seconds
            if self._restart_s <= 0:
                self.power_cut()
        if self._sleeping_s is not None:
            self._sleeping_s -= seconds
        self._event_if_changed()

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        if self.mute or self._restart_s is not None:
            return
        for byte in data:
            if byte == ord("$"):
                self._buffer = b"$"
            elif byte != 13:
                self._buffer += bytes([byte])
            elif self._buffer.startswith(b"$"):
                line, self._buffer = self._buffer, b""
                if len(line) < LONGEST_COMMAND:
                    self._obey(line)

    def take(self) -> bytes:
        """Bytes that it has sent."""
        out, self._out = self._out, b""
        return out

    @property
    def state(self) -> State:
        """What it is doing."""
        if self.fault is not None:
            return self.fault
        if self.mode is not None:
            return self.mode
        if self.car == "D":
            return State.VENTILATION
        charges = self.car == "C" and not self._boot_locked
        return (
            State.NOT_CONNECTED
            if self.car == "A"
            else State.CHARGING
            if charges
            else State.CONNECTED
        )

    @property
    def current_a(self) -> int:
        """What flows."""
        return min(self.draw_a, self.pilot_a) if self.relay_closed and self.car == "C" else 0

    # Inside

    def _supervise(self, seconds: float) -> None:
        interval_s, fallback_a = self._supervision
        if not interval_s:
            return
        self._waited_ms += seconds * 1000
        if self._waited_ms > (interval_s * 1000) & 0xFFFF and self._trigger != _MISSED:
            self._trigger = _MISSED
            self.pilot_a = min(self.pilot_a, max(fallback_a, MINIMUM_A))

    def _event_if_changed(self) -> None:
        before = self.relay_closed
        state = self.state
        if self.mode is State.SLEEPING and self._sleeping_s is not None:
            # It waits for the car to stop, three seconds at most.
            if self.car == "C" and self._sleeping_s > 0:
                return
            self._sleeping_s = None
        self.relay_closed = state is State.CHARGING
        if self.relay_closed and not before:
            self._out += b"relayCloseMs: 12\r\n"
        plugged = self.car != "A"
        if self._was_plugged and not plugged and self.mode is not State.DISABLED:
            self.total_wh += self._session_ws // 3600
        if plugged and not self._was_plugged:
            self._session_ws = 0
        self._was_plugged = plugged
        if (state, plugged) != getattr(self, "_said", None):
            self._said = (state, plugged)
            if self.is_new:
                self._say(f"$AT {state:02X} {self._pilot:02X} {self.pilot_a} {self._flags:04X}")
            else:
                self._say(f"$ST {state:02X}")

    _update = _event_if_changed

    @property
    def _pilot(self) -> int:
        return {"A": 1, "B": 2, "C": 3, "D": 4}[self.car]

    @property
    def _flags(self) -> int:
        plugged = self.car != "A" and self.mode is not State.DISABLED
        return 0x0200 | (0x0100 if plugged else 0) | (0x0040 if self.relay_closed else 0)

    def _say(self, words: str) -> None:
        body = words.encode("ascii")
        self._out += body + b"^%02X\r" % _xor(body)

    def _obey(self, line: bytes) -> None:
        text = line.decode("ascii", "replace")
        for mark, sum_of in (("^", _xor), ("*", _sum)):
            body, sign, checksum = text.rpartition(mark)
            if sign:
                if checksum != f"{sum_of(body.encode()):02X}":
                    self._say("$NK")
                    return
                text = body
                break
        name, *words = text[1:].split()
        sequence = ""
        if self.is_new and words and words[-1].startswith(":"):
            sequence = " " + words.pop()
        self.commands.append(" ".join([name, *words]))
        try:
            answer = self._answer(name, words)
        except (ValueError, IndexError, KeyError):
            answer = None
        if self._restart_s is not None:
            return
        said = "$NK" if answer is None else f"$OK {answer}".rstrip()
        if isinstance(answer, tuple):
            said = f"$NK {answer[0]}"
        self._say(said + sequence)
        self._event_if_changed()

    def _answer(self, name: str, words: list[str]) -> str | tuple[int] | None:
        """What follows $OK; None for $NK, a number in a tuple for $NK with it."""
        if name.startswith("G"):
            return self._tell(name)
        if name in ("FE", "FS", "FD", "FR"):
            return self._function(name)
        if name == "SC":
            return self._set_current(int(words[0]), volatile=words[1:] == ["V"])
        if name == "SY" and self.can_supervise:
            return self._set_supervision([int(word) for word in words])
        if name == "SB" and self.has_boot_lock:
            self._boot_locked = False
            return ""
        if name == "S5" and self.has_lock:
            self.locked = words[0] == "1"
            return ""
        return None

    def _tell(self, name: str) -> str | None:
        if name == "GS" and not self.is_new:
            return f"{int(self.state)} {int(self._elapsed_s)}"
        answers = {
            "GV": f"{self.firmware} 5.1.4",
            "GI": " MEGA328P-0001",
            "GS": f"{self.state:02X} {int(self._elapsed_s)} {self._pilot:02X} {self._flags:04X}",
            "G0": "2" if self.mode is State.DISABLED else str(int(self.car != "A")),
            "GC": f"{MINIMUM_A} {self.maximum_a} {self.pilot_a} {self._stored_a}"
            if self.is_new
            else f"{MINIMUM_A} {self.maximum_a}",
            "GG": f"{self.current_a * 1000} {self.volts * 1000}",
            "GU": f"{self._session_ws} {self.total_wh}",
            "GP": " ".join(map(str, self.temperatures_dc)),
            "GY": " ".join(map(str, (*self._supervision, self._trigger))),
        }
        if self.has_lock:
            answers["G5"] = str(int(self.locked))
        return answers[name]

    def _function(self, name: str) -> str:
        if name == "FR":
            self._restart_s = 4.0 if self.relay_closed else 1.0
        else:
            if name == "FS" and self.mode is None and self.relay_closed:
                self._sleeping_s = 3.0
            self.mode = {"FE": None, "FS": State.SLEEPING, "FD": State.DISABLED}[name]
        return ""

    def _set_current(self, amps: int, *, volatile: bool) -> str | tuple[int]:
        wanted_a = amps & 0xFF
        set_a = min(max(wanted_a, MINIMUM_A), self.maximum_a, self._stored_a)
        if self.hot:
            set_a = min(set_a, self.pilot_a)
        self.pilot_a = set_a
        if not volatile:
            self.eeprom_writes += 1
        return str(set_a) if set_a == wanted_a else (set_a,)

    def _set_supervision(self, numbers: list[int]) -> str | None:
        missed = self._trigger == _MISSED
        if len(numbers) == 2:
            if tuple(numbers) != self._supervision:
                self.eeprom_writes += 1
            self._supervision = (numbers[0], numbers[1])
        elif numbers == [165] and missed:
            self._trigger = _ACKNOWLEDGED
            self.pilot_a = self._stored_a
        elif numbers not in ([], [165]):
            return None
        if numbers != [165]:
            self._waited_ms = 0
        refused = not numbers and missed
        return None if refused else " ".join(map(str, (*self._supervision, self._trigger)))


def main() -> None:
    """A controller for people: RAPI on a port, its car on the keyboard."""
    from twisted.internet import reactor
    from twisted.internet.protocol import Factory, Protocol
    from twisted.internet.stdio import StandardIO
    from twisted.internet.task import LoopingCall
    from twisted.protocols.basic import LineOnlyReceiver

    from txocpp.devices.links import ListeningService, listening_endpoint

    controller = RapiSimulator()
    lines: set[Protocol] = set()

    class Line(Protocol):
        def connectionMade(self) -> None:
            lines.add(self)

        def dataReceived(self, data: bytes) -> None:
            controller.feed(data)

        def connectionLost(self, reason: object = None) -> None:
            lines.discard(self)

    class Keyboard(LineOnlyReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            match line.decode(errors="replace").split():
                case ["car", state] if state in ("A", "B", "C", "D"):
                    controller.plug(state)
                case ["draw", amps] if amps.isdigit():
                    controller.draw_a = int(amps)
                case _:
                    print("car A|B|C|D, draw AMPERES", file=sys.stderr)

    def live() -> None:
        controller.advance(0.1)
        said = controller.take()
        for line in lines:
            assert line.transport is not None
            line.transport.write(said)

    where = sys.argv[1] if len(sys.argv) > 1 else "tcp:8023:interface=127.0.0.1"
    listening = ListeningService(listening_endpoint(reactor, where), Factory.forProtocol(Line))
    listening.startService()
    print(f"RAPI at {where}; type: car C, draw 16", file=sys.stderr)
    LoopingCall(live).start(0.1)
    StandardIO(Keyboard())
    reactor.run()


if __name__ == "__main__":
    main()
