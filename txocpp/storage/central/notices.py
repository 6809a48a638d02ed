"""What stations tell beyond charging: boots, security events, progress of updates and uploads,
certificate requests, vendor data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import Connection, bindparam, insert, select

from txocpp.storage.central import schema
from txocpp.storage.central.statements import Append, storable


@attrs.frozen
class NoticeRecord:
    """One thing that a station told."""

    id: int
    station_id: int
    kind: str
    """The action it came with, for example ``SecurityEventNotification``."""
    at: datetime
    """When it happened, by the station's clock."""
    received_at: datetime
    document: dict[str, Any]


@attrs.frozen
class MessageRecord:
    """One frame of the message log."""

    id: int
    at: datetime
    direction: str
    """``in``: from the station; ``out``: to it."""
    frame: str


def _insert_message(dialect: str) -> Any:
    names = [c.name for c in schema.message_log.columns if c.name != "id"]
    return insert(schema.message_log).values({name: bindparam(name) for name in names})


MESSAGE: Final = Append("message log", _insert_message)
"""Rows: station_id, at (milliseconds), direction (``in`` or ``out``), frame."""


class Notices:
    """The notices of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, **facts: Any) -> None:
        """Enter a notice."""
        self._connection.execute(insert(schema.notice).values(facts))

    def page(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        station_id: int | None = None,
        kind: str | None = None,
    ) -> list[NoticeRecord]:
        """Notices, newest first."""
        table = schema.notice
        question = select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            question = question.where(table.c.id < before)
        if station_id is not None:
            question = question.where(table.c.station_id == station_id)
        if kind is not None:
            question = question.where(table.c.kind == kind)
        return [NoticeRecord(**row._mapping) for row in self._connection.execute(question)]

    def log(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Enter rows of the form that `MESSAGE` takes."""
        if self._connection.dialect.name == "postgresql":
            rows = [(*row[:-1], storable(row[-1])) for row in rows]
        MESSAGE.run(self._connection, rows)

    def messages(
        self,
        station_id: int,
        *,
        search: str | None = None,
        direction: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
    ) -> list[MessageRecord]:
        """The message log of a station, newest first; with `after` oldest first from there on."""
        table = schema.message_log
        question = (
            select(table.c.id, table.c.at, table.c.direction, table.c.frame)
            .where(table.c.station_id == station_id)
            .order_by(table.c.id.desc() if after is None else table.c.id)
            .limit(limit)
        )
        if after is not None:
            question = question.where(table.c.id > after)
        if search:
            question = question.where(table.c.frame.icontains(search, autoescape=True))
        if direction is not None:
            question = question.where(table.c.direction == direction)
        if before is not None:
            question = question.where(table.c.id < before)
        return [MessageRecord(**row._mapping) for row in self._connection.execute(question)]
