"""How a field is declared: one line that serves decoding, encoding, checking and documentation.

::

    connector_id: int = integer("connectorId", minimum=0)
    \"\"\"What the field means. Units, if the type does not tell.\"\"\"

The first argument is always the name on the wire. A field that may be left out says
``default=None``. The docstring below belongs to the declaration; `txocpp.messages.describe` reads
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import attrs

from txocpp.messages import kinds


class NotDeclared(TypeError):
    """The class is no message: its fields carry no declarations."""


REQUIRED: Any = attrs.NOTHING
_KEY = "txocpp.messages"


@attrs.frozen
class Many:
    """How many items a list may have."""

    at_least: int = 0
    at_most: int | None = None


@attrs.frozen
class Field:
    """What is known about one field of a message."""

    name: str
    """In Python."""
    wire: str
    """In JSON."""
    kind: kinds.Kind
    required: bool
    many: Many | None = None
    """None for a single value."""
    secret: bool = False
    """Not to be seen in logs."""


@attrs.frozen
class _Declared:
    wire: str
    kind: kinds.Kind
    many: Many | None = None
    secret: bool = False


def text(
    wire: str, *, max_length: int | None = None, secret: bool = False, default: None = REQUIRED
) -> Any:
    """Text; `max_length` in characters."""
    return _field(_Declared(wire, kinds.Text(max_length), secret=secret), default)


def cistring(wire: str, max_length: int, *, secret: bool = False, default: None = REQUIRED) -> Any:
    """CiString20Type to CiString500Type: text whose case does not matter (OCPP 1.6 §7.15)."""
    kind = kinds.Text(max_length, ignores_case=True)
    return _field(_Declared(wire, kind, secret=secret), default)


def id_token(wire: str, *, default: None = REQUIRED) -> Any:
    """An identifier that is authorised: at most 20 characters, no case (OCPP 1.6 §7.28, A-04)."""
    return cistring(wire, 20, default=default)


def uri(wire: str, *, default: None = REQUIRED) -> Any:
    """An absolute URI. Kept out of logs, since it may carry a password."""
    return _field(_Declared(wire, kinds.URI(), secret=True), default)


def integer(
    wire: str,
    *,
    minimum: int = -kinds.LARGEST_INTEGER - 1,
    maximum: int = kinds.LARGEST_INTEGER,
    default: None = REQUIRED,
) -> Any:
    """A whole number between two bounds, both included; 64 bits without bounds."""
    return _field(_Declared(wire, kinds.Integer(minimum, maximum)), default)


def decimal(wire: str, *, step: str, default: None = REQUIRED) -> Any:
    """An exact decimal, a multiple of `step`, which is a power of ten such as ``"0.1"``."""
    places = len(step.partition(".")[2])
    return _field(_Declared(wire, kinds.Decimal(places)), default)


def boolean(wire: str, *, default: None = REQUIRED) -> Any:
    """Yes or no."""
    return _field(_Declared(wire, kinds.Boolean()), default)


def instant(wire: str, *, default: None = REQUIRED) -> Any:
    """A point in time: an aware datetime; in UTC when it comes from a peer."""
    return _field(_Declared(wire, kinds.Instant()), default)


def enumerated(wire: str, values: type[StrEnum], *, default: None = REQUIRED) -> Any:
    """One member of an enumeration."""
    return _field(_Declared(wire, kinds.Enumerated(values)), default)


def nested(wire: str, datatype: type[Any], *, default: None = REQUIRED) -> Any:
    """A value of a class declared with `txocpp.messages.declaration.datatype`."""
    return _field(_Declared(wire, kinds.Nested(datatype)), default)


def many(
    wire: str,
    item: Any,
    *,
    at_least: int = 0,
    at_most: int | None = None,
    default: None = REQUIRED,
) -> Any:
    """A list of such items: a datatype, or another declaration, whose wire name does not count.

    A tuple in Python; the constructor also takes other iterables.
    """
    kind = kinds.Nested(item) if isinstance(item, type) else item.metadata[_KEY].kind
    return _field(_Declared(wire, kind, Many(at_least, at_most)), default)


def fields_of(declared: type[Any]) -> tuple[Field, ...]:
    """The fields of a message class or datatype, in the order of their declaration.

    Raises `NotDeclared` for any other class.
    """
    if not attrs.has(declared):
        raise NotDeclared(declared.__name__)
    found = []
    for attribute in attrs.fields(declared):
        told: _Declared | None = attribute.metadata.get(_KEY)
        if told is None:
            raise NotDeclared(f"{declared.__name__}.{attribute.name}")
        required = attribute.default is REQUIRED
        found.append(Field(attribute.name, told.wire, told.kind, required, told.many, told.secret))
    return tuple(found)


def _field(declared: _Declared, default: Any) -> Any:
    converter = None if declared.many is None else _tuple
    return attrs.field(default=default, metadata={_KEY: declared}, converter=converter)


def _tuple(items: Any) -> Any:
    """Lists become tuples; what is no list of anything is left for the check to name."""
    if isinstance(items, Iterable) and not isinstance(items, (str, bytes, Mapping)):
        return tuple(items)
    return items
