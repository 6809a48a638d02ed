"""The queues in front of stations: one operation at a time goes to each, and its outcome is noted.

A request is on record as sent before it leaves, and what its answer changes is applied in the same
change of the store that notes the answer. An answer that the store does not take is kept, and the
station is asked nothing else until it is noted: what its profiles and lists are said to be stays in
the order in which it acknowledged them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Events
from txocpp.csms.retrying import RetryingWriter
from txocpp.csms.station import Station
from txocpp.csms.v16.commands import Commands16
from txocpp.csms.v16.effects import Exchange
from txocpp.errors import CallFailed, CallTimeout, ConnectionGone, InvalidResponse, RemoteError
from txocpp.interfaces import ICentralStore
from txocpp.storage.central.operations import OperationRecord, OperationState, Outcome
from txocpp.storage.central.records import Records


@attrs.define(eq=False)
class _Job:
    """An operation in the queue."""

    record: OperationRecord
    request: Any
    """None: to be read from the record."""
    timeout_s: float | None
    force: bool
    """Somebody insists on it, whatever speaks against it."""
    done: Deferred[OperationRecord] = attrs.field(factory=Deferred)


@attrs.define(eq=False)
class _Lane:
    """The queue in front of one station."""

    jobs: deque[_Job] = attrs.field(factory=deque)
    """Not sent yet."""
    busy: bool = False


_Note = Callable[[datetime, Records], OperationRecord | None]
"""Writes down what became of an operation, and when."""


class Lanes:
    """Sends operations, each station's in order."""

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
        self._notes = RetryingWriter(store, central.clock)

    def stop(self) -> None:
        """Try once more to note what has not been noted; at the next start it is lost else."""
        self._notes.stop()

    def queued(self, station_id: int) -> list[int]:
        """The operations in the queue of a station that have not been sent, by id."""
        lane = self._lanes.get(station_id)
        return [] if lane is None else [job.record.id for job in lane.jobs]

    def withdraw(self, record: OperationRecord) -> None:
        """Take an operation out of its queue; whoever waits for it is given this record."""
        lane = self._lanes.get(record.station_id)
        for job in list(lane.jobs) if lane is not None else ():
            if lane is not None and job.record.id == record.id:
                lane.jobs.remove(job)
                job.done.callback(record)

    async def carry_out(
        self,
        identity: str,
        record: OperationRecord,
        request: Any = None,
        timeout_s: float | None = None,
        *,
        force: bool = False,
    ) -> OperationRecord:
        """Wait for the turn, send, and note the outcome."""
        lane = self._lanes.setdefault(record.station_id, _Lane())
        job = _Job(record, request, timeout_s, force)
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
        expires = job.record.expires_at
        if expires is not None and expires <= self._now():
            why = "the station did not connect in time"
            return await self._withheld(job.record, identity, Outcome.EXPIRED, why)
        station = self._central.stations.find(identity)
        if station is None:
            why = "the station is not connected"
            return await self._withheld(job.record, identity, Outcome.OFFLINE, why)
        request = job.request
        if request is None:
            request = self._commands.request(job.record.action, job.record.payload)
        # The registration may have changed while the operation waited for its turn.
        barred = self._commands.barred(station.registration, request)
        if barred is not None and not job.force:
            return await self._withheld(job.record, identity, Outcome.INVALID, barred)
        return await self._send(station, job.record, request, job.timeout_s)

    async def _send(
        self, station: Station, record: OperationRecord, request: Any, timeout_s: float | None
    ) -> OperationRecord:
        if not await self._store.write(partial(self._note_sent, record, request)):
            return await self._current(record)
        self._commands.leaving(station, request)
        note: _Note
        try:
            response = await station.call(request, timeout_s=timeout_s)
        except CancelledError:
            raise
        except CallFailed as error:
            note = partial(self._note_failure, record, request, error)
        except Exception as error:
            self._log.failure("operation {id} failed", Failure(), id=record.id)
            note = partial(self._note_failure, record, request, error)
        else:
            note = partial(self._note_answer, record, request, response)
        ended = await self._notes.write(
            partial(_note_once, record.id, partial(note, self._now())),
            f"the outcome of operation {record.id} ({record.action}) at {station.identity}",
        )
        if ended is None:
            return record
        self.announce(ended, station.identity)
        return ended

    async def _withheld(
        self, record: OperationRecord, identity: str, outcome: Outcome, why: str
    ) -> OperationRecord:
        """It cannot be sent now: it goes on waiting if it may, otherwise that was it."""
        now = self._now()
        if record.expires_at is not None and record.expires_at > now:
            return await self._current(record)
        change = partial(_give_up, record.id, outcome, why, now)
        ended: OperationRecord | None = await self._store.write(change)
        if ended is None:
            return await self._current(record)
        self.announce(ended, identity)
        return ended

    async def _current(self, record: OperationRecord) -> OperationRecord:
        found: OperationRecord | None = await self._store.read(
            lambda records: records.operations.get(record.id)
        )
        return found or record

    # --- changes of the store

    def _exchange(
        self, record: OperationRecord, request: Any, at: datetime, records: Records
    ) -> Exchange:
        payload = self._commands.payload(request)
        return Exchange(records, record.station_id, record.id, request, payload, at)

    def _note_sent(self, record: OperationRecord, request: Any, records: Records) -> bool:
        """False: it was cancelled, or somebody else is sending it."""
        now = self._now()
        if not records.operations.claim(record.id, now):
            return False
        self._commands.before_sending(self._exchange(record, request, now, records))
        return True

    def _note_answer(
        self, record: OperationRecord, request: Any, response: Any, at: datetime, records: Records
    ) -> OperationRecord | None:
        self._commands.after_answer(self._exchange(record, request, at, records), response)
        return records.operations.set(
            record.id,
            state=OperationState.DONE,
            outcome=Outcome.ANSWERED,
            answer=self._commands.redacted_answer(self._commands.payload(response)),
            ended_at=at,
        )

    def _note_failure(
        self,
        record: OperationRecord,
        request: Any,
        error: Exception,
        at: datetime,
        records: Records,
    ) -> OperationRecord | None:
        outcome, code = _failure_outcome(error)
        if isinstance(error, RemoteError):
            self._commands.after_refusal(self._exchange(record, request, at, records))
        return records.operations.set(
            record.id,
            state=OperationState.DONE,
            outcome=outcome,
            error_code=code,
            error_text=str(error) or type(error).__name__,
            ended_at=at,
        )

    def announce(self, record: OperationRecord, identity: str | None) -> None:
        """Tell whoever listens what became of an operation."""
        self._events.tell(
            "operation.done",
            identity,
            operation_id=record.id,
            action=record.action,
            outcome=record.outcome,
            status=(record.answer or {}).get("status"),
            error=record.error_text,
        )


def _note_once(
    operation_id: int, note: Callable[[Records], OperationRecord | None], records: Records
) -> OperationRecord | None:
    """None: the operation is not on record any more."""
    found = records.operations.get(operation_id)
    if found is None or found.state != OperationState.SENT:
        # Noted by an attempt that seemed to fail; its effects must not come twice.
        return found
    return note(records)


def _give_up(
    operation_id: int, outcome: Outcome, why: str, now: datetime, records: Records
) -> OperationRecord | None:
    """None: it is over already, by other means."""
    found = records.operations.get(operation_id)
    if found is None or found.state != OperationState.WAITING:
        return None
    return records.operations.set(
        operation_id, state=OperationState.DONE, outcome=outcome, error_text=why, ended_at=now
    )


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
