"""``txocpp cp``: look at a charge point that runs on this machine."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from txocpp.devices.links import parse_description, tcp_address, unix_path
from txocpp.errors import ConfigurationError

DEFAULT_AT: Final = "127.0.0.1:7717"
TIMEOUT_S: Final = 5.0
PIPE_WIDTH: Final = 200
"""Columns where there is no terminal: nothing is wrapped or cut."""

COLOURS: Final = {
    "Charging": "green",
    "Available": "cyan",
    "Faulted": "red",
    "Unavailable": "red",
}


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self._path)


@click.group()
def cp() -> None:
    """Look at a charge point."""


@cp.command()
@click.option(
    "--at",
    envvar="TXOCPP_CP",
    default=DEFAULT_AT,
    show_default=True,
    show_envvar=True,
    metavar="HOST:PORT|PATH",
    help="Where its status page is: [status] listen in its configuration.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document as it is.")
@click.option("--watch", "-w", is_flag=True, help="Look again every second, until Ctrl-C.")
def status(at: str, as_json: bool, watch: bool) -> None:
    """Show connectors, limits, transactions, queue and connection."""
    document = ask(at)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    if not watch:
        console.print(table(document))
        return
    with Live(table(document), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(1)
            live.update(table(ask(at)), refresh=True)


def ask(at: str) -> dict[str, Any]:
    """The overview of the charge point whose status page is there."""
    try:
        description = parse_description(at)
        if description.kind == "unix":
            connection: HTTPConnection = _UnixConnection(unix_path(description))
        else:
            host, port = tcp_address(description)
            connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request("GET", "/status.json")
            document = json.loads(connection.getresponse().read())
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.ClickException(
            f"no charge point shows its status at {at} ({error.strerror or error}); "
            "is [status] listen set in its configuration? Try --at HOST:PORT or --at PATH"
        ) from None
    except (HTTPException, ValueError):
        document = None
    if not isinstance(document, dict) or "connectors" not in document:
        raise click.ClickException(f"what is at {at} is no status page of a charge point")
    return document


def table(document: dict[str, Any]) -> Table:
    """One line per connector, the station above and below."""
    connection = document["connection"]
    problem = connection.get("problem")
    head = f"{document['identity']}  {connection['state']}" + (f" ({problem})" if problem else "")
    shown = Table(
        title=head,
        caption=_caption(document),
        title_justify="left",
        caption_justify="left",
        box=None,
        pad_edge=False,
    )
    for heading in ("", "status", "offer", "power", "transaction", "energy", "why"):
        shown.add_column(heading)
    for connector in document["connectors"]:
        shown.add_row(*_cells(connector))
    return shown


def _caption(document: dict[str, Any]) -> str:
    parts = [
        document.get("registration", document["state"]),
        f"{document.get('queue', 0)} messages wait",
        f"{document.get('profiles', 0)} charging profiles",
    ]
    if document.get("store", "ok") != "ok":
        parts.append(f"the store {document['store']}")
    if document.get("damage"):
        parts.append(document["damage"])
    return ", ".join(parts)


def _cells(connector: dict[str, Any]) -> list[str | Text]:
    transaction = connector["transaction"]
    status = connector["status"] + (f" ({connector['error']})" if connector["error"] else "")
    power = connector["power_w"]
    return [
        str(connector["connector"]),
        Text(status, style=COLOURS.get(connector["status"], "")),
        f"{connector['offered_a']} A",
        "" if power is None else f"{float(power) / 1000:.1f} kW",
        "" if transaction is None else f"{transaction['id']} {transaction['id_tag']}",
        "" if transaction is None else f"{transaction['energy_wh'] / 1000:.2f} kWh",
        connector["why"],
    ]
