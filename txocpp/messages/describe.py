"""What the declarations say, for people: a reference of all messages in Markdown.

``python -m txocpp.messages.describe`` prints it for OCPP 1.6.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from typing import Any

import attrs

from txocpp.messages.declaration import EITHER, Request, Sender
from txocpp.messages.fields import Field, fields_of
from txocpp.messages.kinds import Enumerated, Nested

_DIRECTIONS = {
    Sender.CHARGE_POINT: "charge point → central system",
    Sender.CENTRAL_SYSTEM: "central system → charge point",
    EITHER: "either side",
}


@attrs.frozen
class FieldDescription:
    """One field, as a reader of the reference wants to know it."""

    name: str
    wire: str
    rule: str
    """Type, length, range, number of items."""
    required: bool
    meaning: str
    """The docstring below the declaration."""


def describe(declared: type[Any]) -> tuple[FieldDescription, ...]:
    """The fields of a message class or datatype."""
    meanings = _meanings(declared)
    return tuple(
        FieldDescription(f.name, f.wire, _rule(f), f.required, meanings.get(f.name, ""))
        for f in fields_of(declared)
    )


def reference(title: str, requests: Iterable[type[Request]]) -> str:
    """All messages, the datatypes inside of them and the enumerations, as Markdown."""
    lines = [f"# {title}", ""]
    datatypes: dict[type[Any], None] = {}
    enums: dict[type[StrEnum], None] = {}
    profile = ""
    for request in requests:
        if request.profile != profile:
            profile = request.profile
            lines += [f"## {profile}", ""]
        lines += [f"### {request.action}", "", f"*{_DIRECTIONS[request.sent_by]}*", ""]
        for declared in (request, request.response):
            lines += _section(declared)
            _collect(declared, datatypes, enums)
    lines += ["## Datatypes", ""]
    for datatype in datatypes:
        lines += [f"### {datatype.__name__}", "", *_section(datatype)]
    lines += ["## Enumerations", ""]
    for enum in enums:
        lines += [f"### {enum.__name__}", "", _first_paragraph(enum), "", *_members(enum), ""]
    return "\n".join(lines)


def _section(declared: type[Any]) -> Iterator[str]:
    yield f"**{declared.__name__}**: {_first_paragraph(declared)}"
    yield ""
    described = describe(declared)
    if not described:
        return
    yield "| on the wire | in Python | | rule | meaning |"
    yield "|---|---|---|---|---|"
    for field in described:
        required = "required" if field.required else "optional"
        yield (f"| `{field.wire}` | `{field.name}` | {required} | {field.rule} | {field.meaning} |")
    yield ""


def _members(enum: type[StrEnum]) -> Iterator[str]:
    for member in enum:
        yield f"- `{member.name}` = `{member.value}`"


def _collect(
    declared: type[Any], datatypes: dict[type[Any], None], enums: dict[type[StrEnum], None]
) -> None:
    for field in fields_of(declared):
        if isinstance(field.kind, Enumerated):
            enums[field.kind.values] = None
        elif isinstance(field.kind, Nested):
            datatypes[field.kind.datatype] = None
            _collect(field.kind.datatype, datatypes, enums)


def _rule(field: Field) -> str:
    if field.many is None:
        return field.kind.summary()
    counts = [
        f"{word} {count}"
        for word, count in (("at least", field.many.at_least), ("at most", field.many.at_most))
        if count
    ]
    return " ".join(["list,", *(f"{count}," for count in counts), "of", field.kind.summary()])


def _first_paragraph(declared: type[Any]) -> str:
    return " ".join((inspect.getdoc(declared) or "").partition("\n\n")[0].split())


def _meanings(declared: type[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(declared.__mro__):
        if attrs.has(cls):
            found |= _docstrings(cls.__module__).get(cls.__name__, {})
    return found


@cache
def _docstrings(module: str) -> dict[str, dict[str, str]]:
    """Class name to field name to the docstring below the field."""
    imported = sys.modules[module]
    tree = ast.parse(inspect.getsource(imported))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {cls.name: dict(_below_fields(cls)) for cls in classes}


def _below_fields(cls: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(cls.body, cls.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())


if __name__ == "__main__":
    from txocpp.messages.v16 import MessageFactory16

    print(reference("Messages of OCPP 1.6", MessageFactory16().actions.values()))
