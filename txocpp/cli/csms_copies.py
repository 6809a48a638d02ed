"""Commands that copy the database of a central system: backup, restore, to another database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy.engine import URL

from txocpp.cli.csms_local import chosen_settings, on_database, opened, outcome_of
from txocpp.csms.service import open_store
from txocpp.csms.settings import Settings, default_database
from txocpp.errors import ConfigurationError, StoreError
from txocpp.storage.central import CentralStore, Records
from txocpp.storage.central.address import database_url, is_postgresql, sqlite_file
from txocpp.storage.central.backup import restore_sqlite
from txocpp.storage.central.dump import dumped_version, restore_postgresql


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@on_database
def backup(target: Path, config: Path | None, database: str | None) -> None:
    """Copy the database to a new file, while the central system runs.

    The copy is of one moment, checked, and readable for nobody else. For PostgreSQL it is what
    pg_dump makes. A file that is there already is never overwritten.
    """
    _must_exist(config, database)
    store = opened(config, database)
    outcome_of(store.backup(str(target)))
    store.close()
    click.echo(f"{target}: {target.stat().st_size} bytes")


def _must_exist(config: Path | None, database: str | None) -> None:
    """A misspelt name shall not make a new database, to be backed up in place of the right one."""
    chosen = chosen_settings(config, database).database
    try:
        file = sqlite_file(database_url(chosen.url or default_database()))
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    if file is not None and not file.exists():
        raise click.ClickException(f"there is no database {file}")


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--replace",
    is_flag=True,
    help="PostgreSQL: also if there is something in the database, which is lost then.",
)
@on_database
def restore(source: Path, replace: bool, config: Path | None, database: str | None) -> None:
    """Put a backup in the place of the database. The central system must not run.

    A SQLite file that was there is kept beside it, with .before-restore and the moment at the end
    of its name.
    """
    settings = chosen_settings(config, database)
    chosen = settings.database
    try:
        url = database_url(chosen.url or default_database(), chosen.password_file or None)
        if is_postgresql(url):
            _restore_postgresql(settings, url, source, replace)
            click.echo(f"restored from {source}")
        else:
            _restore_sqlite(settings, url, source)
    except (ConfigurationError, StoreError) as error:
        raise click.ClickException(str(error)) from error


def _restore_sqlite(settings: Settings, url: URL, source: Path) -> None:
    place = sqlite_file(url)
    if place is None:
        raise click.ClickException("a database in memory cannot be restored")
    kept = restore_sqlite(source, place)
    _opened_alone(settings).close()
    click.echo(f"{place}: {place.stat().st_size} bytes from {source}")
    if kept is not None:
        click.echo(f"what was there is {kept}")


def _restore_postgresql(settings: Settings, url: URL, source: Path, replace: bool) -> None:
    dumped_version(source)
    store = _opened_alone(settings)
    try:
        if not replace and outcome_of(store.read(_anything)):
            raise click.ClickException(
                "the database is not empty; with --replace what is in it is lost"
            )
        # The store holds its lock meanwhile, so that no central system can begin.
        restore_postgresql(url, source)
    finally:
        store.close()
    # A backup of an older version is brought up to date.
    _opened_alone(settings).close()


@click.command("copy-database")
@click.argument("target")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False),
    help="Password of the PostgreSQL database to copy to; only its owner may read it.",
)
@on_database
def copy_database(
    target: str, password_file: str | None, config: Path | None, database: str | None
) -> None:  # fmt: skip
    """Copy everything to another, empty database: to PostgreSQL, or back to a SQLite file.

    The central system must not run. Change database.url of its configuration afterwards.
    """
    _must_exist(config, database)
    source = opened(config, database, exclusive=True)
    try:
        other = CentralStore(target, exclusive=True, password_file=password_file)
        outcome_of(other.open())
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("")

        def say(table: str, rows: int) -> None:
            progress.update(task, description=f"{table}: {rows} rows")

        copied = outcome_of(source.copy_to(other, say))
    for store in (source, other):
        store.close()
    click.echo(f"{copied} rows are now also in {other}")


def _opened_alone(settings: Settings) -> CentralStore:
    store = open_store(settings, exclusive=True)
    outcome_of(store.open())
    return store


def _anything(records: Records) -> Any:
    return records.stations.count() or records.tags.any() or records.accounts.any()
