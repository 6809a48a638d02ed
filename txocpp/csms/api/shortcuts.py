"""The everyday operations in everyday words: start, stop, limit, unlock, reset, and so on.

Each builds the payload of an OCPP action and goes the way of any other operation.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Problem
from txocpp.csms.api.operations import ask
from txocpp.csms.api.queries import Connector, IdTag, Key, Moment, station_or_404
from txocpp.csms.api.views import OperationView
from txocpp.csms.limits import OUR_PROFILES, simple_profile
from txocpp.csms.office import Office
from txocpp.csms.operations import Asked
from txocpp.smartcharging import Purpose, RateUnit
from txocpp.storage.central.records import Records
from txocpp.storage.central.transactions import TransactionRecord

routes = Endpoints("shortcuts")

Plug = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Level = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class StartBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who shall charge where."""

    id_tag: IdTag
    connector_id: Plug | None = None
    limit_a: Amount | None = None
    """From the start on, in A per phase."""
    force: bool = False


class StopBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which transaction: by its id, by its connector, or the only one that runs."""

    transaction_id: Key | None = None
    connector_id: Plug | None = None
    force: bool = False


class LimitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be drawn: one of `limit_a` (per phase) and `limit_w` (all phases).

    `scope`: the running transaction, a connector whoever charges there, or the whole station. Left
    out: the station for connector 0, otherwise the transaction if one runs, else the connector.
    """

    limit_a: Amount | None = None
    limit_w: Amount | None = None
    connector_id: Connector = 0
    scope: Literal["transaction", "connector", "station"] | None = None
    phases: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    duration_s: Annotated[int, msgspec.Meta(ge=1)] | None = None
    stack_level: Level = 0
    force: bool = False


class ConnectorBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which connector."""

    connector_id: Plug = 1
    force: bool = False


class ResetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hard restarts the hardware at once, soft ends transactions in good order first."""

    type: Literal["Soft", "Hard"] = "Soft"
    force: bool = False


class AvailabilityBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Put a connector, or with 0 the whole station, in or out of service."""

    operative: bool
    connector_id: Connector = 0
    force: bool = False


class ConfigurationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One configuration key and its new value."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    value: Annotated[str, msgspec.Meta(max_length=500)]
    force: bool = False


class TriggerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which message the station shall send."""

    message: str
    connector_id: Connector | None = None
    force: bool = False


class ReserveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a connector, or with 0 any of the station, for a tag."""

    id_tag: IdTag
    connector_id: Connector = 0
    parent_id_tag: IdTag | None = None
    expires_at: Moment | None = None
    """Default: in a quarter of an hour."""
    reservation_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    """Default: a new one. An existing one is replaced."""
    force: bool = False


@routes.post("/api/stations/<identity>/start", body=StartBody, answer=OperationView)
async def start(office: Office, call: Call) -> Answer:
    """Ask a station to start a transaction (RemoteStartTransaction)."""
    body: StartBody = call.body
    payload: dict[str, Any] = {"idTag": body.id_tag}
    if body.connector_id is not None:
        payload["connectorId"] = body.connector_id
    if body.limit_a is not None:
        payload["chargingProfile"] = _relative_profile(body)
    return await _ask(office, call, "RemoteStartTransaction", payload)


@routes.post("/api/stations/<identity>/stop", body=StopBody, answer=OperationView)
async def stop(office: Office, call: Call) -> Answer:
    """Ask a station to stop a transaction (RemoteStopTransaction)."""
    body: StopBody = call.body
    number = body.transaction_id
    if number is None:
        running = await office.store.read(
            lambda records: _running(records, call.identity, body.connector_id)
        )
        number = running.id
    return await _ask(office, call, "RemoteStopTransaction", {"transactionId": number})


@routes.post("/api/stations/<identity>/limit", body=LimitBody, answer=OperationView)
async def limit(office: Office, call: Call) -> Answer:
    """Limit a transaction, a connector or a station (SetChargingProfile)."""
    body: LimitBody = call.body
    if (body.limit_a is None) == (body.limit_w is None):
        raise Problem(422, "body: give one of limit_a and limit_w")

    def build(records: Records) -> dict[str, Any]:
        station = station_or_404(records, call.identity)
        running = None
        if body.connector_id > 0 and body.scope in (None, "transaction"):
            found = records.transactions.running(station.id, body.connector_id)
            running = found[-1] if found else None
        purpose = _purpose(body, running)
        unit = RateUnit.A if body.limit_a is not None else RateUnit.W
        amount = body.limit_a if body.limit_a is not None else body.limit_w
        profile = simple_profile(
            purpose,
            body.connector_id,
            _one_decimal(amount),
            unit,
            now=office.now(),
            transaction_id=running.id if running and purpose is Purpose.TX_PROFILE else None,
            phases=body.phases,
            duration_s=body.duration_s,
            stack_level=body.stack_level,
        )
        return {"connectorId": body.connector_id, "csChargingProfiles": profile}

    payload = await office.store.read(build)
    return await _ask(office, call, "SetChargingProfile", payload)


class ClearLimitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which profiles to clear; nothing given: all of them."""

    profile_id: int | None = None
    connector_id: Connector | None = None
    purpose: Purpose | None = None
    stack_level: Level | None = None
    force: bool = False


