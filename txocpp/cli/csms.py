"""``txocpp csms``: operate a running central system from a terminal."""

from __future__ import annotations

from importlib import import_module

import click
from rich.console import Console

from txocpp.cli.csms_api import Api
from txocpp.cli.csms_desk import PIPE_WIDTH, Desk
from txocpp.cli.csms_lists import LIST_COMMANDS
from txocpp.cli.csms_operate import OPERATE_COMMANDS

LOCAL_COMMANDS = {
    "add-account": ("csms_local", "add_account"),
    "add-token": ("csms_local", "add_token"),
    "backup": ("csms_copies", "backup"),
    "copy-database": ("csms_copies", "copy_database"),
    "restore": ("csms_copies", "restore"),
}
"""Commands that need no running central system: the module and the name of each."""


class CsmsGroup(click.Group):
    """The commands on the database come with the whole central system behind them; they are
    imported when they are asked for, so that the others answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them."""
        return sorted([*super().list_commands(ctx), *LOCAL_COMMANDS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them; None if there is none of that name."""
        if cmd_name not in LOCAL_COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, name = LOCAL_COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"txocpp.cli.{module}"), name)
        return command


@click.group(cls=CsmsGroup)
@click.option(
    "--url",
    default="http://127.0.0.1:8080",
    show_default=True,
    envvar="TXOCPP_URL",
    help="Where the API of the central system is.",
)
@click.option("--token", envvar="TXOCPP_TOKEN", help="A token, where there are accounts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")
@click.pass_context
def csms(context: click.Context, url: str, token: str | None, as_json: bool) -> None:
    """Operate a central system: stations, transactions, limits, tags."""
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    context.obj = Desk(Api(url, token), as_json, console)


for command in (*LIST_COMMANDS, *OPERATE_COMMANDS):
    csms.add_command(command)
