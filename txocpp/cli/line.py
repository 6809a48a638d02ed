"""``txocpp line``: who is at the other end of a line to a charger, what it tells, and by hand."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver

from txocpp.cli.device_talk import Talk, run
from txocpp.devices.esp8266.keys import read_key
from txocpp.devices.esp8266.words import Greeting
from txocpp.devices.links import device_description
from txocpp.errors import DeviceError, TxocppError

_WAYS = {">": "to the device", "<": "from the device"}


@click.command()
@click.argument("where", metavar="tcp:HOST:PORT|serial:PATH")
@click.option("--key-file", type=click.Path(path_type=Path), help="Key shared with the device.")
@click.option("--insecure", is_flag=True, help="Talk over the network without a key.")
@click.option("--frames", is_flag=True, help="Show the lines as they are.")
@click.option("--once", is_flag=True, help="Show who is there and how things are, and end.")
@click.option(
    "--ask",
    "questions",
    multiple=True,
    metavar="'VERB {JSON}'",
    help="Ask this and end, such as 'status {\"c\":1}'. May be given again.",
)
def line(
    where: str,
    key_file: Path | None,
    insecure: bool,
    frames: bool,
    once: bool,
    questions: tuple[str, ...],
) -> None:
    """Show what is on a line to an evlink/1 device.

    A session at a time: over the network this takes the device from the charge point that uses it,
    which takes it back after a second. --once and --ask are done by then; to watch, stop it first.
    While it watches, lines that you type are requests: VERB, or VERB and its members as JSON.
    """
    try:
        serial = device_description(where).kind == "serial"
        key = None if key_file is None else read_key(key_file)
        asked = [parse_question(question) for question in questions]
    except TxocppError as error:
        raise click.ClickException(str(error)) from None
    if key is None and not serial and not insecure:
        raise click.UsageError(f"{where}: give --key-file, or --insecure if it has none")

    def begin(reactor: Any) -> Deferred[None]:
        tap = show_frames if frames else (lambda way, data: None)
        talk = Talk(reactor, where, key=key, on_heard=show_event, on_line=show_line, tap=tap)
        return talk.over(Deferred.fromCoroutine(story(talk, asked, once=once)))

    if not run(begin):
        sys.exit(1)


def parse_question(text: str) -> tuple[str, dict[str, Any]]:
    """``limit {"c":1,"ma":6000}`` as verb and members; raises `DeviceError`."""
    verb, _, rest = text.strip().partition(" ")
    try:
        args = json.loads(rest or "{}")
    except ValueError as error:
        raise DeviceError(f"{text!r}: {error}") from None
    if not verb or not isinstance(args, dict):
        raise DeviceError(f"{text!r}: expected a verb and a JSON object")
    return verb, args


async def story(talk: Talk, asked: list[tuple[str, dict[str, Any]]], *, once: bool) -> None:
    """Greet, show, ask; and unless that was all, watch for ever."""
    greeting = await talk.session()
    if asked:
        for verb, args in asked:
            show(verb, await talk.ask(verb, args))
        return
    show_greeting(greeting)
    for number in range(1, greeting.connectors + 1):
        show("status", await talk.ask("status", {"c": number}))
    if not once:
        StandardIO(_Typed(talk))
        await Deferred()


class _Typed(LineOnlyReceiver):
    """Somebody at the keyboard."""

    delimiter = b"\n"

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def lineReceived(self, line: bytes) -> None:
        """One request."""
        if not line.strip():
            return
        Deferred.fromCoroutine(self._ask(line.decode("utf-8", "replace")))

    async def _ask(self, text: str) -> None:
        try:
            verb, args = parse_question(text)
            show(verb, await self._talk.ask(verb, args))
        except DeviceError as error:
            click.echo(f"  {error}", err=True)


def show_greeting(greeting: Greeting) -> None:
    """Who is there."""
    click.echo(f"{greeting.id}: {greeting.hardware}, firmware {greeting.firmware}")
    click.echo(f"  start no. {greeting.boots} ({greeting.why}), can {_list(greeting.abilities)}")
    for number in range(1, greeting.connectors + 1):
        phases = greeting.wired_phases(number)
        steps_a = ", ".join(f"{step_a:f}" for step_a in greeting.steps_a(number))
        few = f", nothing but 0 and {steps_a} A" if steps_a else ""
        many = "phase" if phases == 1 else "phases"
        click.echo(f"  connector {number}: {greeting.maximum_a(number)} A, {phases} {many}{few}")


def show_event(name: str, data: dict[str, Any]) -> None:
    """Something that the device tells by itself."""
    click.echo(f"{time.strftime('%H:%M:%S')} {name} {_members(data)}")


def show_line(words: str) -> None:
    """What becomes of the line while somebody watches."""
    click.echo(f"{time.strftime('%H:%M:%S')} -- {words}", err=True)


def show(verb: str, data: dict[str, Any]) -> None:
    """An answer."""
    click.echo(f"{verb}: {_members(data) or 'done'}")


def show_frames(way: str, data: bytes) -> None:
    """Bytes as they are on the wire."""
    for part in data.split(b"\n"):
        if part:
            click.echo(f"  {_WAYS[way]:>15}  {part.decode('ascii', 'backslashreplace')}")


def _members(data: dict[str, Any]) -> str:
    return " ".join(f"{name}={json.dumps(value)}" for name, value in data.items())


def _list(words: frozenset[str]) -> str:
    return ", ".join(sorted(word for word in words if word)) or "nothing special"
