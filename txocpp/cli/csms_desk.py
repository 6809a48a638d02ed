"""What the commands of ``txocpp csms`` share: the API, and how answers are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs
import click
from rich.console import Console
from rich.table import Table

from txocpp.cli.csms_api import Api

PIPE_WIDTH: Final = 200


@attrs.frozen
class Desk:
    """What every command works with."""

    api: Api
    as_json: bool
    console: Console

    def show(self, answer: Any, words: Callable[[], None]) -> None:
        """Print the answer: for programs as it is, for people in words."""
        if self.as_json:
            click.echo(json.dumps(answer, indent=2))
        else:
            words()

    def operate(self, identity: str, path: str, **body: Any) -> None:
        """Ask a station for something and say what became of it; status 1 if it did not do it."""
        done = self.api.post("api", "stations", identity, path, **body)
        self.show(done, lambda: click.echo(outcome_in_words(done)))
        if not is_good(done):
            raise SystemExit(1)


def table(desk: Desk, rows: Iterable[dict[str, Any]], **columns: str) -> None:
    """Print rows as a table; `columns` maps headings to fields."""
    drawn = Table(box=None, pad_edge=False)
    for heading in columns:
        drawn.add_column(heading.replace("_", " "))
    for row in rows:
        drawn.add_row(*(cell(row.get(field)) for field in columns.values()))
    desk.console.print(drawn)


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    if len(text) >= 20 and text[10] == "T" and text[4] == "-":
        return text[:19].replace("T", " ")
    return text


def is_good(done: dict[str, Any]) -> bool:
    """True if the station did, or will do, what it was asked."""
    if done["outcome"] != "answered":
        return bool(done["state"] == "waiting")
    status = (done["answer"] or {}).get("status")
    return status in (None, "Accepted", "Unlocked", "Scheduled", "RebootRequired")


def outcome_in_words(done: dict[str, Any]) -> str:
    """What became of an operation, in a line."""
    action = f"{done['action']} to {done['station']}"
    if done["outcome"] is None:
        return f"{action}: waits for the station (operation {done['id']})"
    if done["outcome"] != "answered":
        return f"{action}: {done['outcome']}: {done['error']}"
    answer = dict(done["answer"] or {})
    status = answer.pop("status", "done")
    rest = f" {json.dumps(answer)}" if answer else ""
    return f"{action}: {status}{rest}"
