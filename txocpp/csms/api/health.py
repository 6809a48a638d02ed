"""For machines that watch: alive, ready, figures, and the description of the API."""

from __future__ import annotations

from typing import Any

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Problem, Role
from txocpp.csms.api.exposition import CONTENT_TYPE, exposition
from txocpp.csms.office import Office
from txocpp.errors import StoreError

routes = Endpoints("health")


class Health(msgspec.Struct, frozen=True):
    """How it stands."""

    status: str


@routes.get("/health/live", answer=Health, role=Role.NOBODY)
async def live(office: Office, call: Call) -> Health:
    """The process answers."""
    return Health("alive")


@routes.get("/health/ready", answer=Health, role=Role.NOBODY)
async def ready(office: Office, call: Call) -> Health:
    """The store answers too, so that charge points can be served."""
    try:
        await office.store.read(lambda records: records.stations.count())
    except StoreError as error:
        raise Problem(503, "the store does not answer") from error
    return Health("ready")


@routes.get("/metrics", content_type=CONTENT_TYPE)
async def metrics(office: Office, call: Call) -> Any:
    """Figures for Prometheus."""
    return Answer(exposition(office.measures))
