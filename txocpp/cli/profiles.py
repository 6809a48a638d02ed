"""``txocpp profiles``: what charging profiles in JSON files amount to, as a table or a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from txocpp.errors import ConfigurationError
from txocpp.smartcharging import (
    Composite,
    Limit,
    Purpose,
    RateUnit,
    Schedule,
    Stack,
    Station,
    Switches,
    Transaction,
    read_zone,
)
from txocpp.smartcharging.documents import write_instant
from txocpp.smartcharging.drawing import draw
from txocpp.smartcharging.files import Found, read_file
from txocpp.smartcharging.sketch import sketch

_Command = TypeVar("_Command", bound=Callable[..., None])

LONGEST_H = 3660 * 24


def number(text: str) -> Decimal:
    """An exact decimal of 0 or more, from the command line."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise click.BadParameter(f"{text!r} is not a number") from None
    if not (value.is_finite() and 0 <= value < 10**9):
        raise click.BadParameter(f"{text!r} is not in range")
    return value


@attrs.frozen
class Question:
    """What the command line asks."""

    composite: Composite
    connector: int
    start: datetime
    duration_s: int
    unit: RateUnit

    def schedule(self) -> Schedule:
        """The composite schedule of the window."""
        return self.composite.schedule(self.connector, self.start, self.duration_s, self.unit)

    def limit_at(self, second: int) -> Limit:
        """The limit at a second of the window, and why."""
        at = self.start + timedelta(seconds=second)
        return self.composite.limit_at(self.connector, at, self.unit, asked_at=self.start)

    def shown(self, second: int) -> datetime:
        """A second of the window on the wall clock of the question."""
        at = self.start + timedelta(seconds=second)
        return at.astimezone(self.composite.zone or UTC)


_OPTIONS = [
    click.argument(
        "files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path)
    ),
    click.option("-c", "--connector", type=click.IntRange(0), default=1, show_default=True,
                 help="Connector that is asked about; 0 is the charge point."),
    click.option("--connectors", type=click.IntRange(1), help="How many connectors there are."),
    click.option("--at", metavar="TIME", help="Begin of the window, such as 2026-06-03T06:30 "
                 "(on the wall clock) or with Z for UTC. Default: now."),
    click.option("--hours", type=number, default="24", show_default=True,
                 help="Length of the window."),
    click.option("-u", "--unit", type=click.Choice([*RateUnit]), default="A", show_default=True),
    click.option("--limit", "limit_a", type=number, default="32", show_default=True,
                 help="Local limit of each connector, A per phase."),
    click.option("--station-limit", "station_limit_a", type=number,
                 help="Local limit of the charge point, A per phase.  [default: the sum]"),
    click.option("--voltage", "voltage_v", type=number, default="230", show_default=True,
                 help="Nominal voltage."),
    click.option("--phases", type=click.IntRange(1, 3), default=3, show_default=True,
                 help="Phases of the hardware."),
    click.option("--transaction", "transactions", multiple=True, metavar="CONNECTOR:ID[@TIME]",
                 help="A transaction that runs, since TIME or since the window began."),
    click.option("--zone", "zone_name", metavar="NAME", help="Time zone whose wall clock "
                 "recurring profiles follow and times are shown in, such as Europe/Berlin."),
    click.option("--switch", "choices", multiple=True, metavar="NAME=VALUE",
                 help="Another reading of OCPP 1.6; see docs/smart-charging.md."),
]  # fmt: skip


