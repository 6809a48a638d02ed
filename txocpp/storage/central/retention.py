"""Forgets what is older than somebody wants to know, some rows at a time."""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile
from typing import Any, Final

import attrs
from sqlalchemy import Column, Connection, Table, delete, select

from txocpp.storage.central import schema


@attrs.frozen
class Kind:
    """A table that grows, and the column that tells how old a row is."""

    table: Table
    moment: Column[Any]


STATUSES: Final = Kind(schema.status_change, schema.status_change.c.received_at)
NOTICES: Final = Kind(schema.notice, schema.notice.c.received_at)
OPERATIONS: Final = Kind(schema.operation, schema.operation.c.asked_at)
MESSAGES: Final = Kind(schema.message_log, schema.message_log.c.at)
AUDIT: Final = Kind(schema.audit, schema.audit.c.at)


def prune(connection: Connection, kind: Kind, before: datetime, limit: int) -> int:
    """Forget at most `limit` rows older than `before`; returns how many.

    Rows are entered in the order of time, so the oldest are those with the lowest ids; where a
    clock was set back, some stay until those before them have gone.
    """
    key = kind.table.c.id
    oldest = connection.execute(select(key, kind.moment).order_by(key).limit(limit))
    old = [number for number, _ in takewhile(lambda row: row[1] < before, oldest.all())]
    if not old:
        return 0
    return connection.execute(delete(kind.table).where(key <= old[-1])).rowcount
