"""A board whose pins lead nowhere, with lines that end in byte strings."""

_MASK = 0x3FFFFFFF


class Reboot(BaseException):
    """The firmware has reset its chip."""


class Pipe:
    """A socket, or what the firmware takes for one."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.incoming = b""
        self.outgoing = b""
        self.closed = False
        self.ended = False

    def setblocking(self, flag: bool) -> None:
        pass

    def recv(self, most: int) -> bytes:
        if not self.incoming:
            if self.ended:
                return b""
            raise OSError(11)
        data, self.incoming = self.incoming[:most], self.incoming[most:]
        return data

    def send(self, data: bytes) -> int:
        self.outgoing += data
        return len(data)

    def close(self) -> None:
        self.closed = True


class Server:
    """A listening socket."""

    def __init__(self) -> None:
        self.waiting = []

    def setblocking(self, flag: bool) -> None:
        pass

    def accept(self):
        if not self.waiting:
            raise OSError(11)
        return self.waiting.pop(0), None


class SimulatedBoard:
    """A board whose pins lead nowhere."""

    ONCE = ()

    def __init__(self, folder: str, config: dict) -> None:
        self.folder = folder
        self.config = config
        self.id = config.get("id", "esp8266-00a1b2c3")
        self.hw = config.get("hw", "bench")
        self.why = "power"
        self.insecure = config.get("insecure", False)
        self.slots = True
        self.slot = "a"
        self.clock_ms = config.get("ms", 0)
        self.pressed = False
        self.crashing: type | None = None
        """What the next turn raises."""
        self.weak = False
        self.server = None
        self.cable = Pipe(0)
        self.shown = None
        self.error = ""
        self._count = 0

    def ms(self) -> int:
        if self.crashing:
            error, self.crashing = self.crashing, None
            raise error("asked to crash")
        return self.clock_ms & _MASK

    def time(self, unix_s: int) -> None:
        pass

    def feed(self) -> None:
        pass

    def reset(self) -> None:
        self.why = "soft"
        raise Reboot

    def failed(self, error: BaseException) -> None:
        if not isinstance(error, Reboot):
            self.why = "fault"
            self.error = "%s: %s" % (type(error).__name__, error)
        raise Reboot

    def to_prompt(self) -> None:
        raise Reboot

    def random(self, count: int) -> bytes:
        """Not random at all: a bench must be repeatable."""
        self._count += 1
        return bytes([(self._count * 16 + i) & 255 for i in range(count)])

    def button(self) -> bool:
        return self.pressed

    def show(self, connector: int, status: str, words: str) -> None:
        self.shown = (connector, status, words)

    def read(self) -> bytes:
        data, self.cable.incoming = self.cable.incoming, b""
        return data

    def write(self, data: bytes) -> None:
        self.cable.outgoing += data

    def listen(self):
        self.server = Server()
        return self.server

    def on_trial(self) -> bool:
        return False

    def confirm(self) -> None:
        pass

    def keep_pulses(self, wh: int, pulses: int) -> None:
        pass

    def kept_pulses(self, wh: int) -> int:
        return 0
