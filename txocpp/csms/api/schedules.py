"""What the acknowledged profiles amount to over time, and what each of them says by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from txocpp.csms.api.endpoint import Call, Endpoints, Problem
from txocpp.csms.api.queries import Connector, Moment, station_or_404
from txocpp.csms.limits import composite, limit_now, profile_objection
from txocpp.csms.office import Office
from txocpp.csms.operations import Asked
from txocpp.errors import CallRefused, InvalidMessage
from txocpp.smartcharging import Composite, Installed, RateUnit, read_profile
from txocpp.storage.central.records import Records

routes = Endpoints("schedules")


class SchedulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which connector, and which stretch of time."""

    connector_id: Connector = 1
    since: Moment | None = None
    """Default: now."""
    duration_s: Annotated[int, msgspec.Meta(ge=1, le=31 * 86400)] = 86400
    unit: Literal["A", "W"] = "A"


class StepView(msgspec.Struct, frozen=True):
    """A limit from a moment on; null: none."""

    at: datetime
    limit: float | None


class ProfileLineView(msgspec.Struct, frozen=True):
    """What one profile alone would allow."""

    profile_id: int
    connector_id: int
    purpose: str
    stack_level: int
    steps: list[StepView]


class SchedulesView(msgspec.Struct, frozen=True):
    """The limit that should be in force, and the profiles it is made of."""

    since: datetime
    until: datetime
    unit: str
    composite: list[StepView]
    profiles: list[ProfileLineView]
    """Those that have a say in the composite, the strongest first."""


@routes.get("/api/stations/<identity>/schedules", query=SchedulesQuery, answer=SchedulesView)
async def show_schedules(office: Office, call: Call) -> SchedulesView:
    """The limit over a stretch of time, with each profile by itself, for drawing."""
    query: SchedulesQuery = call.query
    since = (query.since or office.now()).replace(microsecond=0)

    def look(records: Records) -> SchedulesView:
        record = station_or_404(records, call.identity)
        return _schedules(composite(records, record.id, office.now()), query, since)

    view: SchedulesView = await office.store.read(look)
    return view


class PreviewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A charging profile as SetChargingProfile would carry it, and what to draw of it."""

    profile: dict[str, Any]
    connector_id: Connector = 0
    """Where it would be installed."""
    shown_connector_id: Connector | None = None
    """Whose limit to show; null: the same."""
    duration_s: Annotated[int, msgspec.Meta(ge=1, le=31 * 86400)] = 86400
    unit: Literal["A", "W"] = "A"


class PreviewView(msgspec.Struct, frozen=True):
    """What the limit would be with one more profile."""

    objection: str | None
    """Why it would not be sent; null: nothing speaks against it."""
    schedules: SchedulesView


@routes.post(
    "/api/stations/<identity>/schedules/preview",
    body=PreviewBody,
    answer=PreviewView,
    changes_nothing=True,
)
async def preview_schedules(office: Office, call: Call) -> PreviewView:
    """The limit as it would be with a profile that is only being thought of."""
    body: PreviewBody = call.body
    payload = {"connectorId": body.connector_id, "csChargingProfiles": body.profile}
    try:
        office.operations.check(Asked("SetChargingProfile", payload))
        profile = read_profile(body.profile, "profile")
    except InvalidMessage as error:
        raise Problem(422, f"body: {error}") from error
    except CallRefused as refusal:
        raise Problem(422, f"body: {refusal.description}") from refusal
    now = office.now()
    since = now.replace(microsecond=0)
    number = body.connector_id if body.shown_connector_id is None else body.shown_connector_id

    def look(records: Records) -> PreviewView:
        record = station_or_404(records, call.identity)
        installed = Installed(profile, body.connector_id, now, profile.transaction_id)
        made = composite(records, record.id, now, thought_of=installed)
        query = SchedulesQuery(number, None, body.duration_s, body.unit)
        why = profile_objection(records, record.id, payload, now)
        return PreviewView(why, _schedules(made, query, since))

    view: PreviewView = await office.store.read(look)
    return view


def _schedules(made: Composite, query: SchedulesQuery, since: datetime) -> SchedulesView:
    until = since + timedelta(seconds=query.duration_s)
    number, unit = query.connector_id, RateUnit(query.unit)
    if not made.stack.profiles or not made.station.limits_a:
        return SchedulesView(since, until, query.unit, [StepView(since, None)], [])
    if not made.station.knows(number):
        raise Problem(404, f"there is no connector {number}")
    periods = made.schedule(number, since, query.duration_s, unit).periods
    moments = [since + timedelta(seconds=period.start_s) for period in periods]
    steps = [StepView(at, _number(limit_now(made, number, at, unit))) for at in moments]
    lines = [
        ProfileLineView(
            profile_id=line.installed.profile_id,
            connector_id=line.installed.connector_id,
            purpose=str(line.installed.profile.purpose),
            stack_level=line.installed.profile.stack_level,
            steps=list(_steps(since, line.periods)),
        )
        for line in made.profile_lines(number, since, query.duration_s, unit)
    ]
    return SchedulesView(since, until, query.unit, steps, lines)


def _steps(since: datetime, periods: Iterable[tuple[int, Decimal | None]]) -> Iterable[StepView]:
    for start_s, limit in periods:
        yield StepView(since + timedelta(seconds=start_s), _number(limit))


def _number(limit: Decimal | None) -> float | None:
    return None if limit is None else float(limit)
