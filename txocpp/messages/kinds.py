"""What may stand in a field: one class for each kind of value.

A kind states its rule twice: for the generated functions of `txocpp.messages.codec`, which only
say yes or no, as a type that msgspec compares with and as Python source for what no type can say;
and as plain methods that say what is wrong. The tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal as Number
from enum import StrEnum
from typing import Annotated, Any

import attrs
from msgspec import Meta

from txocpp import errors
from txocpp.messages.instants import format_instant, parse_instant

LARGEST_INTEGER = 2**63 - 1
"""Integers are kept to 64 bits, signed: what stores and other languages can hold."""

LARGEST_DECIMAL = 10**14
"""Decimals stay below, so that one decimal place survives binary floats on the way."""

LONGEST_ECHO = 40
"""So many characters of a wrong value are repeated in a description."""


class Refused(ValueError):
    """A generated function says no. Why, is found out afterwards."""


@attrs.frozen
class Fault:
    """What is wrong with a value, and which word on the wire says so (rule J-20)."""

    error: type[errors.CallRefused]
    reason: str


@attrs.frozen
class Source:
    """How generated code treats a value in the variable ``v``."""

    bad: str = ""
    """A condition that holds for values to refuse; empty if the expression refuses by raising."""
    expression: str = "v"
    """The converted value."""
    names: Mapping[str, Any] = attrs.field(factory=dict)
    """Objects that the two refer to as ``{name}``."""


class Kind:
    """A kind of value."""

    def wire_type(self) -> Any:
        """What the value has to be on the wire, as msgspec understands it."""
        raise NotImplementedError

    def decoding(self) -> Source:
        """From the wire to Python, for a value of the `wire_type`."""
        return Source()

    def encoding(self) -> Source:
        """From Python to the wire."""
        raise NotImplementedError

    def wire_fault(self, value: object) -> Fault | None:
        """What is wrong with a value from the wire; None if nothing."""
        raise NotImplementedError

    def value_fault(self, value: object) -> str | None:
        """What is wrong with a value in a message of our own; None if nothing."""
        fault = self.wire_fault(value)
        return None if fault is None else fault.reason

    def summary(self) -> str:
        """The rule in a few words, for documentation."""
        raise NotImplementedError


@attrs.frozen
class Text(Kind):
    """CiString, IdToken and plain text."""

    max_length: int | None = None
    ignores_case: bool = False

    def wire_type(self) -> Any:
        return str if self.max_length is None else Annotated[str, Meta(max_length=self.max_length)]

    def decoding(self) -> Source:
        return Source("not (v.isascii() or {is_sound}(v))", "v", {"is_sound": _is_sound})

    def encoding(self) -> Source:
        sound = self.decoding()
        too_long = "" if self.max_length is None else f" or len(v) > {self.max_length}"
        return Source(
            f"not isinstance(v, str){too_long} or {sound.bad}",
            "v if type(v) is str else {plain}(v)",
            {**sound.names, "plain": str.__str__},
        )

    def wire_fault(self, value: object) -> Fault | None:
        if not isinstance(value, str):
            return _wrong_type(value, "text")
        if self.max_length is not None and len(value) > self.max_length:
            return _not_allowed(f"has {len(value)} characters, at most {self.max_length} may be")
        if not _is_sound(value):
            return _not_allowed("holds half of a surrogate pair, which is no character")
        return None

    def summary(self) -> str:
        length = "" if self.max_length is None else f", at most {self.max_length} characters"
        return f"text{length}{'; case does not matter' if self.ignores_case else ''}"


@attrs.frozen
class URI(Text):
    """An absolute URI: a scheme, a colon, no blanks."""

    def decoding(self) -> Source:
        text = super().decoding()
        names = {**text.names, "is_uri": _is_uri}
        return Source(f"{text.bad} or not {{is_uri}}(v)", text.expression, names)

    def wire_fault(self, value: object) -> Fault | None:
        fault = super().wire_fault(value)
        if fault is None and not _is_uri(str(value)):
            return _not_allowed("is no URI with a scheme, such as ftp://host/path")
        return fault

    def summary(self) -> str:
        return "URI"


@attrs.frozen
class Integer(Kind):
    """A whole number. Neither ``true`` nor ``5.0`` nor ``"5"`` is one."""

    minimum: int = -LARGEST_INTEGER - 1
    maximum: int = LARGEST_INTEGER

    def wire_type(self) -> Any:
        return Annotated[int, Meta(ge=self.minimum, le=self.maximum)]

    def encoding(self) -> Source:
        return Source(f"type(v) is not int or not {self.minimum} <= v <= {self.maximum}")

    def wire_fault(self, value: object) -> Fault | None:
        if type(value) is not int:
            return _wrong_type(value, "a whole number")
        if value < self.minimum:
            return _not_allowed(f"is below {self.minimum}")
        if value > self.maximum:
            return _not_allowed(f"is above {self.maximum}")
        return None

    def summary(self) -> str:
        bounds = []
        if self.minimum > -LARGEST_INTEGER - 1:
            bounds.append(f"at least {self.minimum}")
        if self.maximum < LARGEST_INTEGER:
            bounds.append(f"at most {self.maximum}")
        return ", ".join(["whole number", *bounds])


@attrs.frozen
class Decimal(Kind):
    """A number with few decimal places, exact in Python, a JSON number on the wire."""

    places: int

    def wire_type(self) -> Any:
        return int | float

    def decoding(self) -> Source:
        return Source("", "{decimal}(v)", {"decimal": self._from_wire})

    def encoding(self) -> Source:
        return Source("", "{number}(v)", {"number": self._to_wire})

    def _from_wire(self, value: object) -> Number:
        kind = type(value)
        if kind is float:
            if not (-LARGEST_DECIMAL < value < LARGEST_DECIMAL):  # type: ignore[operator]
                raise Refused
            if round(value, self.places) != value:  # type: ignore[call-overload]
                raise Refused
            return Number(repr(value))
        if kind is int and -LARGEST_DECIMAL < value < LARGEST_DECIMAL:  # type: ignore[operator]
            return Number(value)  # type: ignore[arg-type]
        raise Refused

    def _to_wire(self, value: object) -> int | float:
        if not isinstance(value, Number):
            raise Refused
        number = float(value)
        if not -LARGEST_DECIMAL < number < LARGEST_DECIMAL or round(number, self.places) != number:
            raise Refused
        if Number(repr(number)) != value:
            raise Refused
        return int(number) if number.is_integer() else number

    def wire_fault(self, value: object) -> Fault | None:
        if type(value) is not int and type(value) is not float:
            return _wrong_type(value, "a number")
        if not -LARGEST_DECIMAL < value < LARGEST_DECIMAL:
            return _not_allowed(f"is not between -{LARGEST_DECIMAL:.0e} and {LARGEST_DECIMAL:.0e}")
        if round(value, self.places) != value:
            return _not_allowed(f"has more than {self._places}")
        return None

    def value_fault(self, value: object) -> str | None:
        if not isinstance(value, Number):
            return f"is of type {type(value).__name__}, not Decimal"
        if not value.is_finite() or not -LARGEST_DECIMAL < value < LARGEST_DECIMAL:
            return f"is not between -{LARGEST_DECIMAL:.0e} and {LARGEST_DECIMAL:.0e}"
        try:
            self._to_wire(value)
        except Refused:
            return f"has more than {self._places}"
        return None

    @property
    def _places(self) -> str:
        return "1 decimal place" if self.places == 1 else f"{self.places} decimal places"

    def summary(self) -> str:
        return f"number with at most {self._places}"


@attrs.frozen
class Boolean(Kind):
    """``true`` or ``false``."""

    def wire_type(self) -> Any:
        return bool

    def encoding(self) -> Source:
        return Source("v is not True and v is not False")

    def wire_fault(self, value: object) -> Fault | None:
        return None if isinstance(value, bool) else _wrong_type(value, "a boolean")

    def summary(self) -> str:
        return "boolean"


@attrs.frozen
class Instant(Kind):
    """A point in time, see `txocpp.messages.instants`."""

    def wire_type(self) -> Any:
        return str

    def decoding(self) -> Source:
        return Source("", "{parse}(v)", {"parse": parse_instant})

    def encoding(self) -> Source:
        return Source("", "{format}(v)", {"format": format_instant})

    def wire_fault(self, value: object) -> Fault | None:
        if not isinstance(value, str):
            return _wrong_type(value, "a date and time")
        try:
            parse_instant(value)
        except ValueError:
            return _not_allowed("is no date and time such as 2024-06-03T12:00:00Z")
        return None

    def value_fault(self, value: object) -> str | None:
        if not isinstance(value, datetime):
            return f"is of type {type(value).__name__}, not datetime"
        try:
            format_instant(value)
        except ValueError as fault:
            return str(fault)
        return None

    def summary(self) -> str:
        return "date and time"


@attrs.frozen
class Enumerated(Kind):
    """One of the values of an enumeration, spelled exactly so."""

    values: type[StrEnum]

    def wire_type(self) -> Any:
        return self.values

    def encoding(self) -> Source:
        return Source("type(v) is not {values}", "v._value_", {"values": self.values})

    def wire_fault(self, value: object) -> Fault | None:
        if not isinstance(value, str):
            return _wrong_type(value, "text")
        if value not in self.values._value2member_map_:
            return _not_allowed(f"{_echo(value)} is not one of {', '.join(self.values)}")
        return None

    def value_fault(self, value: object) -> str | None:
        if isinstance(value, self.values):
            return None
        return f"{_echo(value)} is no member of {self.values.__name__}"

    def summary(self) -> str:
        return f"`{self.values.__name__}`"


@attrs.frozen
class Nested(Kind):
    """An object with fields of its own. The walk into it is the codec's and the explainer's."""

    datatype: type[Any]

    def wire_fault(self, value: object) -> Fault | None:
        return None if type(value) is dict else _wrong_type(value, "an object")

    def value_fault(self, value: object) -> str | None:
        if type(value) is self.datatype:
            return None
        return f"is of type {type(value).__name__}, not {self.datatype.__name__}"

    def summary(self) -> str:
        return f"`{self.datatype.__name__}`"


def json_type(value: object) -> str:
    """What a peer would call the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
    return f"a {type(value).__name__}"


def _wrong_type(value: object, wanted: str) -> Fault:
    return Fault(errors.TypeConstraintViolation, f"is {json_type(value)}, not {wanted}")


def _not_allowed(reason: str) -> Fault:
    return Fault(errors.PropertyConstraintViolation, reason)


def _echo(value: object) -> str:
    if not isinstance(value, str):
        return json_type(value)
    return repr(value if len(value) <= LONGEST_ECHO else value[:LONGEST_ECHO] + "…")


def _is_sound(text: str) -> bool:
    """True for text that UTF-8 can carry; half of a surrogate pair it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_uri(text: str) -> bool:
    scheme, colon, rest = text.partition(":")
    return bool(
        colon
        and rest
        and scheme[:1].isalpha()
        and scheme.isascii()
        and all(c.isalnum() or c in "+-." for c in scheme)
        and not any(c.isspace() for c in rest)
    )
