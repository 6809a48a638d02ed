"""The transactions of a charge point: started, running, stopped, told about (OCPP 1.6 §3.6, §4.8,
§4.10; rules TX-01 to TX-32).

A transaction is on the disk before energy flows, and stays there until its StopTransaction has been
acknowledged. The number that the central system gives it arrives later, perhaps never; until then a
key of our own names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import uuid4

import attrs
from twisted.internet.defer import Deferred

from txocpp.chargepoint.journal import Change, Journal
from txocpp.chargepoint.measurands import from_documents, to_documents
from txocpp.chargepoint.metering import Series, Taken
from txocpp.chargepoint.outbox import Entry, Outbox
from txocpp.chargepoint.tags import TagInfo
from txocpp.errors import StoreError
from txocpp.interfaces import Delete, Put

TABLE = "transactions"
DATA_TABLE = "transaction-data"
NEVER_CONFIRMED = -1
"""Stands for the id of a transaction whose start the central system never confirmed (TX-29)."""

START = "StartTransaction"
STOP = "StopTransaction"
METER_VALUES = "MeterValues"


class StopReason(StrEnum):
    """Why a transaction ended (TX-12)."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"


@attrs.frozen(kw_only=True)
class Transaction:
    """One transaction, as it is now."""

    key: str
    """Our own name for it."""
    connector_id: int
    id_tag: str
    meter_start_wh: int
    started_at: datetime
    parent_id_tag: str | None = None
    """The group of the tag, as far as it is known (A-11)."""
    reservation_id: int | None = None
    """The reservation that it uses up (TX-02)."""
    transaction_id: int | None = None
    """The central system's number for it; None until it is confirmed (TX-31)."""
    refused: bool = False
    """The central system did not accept the tag: no energy any more (A-61)."""
    refused_at_wh: int | None = None
    """Register when the tag was refused (A-62)."""
    stopped: bool = False
    """Its StopTransaction is in the outbox or has been sent."""
    stop_reason: StopReason | None = None
    """Set before a reset: why it ends, should there be no time to tell."""

    def put(self) -> Put:
        """The change that saves it."""
        document = attrs.asdict(self, filter=attrs.filters.exclude("key"))
        document["started_at"] = self.started_at.isoformat()
        return Put(TABLE, self.key, document)

    @classmethod
    def from_document(cls, key: str, document: Mapping[str, Any]) -> Transaction:
        """Read what `put` wrote."""
        reason = document["stop_reason"]
        fields = {
            **document,
            "started_at": datetime.fromisoformat(document["started_at"]),
            "stop_reason": None if reason is None else StopReason(reason),
        }
        return cls(key=key, **fields)


@attrs.frozen(kw_only=True)
class Stop:
    """How a transaction ends."""

    reason: StopReason
    meter_stop_wh: int
    at: datetime
    id_tag: str | None = None
    """The tag that stopped it; None: the station did (TX-13)."""


class TransactionMessages(Protocol):
    """Says it in the words of a version: gives payloads for the outbox."""

    def start(self, transaction: Transaction) -> dict[str, Any]:
        """Payload of the message that a transaction has begun."""

    def stop(self, stop: Stop, data: Sequence[Taken]) -> dict[str, Any]:
        """Payload of the message that it has ended; the id is filled in when it is sent."""

    def meter_values(self, connector_id: int, taken: Taken) -> dict[str, Any]:
        """Payload with values of one connector; the id is filled in when it is sent."""


