"""A byte line to a device that is opened again and again, for ever, with growing pauses.

Twisted's ``ClientService`` takes an opened port for success; a device that opens its port and then
does not answer, or refuses us, would be knocked at without a pause. Here whoever uses the line says
when it is `settled`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final
from typing import Protocol as Typed

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 10.0
"""A device on the desk or in the house: to ask it often costs nobody anything."""

_log = Logger()


def why_no_line(failure: Failure) -> str:
    """The reason alone, without the sentence that Twisted puts before it."""
    error = failure.value
    if isinstance(error, ConnectError) and error.args and isinstance(error.args[0], str):
        return error.args[0] or failure.getErrorMessage()
    return failure.getErrorMessage()


class LineUser(Typed):
    """Who sits at the end of the line."""

    def line_up(self) -> None:
        """Bytes can be written from now on."""

    def bytes_received(self, data: bytes) -> None:
        """Bytes have come."""

    def line_down(self, reason: str) -> None:
        """The line is gone; it will be opened again by itself."""


class PersistentLine(Service):
    """Keeps a line open while it runs; `on_failure` hears why it cannot be opened, each time."""

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        user: LineUser,
        *,
        name: str = "device",
        jitter: Callable[[], float] = random.random,
        on_failure: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.name = name
        self._endpoint = endpoint
        self._clock = clock
        self._user = user
        self._jitter = jitter
        self._on_failure = on_failure
        self._pause_s = FIRST_PAUSE_S
        self._attempt: Deferred[Any] | None = None
        self._timer: IDelayedCall | None = None
        self._protocol: _LineProtocol | None = None
        self._stopping: Deferred[None] | None = None
        self._told = ""

    @property
    def is_up(self) -> bool:
        """The line is open."""
        return self._protocol is not None

    def startService(self) -> None:
        """Open the line for the first time."""
        super().startService()  # type: ignore[no-untyped-call]
        self._connect()

    def stopService(self) -> Deferred[None] | None:
        """Close the line and leave it closed."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._attempt is not None:
            self._attempt.cancel()
        if self._protocol is None:
            return None
        self._stopping = Deferred()
        self._protocol.transport.loseConnection()
        return self._stopping

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens while the line is down."""
        if self._protocol is not None and data:
            self._protocol.transport.write(data)

    def settled(self) -> None:
        """The other end is the right one: the next pause is a short one again."""
        self._pause_s = FIRST_PAUSE_S

    def drop(self, *, pause_s: float = 0.0) -> None:
        """Close the line, and open it again after a pause of at least so long."""
        self._pause_s = max(self._pause_s, pause_s)
        if self._protocol is not None:
            self._protocol.transport.loseConnection()

    def _connect(self) -> None:
        self._timer = None
        factory = Factory.forProtocol(lambda: _LineProtocol(self))
        factory.noisy = False
        self._attempt = self._endpoint.connect(factory)
        self._attempt.addErrback(self._failed)
        self._attempt.addBoth(self._attempt_over)

    def _attempt_over(self, _: object) -> None:
        self._attempt = None

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError) and not self.running:
            return
        why = why_no_line(failure)
        if why != self._told:  # once, not at every attempt
            _log.warn("no line to {name}: {why}", name=self.name, why=why)
            self._told = why
        self._on_failure(why)
        self._again()

    def _again(self) -> None:
        if self.running:
            wait_s = self._pause_s * (0.75 + self._jitter() / 2)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            self._timer = self._clock.callLater(wait_s, self._connect)

    def _up(self, protocol: _LineProtocol) -> None:
        self._protocol = protocol
        self._told = ""
        self._user.line_up()

    def _down(self, reason: str) -> None:
        self._protocol = None
        self._user.line_down(reason)
        self._again()
        if self._stopping is not None:
            stopping, self._stopping = self._stopping, None
            stopping.callback(None)

    def _received(self, data: bytes) -> None:
        self._user.bytes_received(data)


class _LineProtocol(Protocol):
    transport: Any  # a stream transport

    def __init__(self, line: PersistentLine) -> None:
        self._line = line

    def connectionMade(self) -> None:
        self._line._up(self)

    def dataReceived(self, data: bytes) -> None:
        self._line._received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._line._down(reason.getErrorMessage())
