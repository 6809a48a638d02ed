"""The party at the other end of a line: call it, and answer its calls.

Rules of this room: a `Peer` knows neither role nor version of OCPP; both come in as a message
factory and a table of responders. It never waits for a responder before it takes the next frame,
so that a responder may call the very peer that it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import CoroutineType
from typing import Any, Final, Literal

import attrs
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.errors import (
    CallRefused,
    ConnectionGone,
    InternalError,
    InvalidMessage,
    InvalidResponse,
    NotImplementedByUs,
    NotSupported,
    RemoteError,
    StoreError,
)
from txocpp.interfaces import IFrameReceiver, IMessageFactory, ITransport
from txocpp.rpc.conversation import (
    Answered,
    Conversation,
    Dropped,
    Ending,
    Happening,
    Send,
    Unanswered,
)
from txocpp.rpc.frames import Call, CallError, new_message_id
from txocpp.transport.calls import Calls

DROPPED_FRAMES_LOGGED: Final = 10
"""Bad frames of one connection that are logged; a hostile peer shall not fill the disk."""

Responder = Callable[[Any], Any]
"""Takes a request; gives a response, a `Reply`, or a Deferred or coroutine of one of them."""

Fallback = Callable[[str, dict[str, Any]], Any]
"""Like a `Responder`, but takes action and payload, and gives a payload."""

Direction = Literal["received", "sent"]


@attrs.frozen
class Reply:
    """A response, and what follows once it is on the line: "response first, then the message"."""

    response: Any
    then: Callable[[], object]
    """Called right after the response was sent. Not called if it could not be sent any more.
    May give a Deferred or a coroutine; failures are logged."""


@implementer(IFrameReceiver)
@attrs.define(eq=False, on_setattr=attrs.setters.NO_OP)
class Peer:
    """One party to talk to, over one connection after another.

    Calls go out one at a time (J-08), in the order they were made; further ones wait. When the
    line is lost, every call fails at once with `ConnectionGone` (C-18); nothing is kept for the
    next connection, since only a role knows what is worth repeating.

    The peer's calls are answered as the responders finish, whether or not a call of ours is out
    (J-09). An answer that is ready only after its connection has gone is dropped; the responder
    itself runs to its end.
    """

    factory: IMessageFactory
    """The version of OCPP."""
    responders: Mapping[type[Any], Responder]
    """By request class. May still be filled while the peer is in use."""
    clock: IReactorTime = attrs.field(kw_only=True)
    timeout_s: float = attrs.field(default=30.0, kw_only=True)
    """How long an answer may take, from sending on (J-10)."""
    longest_queue: int = attrs.field(default=200, kw_only=True)
    """Calls that may wait for their turn; the next one fails with `CallWithdrawn`."""
    fallback: Fallback | None = attrs.field(default=None, kw_only=True)
    """Answers calls that have no responder, known to the factory or not, as a relay does. A
    `RemoteError` that it raises goes to the peer word for word."""
    screen: Callable[[str], bool] | None = attrs.field(default=None, kw_only=True)
    """Asked about the action of every call before anything else. May raise to refuse it (B-12);
    False leaves it unanswered (B-07)."""
    on_connected: Callable[[], object] | None = attrs.field(default=None, kw_only=True)
    """The line is up; calls may be made."""
    on_disconnected: Callable[[str], object] | None = attrs.field(default=None, kw_only=True)
    """The line is gone, with the reason; every call has failed by now."""
    on_frame: Callable[[Direction, str], object] | None = attrs.field(default=None, kw_only=True)
    """Sees every frame, for message logs. Frames may hold secrets."""
    on_invalid: Callable[[str], object] | None = attrs.field(default=None, kw_only=True)
    """Hears why something that came was no valid OCPP (security event InvalidMessages)."""

    _transport: ITransport | None = attrs.field(default=None, init=False)
    _conversation: Conversation | None = attrs.field(default=None, init=False)
    _dropped: int = attrs.field(default=0, init=False)

    _calls: Calls = attrs.field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._calls = Calls(self.clock, self.longest_queue, self._read, self._follow)

    # --- for the roles

    @property
    def is_connected(self) -> bool:
        """True while calls can be made."""
        return self._conversation is not None

    @property
    def address(self) -> str:
        """The other end in words, for logs."""
        return "nobody" if self._transport is None else self._transport.peer

    @property
    def calls_pending(self) -> int:
        """Calls that are out or wait for their turn."""
        return self._calls.pending

    def call(
        self,
        request: Any,
        *,
        timeout_s: float | None = None,
        message_id: str | None = None,
        urgent: bool = False,
    ) -> Deferred[Any]:
        """Ask the peer; the Deferred gives the response object.

        :param timeout_s: for the answer, from sending on; None takes the peer's `timeout_s`.
        :param message_id: the id of the first transmission, if this is a retransmission (J-06).
        :param urgent: overtakes the calls that wait for their turn, except urgent ones.

        Fails with a `CallFailed`, or with `InvalidMessage` if the request cannot be sent. To
        cancel is to withdraw a call that waits for its turn. One that is out is abandoned: it
        still occupies the line until it is answered or timed out.
        """
        if self._conversation is None:
            return fail(ConnectionGone("not connected"))
        try:
            call = Call(
                message_id or new_message_id(), request.action, self.factory.payload(request)
            )
        except InvalidMessage:
            return fail(Failure())
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        return self._calls.ask(call, limit_s, typed=True, urgent=urgent)

    def call_raw(
        self,
        action: str,
        payload: dict[str, Any],
        *,
        timeout_s: float | None = None,
        message_id: str | None = None,
        urgent: bool = False,
    ) -> Deferred[dict[str, Any]]:
        """Like `call`, with any action and payload, unchecked; gives the payload of the answer."""
        call = Call(message_id or new_message_id(), action, payload)
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        return self._calls.ask(call, limit_s, typed=False, urgent=urgent)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection. Every call fails at once; `on_disconnected` comes later."""
        if self._transport is None or self._conversation is None:
            return
        self._transport.close(code, reason)
        self._hang_up(reason or "closed by us")

    # --- for the transport

    def connected(self, transport: ITransport) -> None:
        if self._transport is not None:
            self.disconnected("replaced by a new connection")
        self._transport = transport
        self._conversation = Conversation()
        self._calls.begin(self._conversation)
        self._dropped = 0
        self._notify(self.on_connected)

    def frame_received(self, frame: str) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        if self.on_frame is not None:
            self._notify(self.on_frame, "received", frame)
        self._follow(conversation, conversation.receive(frame))

    def disconnected(self, reason: str) -> None:
        if self._transport is None:
            return
        self._hang_up(reason)
        self._transport = None
        self._notify(self.on_disconnected, reason)

    def _hang_up(self, reason: str) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.lose()
            self._calls.lose(reason)

    def _read(self, action: str, payload: dict[str, Any]) -> Any:
        """The response object in an answer."""
        try:
            return self.factory.response(action, payload)
        except CallRefused as refusal:
            # J-21: nobody can be told that an answer breaks the schema.
            reason = f"answer to {action}: {refusal.description}"
            self._complain(reason)
            raise InvalidResponse(reason) from None

    # --- the peer's calls

    def _follow(self, conversation: Conversation, happenings: list[Happening]) -> None:
        for happening in happenings:
            if isinstance(happening, Call):
                self._serve(conversation, happening)
            elif isinstance(happening, Send):
                self._send(happening.text)
            elif isinstance(happening, Answered):
                self._calls.answered(happening)
            elif isinstance(happening, Unanswered):
                if happening.ending is Ending.UNREADABLE:
                    self._complain(f"answer to {happening.call.action}: {happening.reason}")
                self._calls.unanswered(happening)
            else:
                self._drop(happening)

    def _serve(self, conversation: Conversation, call: Call) -> None:
        raw = False
        try:
            if self.screen is not None and not self.screen(call.action):
                conversation.leave_unanswered(call.message_id)
                return
            request_type = self.factory.request_type(call.action)
            responder = None if request_type is None else self.responders.get(request_type)
            if responder is not None:
                outcome = responder(self._request(call))
            elif self.fallback is not None:
                raw = True
                outcome = self.fallback(call.action, call.payload)
            elif request_type is None:
                raise NotImplementedByUs("unknown action")
            else:
                raise NotSupported(f"{call.action} is not supported here")
        except Exception:
            self._refuse(Failure(), conversation, call, raw)
            return
        self._deliver(outcome, conversation, call, raw)

    def _request(self, call: Call) -> Any:
        try:
            return self.factory.request(call.action, call.payload)
        except CallRefused as refusal:
            self._complain(f"{call.action}: {refusal.description}")
            raise

    def _deliver(self, outcome: Any, conversation: Conversation, call: Call, raw: bool) -> None:
        """Answer with what a responder gave, now or when its Deferred fires."""
        then = None
        if raw or getattr(outcome, "action", None) != call.action:
            # Not the response itself, or not yet.
            if isinstance(outcome, CoroutineType):
                outcome = Deferred.fromCoroutine(outcome)
            if isinstance(outcome, Deferred):
                outcome.addCallback(self._deliver, conversation, call, raw)
                outcome.addErrback(self._refuse, conversation, call, raw)
                return
            if isinstance(outcome, Reply):
                outcome, then = outcome.response, outcome.then
        if conversation is not self._conversation:
            self._log.debug("answer to {action} dropped: the line is gone", action=call.action)
            return
        try:
            payload = self._payload(call, outcome, raw)
            happenings = conversation.answer(call.message_id, payload, is_plain=not raw)
        except Exception:
            self._refuse(Failure(), conversation, call)
            return
        self._follow(conversation, happenings)
        if then is not None:
            self._notify(then)

    def _payload(self, call: Call, response: Any, raw: bool) -> dict[str, Any]:
        if raw and isinstance(response, dict):
            return response
        if raw or getattr(response, "action", None) != call.action:
            raise InvalidMessage(f"a {type(response).__name__} does not answer {call.action}")
        return self.factory.payload(response)

    def _refuse(
        self, failure: Failure, conversation: Conversation, call: Call, raw: bool = False
    ) -> None:
        """Answer with a CALLERROR: the responder's own, or InternalError without a word."""
        error = failure.value
        if isinstance(error, CallRefused):
            happenings = conversation.refuse(call.message_id, error)
        elif isinstance(error, RemoteError) and raw:
            happenings = conversation.refuse_as(
                CallError(call.message_id, error.wire_code, error.description, error.details)
            )
        else:
            if isinstance(error, StoreError):
                self._log.error(
                    "{action} of {peer} is not acknowledged: {reason}",
                    action=call.action,
                    peer=self.address,
                    reason=error,
                )
            elif not isinstance(error, CancelledError):
                self._log.failure(
                    "answering {action} of {peer} failed",
                    failure,
                    action=call.action,
                    peer=self.address,
                )
            happenings = conversation.refuse(call.message_id, InternalError())
        if conversation is self._conversation:
            self._follow(conversation, happenings)

    def _send(self, text: str) -> None:
        if self._transport is None:
            return
        if self.on_frame is not None:
            self._notify(self.on_frame, "sent", text)
        self._transport.send(text)

    def _drop(self, dropped: Dropped) -> None:
        self._dropped += 1
        if self._dropped <= DROPPED_FRAMES_LOGGED:
            self._log.warn(
                "frame of {peer} dropped: {reason}", peer=self.address, reason=dropped.reason
            )
        self._complain(dropped.reason)

    def _complain(self, reason: str) -> None:
        if self.on_invalid is not None:
            self._notify(self.on_invalid, reason)

    def _notify(self, listener: Callable[..., object] | None, *arguments: object) -> None:
        """Tell somebody whose mistakes must not harm the connection."""
        if listener is None:
            return
        try:
            outcome = listener(*arguments)
        except Exception:
            self._log.failure("{listener} failed", listener=listener)
            return
        if isinstance(outcome, CoroutineType):
            outcome = Deferred.fromCoroutine(outcome)
        if isinstance(outcome, Deferred):
            outcome.addErrback(partial(self._log.failure, "{listener} failed", listener=listener))
