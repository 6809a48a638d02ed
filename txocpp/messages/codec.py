"""Payload to message and back: for each class three functions, written and compiled at first use.

The functions say yes or no. After a no, `txocpp.messages.explain` finds out what is wrong; good
messages do not pay for that. Decoding fills the slots of a frozen value directly, so that nothing
is checked twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from txocpp.messages.explain import explain_payload, explain_value
from txocpp.messages.fields import Field, Many, fields_of
from txocpp.messages.kinds import Nested, Refused, Source

REFUSALS = (Refused, KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What the generated functions raise for a no."""


@attrs.frozen
class Codec:
    """The generated functions of one class. They raise one of `REFUSALS`."""

    decode: Callable[[Any], Any]
    """JSON object to value."""
    encode: Callable[[Any], dict[str, Any]]
    """Value to JSON object, checked to the bottom."""
    check: Callable[[Any], None]
    """Looks at the fields of a value; nested values have looked at theirs."""


def decode(declared: type[Any], payload: object) -> Any:
    """The message in a payload.

    Null stands for an empty object (J-11). Raises one of `txocpp.errors.CallRefused` (J-20), with
    the path of the field in the description and in ``details["field"]``.
    """
    try:
        return codec_of(declared).decode({} if payload is None else payload)
    except REFUSALS:
        raise explain_payload(declared, {} if payload is None else payload) from None


def encode(message: Any) -> dict[str, Any]:
    """The payload of a message, or of another declared value.

    Raises `txocpp.errors.InvalidMessage` for what `decode` would refuse.
    """
    try:
        return codec_of(type(message)).encode(message)
    except REFUSALS:
        raise explain_value(message) from None


def check(message: Any) -> None:
    """Raises `txocpp.errors.InvalidMessage` if a field holds what may not be there."""
    try:
        codec_of(type(message)).check(message)
    except REFUSALS:
        raise explain_value(message) from None


_codecs: dict[type[Any], Codec] = {}


def codec_of(declared: type[Any]) -> Codec:
    """The codec of a declared class, compiled when it is first asked for."""
    codec = _codecs.get(declared)
    if codec is None:
        codec = Codec(_decoder(declared), _encoder(declared), _checker(declared))
        _codecs[declared] = codec
    return codec


class _Function:
    """A function in the making: ``name(argument)``, in lines of source."""

    def __init__(self, name: str, argument: str) -> None:
        self._name = name
        self._lines = [f"def {name}({argument}):"]
        self._globals: dict[str, Any] = {"Refused": Refused}

    def add(self, depth: int, line: str) -> None:
        self._lines.append("    " * (depth + 1) + line)

    def bound(self, source: Source) -> Source:
        """The source, with names that mean something in this function only."""
        unique = {}
        for name, value in source.names.items():
            unique[name] = f"{name}_{len(self._globals)}"
            self._globals[unique[name]] = value
        return Source(source.bad.format(**unique), source.expression.format(**unique))

    def bind(self, **named: Any) -> str:
        """A name for one object."""
        (name,) = named
        return self.bound(Source("", f"{{{name}}}", named)).expression

    def refuse(self, depth: int, source: Source, many: Many | None, sequence: str) -> None:
        """Lines that refuse a ``v`` that is bad."""
        if many is None:
            if source.bad:
                self.add(depth, f"if {source.bad}: raise Refused")
            return
        self.add(depth, f"if type(v) is not {sequence}: raise Refused")
        if many.at_least:
            self.add(depth, f"if len(v) < {many.at_least}: raise Refused")
        if many.at_most is not None:
            self.add(depth, f"if len(v) > {many.at_most}: raise Refused")
        if source.bad:
            self.add(depth, "items = v")
            self.add(depth, "for v in items:")
            self.add(depth + 1, f"if {source.bad}: raise Refused")
            self.add(depth, "v = items")

    def compiled(self) -> Callable[[Any], Any]:
        text = "\n".join(self._lines)
        exec(compile(text, f"<{self._name}>", "exec"), self._globals)
        function: Callable[[Any], Any] = self._globals[self._name]
        return function


def _converted(source: Source, many: Many | None, sequence: str) -> str:
    """The expression for the converted ``v``; of several items in that type of sequence."""
    if many is None:
        return source.expression
    if source.expression == "v":
        return f"{sequence}(v)"
    items = f"[{source.expression} for v in v]"
    return items if sequence == "list" else f"{sequence}({items})"


def _decoder(declared: type[Any]) -> Callable[[Any], Any]:
    fields = fields_of(declared)
    function = _Function(f"decode_{declared.__name__}", "payload")
    new, twin = function.bind(new=object.__new__), function.bind(twin=_open_twin(declared))
    required = sum(field.required for field in fields)
    function.add(0, "if type(payload) is not dict: raise Refused")
    function.add(0, f"unknown = len(payload) - {required}")
    function.add(0, f"value = {new}({twin})")
    for field in fields:
        depth = 0
        if not field.required:
            function.add(0, f"if {field.wire!r} not in payload: value.{field.name} = None")
            function.add(0, "else:")
            function.add(1, "unknown -= 1")
            depth = 1
        source = function.bound(_decoding(field))
        function.add(depth, f"v = payload[{field.wire!r}]")
        function.refuse(depth, source, field.many, "list")
        function.add(depth, f"value.{field.name} = {_converted(source, field.many, 'tuple')}")
    function.add(0, "if unknown: raise Refused")
    function.add(0, f"value.__class__ = {function.bind(declared=declared)}")
    function.add(0, "return value")
    return function.compiled()


def _open_twin(declared: type[Any]) -> type[Any]:
    """A class with the same slots, but not frozen.

    Filling a value as its open twin and then turning it into the real thing takes two thirds of
    the time of writing past the freeze slot by slot.
    """
    slots = {"__slots__": declared.__slots__, "__setattr__": object.__setattr__}
    return type(f"Open{declared.__name__}", declared.__bases__, slots)


def _decoding(field: Field) -> Source:
    if isinstance(field.kind, Nested):
        return Source("", "{decode}(v)", {"decode": codec_of(field.kind.datatype).decode})
    return field.kind.decoding()


def _encoder(declared: type[Any]) -> Callable[[Any], Any]:
    function = _Function(f"encode_{declared.__name__}", "value")
    function.add(0, "payload = {}")
    for field in fields_of(declared):
        depth = _read(function, field)
        source = function.bound(_encoding(field))
        function.refuse(depth, source, field.many, "tuple")
        converted = _converted(source, field.many, "list")
        function.add(depth, f"payload[{field.wire!r}] = {converted}")
    function.add(0, "return payload")
    return function.compiled()


def _encoding(field: Field) -> Source:
    if isinstance(field.kind, Nested):
        names = {"datatype": field.kind.datatype, "encode": codec_of(field.kind.datatype).encode}
        return Source("type(v) is not {datatype}", "{encode}(v)", names)
    return field.kind.encoding()


def _checker(declared: type[Any]) -> Callable[[Any], Any]:
    function = _Function(f"check_{declared.__name__}", "value")
    for field in fields_of(declared):
        depth = _read(function, field)
        source = function.bound(_encoding(field))
        function.refuse(depth, source, field.many, "tuple")
        if not source.bad:
            # There is no condition: converting refuses.
            function.add(depth, _converted(source, field.many, "tuple"))
    function.add(0, "return None")
    return function.compiled()


def _read(function: _Function, field: Field) -> int:
    """A line that reads a field; the result is the depth of those that look at it."""
    function.add(0, f"v = value.{field.name}")
    if field.required:
        return 0
    function.add(0, "if v is not None:")
    return 1