@routes.post("/api/stations/<identity>/clear-limit", body=ClearLimitBody, answer=OperationView)
async def clear_limit(office: Office, call: Call) -> Answer:
    """Take charging profiles back (ClearChargingProfile)."""
    body: ClearLimitBody = call.body
    payload = _given(
        id=body.profile_id,
        connectorId=body.connector_id,
        chargingProfilePurpose=None if body.purpose is None else str(body.purpose),
        stackLevel=body.stack_level,
    )
    return await _ask(office, call, "ClearChargingProfile", payload)


@routes.post("/api/stations/<identity>/unlock", body=ConnectorBody, answer=OperationView)
async def unlock(office: Office, call: Call) -> Answer:
    """Unlock a cable (UnlockConnector)."""
    return await _ask(office, call, "UnlockConnector", {"connectorId": call.body.connector_id})


@routes.post("/api/stations/<identity>/reset", body=ResetBody, answer=OperationView)
async def reset(office: Office, call: Call) -> Answer:
    """Restart a station (Reset)."""
    return await _ask(office, call, "Reset", {"type": call.body.type})


@routes.post("/api/stations/<identity>/availability", body=AvailabilityBody, answer=OperationView)
async def availability(office: Office, call: Call) -> Answer:
    """Put a connector or a station in or out of service (ChangeAvailability)."""
    body: AvailabilityBody = call.body
    kind = "Operative" if body.operative else "Inoperative"
    payload = {"connectorId": body.connector_id, "type": kind}
    return await _ask(office, call, "ChangeAvailability", payload)


@routes.post("/api/stations/<identity>/configuration", body=ConfigurationBody, answer=OperationView)
async def configure(office: Office, call: Call) -> Answer:
    """Change a configuration key (ChangeConfiguration)."""
    body: ConfigurationBody = call.body
    payload = {"key": body.key, "value": body.value}
    return await _ask(office, call, "ChangeConfiguration", payload)


class NoDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say but whether to force it."""

    force: bool = False


@routes.post("/api/stations/<identity>/clear-cache", body=NoDetails, answer=OperationView)
async def clear_cache(office: Office, call: Call) -> Answer:
    """Empty the authorization cache of a station (ClearCache)."""
    return await _ask(office, call, "ClearCache", {})


@routes.post("/api/stations/<identity>/trigger", body=TriggerBody, answer=OperationView)
async def trigger(office: Office, call: Call) -> Answer:
    """Ask a station for a message (TriggerMessage)."""
    body: TriggerBody = call.body
    payload = _given(requestedMessage=body.message, connectorId=body.connector_id)
    return await _ask(office, call, "TriggerMessage", payload)


@routes.post("/api/stations/<identity>/reserve", body=ReserveBody, answer=OperationView)
async def reserve(office: Office, call: Call) -> Answer:
    """Hold a connector for a tag (ReserveNow)."""
    body: ReserveBody = call.body
    expires = body.expires_at or office.now() + timedelta(minutes=15)
    number = body.reservation_id
    if number is None:
        number = await office.store.read(
            lambda records: records.reservations.next_id(station_or_404(records, call.identity).id)
        )
    payload = _given(
        connectorId=body.connector_id,
        expiryDate=expires.isoformat(),
        idTag=body.id_tag,
        parentIdTag=body.parent_id_tag,
        reservationId=number,
    )
    return await _ask(office, call, "ReserveNow", payload)


class CancelReservationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which reservation of the station."""

    reservation_id: int
    force: bool = False


@routes.post(
    "/api/stations/<identity>/cancel-reservation", body=CancelReservationBody, answer=OperationView
)
async def cancel_reservation(office: Office, call: Call) -> Answer:
    """Give a held connector free (CancelReservation)."""
    payload = {"reservationId": call.body.reservation_id}
    return await _ask(office, call, "CancelReservation", payload)


async def _ask(office: Office, call: Call, action: str, payload: dict[str, Any]) -> Answer:
    asked = Asked(action, payload, call.principal.name, force=call.body.force)
    return await ask(office, call, asked)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _one_decimal(amount: float | None) -> Decimal:
    """Limits have one decimal (SR-615); people who type more mean that."""
    exact = Decimal(str(amount))
    rounded = exact.quantize(Decimal("0.1"))
    if rounded != exact:
        raise Problem(422, f"body: {amount} has more than one decimal")
    return rounded


def _purpose(body: LimitBody, running: TransactionRecord | None) -> Purpose:
    scope = body.scope
    if scope is None:
        if body.connector_id == 0:
            scope = "station"
        else:
            scope = "connector" if running is None else "transaction"
    if scope == "station":
        if body.connector_id != 0:
            raise Problem(422, "body: the station as a whole is connector 0")
        return Purpose.CHARGE_POINT_MAX_PROFILE
    if scope == "connector":
        return Purpose.TX_DEFAULT_PROFILE
    if running is None:
        raise Problem(409, f"no transaction runs on connector {body.connector_id}")
    return Purpose.TX_PROFILE


def _relative_profile(body: StartBody) -> dict[str, Any]:
    return {
        "chargingProfileId": OUR_PROFILES + 20_000 + (body.connector_id or 0),
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": body.limit_a}],
        },
    }


def _running(records: Records, identity: str, connector: int | None) -> TransactionRecord:
    station = station_or_404(records, identity)
    found = records.transactions.running(station.id, connector)
    where = "" if connector is None else f" on connector {connector}"
    if not found:
        raise Problem(409, f"no transaction runs{where}")
    if len(found) > 1:
        numbers = ", ".join(str(one.id) for one in found)
        raise Problem(409, f"{len(found)} transactions run{where} ({numbers}); say which")
    return found[0]
