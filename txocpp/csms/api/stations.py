"""Charge points: which there are, how they stand, and what an operator decides about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Page, Problem, Role, changes
from txocpp.csms.api.passwords import given_key
from txocpp.csms.api.queries import Connector, Identity, Key, Limit, Moment, Number, station_or_404
from txocpp.csms.api.views import (
    ConnectorView,
    ProfileView,
    SampleView,
    StationSummary,
    StationView,
    TransactionView,
    connector_view,
    profile_view,
    sample_view,
    station_summary,
    station_view,
    transaction_view,
)
from txocpp.csms.limits import composite, limit_now
from txocpp.csms.office import Office
from txocpp.csms.operations import Asked
from txocpp.csms.station import Registration
from txocpp.smartcharging import RateUnit
from txocpp.storage.central.configuration import KeyRecord
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

routes = Endpoints("stations")

AdmissionWord = Literal["accepted", "pending", "rejected"]
StatusWord = Literal[
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
]


class StationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which stations."""

    search: str | None = None
    connected: bool | None = None
    admission: AdmissionWord | None = None
    registration: Literal["Accepted", "Pending", "Rejected"] | None = None
    status: StatusWord | None = None
    """Only stations with a connector that was last said to be in it."""
    after: str | None = None
    limit: Limit = 100


class NewStation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A station to be entered before it connects."""

    identity: Identity
    name: str = ""
    admission: AdmissionWord | None = "accepted"
    password: str | None = None
    """AuthorizationKey: 32 to 40 hex digits, or any text."""


class StationChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may change; what is left out stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    admission: AdmissionWord | msgspec.UnsetType | None = msgspec.UNSET


@routes.get("/api/stations", query=StationsQuery, answer=Page[StationSummary])
async def list_stations(office: Office, call: Call) -> Page[StationSummary]:
    """Charge points in the order of their identities."""
    query: StationsQuery = call.query
    now = office.now()

    def look(records: Records) -> list[tuple[StationRecord, list[ConnectorView]]]:
        found = records.stations.page(
            after=query.after,
            limit=query.limit,
            search=query.search,
            admission=query.admission,
            registration=query.registration,
            identities=connected,
            excluding=disconnected,
            status=query.status,
        )
        views = connector_views(records, found, now)
        return [(record, views.get(record.id, [])) for record in found]

    online = [station.identity for station in office.central.stations]
    connected = online if query.connected is True else None
    disconnected = online if query.connected is False else None
    found = await office.store.read(look)
    return Page(
        [station_summary(record, office.central, views) for record, views in found],
        found[-1][0].identity if len(found) == query.limit else None,
    )


@routes.post("/api/stations", body=NewStation, answer=StationView, status=201, role=Role.ADMIN)
async def add_station(office: Office, call: Call) -> Answer:
    """Enter a charge point before it connects."""
    body: NewStation = call.body
    if not body.identity.isprintable():
        raise Problem(422, "body: identity has characters that cannot be printed")
    password = None if body.password is None else office.passwords.hash(given_key(body.password))

    def enter(records: Records) -> StationRecord:
        if records.stations.find(body.identity) is not None:
            raise Problem(409, f"there is a station {body.identity!r} already")
        return records.stations.add(
            body.identity,
            office.now(),
            name=body.name,
            admission=body.admission,
            password_hash=password,
        )

    record: StationRecord = await office.store.write(enter)
    office.events.tell("station.added", record.identity)
    return Answer(station_view(record, office.central, [], []), 201)


@routes.get("/api/stations/<identity>", answer=StationView)
async def show_station(office: Office, call: Call) -> StationView:
    """All that is known of a charge point."""
    return await _show(office, call.identity)


@routes.patch("/api/stations/<identity>", body=StationChange, answer=StationView)
async def change_station(office: Office, call: Call) -> StationView:
    """Name a charge point, or decide whether it is accepted."""
    wanted = changes(call.body)

    def change(records: Records) -> StationRecord:
        record = station_or_404(records, call.identity)
        changed = records.stations.edit(record.id, call.if_match, **wanted)
        if changed is None:
            raise Problem(412, "the station has been changed meanwhile; look at it again")
        return changed

    record: StationRecord = await office.store.write(change)
    office.events.tell("station.changed", record.identity, admission=record.admission)
    if "admission" in wanted:
        await _make_known(office, call, record)
    return await _show(office, call.identity)


async def _make_known(office: Office, call: Call, record: StationRecord) -> None:
    """A new decision counts from the next boot on; a pending station can be asked to boot now."""
    line = office.central.stations.find(record.identity)
    if line is None or record.admission is None:
        return
    decided = Registration(record.admission.capitalize())
    if line.registration is Registration.PENDING and decided is not Registration.PENDING:
        asked = Asked(
            "TriggerMessage", {"requestedMessage": "BootNotification"}, call.principal.name
        )
        await office.operations.ask(record, asked)
    elif line.registration is not decided:
        # Nothing in OCPP takes back a registration; after a new connection it is looked at again.
        line.registration = None
        line.close(1001, "registration changed")


class StatusView(msgspec.Struct, frozen=True):
    """One status that a connector reported."""

    connector_id: int
    status: str
    error_code: str
    info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    changed_at: datetime
    received_at: datetime


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a history, newest first."""

    connector_id: Connector | None = None
    before: Key | None = None
    limit: Limit = 100


