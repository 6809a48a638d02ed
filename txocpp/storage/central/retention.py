"""Forgets what is older than somebody wants to know, some rows at a time."""

from __future__ import annotations

from datetime import datetime
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
    """Forget at most `limit` rows older than `before`; returns how many."""
    old = select(kind.table.c.id).where(kind.moment < before).order_by(kind.moment).limit(limit)
    keys = [row.id for row in connection.execute(old)]
    if not keys:
        return 0
    return connection.execute(delete(kind.table).where(kind.table.c.id.in_(keys))).rowcount
