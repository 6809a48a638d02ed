"""Connectors kept for somebody (OCPP 1.6 §3.11, §5.1, §5.13; rules V-01 to V-15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import attrs
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.tags import same_tag
from txocpp.errors import StoreError
from txocpp.interfaces import Delete, Put

TABLE = "reservations"
ANY = 0
"""A reservation on connector 0 is good for any connector."""

log = Logger()


class ReservationResult(StrEnum):
    """What became of a wish to reserve (V-02)."""

    ACCEPTED = "Accepted"
    FAULTED = "Faulted"
    OCCUPIED = "Occupied"
    REJECTED = "Rejected"
    UNAVAILABLE = "Unavailable"


class Standing(StrEnum):
    """How a connector stands towards a new reservation."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"


class Place(Protocol):
    """What is looked at of a connector."""

    @property
    def standing(self) -> Standing:
        """Apart from reservations."""

    @property
    def in_use(self) -> bool:
        """A transaction runs, or somebody has been let in."""


@attrs.frozen(kw_only=True)
class Reservation:
    """One promise to keep a connector."""

    reservation_id: int
    connector_id: int
    """0: any."""
    id_tag: str
    expiry: datetime
    parent_id_tag: str | None = None
    """Others of this group may use it as well (V-04)."""

    def is_for(self, id_tag: str, parent_id_tag: str | None = None) -> bool:
        """Whether somebody with this tag and group may use it."""
        return same_tag(self.id_tag, id_tag) or same_tag(self.parent_id_tag, parent_id_tag)

    def put(self) -> Put:
        """The change that saves it."""
        document = attrs.asdict(self, filter=attrs.filters.exclude("reservation_id"))
        document["expiry"] = self.expiry.isoformat()
        return Put(TABLE, str(self.reservation_id), document)

    def delete(self) -> Delete:
        """The change that forgets it."""
        return Delete(TABLE, str(self.reservation_id))

    @classmethod
    def from_document(cls, key: str, document: Mapping[str, Any]) -> Reservation:
        """Read what `put` wrote."""
        fields = {**document, "expiry": datetime.fromisoformat(document["expiry"])}
        return cls(reservation_id=int(key), **fields)


