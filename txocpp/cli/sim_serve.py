"""``txocpp sim serve``: the simulated charger as a program of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from twisted.logger import globalLogBeginner, textFileLogObserver

from txocpp.devices.simulation.box import SimulatedBox
from txocpp.devices.simulation.control import DEFAULT_DOOR
from txocpp.devices.simulation.evlink_server import DEFAULT_LISTEN
from txocpp.errors import TxocppError


@click.command()
@click.option("--connectors", type=click.IntRange(1, 99), default=1, show_default=True)
@click.option(
    "--listen",
    default=DEFAULT_LISTEN,
    show_default=True,
    help="Where the charge point finds the device: tcp:PORT, or pty:PATH for a serial line.",
)
@click.option(
    "--control", default=DEFAULT_DOOR, show_default=True, help="Where 'txocpp sim' finds it."
)
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="Key shared with the charge point."
)
@click.option("--insecure", is_flag=True, help="Do without a key.")
@click.option("--allow-remote", is_flag=True, help="Other machines may connect.")
@click.option(
    "--memory",
    "memory_file",
    type=click.Path(path_type=Path),
    help="File for the energy register and the cars, so that they survive a restart.",
)
@click.option("--serial-number", default="SIM-0001", show_default=True)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="[N.]NAME=VALUE",
    help="A setting of all connectors or of one, such as car_max_a=10 or 2.car_phases=1.",
)
def serve(settings: tuple[str, ...], **options: Any) -> None:
    """Run a simulated charger that speaks evlink/1, until Ctrl-C."""
    from twisted.internet import reactor  # installed only when something is to run

    globalLogBeginner.beginLoggingTo(
        [textFileLogObserver(sys.stderr)], redirectStandardIO=False, discardBuffer=True
    )
    try:
        box = SimulatedBox(reactor, options=settings_table(settings), **options)
        box.startService()  # type: ignore[no-untyped-call]
    except TxocppError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"evlink/1 at {options['listen']}, door at {options['control']}", err=True)
    reactor.addSystemEventTrigger("before", "shutdown", box.stopService)
    reactor.run()


def settings_table(settings: tuple[str, ...]) -> dict[str, Any]:
    """``2.car_phases=1`` and the like as the table that `simulation_settings` takes."""
    table: dict[str, Any] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        number, dot, single = name.partition(".")
        try:
            meant = json.loads(value)
        except ValueError:
            sign = ""
        if not sign:
            raise click.UsageError(f"--set {setting}: expected NAME=VALUE, or N.NAME=VALUE")
        if dot:
            table.setdefault("connector", {}).setdefault(number, {})[single] = meant
        else:
            table[name] = meant
    return table
