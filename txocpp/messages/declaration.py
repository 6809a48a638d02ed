"""How a message class is declared.

::

    @request("Authorize", sent_by=CHARGE_POINT, profile="Core")
    class AuthorizeRequest(Request):
        id_tag: str = id_token("idTag")

    @response_to(AuthorizeRequest)
    class AuthorizeResponse(Response):
        id_tag_info: IdTagInfo = nested("idTagInfo", IdTagInfo)

Every value that is built checks itself and raises `txocpp.errors.InvalidMessage` naming the field.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Flag, auto
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

import attrs

from txocpp.messages import fields
from txocpp.messages.codec import check


class Sender(Flag):
    """Who sends the request of an action."""

    CHARGE_POINT = auto()
    CENTRAL_SYSTEM = auto()
    EITHER = CHARGE_POINT | CENTRAL_SYSTEM


CHARGE_POINT = Sender.CHARGE_POINT
CENTRAL_SYSTEM = Sender.CENTRAL_SYSTEM
EITHER = Sender.EITHER


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(
        fields.text,
        fields.cistring,
        fields.id_token,
        fields.uri,
        fields.integer,
        fields.decimal,
        fields.boolean,
        fields.instant,
        fields.enumerated,
        fields.nested,
        fields.many,
    ),
)
class Value:
    """A frozen value with declared fields, checked when it is built."""

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        check(self)

    def __repr__(self) -> str:
        """The fields that are set; of a secret only that it is there."""
        shown = [
            f"{field.name}={'…' if field.secret else repr(value)}"
            for field in fields.fields_of(type(self))
            if (value := getattr(self, field.name, None)) is not None
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def replace(self, **changes: Any) -> Self:
        """The same value with some fields changed, checked again."""
        return attrs.evolve(self, **changes)  # type: ignore[misc]


class Datatype(Value):
    """An object inside of messages."""

    __slots__ = ()


class Message(Value):
    """A request or a response."""

    __slots__ = ()
    action: ClassVar[str]
    """Name of the action on the wire, in its exact case (J-04)."""


class Request(Message):
    """What a CALL carries."""

    __slots__ = ()
    sent_by: ClassVar[Sender]
    profile: ClassVar[str]
    """Feature profile as in the key SupportedFeatureProfiles; ``Security`` for the white paper."""
    response: ClassVar[type[Any]]
    """Class of the answer."""


class Response(Message):
    """What a CALLRESULT carries."""

    __slots__ = ()


_V = TypeVar("_V", bound=Value)
_D = TypeVar("_D", bound=Datatype)
_Q = TypeVar("_Q", bound=Request)
_R = TypeVar("_R", bound=Response)


def _frozen(declared: type[_V]) -> type[_V]:
    return attrs.frozen(declared, kw_only=True, repr=False, weakref_slot=False)


def datatype(declared: type[_D]) -> type[_D]:
    """Declare an object inside of messages."""
    return _frozen(declared)


def request(action: str, *, sent_by: Sender, profile: str) -> Callable[[type[_Q]], type[_Q]]:
    """Declare the request of an action."""

    def declare(declared: type[_Q]) -> type[_Q]:
        declared.action = action
        declared.sent_by = sent_by
        declared.profile = profile
        return _frozen(declared)

    return declare


def response_to(asked: type[Request]) -> Callable[[type[_R]], type[_R]]:
    """Declare the response to a request, and make the two find each other."""

    def declare(declared: type[_R]) -> type[_R]:
        declared.action = asked.action
        asked.response = _frozen(declared)
        return asked.response

    return declare