@routes.get("/api/stations/<identity>/status-history", query=HistoryQuery, answer=Page[StatusView])
async def status_history(office: Office, call: Call) -> Page[StatusView]:
    """What the connectors of a charge point reported, newest first."""
    query: HistoryQuery = call.query

    def look(records: Records) -> Any:
        record = station_or_404(records, call.identity)
        return records.stations.status_history(
            record.id, connector=query.connector_id, before=query.before, limit=query.limit
        )

    found = await office.store.read(look)
    views = [
        StatusView(
            status.connector,
            status.status,
            status.error_code,
            status.info,
            status.vendor_id,
            status.vendor_error_code,
            status.changed_at,
            status.received_at,
        )
        for _, status in found
    ]
    return Page(views, found[-1][0] if len(found) == query.limit else None)


class SamplesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which meter values."""

    connector_id: Number = 1
    since: Moment | None = None
    """Default: a day before `until`."""
    until: Moment | None = None
    transaction_id: Key | None = None
    complete: bool = False
    """With every value that was sent."""
    limit: Limit = 1000


@routes.get("/api/stations/<identity>/samples", query=SamplesQuery, answer=Page[SampleView])
async def samples(office: Office, call: Call) -> Page[SampleView]:
    """Meter values of a connector, oldest first."""
    query: SamplesQuery = call.query
    until = query.until or office.now() + timedelta(minutes=5)
    since = query.since or until - timedelta(days=1)

    def look(records: Records) -> Any:
        record = station_or_404(records, call.identity)
        return records.samples.series(
            record.id,
            query.connector_id,
            since=since,
            until=until,
            transaction_id=query.transaction_id,
            limit=query.limit,
        )

    found = await office.store.read(look)
    following = found[-1].at if len(found) == query.limit else None
    views = [sample_view(record, complete=query.complete) for record in found]
    return Page(views, None if following is None else following.isoformat())


@routes.get("/api/stations/<identity>/profiles", answer=Page[ProfileView])
async def profiles(office: Office, call: Call) -> Page[ProfileView]:
    """Charging profiles that a charge point has acknowledged."""
    found = await office.store.read(
        lambda records: records.profiles.of(station_or_404(records, call.identity).id)
    )
    return Page([profile_view(record) for record in found])


class CompositeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which connector and how far."""

    connector_id: Connector = 0
    duration_s: int = 86400
    unit: Literal["A", "W"] = "A"


class CompositePeriodView(msgspec.Struct, frozen=True):
    """A limit from a moment on."""

    at: datetime
    limit: float | None
    phases: int | None


@routes.get(
    "/api/stations/<identity>/composite", query=CompositeQuery, answer=Page[CompositePeriodView]
)
async def show_composite(office: Office, call: Call) -> Page[CompositePeriodView]:
    """The limit that should be in force, worked out from the acknowledged profiles."""
    query: CompositeQuery = call.query
    now = office.now()
    unit = RateUnit(query.unit)
    if not 0 <= query.duration_s <= 366 * 86400:
        raise Problem(400, "query: duration_s is not between 0 and a year")

    def look(records: Records) -> list[CompositePeriodView]:
        record = station_or_404(records, call.identity)
        made = composite(records, record.id, now)
        if limit_now(made, query.connector_id, now, unit) is None and not made.stack.profiles:
            return [CompositePeriodView(now, None, None)]
        if not made.station.knows(query.connector_id):
            raise Problem(404, f"there is no connector {query.connector_id}")
        schedule = made.schedule(query.connector_id, now, query.duration_s, unit)
        views = []
        for period in schedule.periods:
            at = now + timedelta(seconds=period.start_s)
            limit = limit_now(made, query.connector_id, at, unit)
            views.append(
                CompositePeriodView(at, None if limit is None else float(limit), period.phases)
            )
        return views

    return Page(await office.store.read(look))


