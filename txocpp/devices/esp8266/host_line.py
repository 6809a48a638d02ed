"""A session with an evlink/1 device that is kept up over a line: questions become Deferreds.

Every two seconds, while the charge point is alive, a ping renews what the device allows. When host,
cable or Wi-Fi die the pings end, and the device falls to its own fail-safe current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp import __version__
from txocpp.devices.esp8266.session import (
    Answered,
    Closed,
    Denied,
    Happening,
    Heard,
    Missed,
    Opened,
    Phase,
    Restarted,
    Session,
    Unanswered,
)
from txocpp.devices.esp8266.words import Greeting
from txocpp.devices.persistent_line import PersistentLine
from txocpp.errors import DeviceError, DeviceOffline, DeviceRefused

PING_S: Final = 2.0
DOWN_S: Final = 10.0
"""Nothing heard for so long: the line counts as down. Shorter gaps are nobody's business."""
GREET_AGAIN_S: Final = 2.0
WRONG_KEY_PAUSE_S: Final = 6.0
"""Longer than a device pauses after too many wrong proofs."""

_log = Logger()


class HostLineUser(Protocol):
    """Who wants to know what the device does."""

    def session_opened(self, greeting: Greeting) -> None:
        """Requests are answered from now on; those made while there was no session go first."""

    def session_refused(self, reason: str) -> None:
        """No session came about this time; it is tried again."""

    def session_ended(self) -> None:
        """What was asked and not answered has failed; a new session is sought."""

    def went_down(self) -> None:
        """There has been no session for `DOWN_S`."""

    def heard(self, name: str, data: dict[str, Any]) -> None:
        """The device told something by itself."""

    def missed(self) -> None:
        """Something that the device told was lost."""


