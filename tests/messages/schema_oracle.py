"""The JSON schemas of the PyPI package `ocpp`, as a second opinion on what a payload may be.

`AMENDMENTS` and the classes above it are the one place that lists where txocpp deliberately judges
otherwise, and why. With them applied, schemas and txocpp have to agree on every payload.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import ocpp.v16
from jsonschema import Draft4Validator, FormatChecker, ValidationError, validators

SCHEMAS = Path(ocpp.v16.__file__).parent / "schemas"


def schema_names() -> list[str]:
    """`Authorize`, `AuthorizeResponse` and so on: 78 of them."""
    return sorted(path.stem for path in SCHEMAS.glob("*.json"))


@attrs.frozen
class Amendment:
    """One deliberate disagreement with the published schemas."""

    schema: str
    """Regular expression for the names of the schemas concerned."""
    place: str
    """Regular expression for the path inside of the schema."""
    change: Callable[[dict[str, Any]], None]
    """What to do to the schema there."""
    reason: str


def put(**keywords: Any) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema.update(keywords)


def without(value: str) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema["enum"].remove(value)


def decimal_places(schema: dict[str, Any]) -> None:
    del schema["multipleOf"]
    schema["decimalPlaces"] = 1
    schema["magnitudeBelow"] = 10**14


AMENDMENTS = [
    # Everywhere
    Amendment(
        ".*",
        ".*:integer",
        put(minimum=-(2**63), maximum=2**63 - 1),
        "whole numbers beyond 64 bits fit neither into stores nor into other languages",
    ),
    Amendment(
        ".*",
        ".*:number",
        decimal_places,
        "multipleOf 0.1 is computed with binary floats and refuses good values such as 0.7 (D17); "
        "from 1e14 on a float cannot carry the decimal place",
    ),
    Amendment(
        ".*",
        ".*:string",
        put(sound=True),
        "half of a surrogate pair has no UTF-8: it could be neither stored nor passed on",
    ),
    # Ranges, which are only in the prose of the specification
    Amendment(
        "ChangeAvailability|MeterValues|StatusNotification|ReserveNow|GetCompositeSchedule"
        "|SetChargingProfile|ClearChargingProfile|TriggerMessage|ExtendedTriggerMessage",
        "connectorId:integer",
        put(minimum=0),
        "connectors count from 1, 0 is the station; TriggerMessage takes 0 too (D10)",
    ),
    Amendment(
        "RemoteStartTransaction|UnlockConnector",
        "connectorId:integer",
        put(minimum=0),
        "0 is wrong as well, but the status Rejected or NotSupported says so (R-03, U-05)",
    ),
    Amendment("StartTransaction", "connectorId:integer", put(minimum=1), "a connector, never 0"),
    Amendment(
        ".*", ".*stackLevel:integer", put(minimum=0), "levels count from 0 (OCPP 1.6 §7.8, AC-13)"
    ),
    Amendment(
        "GetCompositeSchedule",
        "duration:integer",
        put(minimum=0),
        "no schedule of the past (SR-506)",
    ),
    Amendment(
        "SendLocalList",
        "listVersion:integer",
        put(minimum=1),
        "0 and -1 mean something else (L-03)",
    ),
    Amendment(
        "GetLocalListVersionResponse",
        "listVersion:integer",
        put(minimum=-1),
        "-1 says that there are no lists (L-02)",
    ),
    # What some copies of the schemas forgot, or made up
    Amendment(
        "StopTransaction",
        ".*sampledValue:array",
        put(minItems=1),
        "a meter value without a value (card. 1..*); the copy in MeterValues has it",
    ),
    Amendment(
        ".*",
        ".*chargingSchedulePeriod:array",
        put(minItems=1),
        "a schedule without a period (card. 1..*, SR-611)",
    ),
    Amendment(
        "MeterValues",
        ".*unit:string",
        without("Hertz"),
        "only this one copy knows Hertz; a frequency has no unit on the wire (D02)",
    ),
]
"""Besides: null stands for an empty payload (J-11), which no schema says."""


def amended(name: str) -> dict[str, Any]:
    """The published schema with the amendments that concern it."""
    schema: dict[str, Any] = copy.deepcopy(published(name))
    for place, part in places(schema):
        for amendment in AMENDMENTS:
            if re.fullmatch(amendment.schema, name) and re.fullmatch(amendment.place, place):
                amendment.change(part)
    return schema


@cache
def published(name: str) -> dict[str, Any]:
    """The schema as it is in the package, references resolved."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8-sig"))
    resolved: dict[str, Any] = _resolved(schema, schema.get("definitions", {}))
    resolved.pop("definitions", None)
    resolved.pop("$id", None)
    return resolved


