"""Configuration keys of stations, as last read or successfully changed."""

from __future__ import annotations

from datetime import datetime

import attrs
from sqlalchemy import Connection, delete, insert, select

from txocpp.storage.central import schema


@attrs.frozen
class KeyRecord:
    """One configuration key of one station."""

    key: str
    value: str | None
    readonly: bool | None
    """None: it was changed, but never read."""
    read_at: datetime
    pending_reboot: bool = False
    """The station will follow after its next reboot."""


class Configuration:
    """The configuration keys of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, station_id: int) -> list[KeyRecord]:
        """All known keys of a station, by name."""
        table = schema.configuration_key
        rows = self._connection.execute(
            select(
                table.c.key,
                table.c.value,
                table.c.readonly,
                table.c.read_at,
                table.c.pending_reboot,
            )
            .where(table.c.station_id == station_id)
            .order_by(table.c.folded)
        )
        return [KeyRecord(**row._mapping) for row in rows]

    def value(self, station_id: int, key: str) -> str | None:
        """The last known value of a key, or None."""
        table = schema.configuration_key
        found: str | None = self._connection.execute(
            select(table.c.value).where(
                table.c.station_id == station_id, table.c.folded == key.lower()
            )
        ).scalar()
        return found

    def put(self, station_id: int, record: KeyRecord) -> None:
        """Note one key; a missing `readonly` leaves what was known."""
        table = schema.configuration_key
        same = (table.c.station_id == station_id) & (table.c.folded == record.key.lower())
        before = self._connection.execute(select(table.c.readonly).where(same)).first()
        readonly = record.readonly if record.readonly is not None or not before else before[0]
        self._connection.execute(delete(table).where(same))
        self._connection.execute(
            insert(table).values(
                station_id=station_id,
                folded=record.key.lower(),
                key=record.key,
                value=record.value,
                readonly=readonly,
                read_at=record.read_at,
                pending_reboot=record.pending_reboot,
            )
        )

    def replace(self, station_id: int, records: list[KeyRecord]) -> None:
        """All keys were read at once: what is not among them is no longer there."""
        table = schema.configuration_key
        self._connection.execute(delete(table).where(table.c.station_id == station_id))
        for record in records:
            self.put(station_id, record)

    def forget(self, station_id: int, keys: list[str]) -> None:
        """The station says that it does not know these keys."""
        table = schema.configuration_key
        self._connection.execute(
            delete(table).where(
                table.c.station_id == station_id,
                table.c.folded.in_([key.lower() for key in keys]),
            )
        )

    def rebooted(self, station_id: int) -> None:
        """What waited for a reboot is in force now."""
        table = schema.configuration_key
        self._connection.execute(
            table.update()
            .where(table.c.station_id == station_id, table.c.pending_reboot)
            .values(pending_reboot=False)
        )