class Reservations:
    """The reservations of a charge point, over restarts (V-14).

    `on_change` is called when one has come, gone or been used.
    """

    def __init__(
        self,
        places: Mapping[int, Place],
        configuration: Configuration,
        clock: StationClock,
        journal: Journal,
        *,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.on_change: Callable[[], object] = lambda: None
        self._places = places
        self._configuration = configuration
        self._clock = clock
        self._journal = journal
        self._kept = {
            int(key): Reservation.from_document(key, document)
            for key, document in (saved or {}).items()
        }
        self._timer: IDelayedCall | None = None
        clock.on_step(lambda step: self._plan())

    def __len__(self) -> int:
        return len(self._kept)

    def start(self) -> None:
        """Begin to watch expiry dates."""
        self._plan()

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # What the central system asks.

    async def reserve(self, wanted: Reservation) -> ReservationResult:
        """ReserveNow (V-01, V-02, V-06, V-12, V-13)."""
        result = self._judge(wanted)
        if result is not ReservationResult.ACCEPTED:
            return result
        try:
            await self._journal.promise(wanted.put())
        except StoreError:
            return ReservationResult.REJECTED
        self._kept[wanted.reservation_id] = wanted
        self._plan()
        self.on_change()
        return result

    async def cancel(self, reservation_id: int) -> bool:
        """CancelReservation; False if there is no such reservation (V-11)."""
        reservation = self._kept.get(reservation_id)
        if reservation is None:
            return False
        self._forget(reservation)
        await self._journal.keep(reservation.delete())
        return True

    # What others have to respect.

    def reserved(self, connector_id: int) -> bool:
        """Whether the connector is kept for somebody: by its own reservation, or as one of the last
        that are free for those of connector 0 (V-07)."""
        if self._own(connector_id) is not None:
            return True
        free = self._open_places()
        return connector_id in free and len(self._for_any()) >= len(free)

    def may_use(self, connector_id: int, id_tag: str, parent_id_tag: str | None = None) -> bool:
        """Whether somebody may start here, as far as reservations go (V-04)."""
        if not self.reserved(connector_id):
            return True
        return self.meant_for(connector_id, id_tag, parent_id_tag) is not None

    def asks_for_group(self, connector_id: int) -> bool:
        """Whether the group of a tag could open this connector (V-05)."""
        candidates = [self._own(connector_id), *self._for_any()]
        return any(r is not None and r.parent_id_tag is not None for r in candidates)

    def meant_for(
        self, connector_id: int, id_tag: str, parent_id_tag: str | None = None
    ) -> Reservation | None:
        """The reservation that a start here would use up (V-08, V-09)."""
        own = self._own(connector_id)
        candidates = [own] if own is not None else self._for_any()
        return next((r for r in candidates if r.is_for(id_tag, parent_id_tag)), None)

    def used(self, reservation: Reservation) -> None:
        """A transaction has used it up; its deletion is saved with the start of that."""
        self._forget(reservation)

    def look_around(self) -> None:
        """Drop reservations of connectors that are out of order or out of service (V-08)."""
        for reservation in list(self._kept.values()):
            if self._cannot_be_kept(reservation):
                log.info("reservation {id} is void", id=reservation.reservation_id)
                self._journal.keep(reservation.delete())
                self._forget(reservation)

    # Inside.

    def _own(self, connector_id: int) -> Reservation | None:
        return next((r for r in self._kept.values() if r.connector_id == connector_id), None)

    def _for_any(self) -> list[Reservation]:
        return [r for r in self._kept.values() if r.connector_id == ANY]

    def _open_places(self, besides: int | None = None) -> list[int]:
        """Connectors that somebody with a reservation for any could use."""
        return [
            connector_id
            for connector_id, place in self._places.items()
            if place.standing in (Standing.FREE, Standing.OCCUPIED)
            and not place.in_use
            and self._taken_by_other(connector_id, besides) is None
        ]

    def _taken_by_other(self, connector_id: int, besides: int | None) -> Reservation | None:
        own = self._own(connector_id)
        return None if own is None or own.reservation_id == besides else own

    def _judge(self, wanted: Reservation) -> ReservationResult:
        if not self._configuration.supports("Reservation") or wanted.expiry <= self._clock.now():
            return ReservationResult.REJECTED
        if wanted.connector_id == ANY:
            return self._judge_any(wanted)
        place = self._places.get(wanted.connector_id)
        if place is None:
            return ReservationResult.REJECTED
        if place.standing is Standing.FREE:
            return self._judge_free(wanted)
        return ReservationResult(place.standing.value.capitalize())

    def _judge_free(self, wanted: Reservation) -> ReservationResult:
        """Nobody has it, and enough stay for those who may take any."""
        other = self._taken_by_other(wanted.connector_id, wanted.reservation_id)
        left = len(self._open_places(wanted.reservation_id)) - 1
        promised = [r for r in self._for_any() if r.reservation_id != wanted.reservation_id]
        if other is not None or left < len(promised):
            return ReservationResult.OCCUPIED
        return ReservationResult.ACCEPTED

    def _judge_any(self, wanted: Reservation) -> ReservationResult:
        if not self._configuration.boolean("ReserveConnectorZeroSupported"):
            return ReservationResult.REJECTED
        free = [
            c
            for c in self._open_places(wanted.reservation_id)
            if self._places[c].standing is Standing.FREE
        ]
        promised = [r for r in self._for_any() if r.reservation_id != wanted.reservation_id]
        if len(free) > len(promised):
            return ReservationResult.ACCEPTED
        standings = {place.standing for place in self._places.values()}
        if len(standings) == 1 and Standing.FREE not in standings:
            return ReservationResult(standings.pop().value.capitalize())
        return ReservationResult.OCCUPIED

    def _cannot_be_kept(self, reservation: Reservation) -> bool:
        broken = (Standing.FAULTED, Standing.UNAVAILABLE)
        if reservation.connector_id == ANY:
            return all(place.standing in broken for place in self._places.values())
        place = self._places.get(reservation.connector_id)
        return place is None or place.standing in broken

    def _forget(self, reservation: Reservation) -> None:
        if self._kept.pop(reservation.reservation_id, None) is not None:
            self._plan()
            self.on_change()

    def _plan(self) -> None:
        self.stop()
        first = min((r.expiry for r in self._kept.values()), default=None)
        if first is not None:
            self._timer = self._clock.call_at(first, self._expire)

    def _expire(self) -> None:
        now = self._clock.now()
        for reservation in list(self._kept.values()):
            if reservation.expiry <= now:
                # V-10
                self._journal.keep(reservation.delete())
                self._forget(reservation)
        self._plan()