class HostLine(Service):
    """One line to one device. A serial line is never closed to be opened again: that resets boards.

    `is_alive` is asked before each ping. `tap` sees all bytes, with ``>`` or ``<`` for their way;
    `on_failure` hears why the line cannot be opened.
    """

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        user: HostLineUser,
        *,
        key: bytes | None,
        serial: bool,
        name: str,
        is_alive: Callable[[], bool] = lambda: True,
        tap: Callable[[str, bytes], None] = lambda way, data: None,
        on_failure: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.device_name = name
        self.is_down = False
        """Nothing was heard for `DOWN_S` or longer."""
        self._clock = clock
        self._user = user
        self._serial = serial
        self._is_alive = is_alive
        self._tap = tap
        self._session = Session(f"txocpp/{__version__}", key=key)
        self._line = PersistentLine(endpoint, clock, self, name=name, on_failure=on_failure)
        self._answers: dict[int, Deferred[dict[str, Any]]] = {}
        self._early: list[tuple[str, dict[str, Any], Deferred[dict[str, Any]]]] = []
        self._timers: dict[str, IDelayedCall] = {}
        self._told = ""
        self._pumping = False

    @property
    def is_open(self) -> bool:
        """There is a session."""
        return self._session.phase is Phase.OPEN

    def startService(self) -> None:
        """Open the line, and keep it open."""
        super().startService()  # type: ignore[no-untyped-call]
        self.is_down = False
        self._after("down", DOWN_S, self._went_down)
        self._line.startService()

    def stopService(self) -> Deferred[None] | None:
        """Close the line; what was asked fails."""
        super().stopService()  # type: ignore[no-untyped-call]
        for what in list(self._timers):
            self._cancel(what)
        self._fail_early()
        if not self._line.is_up:
            self._session.line_lost()
            self._pump()
        return self._line.stopService()

    def ask(
        self, verb: str, args: Mapping[str, Any], *, urgent: bool = False
    ) -> Deferred[dict[str, Any]]:
        """Send a request; without a session it waits for one until the line counts as down.

        Fails with `DeviceRefused` (the device's code and words) or `DeviceOffline`.
        """
        answer: Deferred[dict[str, Any]] = Deferred()
        if self.is_down or not self.running:
            answer.errback(self._offline())
        elif self.is_open:
            self._send(verb, dict(args), answer, urgent)
            self._pump()
        else:
            self._early.append((verb, dict(args), answer))
        return answer

    # LineUser

    def line_up(self) -> None:
        """Greet the device."""
        self._session.greet(self._clock.seconds())
        self._pump()

    def bytes_received(self, data: bytes) -> None:
        """Bytes of the device."""
        self._tap("<", data)
        self._session.receive(data, self._clock.seconds())
        self._pump()

    def line_down(self, reason: str) -> None:
        """What was asked is unanswered; the line is opened again by itself."""
        _log.info("line to {name} lost: {reason}", name=self.device_name, reason=reason)
        self._session.line_lost()
        self._pump()
        self._ended()

    # Inside

    def _greet_again(self) -> None:
        if self._line.is_up and self._session.phase is Phase.CLOSED:
            self._session.greet(self._clock.seconds())
            self._pump()

    def _send(
        self, verb: str, args: dict[str, Any], answer: Deferred[dict[str, Any]], urgent: bool
    ) -> None:
        try:
            number = self._session.ask(verb, args, self._clock.seconds(), urgent=urgent)
        except ValueError as error:
            answer.errback(DeviceRefused(f"{verb}: {error}"))
        else:
            self._answers[number] = answer

    def _pump(self) -> None:
        """Bring what the session has to say to the line and to those who wait."""
        if self._pumping:
            return  # the outer one goes on until nothing is left
        self._pumping = True
        try:
            self._bring_out()
        finally:
            self._pumping = False
        deadline = self._session.deadline
        if deadline is None:
            self._cancel("answer")
        else:
            self._after("answer", max(deadline - self._clock.seconds(), 0), self._time_out)

    def _bring_out(self) -> None:
        while True:
            output = self._session.take_output()
            if output:
                self._tap(">", output)
                self._line.write(output)
            happenings = self._session.take_happenings()
            if not happenings:
                break
            for happening in happenings:
                self._happened(happening)

    def _time_out(self) -> None:
        self._session.advance(self._clock.seconds())
        self._pump()

    def _happened(self, happening: Happening) -> None:
        match happening:
            case Opened(greeting):
                self._opened(greeting)
            case Answered(id, result):
                self._answers.pop(id).callback(result)
            case Denied(id, code, text):
                self._answers.pop(id).errback(DeviceRefused(f"{code}: {text}" if text else code))
            case Unanswered(id):
                self._unanswered(id)
            case Heard(name, _, data):
                self._user.heard(name, data)
            case Missed():
                self._user.missed()
            case Restarted():
                self._ended()
            case Closed(reason, wrong_key):
                self._closed(reason, wrong_key)

    def _unanswered(self, number: int) -> None:
        self._answers.pop(number).errback(self._offline())
        if self.is_open:  # it has heard none of three: begin anew
            self._ended()
            self._session.greet(self._clock.seconds())

    def _opened(self, data: dict[str, Any]) -> None:
        try:
            greeting = Greeting.read(data)
        except DeviceError as error:
            self._session.line_lost()
            self._closed(str(error), wrong_key=False)
            return
        _log.info("{name} is there: {id}", name=self.device_name, id=greeting.id)
        self._told = ""
        self._line.settled()
        self._cancel("down")
        self.is_down = False
        early, self._early = self._early, []
        for verb, args, answer in early:
            self._send(verb, args, answer, urgent=False)
        self._after("ping", PING_S, self._ping)
        self._user.session_opened(greeting)

    def _ping(self) -> None:
        self._after("ping", PING_S, self._ping)
        if self._is_alive():
            self.ask("ping", {}).addErrback(_expected)

    def _closed(self, reason: str, wrong_key: bool) -> None:
        if reason != self._told:  # once, not at every attempt
            level = _log.error if wrong_key else _log.warn
            level("no session with {name}: {reason}", name=self.device_name, reason=reason)
            self._told = reason
        self._user.session_refused(reason)
        self._ended()
        if not self._serial:
            self._line.drop(pause_s=WRONG_KEY_PAUSE_S if wrong_key else 0)
        elif self._line.is_up:
            wait_s = WRONG_KEY_PAUSE_S if wrong_key else GREET_AGAIN_S
            self._after("greet", wait_s, self._greet_again)

    def _ended(self) -> None:
        """There is no session; after a while the line counts as down."""
        if "ping" not in self._timers:
            return
        self._cancel("ping")
        if self.running:
            heard_at = self._session.heard_at or 0.0
            silent_s = self._clock.seconds() - heard_at
            self._after("down", max(DOWN_S - silent_s, 0), self._went_down)
        self._user.session_ended()

    def _went_down(self) -> None:
        _log.warn("{name} is not reached", name=self.device_name)
        self.is_down = True
        self._fail_early()
        self._user.went_down()

    def _fail_early(self) -> None:
        early, self._early = self._early, []
        for _, _, answer in early:
            answer.errback(self._offline())

    def _offline(self) -> DeviceOffline:
        return DeviceOffline(f"{self.device_name}: no answer")

    def _after(self, what: str, wait_s: float, call: Callable[[], None]) -> None:
        """Call later, instead of what was planned under this name."""
        self._cancel(what)

        def due() -> None:
            del self._timers[what]
            call()

        self._timers[what] = self._clock.callLater(wait_s, due)

    def _cancel(self, what: str) -> None:
        timer = self._timers.pop(what, None)
        if timer is not None:
            timer.cancel()


def _expected(failure: Failure) -> None:
    """A ping that came to nothing has been noticed by the session already."""
    failure.trap(DeviceError)
