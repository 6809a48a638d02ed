"""One question at a time to a RAPI controller, over a line that is opened again and again.

Answers carry no name of what they answer. A late one would be taken for that of the next question,
so questions are numbered; for old controllers, which do not number, a question that was not
answered is followed by a silence in which whatever comes is thrown away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from txocpp.devices.openevse.rapi import Answer, Event, LineSplitter, encode
from txocpp.devices.persistent_line import PersistentLine
from txocpp.errors import DeviceOffline, DeviceRefused

ANSWER_S: Final = 2.5
"""A controller that tests its GFCI or starts up blocks for more than a second."""
SILENCE_S: Final = 1.0
TRIES: Final = 2

_log = Logger()


class RapiUser(Protocol):
    """Who wants to know what the controller says by itself."""

    def line_up(self) -> None:
        """Questions can be asked."""

    def line_down(self) -> None:
        """They cannot, for the time being."""

    def heard(self, event: Event) -> None:
        """The controller told something."""


@attrs.define
class _Question:
    command: str
    answer: Deferred[Answer]
    repeatable: bool
    tries: int = 0
    sequence: int = 0


class RapiLine(Service):
    """The line to one controller. Nobody else may use it: answers would be mixed up."""

    def __init__(
        self, clock: IReactorTime, endpoint: IStreamClientEndpoint, user: RapiUser, *, name: str
    ) -> None:
        self.name = name
        self._clock = clock
        self._user = user
        self._line = PersistentLine(endpoint, clock, self, name=name)
        self._splitter = LineSplitter()
        self._queue: deque[_Question] = deque()
        self._asked: _Question | None = None
        self._timer: IDelayedCall | None = None
        self._sequence = 0
        self._numbered = True
        """Questions are sent with a sequence number."""
        self._repeats_numbers: bool | None = None
        """The controller repeats them; None: not known yet."""

    @property
    def is_up(self) -> bool:
        """The line is open."""
        return self._line.is_up

    def startService(self) -> None:
        """Open the line, and keep it open."""
        super().startService()  # type: ignore[no-untyped-call]
        self._line.startService()

    def stopService(self) -> Deferred[None] | None:
        """Close it; whoever waits is told."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._fail_all("stopped")
        return self._line.stopService()

    def ask(self, command: str, *, repeatable: bool = True) -> Deferred[Answer]:
        """Ask, behind the questions that wait.

        Fails with `DeviceRefused` if the controller says no, with `DeviceOffline` if it does not
        answer. A question that is not `repeatable` is asked once.
        """
        question = _Question(command, Deferred(), repeatable)
        if not self.is_up:
            question.answer.errback(DeviceOffline(f"{self.name}: the line is down"))
            return question.answer
        self._queue.append(question)
        self._next()
        return question.answer

    def settled(self) -> None:
        """It is the right controller: the line may be opened again quickly."""
        self._line.settled()

    # LineUser

    def line_up(self) -> None:
        """For the line."""
        self._splitter = LineSplitter()
        self._numbered, self._repeats_numbers = True, None
        self._line.write(b"\r")  # ends whatever the controller has got of an earlier line
        self._user.line_up()

    def line_down(self, reason: str) -> None:
        """For the line."""
        _log.info("line to {name} lost: {reason}", name=self.name, reason=reason)
        self._fail_all("the line was lost")
        self._user.line_down()

    def bytes_received(self, data: bytes) -> None:
        """For the line."""
        for message in self._splitter.feed(data):
            if isinstance(message, Event):
                self._user.heard(message)
            else:
                self._answered(message)

    # Inside

    def _next(self) -> None:
        if self._asked is None and self._timer is None and self._queue:
            self._asked = self._queue.popleft()
            self._send(self._asked)

    def _send(self, question: _Question) -> None:
        question.tries += 1
        self._sequence = self._sequence % 255 + 1
        question.sequence = self._sequence
        self._line.write(encode(question.command, self._sequence if self._numbered else None))
        self._wait(ANSWER_S, self._not_answered)

    def _answered(self, answer: Answer) -> None:
        question = self._asked
        if question is None:
            return  # late
        if answer.sequence is not None:
            if answer.sequence != question.sequence:
                return  # late
            self._repeats_numbers = True
        elif self._numbered and not answer.ok:
            self._not_answered()  # it has got our question damaged
            return
        elif self._repeats_numbers:
            return  # late, from before the line was opened
        else:
            self._numbered = self._repeats_numbers = False
        self._asked = None
        self._cancel()
        self._give(question, answer)
        self._next()

    def _give(self, question: _Question, answer: Answer) -> None:
        if answer.ok:
            question.answer.callback(answer)
        else:
            words = " ".join(answer.words)
            refused = DeviceRefused(f"{self.name} refuses {question.command} {words}".rstrip())
            question.answer.errback(refused)

    def _not_answered(self) -> None:
        question, self._asked = self._asked, None
        assert question is not None
        self._cancel()
        if question.repeatable and question.tries < TRIES:
            self._queue.appendleft(question)
        elif self._repeats_numbers is None:
            self._numbered = not self._numbered  # perhaps it drops what it does not know
        self._wait(SILENCE_S, self._next)
        if not (self._queue and self._queue[0] is question):
            question.answer.errback(
                DeviceOffline(f"{self.name} does not answer {question.command}")
            )

    def _fail_all(self, why: str) -> None:
        self._cancel()
        questions = [*([self._asked] if self._asked else []), *self._queue]
        self._asked = None
        self._queue.clear()
        for question in questions:
            question.answer.errback(DeviceOffline(f"{self.name}: {why}"))

    def _wait(self, seconds: float, call: Callable[[], None]) -> None:
        self._cancel()

        def due() -> None:
            self._timer = None
            call()

        self._timer = self._clock.callLater(seconds, due)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
