"""For machines that watch: alive, ready, figures, and the description of the API."""

from __future__ import annotations

from typing import Any

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Problem, Role
from txocpp.csms.api.exposition import CONTENT_TYPE, Stored, exposition
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
    """The store takes what charge points say, so that they can be served."""
    try:
        await office.readiness.prove()
    except StoreError as error:
        raise Problem(503, "the store takes no changes") from error
    return Health("ready")


@routes.get("/metrics", content_type=CONTENT_TYPE)
async def metrics(office: Office, call: Call) -> Any:
    """Figures for Prometheus. Those of the store are left out while it does not answer."""
    try:
        stored = await office.store.read(_stored)
    except StoreError:
        stored = None
    return Answer(exposition(office.measures, stored))


def _stored(records: Any) -> Stored:
    running = records.totals.running()
    return Stored(records.stations.count(), running.transactions, running.power_w)
