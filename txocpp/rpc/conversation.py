"""One conversation over OCPP-J: who asked what, who owes an answer, until when (OCPP-J 1.6 §4.1).

Rules of this room: no input or output, no clock, no role. Whoever holds the conversation passes in
what came and what shall be said, and gets back a list of what follows from it, in order. A lost
line ends a conversation for good; the next line gets a new one.

What a peer may do that keeps its rules, and what happens to one that does not:

* CALLs of both sides cross freely; each side has at most one CALL out (J-08, J-09).
* A CALL that repeats the id of one still being answered is dropped: the one answer serves both.
* A peer with more than `MOST_OWED` CALLs waiting for our answer gets GenericError at once.
* An answer to nothing that is outstanding, early, late or twice, is dropped (J-07).
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import msgspec

from txocpp.errors import CallRefused, GenericError
from txocpp.rpc.frames import (
    MESSAGE_ID_LENGTH,
    Call,
    CallError,
    CallResult,
    Malformed,
    MessageType,
    read_frame,
)

MOST_OWED: Final = 32
"""Answers that may be owed to one peer at a time. One would do for a peer that keeps J-08; more
come from peers that pipeline, or that gave up waiting sooner than we did."""


class Ending(Enum):
    """How a CALL of ours ended without an answer that can be used."""

    TIMED_OUT = "no answer in time"
    LOST = "the line was lost"
    UNREADABLE = "the answer is malformed"


class Send(msgspec.Struct, frozen=True):
    """Put this text on the line."""

    text: str


class Answered(msgspec.Struct, frozen=True):
    """The peer answered our CALL, with a result or an error."""

    call: Call
    answer: CallResult | CallError


class Unanswered(msgspec.Struct, frozen=True):
    """Our CALL ended without a usable answer; the next may be sent."""

    call: Call
    ending: Ending
    reason: str


class Dropped(msgspec.Struct, frozen=True):
    """Something came that changes nothing. For the log; `reason` quotes nothing of the contents."""

    reason: str


Happening = Call | Send | Answered | Unanswered | Dropped
"""What follows from an input. A `Call` is one of the peer's that wants our answer."""


class Conversation:
    """What two parties owe each other on one line."""

    def __init__(self) -> None:
        self._ours: Call | None = None
        self._deadline = 0.0
        # A list: there are few, and a thousand empty sets need a quarter of a megabyte.
        self._owed: list[str] = []

    # --- what can be asked of it

    @property
    def may_ask(self) -> bool:
        """True while no CALL of ours is out (J-08)."""
        return self._ours is None

    @property
    def next_deadline(self) -> float | None:
        """When `expire` has something to do; None as long as nothing is outstanding."""
        return None if self._ours is None else self._deadline

    @property
    def owed(self) -> int:
        """CALLs of the peer that wait for our answer."""
        return len(self._owed)

    # --- what we say

    def ask(self, call: Call, deadline: float, *, is_plain: bool = False) -> list[Happening]:
        """Send a CALL of ours, to be answered before `deadline`; `is_plain`: see `Call.to_text`.

        A retransmission carries the id of its first transmission (J-06). Raises `InvalidMessage`
        if the payload is not JSON, `ValueError` for an id that is too long, `RuntimeError` while
        another CALL is out.
        """
        if self._ours is not None:
            raise RuntimeError(f"{self._ours.action} is still out")
        if len(call.message_id) > MESSAGE_ID_LENGTH:
            raise ValueError(f"message id longer than {MESSAGE_ID_LENGTH} characters")
        text = call.to_text(is_plain=is_plain)
        self._ours = call
        self._deadline = deadline
        return [Send(text)]

    def answer(
        self, message_id: str, payload: dict[str, Any], *, is_plain: bool = False
    ) -> list[Happening]:
        """Answer a CALL of the peer. Nothing happens if no answer is owed (any more).

        `is_plain`: see `Call.to_text`. Raises `InvalidMessage` if the payload is not JSON; the
        answer is still owed then.
        """
        if message_id not in self._owed:
            return []
        text = CallResult(message_id, payload).to_text(is_plain=is_plain)
        self._owed.remove(message_id)
        return [Send(text)]

    def refuse(self, message_id: str, refusal: CallRefused) -> list[Happening]:
        """Answer a CALL of the peer with a CALLERROR. Nothing happens if no answer is owed."""
        return self.refuse_as(CallError.refusing(message_id, refusal))

    def refuse_as(self, error: CallError) -> list[Happening]:
        """Answer with an error in the words of somebody else, as a relay does."""
        if error.message_id not in self._owed:
            return []
        self._owed.remove(error.message_id)
        return [Send(error.to_text())]

    def leave_unanswered(self, message_id: str) -> None:
        """Never answer this CALL, as a rejected charge point does (B-07)."""
        if message_id in self._owed:
            self._owed.remove(message_id)

    # --- what comes

    def receive(self, text: str) -> list[Happening]:
        """Take one frame of the peer."""
        frame = read_frame(text)
        if isinstance(frame, Call):
            return self._asked(frame)
        if isinstance(frame, Malformed):
            return self._misunderstood(frame)
        return self._told(frame)

    def expire(self, now: float) -> list[Happening]:
        """Give up the CALL whose deadline has come (J-10). A later answer will be dropped."""
        if self._ours is None or now < self._deadline:
            return []
        return [self._give_up(Ending.TIMED_OUT)]

    def lose(self) -> list[Happening]:
        """The line is gone: nothing is owed in either direction any more (C-18)."""
        self._owed.clear()
        return [] if self._ours is None else [self._give_up(Ending.LOST)]

    def _asked(self, call: Call) -> list[Happening]:
        message_id = call.message_id
        if message_id in self._owed:
            return [Dropped(f"{call.action} repeated while being answered")]
        if len(self._owed) >= MOST_OWED:
            refusal = GenericError(f"{MOST_OWED} calls are waiting for an answer already")
            return [
                Send(CallError.refusing(message_id, refusal).to_text()),
                Dropped("too many calls at once"),
            ]
        self._owed.append(message_id)
        return [call]

    def _told(self, answer: CallResult | CallError) -> list[Happening]:
        # J-07: an answer that matches nothing is dropped and disturbs nothing.
        call = self._ours
        if call is None or call.message_id != answer.message_id:
            return [Dropped("answer to no outstanding call")]
        self._ours = None
        return [Answered(call, answer)]

    def _misunderstood(self, malformed: Malformed) -> list[Happening]:
        dropped = Dropped(malformed.reason)
        error = malformed.answer()
        if error is not None:
            # The id of a good CALL that is being answered would be answered twice.
            return [dropped] if error.message_id in self._owed else [Send(error.to_text()), dropped]
        is_answer = malformed.message_type in (MessageType.CALLRESULT, MessageType.CALLERROR)
        if is_answer and self._ours is not None and malformed.message_id == self._ours.message_id:
            return [self._give_up(Ending.UNREADABLE, malformed.reason)]
        return [dropped]

    def _give_up(self, ending: Ending, reason: str = "") -> Unanswered:
        call, self._ours = self._ours, None
        assert call is not None
        return Unanswered(call, ending, reason or ending.value)