def _resolved(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolved(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {key: _resolved(value, definitions) for key, value in part.items()}


def places(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a schema with its path, such as ``meterValue[].timestamp:string``."""
    yield f"{path}:{schema['type']}", schema
    for name, part in schema.get("properties", {}).items():
        yield from places(part, f"{path}.{name}" if path else name)
    if "items" in schema:
        yield from places(schema["items"], f"{path}[]")


# How the oracle decides what JSON Schema leaves open

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    """RFC 3339, but an offset may be shortened or missing (H-06)."""
    if not isinstance(value, str):
        return True
    found = re.fullmatch(
        r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)([.,]\d+)?([Zz]|[+-](\d\d)(:?(\d\d))?)?",
        value,
        re.ASCII,
    )
    if found is None:
        return False
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (
        1 < year < 9999
        and 1 <= month <= 12
        and 1 <= day <= days[month - 1]
        and hour <= 23
        and minute <= 59
        and second <= 60
        and int(found[9] or 0) <= 23
        and int(found[11] or 0) <= 59
    )


@FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", value))


def _decimal_places(_: Any, places: int, value: object, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, float) and len(f"{Decimal(repr(value)):f}".partition(".")[2]) > places:
        whole = f"{Decimal(repr(value)):f}".partition(".")[2].rstrip("0")
        if len(whole) > places:
            yield ValidationError(f"{value} has more than {places} decimal places")


def _magnitude_below(_: Any, bound: int, value: object, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) < bound:
        yield ValidationError(f"{value} is too large")


def _sound(_: Any, __: Any, value: object, ___: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        yield ValidationError("half of a surrogate pair")


Oracle = validators.extend(
    # Draft 4, as the package itself uses for all of them: 5.0 is no integer. The security schemas
    # say draft 6, where it would be one.
    Draft4Validator,
    {
        "decimalPlaces": _decimal_places,
        "magnitudeBelow": _magnitude_below,
        "sound": _sound,
    },
)


@cache
def oracle(name: str) -> Any:
    """A validator for the amended schema."""
    return Oracle(amended(name), format_checker=FORMATS)


J20 = {
    "required": "ProtocolError",
    "type": "TypeConstraintViolation",
    "enum": "PropertyConstraintViolation",
    "maxLength": "PropertyConstraintViolation",
    "minimum": "PropertyConstraintViolation",
    "maximum": "PropertyConstraintViolation",
    "format": "PropertyConstraintViolation",
    "decimalPlaces": "PropertyConstraintViolation",
    "magnitudeBelow": "PropertyConstraintViolation",
    "sound": "PropertyConstraintViolation",
    "additionalProperties": "FormationViolation",
    "minItems": "OccurenceConstraintViolation",
}
"""Rule J-20: which fault is which word on the wire."""


def verdicts(name: str, payload: object) -> set[tuple[str, str]]:
    """Every fault that the oracle sees, as path and wire code."""
    found = set()
    for error in oracle(name).iter_errors(payload):
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
        code = J20[error.validator]
        if error.validator == "required":
            missing = [n for n in error.validator_value if n not in error.instance]
            found |= {(f"{path}.{n}".removeprefix("."), code) for n in missing}
        elif error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = [ascii(n)[1:-1][:50] for n in error.instance if n not in known]
            found |= {(f"{path}.{n}".removeprefix("."), code) for n in unknown}
        else:
            found.add((path.removeprefix("."), code))
    return found
