"""Frames of OCPP-J: CALL, CALLRESULT and CALLERROR, from and to text (OCPP-J 1.6 §4.2).

Rules of this room: what is read is checked for its form only, never for its meaning; nothing that
a peer may send makes `read_frame` raise; nothing is written that a strict JSON reader refuses.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Annotated, Any, Final, NoReturn
from uuid import uuid4

import attrs
import msgspec

from txocpp.errors import CallRefused, FormationViolation, InvalidMessage

MESSAGE_ID_LENGTH: Final = 36
"""Characters of a message id at most (J-05)."""

DESCRIPTION_LENGTH: Final = 255
"""Characters of an error description that we send; what is longer is cut."""

DEEPEST_NESTING: Final = 32
"""Lists and objects inside each other in a frame at most. The deepest of OCPP 1.6 needs 7."""


class MessageType(IntEnum):
    """First element of a frame (OCPP-J 1.6 §4.1.3)."""

    CALL = 2
    CALLRESULT = 3
    CALLERROR = 4


MessageId = Annotated[str, msgspec.Meta(max_length=MESSAGE_ID_LENGTH)]


class Call(msgspec.Struct, frozen=True, array_like=True, tag=2, forbid_unknown_fields=True):
    """One party asks the other for an action."""

    message_id: MessageId
    action: str
    payload: dict[str, Any]

    def to_text(self, *, is_plain: bool = False) -> str:
        """The frame as JSON. Raises `InvalidMessage` if the payload is not plain JSON.

        `is_plain`: it is known to be, since a message factory has made it.
        """
        if is_plain:
            return _encode_quickly(self).decode()
        return _write([2, self.message_id, self.action, self.payload])


class CallResult(msgspec.Struct, frozen=True, array_like=True, tag=3, forbid_unknown_fields=True):
    """The answer to a CALL that was understood, whatever the outcome (J-12)."""

    message_id: MessageId
    payload: dict[str, Any]

    def to_text(self, *, is_plain: bool = False) -> str:
        """The same as for a `Call`."""
        if is_plain:
            return _encode_quickly(self).decode()
        return _write([3, self.message_id, self.payload])


@attrs.frozen
class CallError:
    """The answer to a CALL that failed."""

    message_id: str
    code: str
    """As it stands on the wire; see `canonical_code`."""
    description: str = ""
    details: dict[str, Any] = attrs.Factory(dict)

    @classmethod
    def refusing(cls, message_id: str, refusal: CallRefused) -> CallError:
        """Say on the wire what a responder raised."""
        return cls(message_id, refusal.code, refusal.description, refusal.details)

    def to_text(self) -> str:
        """The frame as JSON. An error must always get through: details that are no JSON are left
        out, characters that are no Unicode are replaced, a long description is cut."""
        # OCPP-J 1.6 §4.2.3: "" and {} when there is nothing to say, never null (J-13).
        description = self.description.encode("utf-8", "replace").decode("utf-8")
        frame = [4, self.message_id, self.code, description[:DESCRIPTION_LENGTH]]
        try:
            return _write([*frame, self.details])
        except InvalidMessage:
            return _write([*frame, {}])


@attrs.frozen
class Malformed:
    """Text that is no frame. `message_type` and `message_id` are what could still be read of it."""

    reason: str
    message_type: MessageType | None = None
    message_id: str | None = None

    def answer(self) -> CallError | None:
        """What to tell the peer: FormationViolation to a CALL with a readable id (J-17)."""
        if self.message_type is not MessageType.CALL or self.message_id is None:
            return None
        return CallError.refusing(self.message_id, FormationViolation(self.reason))


Frame = Call | CallResult | CallError

_ALIASES: Final[Mapping[str, str]] = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
}
_CODES: Final = frozenset(refusal.code for refusal in CallRefused.__subclasses__())


def canonical_code(wire_code: str) -> str:
    """The one spelling of a CALLERROR code; GenericError for what is not known (J-19)."""
    code = _ALIASES.get(wire_code, wire_code)
    return code if code in _CODES else "GenericError"


def new_message_id() -> str:
    """An id that no CALL of any sender has ever carried: a random UUID (J-06)."""
    return str(uuid4())


def read_frame(text: str) -> Frame | Malformed:
    """Read one frame. Never raises: what is no frame comes back as `Malformed`, with the reason."""
    try:
        frame = _decode_quickly(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        # An error, something lenient, or nothing good: take a closer look.
        return _look_closely(text)
    if _may_be_deep(text) and _is_deep(frame.payload, DEEPEST_NESTING - 1):
        return _look_closely(text)
    return frame


def _look_closely(text: str) -> Frame | Malformed:
    """The same in words of our own, and with understanding for null."""
    try:
        array = _decode_strictly(text)
        _refuse_unsound(text, array)
    except RecursionError:
        return _salvage(text, "nested too deeply")
    except ValueError as error:
        return _salvage(text, f"not JSON: {error}")
    if not isinstance(array, list) or not array:
        return Malformed("not a JSON array with elements")
    form = _FORMS.get(array[0]) if type(array[0]) is int else None
    if form is None:
        # OCPP-J 1.6 §4.1.3: a message type that is not known is ignored (J-03).
        return Malformed("unknown message type")
    message_type, read = form
    message_id = array[1] if len(array) > 1 else None
    if not isinstance(message_id, str):
        return Malformed("message id is not a string", message_type)
    if len(message_id) > MESSAGE_ID_LENGTH:
        return Malformed(f"message id longer than {MESSAGE_ID_LENGTH} characters", message_type)
    frame = read(array)
    return Malformed(frame, message_type, message_id) if isinstance(frame, str) else frame


def _read_call(array: list[Any]) -> Call | str:
    if len(array) != 4:
        return f"a CALL has 4 elements, not {len(array)}"
    _, message_id, action, payload = array
    if not isinstance(action, str):
        return "the action is not a string"
    if payload is None:  # J-11
        payload = {}
    if not isinstance(payload, dict):
        return "the payload is not an object"
    return Call(message_id, action, payload)


def _read_call_result(array: list[Any]) -> CallResult | str:
    if len(array) != 3:
        return f"a CALLRESULT has 3 elements, not {len(array)}"
    _, message_id, payload = array
    if payload is None:  # J-11
        payload = {}
    if not isinstance(payload, dict):
        return "the payload is not an object"
    return CallResult(message_id, payload)


def _read_call_error(array: list[Any]) -> CallError | str:
    """Lenient about everything behind the code: that the call failed is what matters."""
    if len(array) < 3 or not isinstance(array[2], str):
        return "a CALLERROR without an error code"
    _, message_id, code, description, details, *_ = (*array, None, None)
    return CallError(
        message_id,
        code,
        description if isinstance(description, str) else "",
        details if isinstance(details, dict) else {},
    )


_FORMS: Final[Mapping[int, tuple[MessageType, Any]]] = {
    2: (MessageType.CALL, _read_call),
    3: (MessageType.CALLRESULT, _read_call_result),
    4: (MessageType.CALLERROR, _read_call_error),
}


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


_decode_quickly: Callable[[str], Call | CallResult] = msgspec.json.Decoder(Call | CallResult).decode
"""Reads what is beyond reproach; every frame, if all goes well."""
_encode_quickly = msgspec.json.Encoder().encode
"""For payloads that are known to be plain JSON."""
_decode_strictly = json.JSONDecoder(parse_constant=_constant, parse_float=_finite).decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _refuse_unsound(text: str, array: object) -> None:
    """Raise if the value, although JSON, would hurt whoever handles it."""
    if _may_be_deep(text) and _is_deep(array, DEEPEST_NESTING):
        raise RecursionError
    if "\\" in text and "\\u" in text:
        try:
            _encode(array).encode()
        except UnicodeEncodeError:
            raise ValueError("half a surrogate pair is not text") from None


def _may_be_deep(text: str) -> bool:
    """Depth is rare: ask the text first, which is cheap."""
    return text.count("[") + text.count("{") > DEEPEST_NESTING


def _is_deep(value: object, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)  # type: ignore[attr-defined]
            if type(child) in (list, dict)
        ]
        if not level:
            return False
    return True


_BEGINNING: Final = re.compile(r'\s*\[\s*([234])\s*,\s*"([ !#-\[\]-~]{1,36})"\s*,')


def _salvage(text: str, reason: str) -> Malformed:
    """Read type and id of a broken frame, so that the peer can be told (J-17)."""
    beginning = _BEGINNING.match(text)
    if beginning is None:
        return Malformed(reason)
    return Malformed(reason, MessageType(int(beginning[1])), beginning[2])


def _write(frame: list[Any]) -> str:
    try:
        text = _encode(frame)
        if not text.isascii():
            text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"not plain JSON: {error}") from None
    return text
