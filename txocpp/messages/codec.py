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
    if payload is None:
        payload = {}
    try:
        return codec_of(declared).decode(payload)
    except REFUSALS:
        raise explain_payload(declared, payload) from None


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
    """A function of one argument in the making."""

    def __init__(self, name: str, argument: str) -> None:
        self._name = name
        self._lines = [f"def {name}({argument}):"]
        self._globals: dict[str, Any] = {"Refused": Refused}

    def add(self, depth: int, line: str) -> None:
        self._lines.append("    " * (depth + 1) + line)

    def bind(self, source: Source) -> Source:
        """Give the names in the source values of their own in this function."""
        unique = {}
        for name, value in source.names.items():
            unique[name] = f"{name}_{len(self._globals)}"
            self._globals[unique[name]] = value
        return Source(source.bad.format(**unique), source.expression.format(**unique))

    def name(self, value: Any) -> str:
        return self.bind(Source("", "{value}", {"value": value})).expression

    def convert(self, depth: int, source: Source, many: Many | None, list_type: str) -> str:
        """Lines that refuse a bad ``v``; the result is the expression for the converted one."""
        source = self.bind(source)
        if many is None:
            if source.bad:
                self.add(depth, f"if {source.bad}: raise Refused")
            return source.expression
        bad = f"type(v) is not {list_type} or len(v) < {many.at_least}"
        if many.at_most is not None:
            bad += f" or len(v) > {many.at_most}"
        self.add(depth, f"if {bad}: raise Refused")
        if source.bad:
            self.add(depth, "items = v")
            self.add(depth, "for v in items:")
            self.add(depth + 1, f"if {source.bad}: raise Refused")
            self.add(depth, "v = items")
        return f"[{source.expression} for v in v]"

    def compiled(self) -> Callable[[Any], Any]:
        text = "\n".join(self._lines)
        exec(compile(text, f"<txocpp.messages {self._name}>", "exec"), self._globals)
        function: Callable[[Any], Any] = self._globals[self._name]
        return function


def _decoder(declared: type[Any]) -> Callable[[Any], Any]:
    fields = fields_of(declared)
    function = _Function(f"decode_{declared.__name__}", "payload")
    new, cls = function.name(object.__new__), function.name(declared)
    required = sum(field.required for field in fields)
    function.add(0, "if type(payload) is not dict: raise Refused")
    function.add(0, f"unknown = len(payload) - {required}")
    function.add(0, f"value = {new}({cls})")
    for field in fields:
        fill = function.name(declared.__dict__[field.name].__set__)
        if field.required:
            function.add(0, f"v = payload[{field.wire!r}]")
            depth = 0
        else:
            # Null counts as unknown here, which refuses it; the explainer tells the difference.
            function.add(0, f"v = payload.get({field.wire!r})")
            function.add(0, f"if v is None: {fill}(value, None)")
            function.add(0, "else:")
            function.add(1, "unknown -= 1")
            depth = 1
        expression = function.convert(depth, _decoding(field), field.many, "list")
        if field.many is not None:
            expression = f"tuple({expression})"
        function.add(depth, f"{fill}(value, {expression})")
    function.add(0, "if unknown: raise Refused")
    function.add(0, "return value")
    return function.compiled()


def _decoding(field: Field) -> Source:
    if isinstance(field.kind, Nested):
        return Source("", "{decode}(v)", {"decode": codec_of(field.kind.datatype).decode})
    return field.kind.decoding()


def _encoder(declared: type[Any]) -> Callable[[Any], Any]:
    function = _Function(f"encode_{declared.__name__}", "value")
    function.add(0, "payload = {}")
    for field in fields_of(declared):
        depth = _read(function, field)
        expression = function.convert(depth, _encoding(field), field.many, "tuple")
        function.add(depth, f"payload[{field.wire!r}] = {expression}")
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
        source = _encoding(field)
        if isinstance(field.kind, Nested):
            source = attrs.evolve(source, expression="v")
        expression = function.convert(depth, source, field.many, "tuple")
        function.add(depth, expression)
    function.add(0, "return None")
    return function.compiled()


def _read(function: _Function, field: Field) -> int:
    function.add(0, f"v = value.{field.name}")
    if field.required:
        return 0
    function.add(0, "if v is not None:")
    return 1
