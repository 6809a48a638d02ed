"""New databases and old ones end up with the same tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool

from txocpp.errors import StoreError
from txocpp.storage.central import Records
from txocpp.storage.central.schema import from_ms, metadata
from txocpp.storage.central.versions import (
    HEAD,
    VERSION_TABLE,
    bring_up_to_date,
    create_new,
    migrate,
    version_of,
)

Maker = Callable[[], Engine]


def sqlite_engine() -> Engine:
    """An empty database whose transactions cover changes of tables, as in the store."""
    engine = create_engine("sqlite://")

    @event.listens_for(engine, "connect")
    def connect(dbapi: Any, _: Any) -> None:
        dbapi.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def new_engine(request: pytest.FixtureRequest) -> Iterator[Maker]:
    """Makes empty databases."""
    if request.param == "sqlite":
        yield sqlite_engine
        return
    server = request.getfixturevalue("postgres")
    made: list[Engine] = []

    def make() -> Engine:
        made.append(create_engine(server.new_database(), poolclass=NullPool))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


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
    indexes = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    if engine.dialect.name == "postgresql":
        indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    with engine.connect() as connection:
        found["indexes"] = sorted(row[0] for row in connection.execute(text(indexes)))
    return found


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_the_scripts_make_the_same_tables_as_a_new_database(new_engine: Maker) -> None:
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
def test_a_new_database_is_made_once(new_engine: Maker) -> None:
    """The second time nothing is left to do."""
    engine = new_engine()
    with engine.begin() as connection:
        bring_up_to_date(connection)
    before = shape(engine)
    with engine.begin() as connection:
        bring_up_to_date(connection)
    assert shape(engine) == before
    assert set(metadata.tables) <= set(before)


def test_a_database_of_a_newer_program_is_refused(new_engine: Maker) -> None:
    """There is no way back."""
    engine = new_engine()
    with engine.begin() as connection:
        bring_up_to_date(connection)
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match="made by a newer one"), engine.begin() as connection:
        bring_up_to_date(connection)


def test_the_database_of_another_program_is_refused(new_engine: Maker) -> None:
    """Before anything in it is touched."""
    engine = new_engine()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE tag (x INTEGER)"))
    with pytest.raises(StoreError, match="some other program"), engine.begin() as connection:
        bring_up_to_date(connection)
    assert inspect(engine).get_table_names() == ["tag"]


def test_an_old_database_keeps_what_it_knows(new_engine: Maker) -> None:
    """From the first version on; numbers that had no room then are kept from now on."""
    engine = new_engine()
    with engine.begin() as connection:
        migrate(connection, None, "0001")
        records = Records(connection)
        station = records.stations.add("CP1", from_ms(0))
        begun = records.transactions.add(
            station_id=station.id, connector=1, received_at=from_ms(0), state="running"
        )
    with engine.begin() as connection:
        assert version_of(connection) == "0001"
        bring_up_to_date(connection)
    with engine.begin() as connection:
        records = Records(connection)
        assert version_of(connection) == HEAD
        assert records.stations.get(station.id) == station
        assert records.transactions.set(begun.id, reported_id=2**62).reported_id == 2**62
        assert records.transactions.get(2**62) is None


def test_the_newest_script_is_the_version_of_the_program() -> None:
    """Nobody forgets one of both."""
    import txocpp.storage.central as room

    versions = Path(room.__file__).parent / "migrations" / "versions"
    assert max(path.stem[1:5] for path in versions.glob("v*.py")) == HEAD
