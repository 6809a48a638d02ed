"""Calls of ours to one peer: one is out, the others wait for their turn (J-08, J-10)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from txocpp.errors import (
    CallTimeout,
    CallWithdrawn,
    ConnectionGone,
    InvalidMessage,
    InvalidResponse,
    RemoteError,
)
from txocpp.rpc.conversation import Answered, Conversation, Ending, Happening, Unanswered
from txocpp.rpc.frames import Call, CallError, canonical_code


@attrs.define(eq=False, on_setattr=attrs.setters.NO_OP)
class _Asking:
    """A call of ours, from asking until its Deferred fires."""

    call: Call
    timeout_s: float
    typed: bool
    """The caller wants a response object, not a payload."""
    deferred: Deferred[Any] = attrs.field(init=False)
    abandoned: bool = False
    """The caller has cancelled after sending; the answer is still awaited (J-08)."""


@attrs.define(eq=False, on_setattr=attrs.setters.NO_OP)
class Calls:
    """The queue of calls to a peer, and the one that is out."""

    clock: IReactorTime
    longest_queue: int
    """Calls that may wait; urgent ones are counted apart."""
    read: Callable[[str, dict[str, Any]], Any]
    """Makes a response of an action's payload; may raise `InvalidResponse`."""
    follow: Callable[[Conversation, list[Happening]], None]
    """Takes what the conversation says is to be done."""

    _conversation: Conversation | None = attrs.field(default=None, init=False)
    _out: _Asking | None = attrs.field(default=None, init=False)
    _urgent: list[_Asking] = attrs.field(factory=list, init=False)
    _waiting: list[_Asking] = attrs.field(factory=list, init=False)
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)

    @property
    def pending(self) -> int:
        """Calls that are out or wait for their turn."""
        return (self._out is not None) + len(self._urgent) + len(self._waiting)

    def begin(self, conversation: Conversation) -> None:
        """There is a line; calls go out over it."""
        self._conversation = conversation

    def ask(self, call: Call, timeout_s: float, *, typed: bool, urgent: bool) -> Deferred[Any]:
        """Send the call when its turn comes. Urgent ones overtake those that are not."""
        if self._conversation is None:
            return fail(ConnectionGone("not connected"))
        queue = self._urgent if urgent else self._waiting
        if len(queue) >= self.longest_queue:
            return fail(CallWithdrawn(f"{len(queue)} calls are waiting already"))
        asking = _Asking(call, timeout_s, typed)
        asking.deferred = Deferred(partial(self._cancelled, asking))
        queue.append(asking)
        self._send_next()
        return asking.deferred

    def answered(self, happening: Answered) -> None:
        """The peer has answered the call that is out."""
        asking, self._out = self._out, None
        assert asking is not None
        if not asking.abandoned:
            answer = happening.answer
            if isinstance(answer, CallError):
                asking.deferred.errback(_remote_error(answer))
            elif not asking.typed:
                asking.deferred.callback(answer.payload)
            else:
                self._give(asking, answer.payload)
        self._send_next()

    def unanswered(self, happening: Unanswered) -> None:
        """The call that is out has come to nothing."""
        asking, self._out = self._out, None
        assert asking is not None
        action = asking.call.action
        if asking.abandoned:
            pass
        elif happening.ending is Ending.TIMED_OUT:
            words = f"no answer to {action} within {asking.timeout_s:g} s"
            asking.deferred.errback(CallTimeout(words))
        else:
            asking.deferred.errback(InvalidResponse(f"answer to {action}: {happening.reason}"))
        self._send_next()

    def lose(self, reason: str) -> None:
        """With the line, every call is lost at once (C-18)."""
        self._conversation = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        out, self._out = self._out, None
        lost = [*self._urgent, *self._waiting]
        self._urgent, self._waiting = [], []
        if out is not None and not out.abandoned:
            lost.insert(0, out)
        for asking in lost:
            # What listens to one may have cancelled another meanwhile.
            if not asking.deferred.called:
                asking.deferred.errback(ConnectionGone(reason))

    def _give(self, asking: _Asking, payload: dict[str, Any]) -> None:
        try:
            response = self.read(asking.call.action, payload)
        except Exception:
            asking.deferred.errback(Failure())
        else:
            asking.deferred.callback(response)

    def _cancelled(self, asking: _Asking, _: Deferred[Any]) -> None:
        for queue in (self._urgent, self._waiting):
            if asking in queue:
                queue.remove(asking)
                return
        asking.abandoned = True

    def _send_next(self) -> None:
        """Send the call whose turn it is, unless one is out."""
        while (conversation := self._conversation) is not None and conversation.may_ask:
            queue = self._urgent or self._waiting
            if not queue:
                return
            asking = queue.pop(0)
            deadline = self.clock.seconds() + asking.timeout_s
            try:
                happenings = conversation.ask(asking.call, deadline, is_plain=asking.typed)
            except (InvalidMessage, ValueError):
                asking.deferred.errback(Failure())
                continue
            self._out = asking
            self.follow(conversation, happenings)
            # What sees the frame go may have hung up.
            if self._conversation is conversation:
                self._wake_at(deadline)

    def _wake_at(self, deadline: float) -> None:
        """One timer serves many calls, since most are answered soon: it is never put off."""
        if self._timer is not None:
            if self._timer.getTime() <= deadline:
                return
            self._timer.cancel()
        self._timer = self.clock.callLater(max(0.0, deadline - self.clock.seconds()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        conversation = self._conversation
        if conversation is not None:
            self.follow(conversation, conversation.expire(self.clock.seconds()))
        if self._conversation is not None and self._conversation.next_deadline is not None:
            self._wake_at(self._conversation.next_deadline)


def _remote_error(error: CallError) -> RemoteError:
    code = canonical_code(error.code)
    return RemoteError(code, error.description, error.details, wire_code=error.code)
