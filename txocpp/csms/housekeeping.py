"""What has to be done from time to time: expiry, signs of life, thinning, retention.

Everything is done in small changes, so that no station waits for long behind it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from txocpp.csms.central import CentralSystem
from txocpp.csms.operations import Operations
from txocpp.csms.settings import Retention
from txocpp.csms.station import Station
from txocpp.errors import StoreError
from txocpp.interfaces import ICentralStore
from txocpp.storage.central.records import Records
from txocpp.storage.central.retention import (
    AUDIT,
    MESSAGES,
    NOTICES,
    OPERATIONS,
    STATUSES,
    Kind,
    prune,
)
from txocpp.storage.central.schema import from_ms

EVERY_S: Final = 60.0
THINNING_EVERY_S: Final = 3600.0
ROWS_AT_ONCE: Final = 2000


class Housekeeping:
    """Keeps the store in order while the central system runs."""

    _log = Logger()

    def __init__(
        self,
        store: ICentralStore,
        central: CentralSystem,
        operations: Operations,
        retention: Retention,
        now: Callable[[], datetime],
        clock: IReactorTime,
    ) -> None:
        self._store = store
        self._central = central
        self._operations = operations
        self._retention = retention
        self._now = now
        self._loops: list[tuple[LoopingCall, float]] = []
        self._running: list[Deferred[LoopingCall]] = []
        self._noted: dict[int, float] = {}
        for work, every_s in ((self._each_minute, EVERY_S), (self._each_hour, THINNING_EVERY_S)):
            loop = LoopingCall(lambda work=work: Deferred.fromCoroutine(work()))
            loop.clock = clock
            self._loops.append((loop, every_s))
        central.on_disconnected.append(self._note_last)

    def start(self) -> None:
        """Begin; the first round comes after a while, when a storm of reconnections is over."""
        self._running = [loop.start(every_s, now=False) for loop, every_s in self._loops]

    async def stop(self) -> None:
        """End the round that is under way, with the signs of life of all stations noted."""
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()
        running, self._running = self._running, []
        for round_ in running:
            await round_
        await self._round(self._note_signs_of_life)

    async def _each_minute(self) -> None:
        await self._round(
            self._note_signs_of_life, self._operations.expire, self._expire_reservations
        )

    async def _each_hour(self) -> None:
        await self._round(self.thin, self.forget)

    async def _round(self, *tasks: Callable[[], Awaitable[object]]) -> None:
        """One after the other; what fails today is tried again with the next round."""
        for task in tasks:
            try:
                await task()
            except StoreError as error:
                self._log.error("housekeeping: {error}", error=error)
            except Exception:
                self._log.failure("housekeeping: {task} failed", task=task.__name__)

    async def _expire_reservations(self) -> None:
        await self._store.write(lambda records: records.reservations.expire(self._now()))

    def _note_last(self, station: Station, reason: str) -> Deferred[None]:
        moments = {station.key: from_ms(int(station.last_heard * 1000))}
        return self._store.write(partial(_seen, moments))

    async def _note_signs_of_life(self) -> None:
        """Once a minute instead of once a message (H-03)."""
        moments = {}
        for station in self._central.stations:
            if self._noted.get(station.key) != station.last_heard:
                self._noted[station.key] = station.last_heard
                moments[station.key] = from_ms(int(station.last_heard * 1000))
        if moments:
            await self._store.write(partial(_seen, moments))

    async def thin(self) -> int:
        """Sum up meter values that are old enough; returns how many rows went."""
        days = self._retention.complete_samples_days
        if not days:
            return 0
        before = self._now() - timedelta(days=days)
        interval = timedelta(minutes=self._retention.interval_minutes)
        gone = 0
        found = await self._store.read(lambda records: records.thinning.connectors_with_samples())
        for station_id, connector in found:
            while True:
                change = partial(_thin, station_id, connector, before, interval)
                rows = await self._store.write(change)
                gone += rows
                if not rows:
                    break
        return gone

    async def forget(self) -> int:
        """Forget what is older than the operator wants; returns how many rows went."""
        kept = self._retention
        gone = 0
        wanted: tuple[tuple[Kind, float], ...] = (
            (STATUSES, kept.status_history_days),
            (NOTICES, kept.notices_days),
            (OPERATIONS, kept.operations_days),
            (MESSAGES, kept.messages_days),
            (AUDIT, kept.audit_days),
        )
        for kind, days in wanted:
            if not days:
                continue
            before = self._now() - timedelta(days=days)
            while rows := await self._store.write(partial(_prune, kind, before)):
                gone += rows
        if kept.intervals_days:
            gone += await self._forget_intervals(self._now() - timedelta(days=kept.intervals_days))
        return gone

    async def _forget_intervals(self, before: datetime) -> int:
        gone = 0
        found = await self._store.read(lambda records: records.thinning.connectors_with_intervals())
        for station_id, connector in found:
            gone += await self._store.write(
                partial(_prune_intervals, station_id, connector, before)
            )
        return gone


def _seen(moments: dict[int, datetime], records: Records) -> None:
    records.stations.seen(moments)


def _thin(
    station_id: int, connector: int, before: datetime, interval: timedelta, records: Records
) -> int:
    return records.thinning.thin(station_id, connector, before, interval, ROWS_AT_ONCE)


def _prune(kind: Kind, before: datetime, records: Records) -> int:
    return prune(records.connection, kind, before, ROWS_AT_ONCE)


def _prune_intervals(station_id: int, connector: int, before: datetime, records: Records) -> int:
    return records.thinning.prune(station_id, connector, before)
