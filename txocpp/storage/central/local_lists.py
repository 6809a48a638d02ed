"""Local authorization lists as stations have acknowledged them (Z-09)."""

from __future__ import annotations

from typing import Any

import attrs
from sqlalchemy import Connection, delete, insert, select

from txocpp.storage.central import schema
from txocpp.storage.central.tags import tag_key


@attrs.frozen
class ListEntry:
    """One entry of a local list."""

    id_tag: str
    info: dict[str, Any]
    """Its IdTagInfo as it was sent."""


class LocalLists:
    """The local lists of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, station_id: int) -> list[ListEntry]:
        """The entries that a station should have, by tag."""
        table = schema.local_list
        rows = self._connection.execute(
            select(table.c.id_tag, table.c.info)
            .where(table.c.station_id == station_id)
            .order_by(table.c.key)
        )
        return [ListEntry(**row._mapping) for row in rows]

    def replace(self, station_id: int, entries: list[ListEntry]) -> None:
        """A full list was accepted (L-04)."""
        table = schema.local_list
        self._connection.execute(delete(table).where(table.c.station_id == station_id))
        self.put(station_id, entries)

    def put(self, station_id: int, entries: list[ListEntry]) -> None:
        """Entries were added or replaced (L-05)."""
        self.remove(station_id, [entry.id_tag for entry in entries])
        for entry in entries:
            self._connection.execute(
                insert(schema.local_list).values(
                    station_id=station_id,
                    key=tag_key(entry.id_tag),
                    id_tag=entry.id_tag,
                    info=entry.info,
                )
            )

    def remove(self, station_id: int, id_tags: list[str]) -> None:
        """Entries were deleted (L-05)."""
        table = schema.local_list
        self._connection.execute(
            delete(table).where(
                table.c.station_id == station_id,
                table.c.key.in_([tag_key(id_tag) for id_tag in id_tags]),
            )
        )
