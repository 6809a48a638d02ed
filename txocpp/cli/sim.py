"""``txocpp sim``: poke a simulated charger while a charge point runs on it.

Talks to the door of `txocpp.devices.simulation.control` with one JSON line per command.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from txocpp.devices.links import parse_description, tcp_address, unix_path
from txocpp.errors import ConfigurationError
from txocpp.evse import FaultCode

TIMEOUT_S: Final = 5.0
DEFAULT_AT: Final = "127.0.0.1:7716"
PIPE_WIDTH: Final = 200
"""Columns where there is no terminal: nothing is wrapped or cut."""


class Door:
    """A connection to the door of a simulated charger."""

    def __init__(self, at: str) -> None:
        self._at = at
        self._socket = self._connect()
        self._lines = self._socket.makefile("rb")

    def _connect(self) -> socket.socket:
        try:
            description = parse_description(self._at)
            if description.kind == "unix":
                line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                line.settimeout(TIMEOUT_S)
                line.connect(unix_path(description))
                return line
            return socket.create_connection(tcp_address(description), TIMEOUT_S)
        except ConfigurationError as error:
            raise click.UsageError(str(error)) from None
        except OSError as error:
            raise click.ClickException(
                f"no simulated charger listens at {self._at} ({error.strerror or error}); "
                "does the charge point run, and is its door there? Try --at HOST:PORT or --at PATH"
            ) from None

    def say(self, command: dict[str, Any]) -> dict[str, Any]:
        """One command, its answer; a refusal ends the program with its reason."""
        try:
            self._socket.sendall(json.dumps(command).encode() + b"\n")
            answer = json.loads(self._lines.readline() or b"null")
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{self._at}: {error}") from None
        if not isinstance(answer, dict) or "ok" not in answer:
            raise click.ClickException(f"{self._at} is no door of a simulated charger")
        if not answer["ok"]:
            raise click.ClickException(str(answer.get("error")))
        return answer

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()


@contextlib.contextmanager
def _door(ctx: click.Context) -> Iterator[Door]:
    door = Door(ctx.obj)
    try:
        yield door
    finally:
        door.close()


def _say(ctx: click.Context, verb: str, connector: int | None, **members: Any) -> None:
    command = {"do": verb, **members}
    if connector is not None:
        command["connector"] = connector
    with _door(ctx) as door:
        door.say(command)


class _Sim(click.Group):
    """The group; ``serve`` is loaded only when it is asked for, it needs a reactor."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in alphabetical order."""
        return sorted([*super().list_commands(ctx), "serve"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command by its name."""
        if cmd_name == "serve":
            from txocpp.cli.sim_serve import serve

            return serve
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Sim)
@click.option(
    "--at",
    envvar="TXOCPP_SIM",
    default=DEFAULT_AT,
    show_default=True,
    show_envvar=True,
    metavar="HOST:PORT|PATH",
    help="Where the simulated charger listens: a TCP port or a Unix socket.",
)
@click.pass_context
def sim(ctx: click.Context, at: str) -> None:
    """Plug, swipe and break a simulated charger."""
    ctx.obj = at


_connector = click.argument("connector", type=int, required=False)


@sim.command()
@_connector
@click.option("--soc", type=float, help="State of charge of the car in percent.")
@click.option("--car-max-a", type=float, help="On-board charger, A per phase.")
@click.option("--car-phases", type=click.IntRange(1, 3), help="Phases that the car uses.")
@click.pass_context
def plug(
    ctx: click.Context,
    connector: int | None,
    soc: float | None,
    car_max_a: float | None,
    car_phases: int | None,
) -> None:
    """Plug a car in."""
    car = {"soc_percent": soc, "car_max_a": car_max_a, "car_phases": car_phases}
    given = {name: value for name, value in car.items() if value is not None}
    _say(ctx, "plug_in", connector, **given)


@sim.command()
@_connector
@click.pass_context
def unplug(ctx: click.Context, connector: int | None) -> None:
    """Unplug the car."""
    _say(ctx, "plug_out", connector)


@sim.command()
@click.argument("id_tag")
@click.option(
    "-c", "--connector", "connectors", type=int, multiple=True, help="Whose reader; else all."
)
@click.pass_context
def swipe(ctx: click.Context, id_tag: str, connectors: tuple[int, ...]) -> None:
    """Hold a tag to the reader."""
    members = {"connectors": list(connectors)} if connectors else {}
    _say(ctx, "swipe", None, id_tag=id_tag, **members)


@sim.command()
@_connector
@click.pass_context
def pause(ctx: click.Context, connector: int | None) -> None:
    """The car wants no energy for now."""
    _say(ctx, "ev_pause", connector)


@sim.command()
@_connector
@click.pass_context
def resume(ctx: click.Context, connector: int | None) -> None:
    """The car wants energy again."""
    _say(ctx, "ev_resume", connector)


def _error_code(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An error code as OCPP writes it, from one in capitals and small letters as it pleases."""
    codes = {code.lower(): code.value for code in FaultCode}
    if value is None or value.lower() in codes:
        return None if value is None else codes[value.lower()]
    near = get_close_matches(value.lower(), codes, n=1)
    known = ", ".join(codes.values())
    hint = f"did you mean {codes[near[0]]}?" if near else f"there are {known}"
    raise click.BadParameter(f"{value!r} is no error code; {hint}")


@sim.command()
@click.argument("connector", type=int)
@click.argument("error_code", callback=_error_code, metavar="ERROR_CODE")
@click.option("--info", help="Words for people.")
@click.option("--vendor-code", help="The maker's word for it.")
@click.option("--warning/--blocking", default=None, help="Does charging go on?")
@click.pass_context
def fault(
    ctx: click.Context,
    connector: int,
    error_code: str,
    info: str | None,
    vendor_code: str | None,
    warning: bool | None,
) -> None:
    """Something is wrong at a connector from now on.

    ERROR_CODE is one of OCPP: ConnectorLockFailure, EVCommunicationError, GroundFailure,
    HighTemperature, InternalError, OtherError, OverCurrentFailure, OverVoltage, PowerMeterFailure,
    PowerSwitchFailure, ReaderFailure, ResetFailure, UnderVoltage, WeakSignal.
    """
    extra = {"info": info, "vendor_error_code": vendor_code, "warning": warning}
    given = {name: value for name, value in extra.items() if value is not None}
    _say(ctx, "fault", connector, error_code=error_code, **given)


@sim.command()
@_connector
@click.argument("error_code", callback=_error_code, required=False, metavar="[ERROR_CODE]")
@click.pass_context
def clear(ctx: click.Context, connector: int | None, error_code: str | None) -> None:
    """One fault of a connector, or all, is over."""
    _say(ctx, "clear_fault", connector, **({"error_code": error_code} if error_code else {}))


@sim.command(name="set")
@click.argument("connector", type=int)
@click.argument("settings", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.pass_context
def set_(ctx: click.Context, connector: int, settings: tuple[str, ...]) -> None:
    """Change the car, for example: set 1 car_max_a=10 soc_percent=80."""
    members: dict[str, Any] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign:
            raise click.UsageError(f"{setting!r}: expected NAME=VALUE")
        try:
            members[name] = json.loads(value)
        except ValueError:
            raise click.UsageError(f"{name}: {value!r} is no number, true or false") from None
    _say(ctx, "set", connector, **members)


@sim.command(name="power-cut")
@click.option("--seconds", type=float, default=5.0, show_default=True, help="How long.")
@click.pass_context
def power_cut(ctx: click.Context, seconds: float) -> None:
    """Take the mains away from the whole device for some seconds."""
    _say(ctx, "power_cut", None, seconds=seconds)


def _switch_command(name: str, verb: str, words: str) -> None:
    @sim.command(name=name, help=words)
    @_connector
    @click.option("--off", is_flag=True, help="Not any more.")
    @click.pass_context
    def command(ctx: click.Context, connector: int | None, off: bool) -> None:
        _say(ctx, verb, connector, on=not off)


_switch_command("lock-failure", "lock_failure", "The lock of the socket does not move.")
_switch_command("weld", "weld", "The contactor sticks.")
_switch_command("meter-silent", "meter_silent", "The meter does not answer.")


@sim.command()
@click.option("--watch", is_flag=True, help="Show it again and again until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="The answer as it came.")
@click.pass_context
def state(ctx: click.Context, watch: bool, as_json: bool) -> None:
    """Show all connectors."""
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    with _door(ctx) as door:
        answer = door.say({"do": "state"})
        if as_json:
            click.echo(json.dumps(answer, indent=2))
        elif watch:
            _watch(console, door)
        else:
            console.print(state_table(answer, plain=not console.is_terminal))


def _watch(console: Console, door: Door) -> None:
    with contextlib.suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
        while True:
            answer = door.say({"do": "state"})
            live.update(state_table(answer, plain=not console.is_terminal), refresh=True)
            time.sleep(1)


def state_table(answer: dict[str, Any], *, plain: bool) -> Table:
    """The answer to ``state`` as a table; `plain` is for files and pipes."""
    table = Table(box=None, pad_edge=False) if plain else Table()
    for title in ("", "car", "contactor", "limit", "offered", "current", "power", "energy", "soc"):
        table.add_column(title, justify="left" if title in ("", "car", "contactor") else "right")
    table.add_column("remarks")
    for connector in answer["connectors"]:
        table.add_row(*_row(connector))
    return table


def _row(connector: dict[str, Any]) -> list[str | Text]:
    charging = connector["current_a"] > 0
    return [
        str(connector["connector"]),
        Text(_car_words(connector), style="green" if charging else ""),
        Text("closed", style="green") if connector["energised"] else "open",
        _amperes(connector["limit_a"]),
        _amperes(connector["offered_a"]),
        Text(_amperes(connector["current_a"]), style="bold green" if charging else ""),
        f"{connector['power_w'] / 1000:.2f} kW",
        f"{connector['energy_wh'] / 1000:.3f} kWh",
        f"{connector['soc']:.1f} %",
        Text(_remarks(connector), style="red" if connector["faults"] else "yellow"),
    ]


def _amperes(value: float) -> str:
    return f"{Decimal(str(value)):f} A".replace(".0 A", " A")


def _car_words(connector: dict[str, Any]) -> str:
    if not connector["plugged"]:
        return "none"
    car = str(connector["car"])
    return {"B": "plugged in", "C": "asks", "D": "asks"}.get(car, car)


def _remarks(connector: dict[str, Any]) -> str:
    remarks = [fault["error_code"] for fault in connector["faults"]]
    if not connector["online"]:
        remarks.append("no power")
    if not connector["available"]:
        remarks.append("out of service")
    if connector["plugged"] and not connector["ready"]:
        remarks.append("car paused")
    if connector["plugged"] and not connector["permitted"]:
        remarks.append("not authorised")
    if connector["locked"]:
        remarks.append("locked")
    return ", ".join(remarks)
