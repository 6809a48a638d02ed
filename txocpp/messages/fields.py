"""How a field is declared: one line that serves decoding, encoding, checking and documentation.

::

    connector_id: int = integer("connectorId", minimum=0)
    \"\"\"What the field means. Units, if the type does not tell.\"\"\"

The first argument is always the name on the wire. A field that may be left out says
``default=None``. The docstring below belongs to the declaration; `txocpp.messages.describe` reads
it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal as Number
from enum import StrEnum
from typing import Any

import attrs

from txocpp.messages import kinds

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


@attrs.frozen
class _Declared:
    wire: str
    kind: kinds.Kind
    many: Many | None = None


def text(
    wire: str, *, max_length: int | None = None, ignores_case: bool = False, default: Any = REQUIRED
) -> Any:
    """Text; `max_length` in characters. `ignores_case` marks OCPP's CiString."""
    return _field(wire, kinds.Text(max_length, ignores_case), default)


def cistring(wire: str, max_length: int, *, default: Any = REQUIRED) -> Any:
    """CiString20Type to CiString500Type: text whose case does not matter (OCPP 1.6 §7.15)."""
    return _field(wire, kinds.Text(max_length, ignores_case=True), default)


def id_token(wire: str, *, default: Any = REQUIRED) -> Any:
    """An identifier that is authorised: at most 20 characters, no case (OCPP 1.6 §7.28, A-04)."""
    return cistring(wire, 20, default=default)


def uri(wire: str, *, default: Any = REQUIRED) -> Any:
    """An absolute URI."""
    return _field(wire, kinds.URI(), default)


def integer(
    wire: str, *, minimum: int | None = None, maximum: int | None = None, default: Any = REQUIRED
) -> Any:
    """A whole number between two bounds, both included; 64 bits without bounds."""
    bounds = {"minimum": minimum, "maximum": maximum}
    kind = kinds.Integer(**{name: value for name, value in bounds.items() if value is not None})
    return _field(wire, kind, default)


def decimal(wire: str, *, step: str, default: Any = REQUIRED) -> Any:
    """An exact decimal, a multiple of `step`, which is a power of ten such as ``"0.1"``."""
    exponent = Number(step).as_tuple().exponent
    assert isinstance(exponent, int)
    return _field(wire, kinds.Decimal(places=-exponent), default)


def boolean(wire: str, *, default: Any = REQUIRED) -> Any:
    """Yes or no."""
    return _field(wire, kinds.Boolean(), default)


def instant(wire: str, *, default: Any = REQUIRED) -> Any:
    """A point in time: an aware datetime; in UTC when it comes from a peer."""
    return _field(wire, kinds.Instant(), default)


def enumerated(wire: str, values: type[StrEnum], *, default: Any = REQUIRED) -> Any:
    """One member of an enumeration."""
    return _field(wire, kinds.Enumerated(values), default)


def nested(wire: str, datatype: type[Any], *, default: Any = REQUIRED) -> Any:
    """A value of a class declared with `txocpp.messages.declaration.datatype`."""
    return _field(wire, kinds.Nested(datatype), default)


def many(
    wire: str,
    item: Any,
    *,
    at_least: int = 0,
    at_most: int | None = None,
    default: Any = REQUIRED,
) -> Any:
    """A list of such items: a datatype, or another declaration whose wire name does not count.

    A tuple in Python; the constructor also takes other iterables.
    """
    kind = kinds.Nested(item) if isinstance(item, type) else item.metadata[_KEY].kind
    return _field(wire, kind, default, Many(at_least, at_most))


def fields_of(declared: type[Any]) -> tuple[Field, ...]:
    """The fields of a message class or datatype, in the order of their declaration."""
    found = []
    for attribute in attrs.fields(declared):
        told: _Declared = attribute.metadata[_KEY]
        required = attribute.default is REQUIRED
        found.append(Field(attribute.name, told.wire, told.kind, required, told.many))
    return tuple(found)


def _field(wire: str, kind: kinds.Kind, default: Any, items: Many | None = None) -> Any:
    return attrs.field(
        default=default,
        metadata={_KEY: _Declared(wire, kind, items)},
        converter=None if items is None else _tuple,
    )


def _tuple(items: Any) -> Any:
    """Lists become tuples; what cannot be iterated is left for the check to name."""
    if isinstance(items, Iterable) and not isinstance(items, (str, bytes, dict)):
        return tuple(items)
    return items
