"""What the declarations say, for programs: JSON Schema (2020-12) of a message.

Pages make forms of it. It is not what checks messages; that is `txocpp.messages.codec`, whose
rules are finer than a schema can tell.
"""

from __future__ import annotations

import inspect
from typing import Any

from txocpp.messages import kinds
from txocpp.messages.describe import describe
from txocpp.messages.fields import Field, fields_of


def json_schema(declared: type[Any]) -> dict[str, Any]:
    """The schema of a message or datatype, with everything inside of it in its place."""
    meanings = {field.wire: field.meaning for field in describe(declared)}
    fields = fields_of(declared)
    summary = (inspect.getdoc(declared) or "").partition("\n\n")[0]
    schema: dict[str, Any] = {
        "type": "object",
        "title": declared.__name__,
        "description": " ".join(summary.split()),
        "properties": {field.wire: _property(field, meanings[field.wire]) for field in fields},
        "additionalProperties": False,
    }
    required = [field.wire for field in fields if field.required]
    return {**schema, "required": required} if required else schema


def _property(field: Field, meaning: str) -> dict[str, Any]:
    found = _kind(field.kind)
    if field.many is not None:
        found = {"type": "array", "items": found}
        if field.many.at_least:
            found["minItems"] = field.many.at_least
        if field.many.at_most is not None:
            found["maxItems"] = field.many.at_most
    if meaning:
        found["description"] = meaning
    if field.secret:
        found["writeOnly"] = True
    return found


def _kind(kind: kinds.Kind) -> dict[str, Any]:
    match kind:
        case kinds.URI():
            return {"type": "string", "format": "uri"}
        case kinds.Text(max_length=most):
            return {"type": "string"} if most is None else {"type": "string", "maxLength": most}
        case kinds.Integer(minimum=least, maximum=most):
            return {"type": "integer", **_bounds(least, most)}
        case kinds.Decimal(places=places):
            return {"type": "number", "multipleOf": float(f"1e-{places}")}
        case kinds.Boolean():
            return {"type": "boolean"}
        case kinds.Instant():
            return {"type": "string", "format": "date-time"}
        case kinds.Enumerated(values=values):
            return {"type": "string", "enum": [str(value) for value in values]}
        case kinds.Nested(datatype=datatype):
            return json_schema(datatype)
    raise TypeError(f"{kind!r} has no schema")


def _bounds(least: int, most: int) -> dict[str, int]:
    bounds = {}
    if least > -kinds.LARGEST_INTEGER - 1:
        bounds["minimum"] = least
    if most < kinds.LARGEST_INTEGER:
        bounds["maximum"] = most
    return bounds
