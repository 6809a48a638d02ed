"""Payloads made from a schema: good ones, and good ones with something done to them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

WRONG_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 5.0, 0.5, 2**63, -(2**63) - 1, 1e300, "", "x", "Accepted", "1",
    "2024-06-03T12:00:00Z", [], ["x"], [None], [[]], {}, {"status": "Accepted"}, "\ud800",
    -(2**63), 2**63 - 1, 10**14, 1e14, 99999999999999.0, 0.7, 16.05, -0.0, 1e-7,
]  # fmt: skip
"""Put in every place, one after the other. Some are good in some places."""

WRONG_INSTANTS = [
    "2024-06-03", "20240603T120000Z", "2024-W23-1T12:00:00Z", "2024-06-03 12:00:00Z",
    "2024-06-03T12:00Z", "2024-06-31T12:00:00Z", "2024-06-03T24:00:00Z", "2024-06-03T12:60:00Z",
    "2024-06-03T12:00:00+24:00", "2024-06-03T12:00:00 Z", "2024-06-03T12:00:00.Z", "noon",
    "2024-06-03T12:00:00+01:00", "2024-06-03T12:00:00.123456789-0230", "2024-06-03T12:00:00",
    "2016-12-31T23:59:60Z", "2024-06-03t12:00:00z", "2024-06-03T12:00:00,5+01",
    "2024-06-03T12:00:00Z\n", "\uff12024-06-03T12:00:00Z",
]  # fmt: skip


def full(schema: dict[str, Any]) -> Any:
    """A good payload with every property there."""
    if "enum" in schema:
        return schema["enum"][-1]
    match schema["type"]:
        case "object":
            return {name: full(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [full(schema["items"]), full(schema["items"])]
        case "integer":
            return 7
        case "number":
            return 16.5
        case "boolean":
            return True
    if schema.get("format") == "date-time":
        return "2024-06-03T12:00:00.250+02:00"
    return "ftp://host/x" if schema.get("format") == "uri" else "text"


def spots(payload: Any, path: Path = ()) -> Iterator[Path]:
    """The path of everything in a payload, the payload itself first."""
    yield path
    if isinstance(payload, dict):
        for name, part in payload.items():
            yield from spots(part, (*path, name))
    elif isinstance(payload, list):
        for index, part in enumerate(payload):
            yield from spots(part, (*path, index))


def at(payload: Any, path: Path) -> Any:
    for step in path:
        payload = payload[step]
    return payload


def replaced(payload: Any, path: Path, value: Any) -> Any:
    """A copy with another value in one place."""
    if not path:
        return value
    changed = copy.deepcopy(payload)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def removed(payload: Any, path: Path) -> Any:
    """A copy without one property or item."""
    changed = copy.deepcopy(payload)
    del at(changed, path[:-1])[path[-1]]
    return changed


def mutations(payload: Any, schema: dict[str, Any]) -> Iterator[Any]:
    """Everything that is done to a good payload, once in every place."""
    for path in spots(payload):
        value = at(payload, path)
        for wrong in [*WRONG_VALUES, *WRONG_INSTANTS]:
            if path:
                yield replaced(payload, path, wrong)
        if path:
            yield removed(payload, path)
        if isinstance(value, dict):
            yield replaced(payload, path, {**value, "unknown": 1})
        if isinstance(value, list):
            yield replaced(payload, path, [])
        if isinstance(value, str):
            longest = _longest(schema, path)
            if longest is not None:
                for length in (longest, longest + 1):
                    yield replaced(payload, path, "é" * length)


def _longest(schema: dict[str, Any], path: Path) -> int | None:
    for step in path:
        schema = schema["items"] if isinstance(step, int) else schema["properties"][step]
    return schema.get("maxLength")


def good(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Payloads that the schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            required = set(schema.get("required", ()))
            parts = {name: good(part) for name, part in schema.get("properties", {}).items()}
            return st.fixed_dictionaries(
                {name: part for name, part in parts.items() if name in required},
                optional={name: part for name, part in parts.items() if name not in required},
            )
        case "array":
            return st.lists(good(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.integers(-(10**14), 10**14).map(lambda tenths: tenths / 10)
        case "boolean":
            return st.booleans()
    if schema.get("format") == "date-time":
        moments = st.datetimes(min_value=datetime(2, 1, 2), max_value=datetime(9998, 12, 30))
        return st.builds(
            lambda moment, zone: moment.isoformat() + zone,
            moments,
            st.sampled_from(["Z", "", "+00:00", "-09:30", "+0545", "+01"]),
        )
    if schema.get("format") == "uri":
        return st.sampled_from(["http://host/path", "ftp://user:word@host", "mailto:someone"])
    longest = schema.get("maxLength")
    return st.text(st.characters(codec="utf-8"), max_size=longest and min(longest, 60))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def spoiled(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """A good payload with one to three things done to it somewhere."""
    payload = draw(good(schema))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(spots(payload))))
        value = at(payload, path)
        deeds = ["replace", "remove"] if path else []
        if isinstance(value, dict):
            deeds.append("add")
        if isinstance(value, str):
            deeds.append("lengthen")
        match draw(st.sampled_from(deeds)):
            case "replace":
                payload = replaced(payload, path, draw(JUNK | st.sampled_from(WRONG_VALUES)))
            case "remove":
                payload = removed(payload, path)
            case "add":
                payload = replaced(payload, path, {**value, draw(st.text(max_size=9)): draw(JUNK)})
            case "lengthen":
                payload = replaced(payload, path, value + "x" * draw(st.integers(1, 600)))
    return payload
