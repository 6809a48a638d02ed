"""What operators ask of stations: one thing at a time for each, every outcome on record.

An operation is written down before it is sent and again when its outcome is known. After a crash
those that had been sent are `Outcome.LOST`: nobody can tell whether the station did them. Those
that wait for their station to connect (`valid_for_s`) go on waiting; that somebody insisted on one
(`force`) is not on record, so that the rules hold for it again after a restart.

Rules of this room: no message of any version; what a request means comes from the commands of the
version (`txocpp.csms.v16.commands`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Events
from txocpp.csms.lanes import Lanes
from txocpp.csms.station import Registration, Station
from txocpp.csms.v16.commands import Commands16
from txocpp.errors import InvalidMessage, TxocppError
from txocpp.interfaces import ICentralStore
from txocpp.storage.central.operations import OperationRecord, OperationState, Outcome
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

MOST_WAITING: Final = 100
"""Operations that may queue up for one station."""

AT_ONCE: Final = 200
"""Stations of one batch that are asked at the same time."""


class TooManyOperations(TxocppError):
    """A station has more operations queued up than it can ever catch up with."""


@attrs.frozen
class Asked:
    """What an operator wants of a station."""

    action: str
    payload: dict[str, Any]
    asked_by: str = ""
    batch: str | None = None
    force: bool = False
    """Send it even if a rule speaks against it; the schema still holds. While it waits for its
    station this is kept in memory only: after a restart it waits until the rules allow it."""
    valid_for_s: float | None = None
    """Keep it that long for a station that is not connected; None: now or never."""
    timeout_s: float | None = None
    """For the answer; None: as set for the central system. Kept like `force`."""


class Operations:
    """Carries out operations and keeps book of them."""

    _log = Logger()

    def __init__(
        self,
        store: ICentralStore,
        central: CentralSystem,
        commands: Commands16,
        events: Events,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._central = central
        self._commands = commands
        self._events = events
        self._now = now
        self._lanes = Lanes(store, central, commands, events, now)
        self._entering: Counter[int] = Counter()
        self._waiting: dict[int, Asked] = {}
        """How those were asked for that wait for their station, by id. Empty at the start."""
        central.on_registered.append(self.resume)
        central.on_connected.append(self._connected)

    @property
    def actions(self) -> frozenset[str]:
        """What can be asked of a station."""
        return self._commands.actions

    def described(self, action: str) -> tuple[str, dict[str, Any]]:
        """The feature profile of an action, and the JSON Schema of its payload."""
        return self._commands.described(action)

    def check(self, asked: Asked) -> None:
        """Raise `InvalidMessage` for what would be invalid at every station."""
        self._commands.request(asked.action, asked.payload)

    def recover(self, records: Records) -> int:
        """After a start: report as lost what nobody will hear of any more. Returns how many."""
        return _recover(records, self._now())

    def stop(self) -> None:
        """Try once more to note outcomes that the store did not take; before it is closed."""
        self._lanes.stop()

    def ask(self, station: StationRecord, asked: Asked) -> Deferred[OperationRecord]:
        """Carry out one operation; gives its record when the outcome is known.

        An operation that waits for its station is given back while it waits. Fails with
        `TooManyOperations`. To cancel is to look away: the operation goes on.
        """
        onlooker: Deferred[OperationRecord] = Deferred()

        def tell(result: OperationRecord | Failure) -> None:
            if not onlooker.called:
                onlooker.callback(result)
            elif isinstance(result, Failure):
                self._log.failure("operation failed", result)

        Deferred.fromCoroutine(self._ask(station, asked)).addBoth(tell)
        return onlooker

    async def _ask(self, station: StationRecord, asked: Asked) -> OperationRecord:
        try:
            request = self._commands.request(asked.action, asked.payload)
            if asked.valid_for_s is not None and not self._commands.may_wait(request):
                raise InvalidMessage("a password is not kept; send it when the station is there")
        except InvalidMessage as error:
            return await self._reject(station, asked, str(error))
        if self._entering[station.id] + len(self._lanes.queued(station.id)) >= MOST_WAITING:
            raise TooManyOperations(
                f"{MOST_WAITING} operations are waiting for {station.identity} already"
            )
        self._entering[station.id] += 1
        connected = self._central.stations.find(station.identity)
        try:
            record: OperationRecord = await self._store.write(
                partial(
                    self._enter,
                    station,
                    asked,
                    request,
                    connected is not None,
                    _registration(station, connected),
                )
            )
        finally:
            self._entering[station.id] -= 1
        if record.state == OperationState.DONE:
            self._lanes.announce(record, station.identity)
            return record
        if asked.valid_for_s is not None:
            self._waiting[record.id] = asked
        return await self._carry_out(station.identity, record, asked, request)

    async def ask_many(
        self, stations: Sequence[StationRecord], asked: Asked
    ) -> list[OperationRecord]:
        """The same for many stations, some at the same time; outcomes in the order given."""
        batch = attrs.evolve(asked, batch=asked.batch or str(uuid4()))
        some = DeferredSemaphore(AT_ONCE)

        def ask(station: StationRecord) -> Deferred[OperationRecord]:
            return self.ask(station, batch).addErrback(crowded, station)

        def crowded(failure: Failure, station: StationRecord) -> Deferred[OperationRecord]:
            # One station that is behind takes nothing from the others.
            failure.trap(TooManyOperations)
            why = failure.getErrorMessage()
            return Deferred.fromCoroutine(self._reject(station, batch, why))

        return await gatherResults(
            [some.run(ask, station) for station in stations], consumeErrors=True
        )

    def begin_many(self, stations: Sequence[StationRecord], asked: Asked, batch: str) -> None:
        """The same, for somebody who looks up the outcomes of this batch later."""

        def failed(failure: Failure) -> None:
            self._log.failure("batch {batch} is not complete", failure, batch=batch)

        asking = self.ask_many(stations, attrs.evolve(asked, batch=batch))
        Deferred.fromCoroutine(asking).addErrback(failed)

    async def cancel(self, record: OperationRecord) -> OperationRecord | None:
        """Withdraw an operation that has not been sent. None: it is too late."""
        changed: OperationRecord | None = await self._store.write(
            partial(_cancel, record.id, self._now())
        )
        if changed is not None:
            self._waiting.pop(record.id, None)
            self._lanes.withdraw(changed)
        return changed

    async def resume(self, station: Station) -> None:
        """A station is there and registered: send what has waited for it.

        To one that was rejected goes only what somebody insists on (B-07).
        """
        waiting = await self._store.read(lambda records: records.operations.waiting(station.key))
        for record in waiting:
            # What was not to wait is in the queue, or failed with the store: nobody expects it now,
            # and a password in it is not on record.
            may_wait = record.expires_at is not None
            asked = self._waiting.get(record.id) or Asked(record.action, record.payload)
            welcome = asked.force or station.registration is not Registration.REJECTED
            if may_wait and welcome and record.id not in self._lanes.queued(station.key):
                await self._carry_out(station.identity, record, asked)

    async def expire(self) -> None:
        """End operations that have waited long enough."""
        for record in await self._store.write(
            lambda records: records.operations.expire(self._now())
        ):
            self._waiting.pop(record.id, None)
            self._lanes.announce(record, None)

    # --- one operation

    async def _carry_out(
        self, identity: str, record: OperationRecord, asked: Asked, request: Any = None
    ) -> OperationRecord:
        ended = await self._lanes.carry_out(
            identity, record, request, asked.timeout_s, force=asked.force
        )
        if ended.state == OperationState.DONE:
            self._waiting.pop(record.id, None)
        return ended

    def _connected(self, station: Station) -> Any:
        # A reconnection needs no BootNotification (C-13).
        if station.registration is Registration.ACCEPTED:
            return self.resume(station)
        return None

    async def _reject(self, station: StationRecord, asked: Asked, why: str) -> OperationRecord:
        record: OperationRecord = await self._store.write(
            lambda records: self._add(
                records, station, asked, state=OperationState.DONE, outcome=Outcome.INVALID,
                error_text=why, ended_at=self._now(),
            )
        )  # fmt: skip
        self._lanes.announce(record, station.identity)
        return record

    def _enter(
        self,
        station: StationRecord,
        asked: Asked,
        request: Any,
        connected: bool,
        registration: Registration | None,
        records: Records,
    ) -> OperationRecord:
        """Write the operation down, with its outcome if that is clear already."""
        now = self._now()
        reason = (
            None
            if asked.force
            else self._commands.objection(records, station, registration, request, now)
        )
        done = {"state": OperationState.DONE, "ended_at": now}
        if reason is not None:
            return self._add(
                records, station, asked, **done, outcome=Outcome.INVALID, error_text=reason
            )
        if not connected and asked.valid_for_s is None:
            return self._add(
                records, station, asked, **done, outcome=Outcome.OFFLINE,
                error_text="the station is not connected",
            )  # fmt: skip
        return self._add(records, station, asked, state=OperationState.WAITING)

    def _add(
        self, records: Records, station: StationRecord, asked: Asked, **facts: Any
    ) -> OperationRecord:
        now = self._now()
        expires = None
        if asked.valid_for_s is not None:
            expires = now + timedelta(seconds=asked.valid_for_s)
        return records.operations.add(
            station_id=station.id,
            batch=asked.batch,
            action=asked.action,
            payload=self._commands.redacted(asked.action, asked.payload),
            asked_by=asked.asked_by,
            asked_at=now,
            expires_at=expires,
            **facts,
        )


def _registration(station: StationRecord, connected: Station | None) -> Registration | None:
    if connected is not None:
        return connected.registration
    return None if station.registration is None else Registration(station.registration)


def _recover(records: Records, now: datetime) -> int:
    lost = records.operations.give_up_sent(now)
    for record in records.operations.all_in(OperationState.WAITING):
        if record.expires_at is None:
            records.operations.set(
                record.id,
                state=OperationState.DONE,
                outcome=Outcome.CANCELLED,
                error_text="the central system was restarted before it was sent",
                ended_at=now,
            )
            lost += 1
    return lost


def _cancel(operation_id: int, now: datetime, records: Records) -> OperationRecord | None:
    found = records.operations.get(operation_id)
    if found is None or found.state != OperationState.WAITING:
        return None
    return records.operations.set(
        operation_id, state=OperationState.DONE, outcome=Outcome.CANCELLED, ended_at=now
    )
