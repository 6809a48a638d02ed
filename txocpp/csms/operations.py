"""What operators ask of stations: one thing at a time for each, every outcome on record.

An operation is written down before it is sent and again when its outcome is known. After a crash
those that had been sent are `Outcome.LOST`: nobody can tell whether the station did them. Those
that wait for their station to connect (`valid_for_s`) go on waiting.

Rules of this room: no message of any version; what a request means comes from the commands of the
version (`txocpp.csms.v16.commands`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import attrs
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredSemaphore,
    gatherResults,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Events
from txocpp.csms.station import Registration, Station
from txocpp.csms.v16.commands import Commands16
from txocpp.csms.v16.effects import Exchange
from txocpp.errors import (
    CallFailed,
    CallTimeout,
    ConnectionGone,
    InvalidMessage,
    InvalidResponse,
    RemoteError,
    TxocppError,
)
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


@attrs.define(eq=False)
class _Job:
    """An operation in the queue."""

    record: OperationRecord
    request: Any
    """None: to be read from the record."""
    timeout_s: float | None
    done: Deferred[OperationRecord] = attrs.field(factory=Deferred)


@attrs.define(eq=False)
class _Lane:
    """The queue in front of one station."""

    jobs: deque[_Job] = attrs.field(factory=deque)
    """Not sent yet."""
    busy: bool = False
    entering: int = 0
    """About to be queued."""

    def holds(self, operation_id: int) -> bool:
        """True if the operation is in the queue already."""
        return any(job.record.id == operation_id for job in self.jobs)

    def take_out(self, operation_id: int) -> _Job | None:
        """Remove an operation from the queue."""
        for job in self.jobs:
            if job.record.id == operation_id:
                self.jobs.remove(job)
                return job
        return None


@attrs.frozen
class Asked:
    """What an operator wants of a station."""

    action: str
    payload: dict[str, Any]
    asked_by: str = ""
    batch: str | None = None
    force: bool = False
    """Send it even if a rule speaks against it; the schema still holds."""
    valid_for_s: float | None = None
    """Keep it that long for a station that is not connected; None: now or never."""
    timeout_s: float | None = None
    """For the answer; None: as set for the central system."""


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
        self._lanes: dict[int, _Lane] = {}
        central.on_registered.append(self.resume)
        central.on_connected.append(self._connected)

    @property
    def actions(self) -> frozenset[str]:
        """What can be asked of a station."""
        return self._commands.actions

    async def recover(self) -> int:
        """After a start: report as lost what nobody will hear of any more. Returns how many."""
        return int(await self._store.write(lambda records: _recover(records, self._now())))

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
        lane = self._lanes.setdefault(station.id, _Lane())
        if lane.entering + len(lane.jobs) >= MOST_WAITING:
            raise TooManyOperations(
                f"{MOST_WAITING} operations are waiting for {station.identity} already"
            )
        lane.entering += 1
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
            lane.entering -= 1
        if record.state == OperationState.DONE:
            self._announce(record, station.identity)
            return record
        if self._central.stations.find(station.identity) is None:
            return record
        return await self._carry_out(station.identity, record, request, asked.timeout_s)

    async def ask_many(
        self, stations: Sequence[StationRecord], asked: Asked
    ) -> list[OperationRecord]:
        """The same for many stations, some at the same time; outcomes in the order given."""
        batch = attrs.evolve(asked, batch=asked.batch or str(uuid4()))
        some = DeferredSemaphore(AT_ONCE)

        return await gatherResults(
            [some.run(self.ask, station, batch) for station in stations], consumeErrors=True
        )

    async def cancel(self, record: OperationRecord) -> OperationRecord | None:
        """Withdraw an operation that has not been sent. None: it is too late."""
        lane = self._lanes.get(record.station_id)
        job = None if lane is None else lane.take_out(record.id)
        changed: OperationRecord | None = await self._store.write(
            partial(_cancel, record.id, self._now())
        )
        if job is not None:
            job.done.callback(changed or record)
        return changed

    async def resume(self, station: Station) -> None:
        """A station is there and registered: send what has waited for it."""
        if station.registration is Registration.REJECTED:
            return
        waiting = await self._store.read(lambda records: records.operations.waiting(station.key))
        lane = self._lanes.setdefault(station.key, _Lane())
        for record in waiting:
            if not lane.holds(record.id):
                await self._carry_out(station.identity, record, None, None)

    async def expire(self) -> None:
        """End operations that have waited long enough."""
        for record in await self._store.write(
            lambda records: records.operations.expire(self._now())
        ):
            self._announce(record, None)

    # --- one operation

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
        self._announce(record, station.identity)
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

    async def _carry_out(
        self, identity: str, record: OperationRecord, request: Any, timeout_s: float | None
    ) -> OperationRecord:
        """Wait for the turn, send, and note the outcome."""
        lane = self._lanes.setdefault(record.station_id, _Lane())
        job = _Job(record, request, timeout_s)
        lane.jobs.append(job)
        if not lane.busy:
            Deferred.fromCoroutine(self._work_off(identity, lane))
        return await job.done

    async def _work_off(self, identity: str, lane: _Lane) -> None:
        """One operation after the other, until there is none left."""
        lane.busy = True
        while lane.jobs:
            job = lane.jobs.popleft()
            try:
                result: OperationRecord | Failure = await self._turn(identity, job)
            except Exception:
                result = Failure()
            job.done.callback(result)
        lane.busy = False

    async def _turn(self, identity: str, job: _Job) -> OperationRecord:
        station = self._central.stations.find(identity)
        if station is None:
            return await self._offline(job.record, identity)
        request = job.request
        if request is None:
            request = self._commands.request(job.record.action, job.record.payload)
        return await self._send(station, job.record, request, job.timeout_s)

    async def _send(
        self, station: Station, record: OperationRecord, request: Any, timeout_s: float | None
    ) -> OperationRecord:
        if not await self._store.write(partial(self._note_sent, record, request)):
            return await self._current(record)
        self._commands.leaving(station, request)
        try:
            response = await station.call(request, timeout_s=timeout_s)
        except CancelledError:
            raise
        except CallFailed as error:
            change = partial(self._note_failure, record, request, error)
        except Exception as error:
            self._log.failure("operation {id} failed", Failure(), id=record.id)
            change = partial(self._note_failure, record, request, error)
        else:
            change = partial(self._note_answer, record, request, response)
        ended: OperationRecord = await self._store.write(change)
        self._announce(ended, station.identity)
        return ended

    async def _offline(self, record: OperationRecord, identity: str) -> OperationRecord:
        if record.expires_at is not None and record.expires_at > self._now():
            return await self._current(record)
        ended: OperationRecord = await self._store.write(
            lambda records: records.operations.set(
                record.id,
                state=OperationState.DONE,
                outcome=Outcome.OFFLINE,
                error_text="the station is not connected",
                ended_at=self._now(),
            )
        )
        self._announce(ended, identity)
        return ended

    async def _current(self, record: OperationRecord) -> OperationRecord:
        found: OperationRecord | None = await self._store.read(
            lambda records: records.operations.get(record.id)
        )
        return found or record

    # --- changes of the store

    def _exchange(self, record: OperationRecord, request: Any, records: Records) -> Exchange:
        payload = self._commands.payload(request)
        return Exchange(records, record.station_id, record.id, request, payload, self._now())

    def _note_sent(self, record: OperationRecord, request: Any, records: Records) -> bool:
        """False: it was cancelled, or somebody else is sending it."""
        if not records.operations.claim(record.id, self._now()):
            return False
        self._commands.before_sending(self._exchange(record, request, records))
        return True

    def _note_answer(
        self, record: OperationRecord, request: Any, response: Any, records: Records
    ) -> OperationRecord | None:
        self._commands.after_answer(self._exchange(record, request, records), response)
        return records.operations.set(
            record.id,
            state=OperationState.DONE,
            outcome=Outcome.ANSWERED,
            answer=self._commands.payload(response),
            ended_at=self._now(),
        )

    def _note_failure(
        self, record: OperationRecord, request: Any, error: Exception, records: Records
    ) -> OperationRecord | None:
        outcome, code = _failure_outcome(error)
        if outcome is Outcome.REFUSED:
            self._commands.after_refusal(self._exchange(record, request, records))
        return records.operations.set(
            record.id,
            state=OperationState.DONE,
            outcome=outcome,
            error_code=code,
            error_text=str(error) or type(error).__name__,
            ended_at=self._now(),
        )

    def _announce(self, record: OperationRecord, identity: str | None) -> None:
        self._events.tell(
            "operation.done",
            identity,
            operation_id=record.id,
            action=record.action,
            outcome=record.outcome,
            status=(record.answer or {}).get("status"),
            error=record.error_text,
        )


def _registration(station: StationRecord, connected: Station | None) -> Registration | None:
    if connected is not None:
        return connected.registration
    return None if station.registration is None else Registration(station.registration)


def _failure_outcome(error: Exception) -> tuple[Outcome, str | None]:
    if isinstance(error, RemoteError):
        return Outcome.REFUSED, error.wire_code
    if isinstance(error, CallTimeout):
        return Outcome.TIMEOUT, None
    if isinstance(error, ConnectionGone):
        return Outcome.DISCONNECTED, None
    if isinstance(error, InvalidResponse):
        return Outcome.REFUSED, "InvalidResponse"
    return Outcome.INVALID, None


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
