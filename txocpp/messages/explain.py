"""Why a payload or a value was refused: the slow second look, taken only after the fast no.

Of several faults always the same one is named. An object is looked at from outside to inside: is it
an object; are all required properties there, in the order of their declaration; is there one that
nobody knows; then each property in the order of its declaration, and into it before the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from txocpp import errors
from txocpp.messages.fields import Field, Many, NotDeclared, fields_of
from txocpp.messages.kinds import Fault, Kind, Nested, json_type

LONGEST_NAME = 50
"""Names of properties that a peer made up are cut to this length."""

LONGEST_DESCRIPTION = 255
"""An error description is cut to this length."""


def explain_payload(declared: type[Any], payload: object) -> errors.CallRefused:
    """The refusal that names the first fault of a payload (rule J-20)."""
    if type(payload) is not dict:
        return errors.FormationViolation(f"the payload is {json_type(payload)}, not an object")
    found = _object_fault(declared, payload, "")
    if found is None:
        return errors.FormationViolation(f"the payload fits no {declared.__name__}")
    path, fault = found
    return fault.error(_shortened(f"{path}: {fault.reason}"), {"field": path})


def explain_value(message: Any) -> errors.InvalidMessage:
    """The exception that names the first field of our own message that must not be sent."""
    declared = type(message)
    try:
        found = _message_fault(message, "")
    except NotDeclared:
        return errors.InvalidMessage(f"{declared.__name__} is not declared as a message")
    if found is None:
        return errors.InvalidMessage(f"{declared.__name__} cannot be written")
    path, reason = found
    return errors.InvalidMessage(f"{declared.__name__}.{path}: {reason}")


def _object_fault(
    declared: type[Any], payload: dict[str, Any], path: str
) -> tuple[str, Fault] | None:
    fields = fields_of(declared)
    for field in fields:
        if field.required and field.wire not in payload:
            return _joined(path, field.wire), Fault(errors.ProtocolError, "is missing")
    known = {field.wire for field in fields}
    for name in payload:
        if name not in known:
            unknown = Fault(errors.FormationViolation, "is not a known property")
            return _joined(path, ascii(name)[1:-1][:LONGEST_NAME]), unknown
    for field in fields:
        if field.wire in payload:
            found = _property_fault(field, payload[field.wire], _joined(path, field.wire))
            if found is not None:
                return found
    return None


def _property_fault(field: Field, value: object, path: str) -> tuple[str, Fault] | None:
    if field.many is None:
        return _item_fault(field.kind, value, path)
    if type(value) is not list:
        wrong = f"is {json_type(value)}, not a list"
        return path, Fault(errors.TypeConstraintViolation, wrong)
    reason = _count_fault(field.many, value)
    if reason is not None:
        return path, Fault(errors.OccurrenceConstraintViolation, reason)
    for index, item in enumerate(value):
        found = _item_fault(field.kind, item, f"{path}[{index}]")
        if found is not None:
            return found
    return None


def _item_fault(kind: Kind, value: Any, path: str) -> tuple[str, Fault] | None:
    fault = kind.wire_fault(value)
    if fault is not None:
        return path, fault
    if isinstance(kind, Nested):
        return _object_fault(kind.datatype, value, path)
    return None


def _message_fault(message: Any, path: str) -> tuple[str, str] | None:
    for field in fields_of(type(message)):
        here = _joined(path, field.name)
        value = getattr(message, field.name, None)
        if value is None:
            if field.required:
                return here, "is None, but required"
            continue
        found = _field_fault(field, value, here)
        if found is not None:
            return found
    return None


def _field_fault(field: Field, value: Any, path: str) -> tuple[str, str] | None:
    if field.many is None:
        return _one_fault(field.kind, value, path)
    if type(value) is not tuple:
        return path, f"is of type {type(value).__name__}, not tuple"
    reason = _count_fault(field.many, value)
    if reason is not None:
        return path, reason
    for index, item in enumerate(value):
        found = _one_fault(field.kind, item, f"{path}[{index}]")
        if found is not None:
            return found
    return None


def _one_fault(kind: Kind, value: Any, path: str) -> tuple[str, str] | None:
    reason = kind.value_fault(value)
    if reason is not None:
        return path, reason
    return _message_fault(value, path) if isinstance(kind, Nested) else None


def _count_fault(many: Many, items: Sequence[object]) -> str | None:
    if len(items) < many.at_least:
        return f"has {len(items)} items, at least {many.at_least} must be"
    if many.at_most is not None and len(items) > many.at_most:
        return f"has {len(items)} items, at most {many.at_most} may be"
    return None


def _shortened(description: str) -> str:
    if len(description) <= LONGEST_DESCRIPTION:
        return description
    return description[: LONGEST_DESCRIPTION - 1] + "…"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def without_unknown(declared: type[Any], payload: object) -> object:
    """A copy of the payload without the properties that the class does not know, at any depth."""
    if not isinstance(payload, dict):
        return payload
    return {
        field.wire: _known_part(field, payload[field.wire])
        for field in fields_of(declared)
        if field.wire in payload
    }


def _known_part(field: Field, value: object) -> object:
    if not isinstance(field.kind, Nested):
        return value
    datatype = field.kind.datatype
    if field.many is not None and isinstance(value, list):
        return [without_unknown(datatype, item) for item in value]
    return without_unknown(datatype, value)
