"""The whole site at a glance."""

from __future__ import annotations

import msgspec

from txocpp.csms.api.endpoint import Call, Endpoints
from txocpp.csms.office import Office
from txocpp.storage.central.records import Records

routes = Endpoints("summary")


class SummaryView(msgspec.Struct, frozen=True):
    """All stations together."""

    stations: int
    connected: int
    pending: int
    """Stations that wait for somebody to accept them."""
    statuses: dict[str, int]
    """Connectors by the status that was told last."""
    running: int
    """Transactions that run."""
    power_w: float
    """Drawn by them, as told last."""
    energy_wh: float
    """Delivered in them so far."""


@routes.get("/api/summary", answer=SummaryView)
async def show_summary(office: Office, call: Call) -> SummaryView:
    """How many stations there are, how they stand, and what they deliver now."""

    def look(records: Records) -> SummaryView:
        stations, pending = records.totals.stations()
        running = records.totals.running()
        return SummaryView(
            stations=stations,
            connected=len(office.central.stations),
            pending=pending,
            statuses=dict(sorted(records.totals.statuses().items())),
            running=running.transactions,
            power_w=running.power_w,
            energy_wh=running.energy_wh,
        )

    view: SummaryView = await office.store.read(look)
    return view
