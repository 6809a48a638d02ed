"""Commands that work on the database of a central system itself: accounts and tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from txocpp.csms.accounts import SHORTEST_PASSWORD, TOKEN_BEGINS, Passwords, digest
from txocpp.csms.service import open_store
from txocpp.csms.settings import Settings
from txocpp.errors import ConfigurationError, StoreError
from txocpp.plugins import configfile
from txocpp.storage.central import CentralStore, Records

_Command = TypeVar("_Command", bound=Callable[..., Any])

ROLES: Final = click.Choice(["viewer", "operator", "admin"])


def on_database(command: _Command) -> _Command:
    """Options that say which database is meant."""
    config = click.option(
        "--config",
        "-c",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Configuration file of the central system, which names its database.",
    )
    database = click.option(
        "--database", "-d", help="The database itself: a file, or postgresql://USER@HOST/NAME."
    )
    return config(database(command))


def chosen_settings(config: Path | None, database: str | None) -> Settings:
    """The settings that the options mean."""
    try:
        settings = Settings() if config is None else configfile.load(config, Settings)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    if database is not None:
        replace = msgspec.structs.replace
        settings = replace(settings, database=replace(settings.database, url=database))
    return settings


def opened(
    config: Path | None, database: str | None, *, exclusive: bool = False
) -> CentralStore:  # fmt: skip
    """The store, open; every call is done when it returns.

    `exclusive`: no central system may run on it."""
    try:
        store = open_store(chosen_settings(config, database), exclusive=exclusive)
        outcome_of(store.open())
    except (ConfigurationError, StoreError) as error:
        raise click.ClickException(str(error)) from error
    return store


def outcome_of(deferred: Any) -> Any:
    """The result of a Deferred that has fired already; its failure ends the program."""
    results: list[Any] = []
    deferred.addCallbacks(results.append, lambda failure: results.append(failure.value))
    if isinstance(results[0], Exception):
        raise click.ClickException(str(results[0]))
    return results[0]


@click.command("add-account")
@click.argument("name")
@click.option("--role", type=ROLES, default="admin", show_default=True)
@click.option(
    "--password",
    help=f"At least {SHORTEST_PASSWORD} characters; left out: it is asked for.",
    envvar="TXOCPP_PASSWORD",
)
@on_database
def add_account(
    name: str, role: str, password: str | None, config: Path | None, database: str | None
) -> None:  # fmt: skip
    """Enter an account in the database. A running central system is told by the next restart."""
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < SHORTEST_PASSWORD:
        raise click.ClickException(f"a password has at least {SHORTEST_PASSWORD} characters")
    hashed = outcome_of(Passwords().hash(password))
    store = opened(config, database)
    now = datetime.now(UTC)

    def enter(records: Records) -> Any:
        known = records.accounts.find(name)
        if known is not None:
            return records.accounts.edit(known.id, None, password_hash=hashed, role=role)
        return records.accounts.add(name, role, hashed, now)

    outcome_of(store.write(enter))
    store.close()
    click.echo(f"{name} may log in as {role}")


@click.command("add-token")
@click.argument("name")
@click.option("--role", type=ROLES, default="operator", show_default=True)
@click.option("--days", type=click.IntRange(1, 36500), help="How long it is good.")
@on_database
def add_token(
    name: str, role: str, days: int | None, config: Path | None, database: str | None
) -> None:  # fmt: skip
    """Make a token for a program and print it, this once."""
    text = TOKEN_BEGINS + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    store = opened(config, database)
    outcome_of(
        store.write(
            lambda records: records.accounts.add_token(
                name=name,
                role=role,
                digest=digest(text),
                created_at=now,
                expires_at=None if days is None else now + timedelta(days=days),
            )
        )
    )
    store.close()
    click.echo(text)
