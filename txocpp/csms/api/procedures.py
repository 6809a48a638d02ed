"""Over HTTP: what takes more than one request to a station."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from txocpp.csms.api.endpoint import Call, Endpoints, Page, Problem
from txocpp.csms.api.queries import IdTag, station_or_404
from txocpp.csms.api.stations import KeyView, key_view
from txocpp.csms.api.views import OperationView, operation_view
from txocpp.csms.authorization import tag_status
from txocpp.csms.office import Office
from txocpp.storage.central.local_lists import ListEntry
from txocpp.storage.central.operations import OperationRecord, Outcome
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord
from txocpp.storage.central.tags import TagRecord

routes = Endpoints("procedures")


class ReadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which configuration keys; null: all."""

    keys: list[str] | None = None


@routes.post("/api/stations/<identity>/read-configuration", body=ReadBody, answer=Page[KeyView])
async def read_configuration(office: Office, call: Call) -> Page[KeyView]:
    """Read configuration keys from a station, in portions that it takes (GetConfiguration)."""
    body: ReadBody = call.body
    station = await _station(office, call)
    done = await office.procedures.read_configuration(station, body.keys, call.principal.name)
    if done[-1].outcome != Outcome.ANSWERED:
        raise _failed(done[-1], station)
    wanted = {key.lower() for key in body.keys or ()}
    known = await office.store.read(lambda records: records.configuration.of(station.id))
    return Page([key_view(key) for key in known if not wanted or key.key.lower() in wanted])


class ListBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tags the station shall know; null: all that are entered here."""

    tags: list[IdTag] | None = None
    update: Literal["changes", "full"] = "changes"
    """changes: only what differs, if the station has what we think; full: everything anew."""


@routes.post("/api/stations/<identity>/send-list", body=ListBody, answer=Page[OperationView])
async def send_list(office: Office, call: Call) -> Page[OperationView]:
    """Make the local list of a station what is entered here (SendLocalList)."""
    body: ListBody = call.body
    station = await _station(office, call)
    now = office.now()

    def choose(records: Records) -> list[TagRecord]:
        if body.tags is None:
            return records.tags.page(limit=1_000_000)
        found = [(word, records.tags.find(word)) for word in dict.fromkeys(body.tags)]
        missing = next((word for word, tag in found if tag is None), None)
        if missing is not None:
            raise Problem(422, f"there is no tag {missing!r}")
        return [tag for _, tag in found if tag is not None]

    def entry(tag: TagRecord) -> ListEntry:
        info: dict[str, Any] = {"status": str(tag_status(tag, now))}
        if tag.parent_id_tag is not None:
            info["parentIdTag"] = tag.parent_id_tag
        if tag.expires_at is not None:
            info["expiryDate"] = tag.expires_at.isoformat().replace("+00:00", "Z")
        return ListEntry(tag.id_tag, info)

    wanted = [entry(tag) for tag in await office.store.read(choose)]
    whole = body.update == "full"
    done = await office.procedures.send_list(station, wanted, call.principal.name, whole=whole)
    return Page([operation_view(record, station.identity) for record in done])


async def _station(office: Office, call: Call) -> StationRecord:
    station: StationRecord = await office.store.read(
        lambda records: station_or_404(records, call.identity)
    )
    return station


def _failed(record: OperationRecord, station: StationRecord) -> Problem:
    # Nobody is there: no fault of anybody in between.
    status = 409 if record.outcome == Outcome.OFFLINE else 502
    return Problem(
        status,
        f"{record.action}: {record.outcome}: {record.error_text or 'no answer'}",
        operation=msgspec.to_builtins(operation_view(record, station.identity)),
    )
