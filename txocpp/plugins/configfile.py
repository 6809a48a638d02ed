"""Configuration files of the daemons: TOML in, checked settings out, and an example to start from.

Settings are msgspec Structs, one for each table of the file; the description of a field
(``msgspec.Meta``) is its documentation, in the example as well as in error messages. Nothing is
ignored: an option that does not exist, or has a wrong value, is refused by name and line.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from txocpp.errors import ConfigurationError

S = TypeVar("S", bound=msgspec.Struct)

_WIDTH: Final = 96
_PLACE: Final = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")
_TOML_WORDS: Final = {
    "str": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list in [ ]",
    "object": "a table",
}
"""What msgspec calls a kind of value, and how people write it in TOML."""
_EXPECTED: Final = re.compile(r"^Expected `(?P<kinds>[^`]+)`(?P<more>.*)$")
_MISSING: Final = re.compile(r"missing required field `(?P<name>[^`]*)`")
_STEP: Final = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")


def load(path: Path, kind: type[S]) -> S:
    """Read a file. Raises `ConfigurationError` that names the file, the line and the fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from error
    return loads(text, kind, name=str(path))


def loads(text: str, kind: type[S], *, name: str = "configuration") -> S:
    """The same for a text; `name` stands for the file in errors."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name}: {error}") from error
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{name}: {_explain(str(error), text, kind)}") from error


def placed(fault: str, file: str | None) -> str:
    """The fault with file and line, if a value or an option that it names stands in the file."""
    if file is None:
        return fault
    lines = [line.partition("#")[0] for line in Path(file).read_text("utf-8").splitlines()]
    values = re.findall(r"'([^']+)'", fault)
    number = next(
        (n for n, line in enumerate(lines, 1) if any(f'"{v}"' in line for v in values)), 0
    )
    names = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", fault))
    for here, line in enumerate(lines, 1):
        options = re.findall(r"""([A-Za-z0-9_]+)["']?\s*=""", re.sub(r'"[^"]*"', '""', line))
        if not number and names.intersection(options):
            number = here
    return f"{file}: line {number}: {fault}" if number else f"{file}: {fault}"


def example(kind: type[msgspec.Struct]) -> str:
    """A file with every option: its description, and its default commented out. A table whose
    options the Struct does not name stands at the end, empty."""
    return "\n".join(_table_lines(kind, "")).strip() + "\n"


def _explain(fault: str, text: str, kind: type[msgspec.Struct]) -> str:
    place = _PLACE.search(fault)
    path = place["path"] if place else ""
    reason = _PLACE.sub("", fault)
    steps = [step["name"] or step["index"] for step in _STEP.finditer(path)]
    unknown = _UNKNOWN.search(reason)
    if unknown:
        table = _struct_at(kind, steps)
        known = [field.encode_name for field in msgspec.structs.fields(table)] if table else []
        reason = _unknown_option(unknown["name"], steps, known)
        steps.append(unknown["name"])
    elif reason == "Expected `array`, got `object`" and _struct_at(kind, steps) is not None:
        name = _dotted(steps)
        reason = f"{name}: there may be several, so write [[{name}]] and not [{name}]"
    else:
        reason = f"{_dotted(steps)}: {_in_words(reason, _hint_at(kind, steps))}"
    line = line_of(text, steps)
    return f"line {line}: {reason}" if line else reason


def _unknown_option(name: str, steps: list[str], known: list[str]) -> str:
    where = f"[{_dotted(steps)}]" if steps else "the file"
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known))}"
    return f"{where} has no option {name!r}{hint}"


def _in_words(reason: str, hint: Any) -> str:
    """What is wrong with a value, in the words of the file and not of the program."""
    choices = [str(choice) for choice in _choices(hint)]
    if reason.startswith("Invalid enum value") and choices:
        return f"{reason.rpartition(' ')[2]} is none of {', '.join(choices)}"
    missing = _MISSING.search(reason)
    if missing is not None:
        return f"{missing['name']!r} is missing"
    if "matching regex" in reason:
        return f"does not fit its description: {_description(hint)}"
    expected = _EXPECTED.match(reason)
    if expected is None:
        return reason[:1].lower() + reason[1:]
    kinds = [_TOML_WORDS.get(kind, kind) for kind in expected["kinds"].split(" | ")]
    more = re.sub(r"`(\w+)`", lambda kind: _TOML_WORDS.get(kind[1], kind[1]), expected["more"])
    return f"expected {' or '.join(kinds)}{more}"


