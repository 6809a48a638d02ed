"""Moves a whole store from one database to another, also from SQLite to PostgreSQL or back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import JSON, Connection, Table, bindparam, func, insert, select, text

from txocpp.errors import StoreError
from txocpp.storage.central.schema import metadata

ROWS_AT_ONCE: Final = 5000

Say = Callable[[str, int], object]
"""Told of each table and how many rows of it have been copied so far."""


def transfer(source: Connection, target: Connection, say: Say = lambda table, rows: None) -> int:
    """Copy every row of every table into a new, empty store; returns how many.

    Ids stay the same, and those that were given to transactions now deleted are not given again
    (TX-03). Raises `StoreError` if the target is not empty.
    """
    for table in metadata.sorted_tables:
        if target.execute(select(table).limit(1)).first() is not None:
            raise StoreError(f"the database to copy to is not empty: {table.name} has rows")
    total = 0
    for table in metadata.sorted_tables:
        total += _copy(source, target, table, say)
        if "id" in table.c:
            _go_on_counting(source, target, table)
    return total


def _copy(source: Connection, target: Connection, table: Table, say: Say) -> int:
    done = 0
    # Nothing stays nothing; without the word, JSON would make a null of it.
    enter = insert(table).values(
        {
            column.name: bindparam(
                column.name,
                type_=JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type,
            )
            for column in table.columns
        }
    )
    rows = source.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table))
    for part in rows.mappings().partitions():
        target.execute(enter, [dict(row) for row in part])
        done += len(part)
        say(table.name, done)
    return done


def _go_on_counting(source: Connection, target: Connection, table: Table) -> None:
    last = _last_id(source, table)
    if not last:
        return
    if target.dialect.name == "postgresql":
        values: dict[str, Any] = {"table": table.name, "last": last}
        target.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, 'id'), CAST(:last AS bigint))"),
            values,
        )
    elif table.dialect_options["sqlite"]["autoincrement"]:
        where = {"table": table.name, "last": last}
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), where)
        target.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"), where
        )


def _last_id(source: Connection, table: Table) -> int:
    """The highest id that was ever given in a table, as far as the database knows."""
    highest = source.execute(select(func.max(table.c.id))).scalar() or 0
    counted = None
    if source.dialect.name == "postgresql":
        sequence = source.execute(
            text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table.name}
        ).scalar()
        if sequence is not None:
            row = source.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()
            counted = row.last_value if row.is_called else 0
    elif table.dialect_options["sqlite"]["autoincrement"]:
        counted = source.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = :table"), {"table": table.name}
        ).scalar()
    return max(highest, counted or 0)
