"""Putting a key into a device over its cable: the one thing that needs no key, but a hand.

A device without a key takes one at once; a device that has one takes a new one only while somebody
holds its button. Either way it is a greeting and one plain request.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from txocpp.devices.esp8266.frames import Direction, LineSplitter, decode, encode, parse
from txocpp.devices.esp8266.session import VERSION
from txocpp.errors import DeviceError, DeviceOffline, DeviceRefused

TRIES: Final = 5
ANSWER_S: Final = 1.0
_HELLO: Final = 1
_KEY: Final = 2


class KeySetting(Protocol):
    """One attempt on a line that is up; `done` fires when the device has the key.

    It fails with `DeviceRefused` (the device has a key and nobody holds the button, or a contactor
    is closed) or `DeviceOffline`.
    """

    transport: Any  # a stream transport

    def __init__(self, clock: IReactorTime, host: str, key: bytes) -> None:
        self.done: Deferred[None] = Deferred()
        self._clock = clock
        self._hello = encode(
            Direction.TO_DEVICE, 0, [2, _HELLO, "hello", {"v": [VERSION], "h": host}], None
        )
        self._key = key
        self._greeted = False
        self._tries = 0
        self._lines = LineSplitter(Direction.TO_HOST.longest_line)
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Greet."""
        self._try()

    def dataReceived(self, data: bytes) -> None:
        """Look for answers; a cable carries all kinds of noise besides."""
        for line in self._lines.feed(data):
            frame = parse(line, Direction.TO_HOST)
            if frame is not None and not frame.sealed and frame.fits(None):
                self._take(decode(frame.body))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The cable is out."""
        self._end(DeviceOffline("the line was lost"))

    def _take(self, message: list[Any] | None) -> None:
        match message:
            case [3, 1, dict()] if not self._greeted:
                self._greeted = True
                self._tries = 0
                self._try()
            case [3, 2, dict()]:
                self._end(None)
            case [4, 2, str(code), *rest]:
                self._end(DeviceRefused(_words(code, rest)))
            case [4, 1, "Rate", *_]:
                pass  # the next try will do
            case [4, 1, str(code), *rest]:
                self._end(DeviceRefused(_words(code, rest)))

    def _try(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self.done.called:
            return
        self._tries += 1
        if self._tries > TRIES:
            self._end(DeviceOffline("the device does not answer"))
            return
        request = [2, _KEY, "key", {"k": self._key.hex()}]
        line = (
            encode(Direction.TO_DEVICE, self._tries, request, None)
            if self._greeted
            else self._hello
        )
        self.transport.write(line)
        self._timer = self._clock.callLater(ANSWER_S, self._try)

    def _end(self, error: DeviceError | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self.done.called:
            return
        if error is None:
            self.done.callback(None)
        else:
            self.done.errback(error)


def _words(code: str, rest: list[Any]) -> str:
    if code in ("Denied", "NoSession", "Auth"):
        return "it has a key already: hold its button, and try again"
    if code == "Busy":
        return "a car is charging: not now"
    return f"{code} {rest[0]}".strip() if rest else code