def _asking(command: _Command) -> _Command:
    """Give a command the options that make up a question."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def profiles() -> None:
    """What charging profiles in JSON files amount to.

    The files hold ChargingProfile objects, SetChargingProfile payloads (with their connectorId),
    whole CALL frames, or lists of these. They are installed in the order given.
    """


@profiles.command()
@_asking
@click.option("--json", "as_json", is_flag=True, help="As a GetCompositeSchedule answer.")
def composite(as_json: bool, **options: Any) -> None:
    """Print the composite schedule, and why it is so."""
    question = _question(**options)
    schedule = question.schedule()
    if as_json:
        wire = _answer(schedule.with_phases(question.composite.station.phases))
        click.echo(json.dumps(wire, indent=2))
        return
    click.echo(_heading(question))
    for line in _table(question, schedule):
        click.echo(line)


@profiles.command(name="draw")
@_asking
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="SVG file to write. Default: a picture in characters on the terminal.",
)
@click.option("--title", help="Heading of the SVG picture.")  # fmt: skip
def draw_command(output: Path | None, title: str | None, **options: Any) -> None:
    """Draw the profiles and their composite schedule."""
    if output is not None and output.suffix.lower() != ".svg":
        raise click.BadParameter(f"{output}: only .svg pictures are drawn", param_hint="--output")
    question = _question(**options)
    if output is None:
        click.echo(_heading(question))
        click.echo(sketch(question.schedule(), question.composite.zone))
        return
    picture = draw(
        question.composite, question.connector, question.start, question.duration_s,
        question.unit, title=title,
    )  # fmt: skip
    try:
        output.write_text(picture, encoding="utf-8")
    except OSError as fault:
        raise click.ClickException(f"{output}: {fault.strerror}") from None
    click.echo(f"{output} written")


def _question(
    files: tuple[Path, ...], connector: int, connectors: int | None, at: str | None,
    hours: Decimal, unit: str, limit_a: Decimal, station_limit_a: Decimal | None,
    voltage_v: Decimal, phases: int, transactions: tuple[str, ...], zone_name: str | None,
    choices: tuple[str, ...],
) -> Question:  # fmt: skip
    try:
        zone = read_zone(zone_name) if zone_name else None
        switches = _switches(choices)
        found = [one for file in files for one in read_file(file)]
        start = _instant(at, zone, "--at") if at else datetime.now(UTC).replace(microsecond=0)
        running = dict(_transaction(text, zone, start) for text in transactions)
        stack = _stack(found, connector, start)
    except ConfigurationError as fault:
        raise click.ClickException(str(fault)) from None
    if hours > LONGEST_H:
        raise click.ClickException(f"--hours: at most {LONGEST_H}")
    if not voltage_v:
        raise click.ClickException("--voltage: must be above 0")
    named = {connector, *running, *(one.connector_id for one in stack)}
    numbers = range(1, max(connectors or 1, *named) + 1)
    if connectors is not None and len(numbers) > connectors:
        raise click.ClickException(f"connector {max(named)} is named, --connectors is {connectors}")
    _warn_of_idle_profiles(stack, running)
    station = Station(
        limits_a=dict.fromkeys(numbers, limit_a),
        station_limit_a=station_limit_a,
        voltage_v=voltage_v,
        phases=phases,
        transactions=running,
    )
    asked = Composite(stack, station, switches, zone)
    return Question(asked, connector, start, int(hours * 3600), RateUnit(unit))


def _stack(found: Iterable[Found], connector: int, start: datetime) -> Stack:
    stack = Stack()
    for one in found:
        outcome = stack.put(one.installed(connector_id=connector, received_at=start))
        for gone in outcome.removed:
            number, successor = gone.profile_id, one.profile.profile_id
            click.echo(f"note: profile {successor} replaces {number}", err=True)
        stack = outcome.stack
    return stack


def _warn_of_idle_profiles(stack: Stack, running: dict[int, Transaction]) -> None:
    for one in stack:
        if one.profile.purpose is Purpose.TX_PROFILE:
            if one.connector_id not in running:
                wanted = "ID" if one.transaction_id is None else one.transaction_id
                click.echo(
                    f"note: TxProfile {one.profile_id} takes no part without "
                    f"--transaction {one.connector_id}:{wanted}",
                    err=True,
                )
            elif not one.belongs_to(running[one.connector_id]):
                click.echo(
                    f"note: TxProfile {one.profile_id} is for transaction {one.transaction_id}",
                    err=True,
                )


def _switches(choices: Iterable[str]) -> Switches:
    table: dict[str, object] = {}
    for choice in choices:
        name, _, value = choice.partition("=")
        table[name] = {"true": True, "false": False}.get(value, value)
    return Switches.from_mapping(table)


def _instant(text: str, zone: tzinfo | None, option: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{option}: {text!r} is not a time such as 2026-06-03T06:30"
        ) from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone or UTC)
    return instant.astimezone(UTC).replace(microsecond=0)


def _transaction(text: str, zone: tzinfo | None, start: datetime) -> tuple[int, Transaction]:
    numbers, _, since = text.partition("@")
    connector, _, transaction_id = numbers.partition(":")
    if not (connector.isdecimal() and transaction_id.isdecimal() and int(connector) > 0):
        raise ConfigurationError(
            f"--transaction: {text!r} is not CONNECTOR:ID or CONNECTOR:ID@TIME"
        )
    started_at = _instant(since, zone, "--transaction") if since else start
    return int(connector), Transaction(int(transaction_id), started_at)


def _heading(question: Question) -> str:
    what = f"Connector {question.connector}" if question.connector else "Charge point"
    zone = question.composite.zone or "UTC"
    return f"{what}, {question.shown(0):%Y-%m-%d %H:%M:%S} {zone}, {question.duration_s} s"


def _table(question: Question, schedule: Schedule) -> list[str]:
    lines = [f"{'from':19}  {'limit':>9}  {'phases':6}  because"]
    for period in schedule.periods:
        why = question.limit_at(period.start_s).explanation.text.partition(" because ")[2]
        limit = f"{period.limit:f} {schedule.unit}"
        phases = "-" if period.phases is None else str(period.phases)
        at = f"{question.shown(period.start_s):%Y-%m-%d %H:%M:%S}"
        lines.append(f"{at}  {limit:>9}  {phases:>6}  {why}")
    return lines


def _answer(schedule: Schedule) -> dict[str, Any]:
    periods = [
        {
            "startPeriod": period.start_s,
            "limit": int(period.limit) if period.limit % 1 == 0 else float(period.limit),
            "numberPhases": period.phases,
        }
        for period in schedule.periods
    ]
    return {
        "status": "Accepted",
        "connectorId": schedule.connector_id,
        "scheduleStart": write_instant(schedule.start),
        "chargingSchedule": {
            "duration": schedule.duration_s,
            "chargingRateUnit": str(schedule.unit),
            "chargingSchedulePeriod": periods,
        },
    }