class KeyView(msgspec.Struct, frozen=True):
    """One configuration key, as last read or changed."""

    key: str
    value: str | None
    readonly: bool | None
    read_at: datetime
    pending_reboot: bool


@routes.get("/api/stations/<identity>/configuration", answer=Page[KeyView])
async def configuration(office: Office, call: Call) -> Page[KeyView]:
    """Configuration keys as last read or changed. To read them anew, ask for GetConfiguration."""
    found = await office.store.read(
        lambda records: records.configuration.of(station_or_404(records, call.identity).id)
    )
    return Page([key_view(key) for key in found])


def key_view(key: KeyRecord) -> KeyView:
    """A configuration key."""
    return KeyView(key.key, key.value, key.readonly, key.read_at, key.pending_reboot)


class ListView(msgspec.Struct, frozen=True):
    """A local authorization list, as the station has acknowledged it."""

    version: int | None
    """Of what was acknowledged from here; null: nothing ever was."""
    told: int | None
    """The version that the station itself named last."""
    entries: list[dict[str, Any]]


@routes.get("/api/stations/<identity>/local-list", answer=ListView)
async def local_list(office: Office, call: Call) -> ListView:
    """The local list that a charge point should have."""

    def look(records: Records) -> ListView:
        record = station_or_404(records, call.identity)
        entries = records.local_lists.of(record.id)
        return ListView(
            record.local_list_version,
            record.local_list_told,
            [{"idTag": entry.id_tag, "idTagInfo": entry.info} for entry in entries],
        )

    view: ListView = await office.store.read(look)
    return view


class NoticeView(msgspec.Struct, frozen=True):
    """Something that a station told."""

    id: int
    kind: str
    at: datetime
    received_at: datetime
    document: dict[str, Any]


class NoticesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which notices, newest first."""

    kind: str | None = None
    before: Key | None = None
    limit: Limit = 100


@routes.get("/api/stations/<identity>/notices", query=NoticesQuery, answer=Page[NoticeView])
async def notices(office: Office, call: Call) -> Page[NoticeView]:
    """Boots, security events, progress of updates and uploads, vendor data; newest first."""
    query: NoticesQuery = call.query
    found = await office.store.read(
        lambda records: records.notices.page(
            station_id=station_or_404(records, call.identity).id,
            kind=query.kind,
            before=query.before,
            limit=query.limit,
        )
    )
    views = [NoticeView(n.id, n.kind, n.at, n.received_at, n.document) for n in found]
    return Page(views, views[-1].id if len(views) == query.limit else None)


def connector_views(
    records: Records, stations: list[StationRecord], now: datetime
) -> dict[int, list[ConnectorView]]:
    """The connectors of these stations with what is going on there, by station key."""
    identities = {record.id: record.identity for record in stations}
    running = {
        (found.station_id, found.connector): found
        for found in records.transactions.all_running(list(identities))
    }
    limited = records.profiles.stations_with_profiles(list(identities))
    composites = {key: composite(records, key, now) for key in limited}
    latest = records.samples.latest_of(list(identities))
    views: dict[int, list[ConnectorView]] = {}
    for found in records.stations.connectors(identities):
        key, number = found.station_id, found.connector
        transaction = running.get((key, number))
        last = latest.get((key, number))
        limit = None
        if key in composites:
            limit = limit_now(composites[key], number, now)
        views.setdefault(key, []).append(
            connector_view(
                found,
                limit_a=None if limit is None else float(limit),
                transaction=None
                if transaction is None
                else transaction_view(transaction, identities[key], last),
                last_sample=None if last is None else sample_view(last),
            )
        )
    return views


async def _show(office: Office, identity: str) -> StationView:
    now = office.now()

    def look(records: Records) -> tuple[StationRecord, list[ConnectorView], list[TransactionView]]:
        record = station_or_404(records, identity)
        connectors = connector_views(records, [record], now).get(record.id, [])
        seen = {c.transaction.id: c.transaction for c in connectors if c.transaction is not None}
        running = [
            seen.get(found.id) or transaction_view(found, record.identity)
            for found in records.transactions.running(record.id)
        ]
        return record, connectors, running

    record, connectors, running = await office.store.read(look)
    return station_view(record, office.central, connectors, running)
