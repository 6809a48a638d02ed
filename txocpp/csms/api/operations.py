"""Asking stations to do things: any action, for one or many, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Page, Principal, Problem, Role
from txocpp.csms.api.queries import Key, Limit, number_in_path, station_names, station_or_404
from txocpp.csms.api.views import OperationView, operation_view
from txocpp.csms.office import Office
from txocpp.csms.operations import Asked
from txocpp.storage.central.operations import OperationRecord, Outcome
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

routes = Endpoints("operations")

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400 * 365)]


class NewOperation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action of OCPP 1.6 with its payload as it goes over the wire."""

    action: str
    payload: dict[str, Any] = {}
    force: bool = False
    """Send it even if a rule speaks against it; the schema still holds."""
    valid_for_s: Seconds | None = None
    """Keep it that long for a station that is not connected; null: now or never."""
    timeout_s: Seconds | None = None
    """For the answer of the station."""


class ManyOperations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same action for many stations."""

    stations: list[str] | Literal["all", "connected"]
    action: str
    payload: dict[str, Any] = {}
    force: bool = False
    valid_for_s: Seconds | None = None
    timeout_s: Seconds | None = None


class OperationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which operations, newest first."""

    station: str | None = None
    action: str | None = None
    state: Literal["waiting", "sent", "done"] | None = None
    outcome: Outcome | None = None
    batch: str | None = None
    before: Key | None = None
    limit: Limit = 100


@routes.get("/api/actions", answer=list[str])
async def list_actions(office: Office, call: Call) -> list[str]:
    """The actions that a station can be asked for."""
    return sorted(office.operations.actions)


class ActionView(msgspec.Struct, frozen=True):
    """What a station can be asked for."""

    action: str
    profile: str
    """The feature profile that it belongs to."""
    payload_schema: dict[str, Any]
    """JSON Schema of the payload."""


@routes.get("/api/actions/<action>", answer=ActionView)
async def show_action(office: Office, call: Call) -> ActionView:
    """What an action is for, and what its payload looks like (JSON Schema)."""
    action = call.path["action"]
    if action not in office.operations.actions:
        raise Problem(404, f"{action!r} is no action of a central system")
    return ActionView(action, *office.operations.described(action))


@routes.get("/api/operations", query=OperationsQuery, answer=Page[OperationView])
async def list_operations(office: Office, call: Call) -> Page[OperationView]:
    """What was asked of stations, newest first."""
    query: OperationsQuery = call.query
    return await _page(office, query, query.station)


@routes.get(
    "/api/stations/<identity>/operations", query=OperationsQuery, answer=Page[OperationView]
)
async def list_station_operations(office: Office, call: Call) -> Page[OperationView]:
    """What was asked of one station, newest first."""
    return await _page(office, call.query, call.identity)


@routes.post("/api/stations/<identity>/operations", body=NewOperation, answer=OperationView)
async def operate(office: Office, call: Call) -> Answer:
    """Ask a station for an action, and wait for what becomes of it.

    The answer has status 200 whenever the operation was carried out or attempted; `outcome` tells
    how it went. 202: it waits for the station to connect. 422: it is invalid and was not sent.
    """
    body: NewOperation = call.body
    asked = Asked(
        body.action,
        body.payload,
        call.principal.name,
        force=body.force,
        valid_for_s=body.valid_for_s,
        timeout_s=body.timeout_s,
    )
    return await ask(office, call, asked)


@routes.post("/api/operations", body=ManyOperations, answer=Page[OperationView])
async def operate_many(office: Office, call: Call) -> Page[OperationView]:
    """Ask many stations for the same action; outcomes in the order of the stations."""
    chosen, asked = await many(office, call)
    records = await office.operations.ask_many(chosen, asked)
    return Page(
        [
            operation_view(record, station.identity)
            for record, station in zip(records, chosen, strict=True)
        ]
    )


@routes.get("/api/operations/<number>", answer=OperationView)
async def show_operation(office: Office, call: Call) -> OperationView:
    """One operation."""

    def look(records: Records) -> OperationView:
        return _views(records, [_found(records, call)])[0]

    view: OperationView = await office.store.read(look)
    return view


@routes.delete("/api/operations/<number>", answer=OperationView)
async def cancel_operation(office: Office, call: Call) -> OperationView:
    """Withdraw an operation that has not been sent."""
    found = await office.store.read(lambda records: _found(records, call))
    cancelled = await office.operations.cancel(found)
    if cancelled is None:
        raise Problem(409, f"operation {found.id} has been sent already")
    view: OperationView = await office.store.read(lambda records: _views(records, [cancelled])[0])
    return view


async def many(office: Office, call: Call) -> tuple[list[StationRecord], Asked]:
    """Which stations `ManyOperations` means, and what they shall be asked."""
    body: ManyOperations = call.body
    connected = [station.identity for station in office.central.stations]

    def choose(records: Records) -> list[StationRecord]:
        if body.stations == "all":
            return records.stations.page(limit=1_000_000)
        if body.stations == "connected":
            return records.stations.page(limit=1_000_000, identities=connected)
        return [station_or_404(records, identity) for identity in dict.fromkeys(body.stations)]

    asked = Asked(
        body.action,
        body.payload,
        call.principal.name,
        force=body.force,
        valid_for_s=body.valid_for_s,
        timeout_s=body.timeout_s,
    )
    _guard(call.principal, asked)
    return await office.store.read(choose), asked


async def ask(office: Office, call: Call, asked: Asked) -> Answer:
    """Carry out an operation on the station of the path and show its outcome."""
    _guard(call.principal, asked)
    station = await office.store.read(lambda records: station_or_404(records, call.identity))
    record = await office.operations.ask(station, asked)
    return outcome_answer(record, station)


def _guard(principal: Principal, asked: Asked) -> None:
    """Passwords of stations are for admins, whatever way they are sent."""
    key = asked.payload.get("key")
    changes_password = asked.action == "ChangeConfiguration" and isinstance(key, str)
    if changes_password and str(key).lower() == "authorizationkey" and principal.role < Role.ADMIN:
        raise Problem(403, "the password of a station takes the role admin")


def outcome_answer(record: OperationRecord, station: StationRecord) -> Answer:
    """The operation as an answer, with the status that fits its outcome."""
    view = operation_view(record, station.identity)
    where = {"location": f"/api/operations/{record.id}"}
    if record.outcome == Outcome.INVALID:
        raise Problem(422, record.error_text or "invalid", operation=msgspec.to_builtins(view))
    return Answer(view, 202 if record.outcome is None else 200, where)


async def _page(office: Office, query: OperationsQuery, station: str | None) -> Page[OperationView]:
    def look(records: Records) -> list[OperationView]:
        station_id = None if station is None else station_or_404(records, station).id
        found = records.operations.page(
            before=query.before,
            limit=query.limit,
            station_id=station_id,
            action=query.action,
            state=query.state,
            outcome=query.outcome,
            batch=query.batch,
        )
        return _views(records, found)

    views = await office.store.read(look)
    return Page(views, views[-1].id if len(views) == query.limit else None)


def _found(records: Records, call: Call) -> OperationRecord:
    number = number_in_path(call.path["number"], "operation")
    found = records.operations.get(number)
    if found is None:
        raise Problem(404, f"there is no operation {number}")
    return found


def _views(records: Records, found: list[OperationRecord]) -> list[OperationView]:
    names = station_names(records, {record.station_id for record in found})
    return [operation_view(record, names[record.station_id]) for record in found]
