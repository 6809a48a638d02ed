"""Brings a database to the present form of the tables, from every released version on.

A new database gets its tables in one go. An older one is taken forward step by step by the
scripts in ``migrations/versions`` (alembic), inside one database transaction where the engine
can do that. There is no way back: restore a backup.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from txocpp.errors import StoreError
from txocpp.storage.central.schema import metadata

HEAD: Final = "0002"
"""The newest version; the name of the last script in ``migrations/versions``."""

VERSION_TABLE: Final = "alembic_version"

SCRIPTS: Final = Path(__file__).with_name("migrations") / "versions"


def bring_up_to_date(connection: Connection) -> None:
    """Create or migrate the tables. Raises `StoreError` for a database of a newer program."""
    found = version_of(connection)
    if found == HEAD:
        return
    if found is None:
        create_new(connection)
    else:
        migrate(connection, found)


def known_versions() -> set[str]:
    """All versions that a database may have."""
    return {path.stem[1:5] for path in SCRIPTS.glob("v*.py")}


def version_of(connection: Connection) -> str | None:
    """The version of the tables that are there; None for an empty database."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar())
    strangers = set(tables) & set(metadata.tables)
    if strangers:
        raise StoreError(
            f"the database has a table {min(strangers)!r} of some other program; "
            "give the central system a database of its own"
        )
    return None


def create_new(connection: Connection) -> None:
    """All tables in their present form."""
    metadata.create_all(connection)
    connection.execute(
        text(
            f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL, "
            f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(
        text(f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (:version)"), {"version": HEAD}
    )


def migrate(connection: Connection, found: str | None, target: str = "head") -> None:
    """Run the scripts from version `found` on; None: from an empty database."""
    # alembic takes a while to import and is needed once per release.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS.parent))
    if found is not None and found not in known_versions():
        raise StoreError(
            f"the database has version {found}, which this program (version {HEAD}) does not "
            "know; it was made by a newer one"
        )
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, target)
    except CommandError as error:
        raise StoreError(f"the database could not be migrated from {found}: {error}") from error


def touch(connection: Connection) -> None:
    """Write the version once more."""
    connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = version_num"))
