"""The ``txocpp`` command: tools beside the two daemons, each in a module of its own.

A subcommand is loaded when it is asked for; one that cannot be loaded says so and leaves the
others alone.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Final

import click

SUBCOMMANDS: Final = {
    "demo": "txocpp.cli.demo:demo",
    "sim": "txocpp.cli.sim:sim",
    "profiles": "txocpp.cli.profiles:profiles",
    "csms": "txocpp.cli.csms:csms",
    "cp": "txocpp.cli.cp:cp",
    "load": "txocpp.cli.load:load",
    "keygen": "txocpp.cli.keygen:keygen",
    "line": "txocpp.cli.line:line",
    "flash": "txocpp.cli.flash:flash",
}
"""Subcommand to ``module:attribute``. A name whose module is not installed does not exist."""


class LazyGroup(click.Group):
    """A click group whose subcommands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all subcommands that are installed, in the order of the table."""
        return [name for name in SUBCOMMANDS if _is_installed(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one subcommand; None if there is none of that name."""
        if cmd_name not in SUBCOMMANDS or not _is_installed(cmd_name):
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name].partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            return _broken(cmd_name, error)
        assert isinstance(command, click.Command)
        return command


def _is_installed(name: str) -> bool:
    module = SUBCOMMANDS[name].partition(":")[0]
    return importlib.util.find_spec(module) is not None


def _broken(name: str, error: Exception) -> click.Command:
    reason = f"not available here: {error}"

    def refuse() -> None:
        raise click.ClickException(f"{name} is {reason}")

    return click.Command(name, callback=refuse, short_help=f"({reason})")


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="txocpp", prog_name="txocpp")
def main() -> None:
    """Tools around an OCPP 1.6 charge point and central system.

    The daemons themselves are started by twistd: ``twistd ocpp-cp`` and ``twistd ocpp-csms``.
    """
