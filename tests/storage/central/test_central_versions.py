"""New databases and old ones end up with the same tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, text

from txocpp.errors import StoreError
from txocpp.storage.central.schema import metadata
from txocpp.storage.central.versions import (
    HEAD,
    VERSION_TABLE,
    bring_up_to_date,
    create_new,
    migrate,
    version_of,
)


def new_engine() -> Engine:
    """An empty database whose transactions cover changes of tables, as in the store."""
    engine = create_engine("sqlite://")

    @event.listens_for(engine, "connect")
    def connect(dbapi: Any, _: Any) -> None:
        dbapi.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def shape(engine: Engine) -> dict[str, Any]:
    """Tables with their columns, keys and indexes."""
    seen = inspect(engine)
    found: dict[str, Any] = {}
    for table in sorted(seen.get_table_names()):
        found[table] = {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"], c["default"])
                for c in seen.get_columns(table)
            ],
            "key": seen.get_pk_constraint(table),
            "foreign": seen.get_foreign_keys(table),
            "unique": seen.get_unique_constraints(table),
        }
    with engine.connect() as connection:
        found["indexes"] = sorted(
            row[0]
            for row in connection.execute(
                text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
            )
        )
    return found


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_the_scripts_make_the_same_tables_as_a_new_database() -> None:
    """From nothing to the newest version, step by step and in one go."""
    step_by_step, at_once = new_engine(), new_engine()
    with step_by_step.begin() as connection:
        migrate(connection, None)
        assert version_of(connection) == HEAD
    with at_once.begin() as connection:
        create_new(connection)
        assert version_of(connection) == HEAD
    assert shape(step_by_step) == shape(at_once)


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_a_new_database_is_made_once() -> None:
    """The second time nothing is left to do."""
    engine = new_engine()
    with engine.begin() as connection:
        bring_up_to_date(connection)
    before = shape(engine)
    with engine.begin() as connection:
        bring_up_to_date(connection)
    assert shape(engine) == before
    assert set(metadata.tables) <= set(before)


def test_a_database_of_a_newer_program_is_refused() -> None:
    """There is no way back."""
    engine = new_engine()
    with engine.begin() as connection:
        bring_up_to_date(connection)
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match="made by a newer one"), engine.begin() as connection:
        bring_up_to_date(connection)


def test_the_database_of_another_program_is_refused() -> None:
    """Before anything in it is touched."""
    engine = new_engine()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE tag (x INTEGER)"))
    with pytest.raises(StoreError, match="some other program"), engine.begin() as connection:
        bring_up_to_date(connection)
    assert inspect(engine).get_table_names() == ["tag"]


def test_the_newest_script_is_the_version_of_the_program() -> None:
    """Nobody forgets one of both."""
    import txocpp.storage.central as room

    versions = Path(room.__file__).parent / "migrations" / "versions"
    assert max(path.stem[1:5] for path in versions.glob("v*.py")) == HEAD
