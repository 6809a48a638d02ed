"""Charging profiles that stations have acknowledged (SR-A07): what should be installed there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, bindparam, delete, insert, select

from txocpp.storage.central import schema
from txocpp.storage.central.statements import Prepared


@attrs.frozen
class ProfileRecord:
    """One profile as it was sent and acknowledged."""

    station_id: int
    profile_id: int
    connector: int
    """Where it was installed; 0: the whole station."""
    purpose: str
    stack_level: int
    transaction_id: int | None
    document: dict[str, Any]
    """The profile as it went over the wire."""
    acknowledged_at: datetime
    operation_id: int | None


# Every transaction runs these two, so they are built once.
_OF_TRANSACTION = Prepared(
    delete(schema.profile).where(
        schema.profile.c.station_id == bindparam("station_id"),
        schema.profile.c.transaction_id == bindparam("transaction_id"),
    )
)
_BIND = Prepared(
    schema.profile.update()
    .where(
        schema.profile.c.station_id == bindparam("station"),
        schema.profile.c.connector == bindparam("outlet"),
        schema.profile.c.purpose == "TxProfile",
        schema.profile.c.transaction_id.is_(None),
    )
    .values(transaction_id=bindparam("transaction"))
)


class Profiles:
    """The profiles of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, station_id: int, connector: int | None = None) -> list[ProfileRecord]:
        """Profiles of a station, or of one connector of it."""
        table = schema.profile
        question = select(table).where(table.c.station_id == station_id)
        if connector is not None:
            question = question.where(table.c.connector == connector)
        rows = self._connection.execute(
            question.order_by(table.c.connector, table.c.purpose, table.c.stack_level)
        )
        return [ProfileRecord(**row._mapping) for row in rows]

    def stations_with_profiles(self, station_ids: Iterable[int]) -> list[int]:
        """Those of these stations that have any profile."""
        table = schema.profile
        rows = self._connection.execute(
            select(table.c.station_id).where(table.c.station_id.in_(list(station_ids))).distinct()
        )
        return [row.station_id for row in rows]

    def install(self, profile: ProfileRecord) -> None:
        """Enter a profile and drop the ones it replaces (SR-631, SR-632)."""
        table = schema.profile
        self._connection.execute(
            delete(table).where(
                table.c.station_id == profile.station_id,
                (table.c.profile_id == profile.profile_id)
                | (
                    (table.c.connector == profile.connector)
                    & (table.c.purpose == profile.purpose)
                    & (table.c.stack_level == profile.stack_level)
                ),
            )
        )
        self._connection.execute(insert(table).values(attrs.asdict(profile, recurse=False)))

    def clear(
        self,
        station_id: int,
        *,
        profile_id: int | None = None,
        connector: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> int:
        """Forget matching profiles: by id alone, else by all that is given (SR-641..644)."""
        table = schema.profile
        removal = delete(table).where(table.c.station_id == station_id)
        if profile_id is not None:
            removal = removal.where(table.c.profile_id == profile_id)
        else:
            if connector is not None:
                removal = removal.where(table.c.connector == connector)
            if purpose is not None:
                removal = removal.where(table.c.purpose == purpose)
            if stack_level is not None:
                removal = removal.where(table.c.stack_level == stack_level)
        return self._connection.execute(removal).rowcount

    def end_transaction(self, station_id: int, transaction_id: int) -> None:
        """The profiles of a transaction end with it (SR-706)."""
        values = {"station_id": station_id, "transaction_id": transaction_id}
        _OF_TRANSACTION.rows(self._connection, values)

    def begin_transaction(self, station_id: int, connector: int, transaction_id: int) -> None:
        """Bind profiles that came with a remote start to the transaction it led to (SR-702)."""
        values = {"station": station_id, "outlet": connector, "transaction": transaction_id}
        _BIND.rows(self._connection, values)
