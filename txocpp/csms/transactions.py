"""Which transaction a Start, a Stop or a meter value means, whatever order they come in.

Stations repeat messages, send them days late, lose our answers and forget their own. Each case has
one outcome:

* the same Start again (TX-05): the id and the status that it got before, no second transaction;
* a Start while one runs on the connector: the older one is abandoned, its end taken from the last
  meter value; a Stop for it that comes after all still completes it;
* the same Stop again: nothing changes; a different one for a stopped transaction: the first one
  stays, the note says so;
* a Stop without a Start (TX-29, id -1 or 0): completes the one running transaction whose id the
  station cannot have learned, if there is exactly one; otherwise a transaction is entered that has
  an end only, with the start as far as transactionData tells it;
* a Stop with any other id that was not given to the station: such a transaction in any case;
* meter values with id -1 or 0: belong to the running transaction of the connector whose id the
  station cannot have learned, or to none; those with any other id are kept as they come (Z-07).

Rules of this room: functions of one `Records`, run inside a change of the store, so that each is
applied whole or not at all. Nothing is ever refused (TX-04).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from txocpp.csms.authorization import AuthorizationRules, AuthorizationStatus, Verdict, decide
from txocpp.csms.metering import UNKNOWN_CONNECTOR, SampleRow
from txocpp.storage.central.records import Records
from txocpp.storage.central.reservations import ReservationState
from txocpp.storage.central.schema import to_ms
from txocpp.storage.central.tags import tag_key
from txocpp.storage.central.transactions import TransactionRecord, TransactionState

NOTE_LENGTH: Final = 300

# Where the transaction id stands in a sample row.
_TRANSACTION: Final = 4


@attrs.frozen
class Start:
    """A StartTransaction (§6.45)."""

    connector: int
    id_tag: str
    meter_start: int
    """Wh."""
    started_at: datetime
    reservation_id: int | None = None


@attrs.frozen
class Stop:
    """A StopTransaction (§6.49)."""

    transaction_id: int
    meter_stop: int
    """Wh."""
    stopped_at: datetime
    id_tag: str | None = None
    reason: str | None = None
    """None means Local (TX-11)."""
    samples: tuple[SampleRow, ...] = ()
    """transactionData, as rows of an unknown connector."""
    meter_start: float | None = None
    """Wh at the start, where transactionData has it."""


@attrs.frozen
class Started:
    """What a Start led to."""

    transaction: TransactionRecord
    verdict: Verdict
    fresh: bool
    """False: it was a repetition."""
    abandoned: tuple[TransactionRecord, ...] = ()


@attrs.frozen
class Stopped:
    """What a Stop led to."""

    transaction: TransactionRecord
    verdict: Verdict | None
    """About the tag that stopped it; None without one."""
    fresh: bool
    """False: it was a repetition."""


def start(
    records: Records, station_id: int, message: Start, now: datetime, rules: AuthorizationRules
) -> Started:
    """A transaction has begun."""
    known, running = records.transactions.at_start(
        station_id, message.connector, message.id_tag, message.started_at, message.meter_start
    )
    if known is not None:
        told = decide(records, message.id_tag, now, rules)
        before = AuthorizationStatus(known.start_status or told.status)
        return Started(known, attrs.evolve(told, status=before), fresh=False)
    abandoned = _abandon(records, running, message, now)
    # the tag is judged again, although Authorize may have been asked before.
    verdict = decide(records, message.id_tag, now, rules, starting=1)
    begun = records.transactions.add(
        station_id=station_id,
        connector=message.connector,
        id_tag=message.id_tag,
        meter_start=message.meter_start,
        started_at=message.started_at,
        received_at=now,
        start_status=verdict.status,
        reservation_id=message.reservation_id,
        state=TransactionState.RUNNING,
    )
    if message.reservation_id is not None:
        records.reservations.end(
            station_id,
            ReservationState.USED,
            now,
            reservation_id=message.reservation_id,
            transaction_id=begun.id,
        )
    records.profiles.begin_transaction(station_id, message.connector, begun.id)
    return Started(begun, verdict, fresh=True, abandoned=abandoned)


def stop(
    records: Records, station_id: int, message: Stop, now: datetime, rules: AuthorizationRules
) -> Stopped:
    """A transaction has ended."""
    verdict = None if message.id_tag is None else decide(records, message.id_tag, now, rules)
    meant = _meant_by_stop(records, station_id, message)
    if meant is None:
        ended = _add_stop_only(records, station_id, message, now)
    elif meant.state == TransactionState.STOPPED:
        return Stopped(_repeated(records, meant, message), verdict, fresh=False)
    else:
        ended = records.transactions.set(
            meant.id,
            **_end(message, now),
            **_named_otherwise(meant, message),
            note=_noted(meant.note, _oddity(meant, message)),
        )
    if message.samples:
        connector = UNKNOWN_CONNECTOR if ended.connector is None else ended.connector
        records.samples.add(
            [
                (row[0], connector, *row[2:_TRANSACTION], ended.id, *row[_TRANSACTION + 1 :])
                for row in message.samples
            ]
        )
    records.profiles.end_transaction(station_id, ended.id)
    return Stopped(ended, verdict, fresh=True)


def keep_samples(records: Records, station_id: int, rows: list[SampleRow]) -> None:
    """Keep meter values whose transaction id we never gave (TX-29, Z-07)."""
    for row in rows:
        connector, at_ms, reported = row[1], row[2], row[_TRANSACTION]
        meant = [
            candidate
            for candidate in records.transactions.running(station_id, connector)
            if _begun_by(candidate, at_ms) and _unlearned(records, candidate, reported)
        ]
        found = meant[-1].id if meant else None
        if meant and meant[-1].reported_id != reported:
            records.transactions.set(meant[-1].id, reported_id=reported)
        records.samples.add([(*row[:_TRANSACTION], found, *row[_TRANSACTION + 1 :])])


def close_by_hand(
    records: Records, transaction: TransactionRecord, now: datetime, who: str
) -> TransactionRecord:
    """An operator declares a transaction ended of which the station says nothing any more."""
    note = _noted(transaction.note, f"closed by {who}")
    return _give_up(records, transaction, now, note)


def _meant_by_stop(records: Records, station_id: int, message: Stop) -> TransactionRecord | None:
    if message.transaction_id > 0:
        named = records.transactions.get(message.transaction_id)
        if named is not None and named.station_id == station_id:
            return named
    repeated = records.transactions.find_stopped(
        station_id, message.transaction_id, message.stopped_at, message.meter_stop
    )
    if repeated is not None or message.transaction_id > 0:
        return repeated
    at_ms = to_ms(message.stopped_at)
    candidates = [
        candidate
        for candidate in records.transactions.running(station_id)
        if _begun_by(candidate, at_ms)
        and (candidate.meter_start or 0) <= message.meter_stop
        and _unlearned(records, candidate, message.transaction_id)
    ]
    return candidates[0] if len(candidates) == 1 else None


def _begun_by(candidate: TransactionRecord, at_ms: int) -> bool:
    return candidate.started_at is not None and to_ms(candidate.started_at) <= at_ms


def _unlearned(records: Records, candidate: TransactionRecord, reported: int | None) -> bool:
    """True if the station cannot have learned the id: it has never used it."""
    if candidate.reported_id is not None:
        return candidate.reported_id == reported
    return candidate.connector is not None and not records.samples.mentions(
        candidate.station_id, candidate.connector, candidate.id
    )


def _end(message: Stop, now: datetime) -> dict[str, object]:
    return {
        "state": TransactionState.STOPPED,
        "stopped_at": message.stopped_at,
        "meter_stop": message.meter_stop,
        "stop_reason": message.reason or "Local",
        "stop_id_tag": message.id_tag,
        "stop_received_at": now,
    }


def _named_otherwise(meant: TransactionRecord, message: Stop) -> dict[str, object]:
    """What is needed to know this Stop again, if it comes once more."""
    return {} if meant.id == message.transaction_id else {"reported_id": message.transaction_id}


def _add_stop_only(
    records: Records, station_id: int, message: Stop, now: datetime
) -> TransactionRecord:
    start_wh = message.meter_start
    return records.transactions.add(
        station_id=station_id,
        connector=None,
        id_tag=message.id_tag,
        meter_start=None if start_wh is None else int(start_wh),
        received_at=now,
        reported_id=message.transaction_id,
        note=f"only its end was told, as transaction {message.transaction_id}",
        **_end(message, now),
    )


def _repeated(records: Records, stopped: TransactionRecord, message: Stop) -> TransactionRecord:
    same = (
        stopped.meter_stop == message.meter_stop
        and stopped.stopped_at is not None
        and to_ms(stopped.stopped_at) == to_ms(message.stopped_at)
    )
    if same:
        return stopped
    odd = (
        f"stopped again with {message.meter_stop} Wh at "
        f"{message.stopped_at:%Y-%m-%d %H:%M:%S}; the first stop stays"
    )
    if odd in stopped.note:
        return stopped
    return records.transactions.set(stopped.id, note=_noted(stopped.note, odd))


def _oddity(begun: TransactionRecord, message: Stop) -> str:
    if begun.meter_start is not None and message.meter_stop < begun.meter_start:
        return "the meter ran backwards"
    if begun.started_at is not None and message.stopped_at < begun.started_at:
        return "it ended before it began, by the station's clock"
    if begun.state == TransactionState.ABANDONED:
        return "its end was told late"
    if begun.id != message.transaction_id:
        return f"its end was told as transaction {message.transaction_id}"
    return ""


def _abandon(
    records: Records, running: list[TransactionRecord], message: Start, now: datetime
) -> tuple[TransactionRecord, ...]:
    """A connector has one transaction at a time: older running ones have ended unheard."""
    return tuple(
        _give_up(
            records,
            older,
            message.started_at,
            _noted(older.note, "its end was never told; the next transaction had begun"),
        )
        for older in running
        if older.started_at is not None and older.started_at <= message.started_at
    )


def _give_up(
    records: Records, transaction: TransactionRecord, until: datetime, note: str
) -> TransactionRecord:
    """End a transaction of which no Stop came, with the last that is known of it."""
    last = None
    if transaction.connector is not None and transaction.started_at is not None:
        last = records.samples.last_register(
            transaction.station_id, transaction.connector, transaction.started_at, until
        )
    meter_stop = transaction.meter_start
    if last is not None and last.energy_wh is not None:
        meter_stop = max(int(last.energy_wh), transaction.meter_start or 0)
    ended = records.transactions.set(
        transaction.id,
        state=TransactionState.ABANDONED,
        stopped_at=last.at if last is not None else transaction.started_at,
        meter_stop=meter_stop,
        note=note,
    )
    records.profiles.end_transaction(transaction.station_id, transaction.id)
    return ended


def _noted(note: str, more: str) -> str:
    if not more:
        return note
    return f"{note}; {more}"[-NOTE_LENGTH:] if note else more[:NOTE_LENGTH]


def same_tag(one: str | None, other: str | None) -> bool:
    """Tags are compared without case (A-04)."""
    return one is not None and other is not None and tag_key(one) == tag_key(other)
