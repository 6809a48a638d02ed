"""Connectors held for a tag, as far as stations have accepted it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs
from sqlalchemy import Connection, func, insert, select, update

from txocpp.storage.central import schema


class ReservationState(StrEnum):
    """How a reservation stands or has ended."""

    ACTIVE = "active"
    USED = "used"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"
    """The connector became Faulted or Unavailable (V-08)."""
    REPLACED = "replaced"


@attrs.frozen
class ReservationRecord:
    """One reservation."""

    id: int
    station_id: int
    reservation_id: int
    connector: int
    """0: any connector of the station."""
    id_tag: str
    parent_id_tag: str | None
    expires_at: datetime
    made_at: datetime
    state: str
    ended_at: datetime | None
    transaction_id: int | None


class Reservations:
    """The reservations of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def active(self, station_id: int) -> list[ReservationRecord]:
        """Reservations that a station still holds."""
        table = schema.reservation
        return self._all(
            select(table)
            .where(table.c.station_id == station_id, table.c.state == ReservationState.ACTIVE)
            .order_by(table.c.reservation_id)
        )

    def next_id(self, station_id: int) -> int:
        """A reservation id that this station has never had."""
        table = schema.reservation
        highest = self._connection.execute(
            select(func.max(table.c.reservation_id)).where(table.c.station_id == station_id)
        ).scalar()
        return (highest or 0) + 1

    def add(self, **facts: Any) -> ReservationRecord:
        """Enter a reservation that the station accepted; the same id replaces (V-01)."""
        self.end(
            facts["station_id"],
            ReservationState.REPLACED,
            facts["made_at"],
            reservation_id=facts["reservation_id"],
        )
        row = self._connection.execute(
            insert(schema.reservation)
            .values(state=ReservationState.ACTIVE, **facts)
            .returning(schema.reservation)
        ).one()
        return ReservationRecord(**row._mapping)

    def end(
        self,
        station_id: int,
        how: ReservationState,
        now: datetime,
        *,
        reservation_id: int | None = None,
        connector: int | None = None,
        transaction_id: int | None = None,
    ) -> int:
        """End the active reservations of a station, all or those that match; returns how many."""
        table = schema.reservation
        change = update(table).where(
            table.c.station_id == station_id, table.c.state == ReservationState.ACTIVE
        )
        if reservation_id is not None:
            change = change.where(table.c.reservation_id == reservation_id)
        if connector is not None:
            change = change.where(table.c.connector == connector)
        return self._connection.execute(
            change.values(state=how, ended_at=now, transaction_id=transaction_id)
        ).rowcount

    def expire(self, now: datetime) -> int:
        """End the reservations whose time is over; returns how many."""
        table = schema.reservation
        return self._connection.execute(
            update(table)
            .where(table.c.state == ReservationState.ACTIVE, table.c.expires_at <= now)
            .values(state=ReservationState.EXPIRED, ended_at=now)
        ).rowcount

    def page(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        station_id: int | None = None,
        state: str | None = None,
    ) -> list[ReservationRecord]:
        """Reservations, newest first."""
        table = schema.reservation
        question = select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            question = question.where(table.c.id < before)
        if station_id is not None:
            question = question.where(table.c.station_id == station_id)
        if state is not None:
            question = question.where(table.c.state == state)
        return self._all(question)

    def _all(self, question: Any) -> list[ReservationRecord]:
        return [ReservationRecord(**row._mapping) for row in self._connection.execute(question)]
