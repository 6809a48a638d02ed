"""Statements that are built once and run often, past everything that makes building them easy.

Rules of this room: it knows dialects and drivers, not what is stored. Compiling, caching and
unpacking cost SQLAlchemy many times what SQLite needs to run a statement, and every start of a
transaction asks six of them; so the frequent ones go to the driver as text and values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Executable

Row = tuple[Any, ...]

FLOAT8: Final = 701
"""PostgreSQL's number of its type for floats. Only floats look at it, and all of ours are that."""

MOST_ROWS: Final = 128
"""In one SQLite statement; each size is a statement of its own, so sizes are powers of two."""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL has no text with NUL, and half of a character has no UTF-8."""


def storable(value: Any) -> Any:
    """The value, with characters replaced (U+FFFD) that a database cannot keep."""
    return _UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value


class Append:
    """A statement that is fed with rows, many at a time: the cheap way for frequent messages.

    Rows are tuples in the order of the statement's bind parameters, as the database has them:
    moments in milliseconds.
    """

    def __init__(self, name: str, build: Callable[[str], Any]) -> None:
        self.name = name
        self._build = build
        self._compiled: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._many: dict[int, str] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Execute the statement for all rows."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            built = self._build(dialect.name).compile(dialect=dialect)
            names = tuple(built.positiontup or ()) if built.positional else tuple(built.params)
            compiled = self._compiled[dialect.name] = (str(built), names)
        text, names = compiled
        if dialect.name == "sqlite":
            self._run_sqlite(driver_of(connection), text, len(names), rows)
        else:
            connection.exec_driver_sql(text, [dict(zip(names, row, strict=True)) for row in rows])

    def _run_sqlite(self, driver: Any, text: str, width: int, rows: Sequence[Row]) -> None:
        """Many rows in one statement: the driver lets other threads run once for each statement,
        and every such change of threads costs as much as a row."""
        done = 0
        while done < len(rows):
            size = min(MOST_ROWS, 1 << ((len(rows) - done).bit_length() - 1))
            many = self._many.get(size)
            if many is None:
                one = "(" + ", ".join("?" * width) + ")"
                many = text.replace(f"VALUES {one}", "VALUES " + ", ".join([one] * size), 1)
                self._many[size] = many
            driver.execute(many, tuple(chain.from_iterable(rows[done : done + size])))
            done += size


class Prepared:
    """A question or change whose columns and bind parameters never change.

    With `columns`, an INSERT or UPDATE sets exactly these.
    """

    def __init__(self, statement: Executable, columns: Sequence[str] = ()) -> None:
        self._statement: Any = statement
        self._columns = list(columns) or None
        self._forms: dict[str, _Form] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """What it finds or returns."""
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._statement, self._columns, dialect)
        given = form.given(values)
        if dialect.name == "sqlite":
            found = driver_of(connection).execute(form.text, given).fetchall()
        else:
            named = dict(zip(form.names, given, strict=True))
            result = connection.exec_driver_sql(form.text, named)
            found = [tuple(row) for row in result] if result.returns_rows else []
        return form.read(found)

    def row(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first that it finds, or None."""
        found = self.rows(connection, values)
        return found[0] if found else None


class _Form:
    """A statement in one dialect, and how values go in and come out."""

    def __init__(self, statement: Any, columns: list[str] | None, dialect: Dialect) -> None:
        built = statement.compile(dialect=dialect, column_keys=columns)
        self.text = str(built)
        self.names: tuple[str, ...] = (
            tuple(built.positiontup) if built.positional else tuple(built.params)
        )
        processors: Mapping[str, Any] = built._bind_processors
        self._binds = [(name, built.params.get(name), processors.get(name)) for name in self.names]
        readers = [
            entry.type.dialect_impl(dialect).result_processor(dialect, FLOAT8)
            for entry in built._result_columns
        ]
        self._readers = [(place, reader) for place, reader in enumerate(readers) if reader]

    def given(self, values: Mapping[str, Any]) -> Row:
        """Values in the order and form of the driver."""
        return tuple(
            [
                processor(values.get(name, fixed)) if processor else values.get(name, fixed)
                for name, fixed, processor in self._binds
            ]
        )

    def read(self, found: list[Row]) -> list[Row]:
        """Rows as Python has them."""
        if not self._readers:
            return found
        read = []
        for row in found:
            values = list(row)
            for place, reader in self._readers:
                values[place] = reader(values[place])
            read.append(tuple(values))
        return read


def driver_of(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.driver_connection