def _choices(hint: Any) -> list[Any]:
    """The values that are allowed, where they are few."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [member.value for member in hint]
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [choice for part in get_args(hint) for choice in _choices(part)]


def _hint_at(kind: type[msgspec.Struct], steps: list[str]) -> Any:
    """How the option at these steps is declared; None if nothing of that name is."""
    names = [step for step in steps if not step.isdecimal() and step != "..."]
    table = _struct_at(kind, names[:-1])
    if table is None or not names:
        return None
    return get_type_hints(table, include_extras=True).get(names[-1])


def _dotted(steps: list[str]) -> str:
    return ".".join(step for step in steps if not step.isdecimal() and step != "...")


def _struct_at(kind: type[msgspec.Struct], steps: list[str]) -> type[msgspec.Struct] | None:
    """The Struct that describes the table at these steps."""
    found: Any = kind
    for step in steps:
        if step.isdecimal() or step == "...":
            continue
        hints = get_type_hints(found)
        if step not in hints:
            return None
        found = _struct_in(hints[step])
        if found is None:
            return None
    return found  # type: ignore[no-any-return]


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    for part in getattr(hint, "__args__", ()):
        found = _struct_in(part)
        if found is not None:
            return found
    return None


def line_of(text: str, steps: list[str]) -> int | None:
    """The line on which an option stands, found as a reader would; None if it cannot be told.

    `steps`: names of tables and of the option, with numbers for the items of arrays of tables.
    """
    names = [step for step in steps if not step.isdecimal() and step != "..."]
    wanted = next((int(step) for step in steps if step.isdecimal()), 0)
    table: list[str] = []
    seen: dict[tuple[str, ...], int] = {}
    best: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header:
            table = _keys(header[2])
            if header[1] == "[[":
                seen[tuple(table)] = seen.get(tuple(table), -1) + 1
            here = table
        else:
            key = re.match(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=", line)
            if not key:
                continue
            here = table + _keys(key[1])
        item = seen.get(tuple(table))
        if item is not None and item != wanted:
            continue
        if here == names:
            return number
        if here == names[: len(here)]:
            best = number
    return best


def _keys(dotted: str) -> list[str]:
    return [key.strip().strip("\"'") for key in dotted.split(".")]


def _table_lines(kind: type[msgspec.Struct], prefix: str) -> list[str]:
    hints = get_type_hints(kind, include_extras=True)
    fields = [(field, _struct_in(hints[field.name])) for field in msgspec.structs.fields(kind)]
    lines: list[str] = []
    plain = [field for field, inner in fields if inner is None]
    free = [field for field in plain if field.default_factory is dict and not prefix]
    for field in plain:
        if field not in free:
            lines += _comment(_description(hints[field.name]))
            lines += [f"#{line}" for line in _option(field)] + [""]
    for field, inner in fields:
        if inner is None:
            continue
        name = f"{prefix}{field.encode_name}"
        many = not isinstance(hints[field.name], type)
        lines += ["", *_comment((inner.__doc__ or "").strip())]
        lines.append(f"#[[{name}]]" if many else f"[{name}]")
        lines += [*_table_lines(inner, f"{name}.")]
    for field in free:
        lines += ["", *_comment(_description(hints[field.name])), f"[{field.encode_name}]", ""]
    return lines


def _option(field: msgspec.structs.FieldInfo) -> list[str]:
    default = field.default
    if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return f"{field.encode_name} = {toml_value(default)}".splitlines()


def toml_value(value: Any) -> str:
    """A default as TOML writes it; nothing for an option that has none."""
    if value is None or value is msgspec.NODEFAULT:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return toml_value(value.value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return str(value)


def _description(hint: Any) -> str:
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    return ""


def _comment(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in filter(None, text.split("\n\n")):
        words = " ".join(paragraph.split())
        lines += textwrap.wrap(words, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return lines
