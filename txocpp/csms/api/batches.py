"""The same for many stations, without waiting: begun here, looked at while it goes on."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Problem
from txocpp.csms.api.operations import ManyOperations, many
from txocpp.csms.office import Office
from txocpp.errors import InvalidMessage
from txocpp.storage.central.records import Records

routes = Endpoints("batches")


class BatchView(msgspec.Struct, frozen=True):
    """Something that many stations were asked for, and how far it has come."""

    batch: str
    action: str
    entered: int
    """Operations on record so far; a batch of many stations is entered little by little."""
    done: int
    outcomes: dict[str, int]
    """How many have ended how."""


class BegunView(msgspec.Struct, frozen=True):
    """A batch that has begun."""

    batch: str
    stations: int
    """How many stations will be asked."""


@routes.post("/api/batches", body=ManyOperations, answer=BegunView, status=202)
async def begin_batch(office: Office, call: Call) -> Answer:
    """Ask many stations for the same action, and do not wait for their answers."""
    chosen, asked = await many(office, call)
    if not chosen:
        raise Problem(409, "there is no station to ask")
    try:
        office.operations.check(asked)
    except InvalidMessage as error:
        raise Problem(422, str(error)) from error
    batch = str(uuid4())
    office.operations.begin_many(chosen, asked, batch)
    where = {"location": f"/api/batches/{batch}"}
    return Answer(BegunView(batch, len(chosen)), 202, where)


@routes.get("/api/batches/<batch>", answer=BatchView)
async def show_batch(office: Office, call: Call) -> BatchView:
    """How far a batch has come; its operations are at /api/operations?batch=..."""
    batch = call.path["batch"]

    def look(records: Records) -> BatchView:
        action, counts = records.operations.batch(batch)
        if action is None:
            raise Problem(404, f"there is no batch {batch!r}")
        outcomes = Counter({str(key): count for key, count in counts.items() if key is not None})
        return BatchView(
            batch, action, sum(counts.values()), outcomes.total(), dict(sorted(outcomes.items()))
        )

    view: BatchView = await office.store.read(look)
    return view
