"""Charging transactions and their meter values; reservations."""

from __future__ import annotations

from typing import Literal

import msgspec

from txocpp.csms import transactions
from txocpp.csms.api.endpoint import Call, Endpoints, Page, Problem
from txocpp.csms.api.queries import (
    Connector,
    Key,
    Limit,
    Moment,
    number_in_path,
    station_names,
    station_or_404,
)
from txocpp.csms.api.views import (
    ReservationView,
    SampleView,
    TransactionView,
    reservation_view,
    sample_view,
    transaction_view,
)
from txocpp.csms.metering import UNKNOWN_CONNECTOR
from txocpp.csms.office import Office
from txocpp.storage.central.records import Records
from txocpp.storage.central.schema import EPOCH
from txocpp.storage.central.transactions import TransactionRecord, TransactionState

routes = Endpoints("transactions")


class TransactionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which transactions."""

    station: str | None = None
    connector_id: Connector | None = None
    id_tag: str | None = None
    state: Literal["running", "stopped", "abandoned"] | None = None
    since: Moment | None = None
    """Begun at or after this moment."""
    until: Moment | None = None
    before: Key | None = None
    limit: Limit = 100


@routes.get("/api/transactions", query=TransactionsQuery, answer=Page[TransactionView])
async def list_transactions(office: Office, call: Call) -> Page[TransactionView]:
    """Charging transactions, newest first."""
    query: TransactionsQuery = call.query

    views = await office.store.read(lambda records: find_transactions(records, query, query.limit))
    return Page(views, views[-1].id if len(views) == query.limit else None)


@routes.get("/api/transactions/<number>", answer=TransactionView)
async def show_transaction(office: Office, call: Call) -> TransactionView:
    """One charging transaction."""
    view: TransactionView = await office.store.read(
        lambda records: _views(records, [_found(records, call)])[0]
    )
    return view


class TransactionSamplesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the meter values."""

    complete: bool = False
    """With every value that was sent."""


@routes.get(
    "/api/transactions/<number>/samples", query=TransactionSamplesQuery, answer=Page[SampleView]
)
async def transaction_samples(office: Office, call: Call) -> Page[SampleView]:
    """The meter values of a transaction, oldest first."""

    def look(records: Records) -> list[SampleView]:
        found = _found(records, call)
        connector = UNKNOWN_CONNECTOR if found.connector is None else found.connector
        series = records.samples.series(
            found.station_id,
            connector,
            since=found.started_at or EPOCH,
            until=None,
            transaction_id=found.id,
        )
        return [sample_view(record, complete=call.query.complete) for record in series]

    return Page(await office.store.read(look))


@routes.post("/api/transactions/<number>/close", answer=TransactionView)
async def close_transaction(office: Office, call: Call) -> TransactionView:
    """Declare a transaction ended of which its station says nothing any more."""
    now = office.now()

    def change(records: Records) -> TransactionView:
        found = _found(records, call)
        if found.state != TransactionState.RUNNING:
            raise Problem(409, f"transaction {found.id} is {found.state} already")
        closed = transactions.close_by_hand(records, found, now, call.principal.name)
        return _views(records, [closed])[0]

    view: TransactionView = await office.store.write(change)
    office.events.tell("transaction.abandoned", view.station, transaction_id=view.id)
    return view


class ReservationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which reservations."""

    station: str | None = None
    state: Literal["active", "used", "cancelled", "expired", "lost", "replaced"] | None = None
    before: Key | None = None
    limit: Limit = 100


@routes.get("/api/reservations", query=ReservationsQuery, answer=Page[ReservationView])
async def list_reservations(office: Office, call: Call) -> Page[ReservationView]:
    """Connectors held for a tag, newest first."""
    query: ReservationsQuery = call.query

    def look(records: Records) -> tuple[list[ReservationView], int | None]:
        station_id = None
        if query.station is not None:
            station_id = station_or_404(records, query.station).id
        found = records.reservations.page(
            before=query.before, limit=query.limit, station_id=station_id, state=query.state
        )
        names = station_names(records, {record.station_id for record in found})
        views = [reservation_view(record, names[record.station_id]) for record in found]
        return views, found[-1].id if len(found) == query.limit else None

    return Page(*await office.store.read(look))


def find_transactions(
    records: Records, query: TransactionsQuery, limit: int
) -> list[TransactionView]:
    """The transactions that a query means."""
    station_id = None
    if query.station is not None:
        station_id = station_or_404(records, query.station).id
    found = records.transactions.page(
        before=query.before,
        limit=limit,
        station_id=station_id,
        connector=query.connector_id,
        id_tag=query.id_tag,
        state=query.state,
        since=query.since,
        until=query.until,
    )
    return _views(records, found)


def _found(records: Records, call: Call) -> TransactionRecord:
    number = number_in_path(call.path["number"], "transaction")
    found = records.transactions.get(number)
    if found is None:
        raise Problem(404, f"there is no transaction {number}")
    return found


def _views(records: Records, found: list[TransactionRecord]) -> list[TransactionView]:
    names = station_names(records, {record.station_id for record in found})
    views = []
    for record in found:
        last = None
        if record.state == TransactionState.RUNNING and record.connector is not None:
            last = records.samples.latest(record.station_id, record.connector)
        views.append(transaction_view(record, names[record.station_id], last))
    return views
