"""Payload to message and back: for each class three functions, written and compiled at first use.

The functions say yes or no. After a no, `txocpp.messages.explain` finds out what is wrong; good
messages do not pay for that.

What is decoded takes two steps. msgspec compares the payload with a form, a Struct that is derived
from the fields: which there are, of which types, how long, how large, how many. Then a function
takes the values over, looks at what no form can express, and fills the slots of a frozen value
directly, so that nothing is checked twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import attrs
import msgspec
from msgspec import convert

from txocpp.messages.explain import explain_payload, explain_value
from txocpp.messages.fields import Field, Many, fields_of
from txocpp.messages.kinds import Nested, Refused, Source

REFUSALS = (
    Refused,
    msgspec.ValidationError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
)
"""What the generated functions raise for a no."""


@attrs.frozen
class Codec:
    """What is generated for one class. The functions raise one of `REFUSALS`."""

    form: type[msgspec.Struct]
    """What a JSON object has to look like."""
    fill: Callable[[Any], Any]
    """Form to value."""
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
        codec = _codecs.get(declared) or codec_of(declared)
        return codec.fill(convert({} if payload is None else payload, codec.form))
    except REFUSALS:
        raise explain_payload(declared, {} if payload is None else payload) from None


def encode(message: Any) -> dict[str, Any]:
    """The payload of a message, or of another declared value.

    Raises `txocpp.errors.InvalidMessage` for what `decode` would refuse.
    """
    try:
        return (_codecs.get(type(message)) or codec_of(type(message))).encode(message)
    except REFUSALS:
        raise explain_value(message) from None


def check(message: Any) -> None:
    """Raises `txocpp.errors.InvalidMessage` if a field holds what may not be there."""
    try:
        (_codecs.get(type(message)) or codec_of(type(message))).check(message)
    except REFUSALS:
        raise explain_value(message) from None


_codecs: dict[type[Any], Codec] = {}


def codec_of(declared: type[Any]) -> Codec:
    """The codec of a declared class, compiled when it is first asked for."""
    codec = _codecs.get(declared)
    if codec is None:
        form, fill = _form(declared), _filler(declared)
        codec = Codec(form, fill, _encoder(declared), _checker(declared))
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

    def refuse(self, depth: int, source: Source, many: Many | None) -> None:
        """Lines that refuse a ``v`` of ours that is bad."""
        if many is not None:
            self.add(depth, "if type(v) is not tuple: raise Refused")
            if many.at_least:
                self.add(depth, f"if len(v) < {many.at_least}: raise Refused")
            if many.at_most is not None:
                self.add(depth, f"if len(v) > {many.at_most}: raise Refused")
        self.refuse_bad(depth, source, many)

    def refuse_bad(self, depth: int, source: Source, many: Many | None) -> None:
        """The same for a ``v`` that is known to be a list or tuple, if it should be."""
        if not source.bad:
            return
        if many is None:
            self.add(depth, f"if {source.bad}: raise Refused")
            return
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


def _form(declared: type[Any]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for field in fields_of(declared):
        kind = field.kind
        wanted = codec_of(kind.datatype).form if isinstance(kind, Nested) else kind.wire_type()
        if field.many is not None:
            bounds = msgspec.Meta(min_length=field.many.at_least, max_length=field.many.at_most)
            wanted = Annotated[list[wanted], bounds]  # type: ignore[valid-type]
        # None is for what is left out; a null in the payload fits no type.
        fields.append((field.name, wanted) if field.required else (field.name, wanted, None))
    return msgspec.defstruct(
        f"{declared.__name__}Form",
        fields,
        rename={field.name: field.wire for field in fields_of(declared)},
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def _filler(declared: type[Any]) -> Callable[[Any], Any]:
    function = _Function(f"fill_{declared.__name__}", "form")
    function.add(0, f"value = {function.bind(twin=_open_twin(declared))}()")
    for field in fields_of(declared):
        source = function.bound(_decoding(field))
        converted = _converted(source, field.many, "tuple")
        if converted == "v" and not source.bad:
            function.add(0, f"value.{field.name} = form.{field.name}")
            continue
        depth = 0
        function.add(0, f"v = form.{field.name}")
        if not field.required:
            function.add(0, f"if v is None: value.{field.name} = None")
            function.add(0, "else:")
            depth = 1
        function.refuse_bad(depth, source, field.many)
        function.add(depth, f"value.{field.name} = {converted}")
    function.add(0, f"value.__class__ = {function.bind(declared=declared)}")
    function.add(0, "return value")
    return function.compiled()


def _open_twin(declared: type[Any]) -> type[Any]:
    """A class with the same slots, but not frozen.

    Filling a value as its open twin and then turning it into the real thing takes two thirds of
    the time of writing past the freeze slot by slot.
    """
    body = {
        "__slots__": declared.__slots__,
        "__init__": object.__init__,
        "__setattr__": object.__setattr__,
    }
    return type(f"Open{declared.__name__}", declared.__bases__, body)


def _decoding(field: Field) -> Source:
    if isinstance(field.kind, Nested):
        return Source("", "{fill}(v)", {"fill": codec_of(field.kind.datatype).fill})
    return field.kind.decoding()


def _encoder(declared: type[Any]) -> Callable[[Any], Any]:
    function = _Function(f"encode_{declared.__name__}", "value")
    function.add(0, "payload = {}")
    for field in fields_of(declared):
        depth = _read(function, field)
        source = function.bound(_encoding(field))
        function.refuse(depth, source, field.many)
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
        function.refuse(depth, source, field.many)
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
