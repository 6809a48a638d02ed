"""What operators asked of stations, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs
from sqlalchemy import Connection, Select, func, insert, select, update

from txocpp.storage.central import schema


class OperationState(StrEnum):
    """How far an operation has come."""

    WAITING = "waiting"
    """For the station to connect, or for the one before it."""
    SENT = "sent"
    DONE = "done"


class Outcome(StrEnum):
    """What became of an operation."""

    ANSWERED = "answered"
    """The station answered; see the answer for what it thinks of it."""
    REFUSED = "refused"
    """The station answered with a CALLERROR."""
    TIMEOUT = "timeout"
    """The station did not answer in time; it may have done it all the same."""
    OFFLINE = "offline"
    """The station was not connected; nothing was sent."""
    DISCONNECTED = "disconnected"
    """The line was lost while waiting for the answer; it may have done it all the same."""
    INVALID = "invalid"
    """The request breaks the schema or a rule; nothing was sent."""
    CANCELLED = "cancelled"
    """Withdrawn before it was sent."""
    EXPIRED = "expired"
    """The station did not connect in the time that was set; nothing was sent."""
    LOST = "lost"
    """The central system was restarted while waiting for the answer; it may have been done."""


@attrs.frozen
class OperationRecord:
    """One operation on one station."""

    id: int
    batch: str | None
    """The same for all operations that were asked for in one go."""
    station_id: int
    action: str
    payload: dict[str, Any]
    state: str
    outcome: str | None
    answer: dict[str, Any] | None
    error_code: str | None
    error_text: str | None
    asked_by: str
    asked_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None


class Operations:
    """The operations of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, **facts: Any) -> OperationRecord:
        """Enter an operation; its id is new."""
        row = self._connection.execute(
            insert(schema.operation).values(facts).returning(schema.operation)
        ).one()
        return OperationRecord(**row._mapping)

    def set(self, operation_id: int, **facts: Any) -> OperationRecord | None:
        """Note what became of an operation."""
        row = self._connection.execute(
            update(schema.operation)
            .where(schema.operation.c.id == operation_id)
            .values(facts)
            .returning(schema.operation)
        ).one_or_none()
        return None if row is None else OperationRecord(**row._mapping)

    def claim(self, operation_id: int, now: datetime) -> bool:
        """Note that an operation is about to be sent. False: it is not waiting any more."""
        table = schema.operation
        return (
            self._connection.execute(
                update(table)
                .where(table.c.id == operation_id, table.c.state == OperationState.WAITING)
                .values(state=OperationState.SENT, sent_at=now)
            ).rowcount
            > 0
        )

    def get(self, operation_id: int) -> OperationRecord | None:
        """The operation with this id, or None."""
        found = self._all(select(schema.operation).where(schema.operation.c.id == operation_id))
        return found[0] if found else None

    def waiting(self, station_id: int) -> list[OperationRecord]:
        """Operations that wait for this station, oldest first."""
        table = schema.operation
        return self._all(
            select(table)
            .where(table.c.state == OperationState.WAITING, table.c.station_id == station_id)
            .order_by(table.c.id)
        )

    def all_in(self, state: OperationState) -> list[OperationRecord]:
        """All operations that are in this state, oldest first."""
        table = schema.operation
        return self._all(select(table).where(table.c.state == state).order_by(table.c.id))

    def give_up_sent(self, now: datetime) -> int:
        """After a restart: nobody will hear the answers to what had been sent."""
        table = schema.operation
        return self._connection.execute(
            update(table)
            .where(table.c.state == OperationState.SENT)
            .values(
                state=OperationState.DONE,
                outcome=Outcome.LOST,
                error_text="the central system was restarted before the answer came",
                ended_at=now,
            )
        ).rowcount

    def expire(self, now: datetime) -> list[OperationRecord]:
        """End waiting operations whose time is over."""
        table = schema.operation
        return self._all(
            update(table)
            .where(table.c.state == OperationState.WAITING, table.c.expires_at <= now)
            .values(
                state=OperationState.DONE,
                outcome=Outcome.EXPIRED,
                error_text="the station did not connect in time",
                ended_at=now,
            )
            .returning(table)
        )

    def page(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        station_id: int | None = None,
        action: str | None = None,
        state: str | None = None,
        outcome: str | None = None,
        batch: str | None = None,
    ) -> list[OperationRecord]:
        """Operations, newest first, from before the id `before` on."""
        table = schema.operation
        question: Select[Any] = select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            question = question.where(table.c.id < before)
        wanted: Sequence[tuple[Any, Any]] = (
            (table.c.station_id, station_id),
            (table.c.action, action),
            (table.c.state, state),
            (table.c.outcome, outcome),
            (table.c.batch, batch),
        )
        for column, value in wanted:
            if value is not None:
                question = question.where(column == value)
        return self._all(question)

    def batch(self, batch: str) -> tuple[str | None, dict[str | None, int]]:
        """The action of a batch, and how many of its operations have which outcome so far.

        Without action: there is no such batch.
        """
        table = schema.operation
        rows = self._connection.execute(
            select(table.c.action, table.c.outcome, func.count())
            .where(table.c.batch == batch)
            .group_by(table.c.action, table.c.outcome)
        ).all()
        counts = {outcome: count for _, outcome, count in rows}
        return (rows[0][0] if rows else None), counts

    def _all(self, statement: Any) -> list[OperationRecord]:
        return [OperationRecord(**row._mapping) for row in self._connection.execute(statement)]