class Transactions:
    """All transactions that the central system has not acknowledged to the end.

    `on_confirmed` hears when the central system has taken in a start: the transaction, and what it
    said about the tag.
    """

    def __init__(
        self,
        journal: Journal,
        messages: TransactionMessages,
        *,
        data_limit: Callable[[], int] = lambda: 100,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
        saved_data: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.on_confirmed: Callable[[Transaction, TagInfo], object] = lambda transaction, info: None
        self._journal = journal
        self._messages = messages
        self._data_limit = data_limit
        self._outbox: Outbox | None = None
        found = [Transaction.from_document(key, one) for key, one in (saved or {}).items()]
        # In the order in which they began, as they were known before.
        self._known = {t.key: t for t in sorted(found, key=lambda t: t.started_at)}
        self._data: dict[str, Series] = {}
        self._restore_data(saved_data or {})

    def send_through(self, outbox: Outbox) -> None:
        """The outbox that carries the messages. It knows us as well, hence not at construction."""
        self._outbox = outbox
        for transaction in self.running():
            outbox.hold_room(transaction.key)

    # What is running.

    def running(self) -> list[Transaction]:
        """The transactions that have not been stopped."""
        return [t for t in self._known.values() if not t.stopped]

    def on_connector(self, connector_id: int) -> Transaction | None:
        """The transaction that runs on a connector."""
        return next((t for t in self.running() if t.connector_id == connector_id), None)

    def by_id(self, transaction_id: int) -> Transaction | None:
        """The running transaction with the central system's number (R-21, R-23)."""
        if transaction_id == NEVER_CONFIRMED:
            return None
        return next((t for t in self.running() if t.transaction_id == transaction_id), None)

    def current(self, transaction: Transaction) -> Transaction:
        """The same transaction, as it is now."""
        return self._known.get(transaction.key, transaction)

    @property
    def may_start(self) -> bool:
        """Whether start and stop of one more would find room."""
        return self._out.has_room

    # What happens to them.

    async def start(
        self,
        *,
        connector_id: int,
        id_tag: str,
        parent_id_tag: str | None,
        meter_start_wh: int,
        at: datetime,
        reservation_id: int | None = None,
        changes: Iterable[Change] = (),
    ) -> Transaction:
        """Begin a transaction, saved together with `changes`; `StoreError`: it did not begin."""
        transaction = Transaction(
            key=uuid4().hex,
            connector_id=connector_id,
            id_tag=id_tag,
            parent_id_tag=parent_id_tag,
            meter_start_wh=meter_start_wh,
            started_at=at,
            reservation_id=reservation_id,
        )
        self._out.hold_room(transaction.key)
        self._known[transaction.key] = transaction
        try:
            await self._out.add(
                START,
                self._messages.start(transaction),
                transaction.put(),
                *changes,
                transaction=transaction.key,
                promise=True,
            )
        except BaseException:
            self._out.free_room(transaction.key)
            del self._known[transaction.key]
            raise
        return self.current(transaction)

    def stop(self, transaction: Transaction, stop: Stop, *changes: Change) -> Deferred[None]:
        """End a transaction; fires when that is saved, together with `changes`."""
        self._known[transaction.key] = attrs.evolve(self.current(transaction), stopped=True)
        series = self._data.pop(transaction.key, None)
        taken = series.taken if series is not None else []
        self._out.free_room(transaction.key)
        return self._out.add(
            STOP,
            self._messages.stop(stop, taken),
            self._known[transaction.key].put(),
            *(Delete(DATA_TABLE, _data_key(transaction, one)) for one in taken),
            *changes,
            transaction=transaction.key,
        )

    def report(
        self, connector_id: int, transaction: Transaction | None, taken: Taken, *changes: Change
    ) -> None:
        """Send meter values (M-08); none of a transaction that has been stopped (TX-19). They are
        lost if the disk is full."""
        if transaction is not None and not self._runs(transaction):
            return
        reported = self._out.add(
            METER_VALUES,
            self._messages.meter_values(connector_id, taken),
            *changes,
            transaction=None if transaction is None else transaction.key,
            droppable=True,
            promise=True,
        )
        reported.addErrback(lambda failure: failure.trap(StoreError))

    def collect(self, transaction: Transaction, taken: Taken, *, last: bool = False) -> None:
        """Keep meter values for the data of the StopTransaction (M-05 to M-07)."""
        if not self._runs(transaction):
            return
        series = self._data.setdefault(transaction.key, Series(self._data_limit()))
        if last:
            # Saved as part of the StopTransaction itself.
            series.close(taken)
            return
        gone = series.add(taken)
        if gone is not None:
            document = {
                "at": taken.at.isoformat(),
                "samples": to_documents(taken.samples),
            }
            self._journal.keep(
                *(Delete(DATA_TABLE, _data_key(transaction, one)) for one in gone),
                Put(DATA_TABLE, _data_key(transaction, taken), document),
            )

    def change(self, transaction: Transaction, **fields: Any) -> Transaction:
        """Note something about a transaction; saved as soon as may be."""
        changed = attrs.evolve(self.current(transaction), **fields)
        self._known[transaction.key] = changed
        self._journal.keep(changed.put())
        return changed

    # What the central system answered; called by whoever settles outbox entries.

    def wire_id(self, entry: Entry) -> int | None:
        """The number to send with a message now (TX-29, TX-31)."""
        if entry.transaction is None:
            return None
        transaction = self._known.get(entry.transaction)
        if transaction is None or transaction.transaction_id is None:
            return NEVER_CONFIRMED
        return transaction.transaction_id

    def start_confirmed(self, entry: Entry, transaction_id: int, info: TagInfo) -> list[Change]:
        """The central system has given its number (TX-31)."""
        transaction = self._known[str(entry.transaction)]
        changed = attrs.evolve(
            transaction,
            transaction_id=transaction_id,
            parent_id_tag=info.parent_id_tag or transaction.parent_id_tag,
        )
        self._known[changed.key] = changed
        self.on_confirmed(changed, info)
        return [self._known[changed.key].put()]

    def start_given_up(self, entry: Entry) -> list[Change]:
        """The central system never took it in; the rest goes without a number (TX-29)."""
        transaction = self._known[str(entry.transaction)]
        changed = attrs.evolve(transaction, transaction_id=NEVER_CONFIRMED)
        self._known[changed.key] = changed
        return [changed.put()]

    def stop_settled(self, entry: Entry) -> list[Change]:
        """Nothing more is to be told about it."""
        key = str(entry.transaction)
        self._known.pop(key, None)
        return [Delete(TABLE, key)]

    def _runs(self, transaction: Transaction) -> bool:
        known = self._known.get(transaction.key)
        return known is not None and not known.stopped

    @property
    def _out(self) -> Outbox:
        assert self._outbox is not None, "send_through comes first"
        return self._outbox

    def _restore_data(self, saved: Mapping[str, Mapping[str, Any]]) -> None:
        """Collected values of transactions that still run; the rest is left from a lost race."""
        running = {transaction.key for transaction in self.running()}
        for row, document in saved.items():
            key = row.partition("/")[0]
            if key in running:
                series = self._data.setdefault(key, Series(self._data_limit()))
                at = datetime.fromisoformat(document["at"])
                series.taken.append(Taken(at, from_documents(document["samples"])))


def _data_key(transaction: Transaction, taken: Taken) -> str:
    context = taken.samples[0].context if taken.samples else ""
    return f"{transaction.key}/{taken.at.isoformat(timespec='milliseconds')}/{context}"
