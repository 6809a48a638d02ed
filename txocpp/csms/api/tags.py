"""Tags: who may charge."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Page, Problem, changes
from txocpp.csms.api.queries import IdTag, Limit, Moment
from txocpp.csms.api.views import TagView, tag_view
from txocpp.csms.office import Office
from txocpp.storage.central.records import Records
from txocpp.storage.central.tags import TagRecord

routes = Endpoints("tags")

Note = Annotated[str, msgspec.Meta(max_length=200)]
Most = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class TagsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tags."""

    search: str | None = None
    parent_id_tag: str | None = None
    after: str | None = None
    limit: Limit = 100


class NewTag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tag to be entered."""

    id_tag: IdTag
    parent_id_tag: IdTag | None = None
    """Its group: tags with the same one may stop each other's transactions."""
    expires_at: Moment | None = None
    blocked: bool = False
    max_running: Most | None = None
    """Most transactions at the same time; null: as set for all."""
    note: Note = ""


class TagChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    parent_id_tag: IdTag | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: Moment | msgspec.UnsetType | None = msgspec.UNSET
    blocked: bool | msgspec.UnsetType = msgspec.UNSET
    max_running: Most | msgspec.UnsetType | None = msgspec.UNSET
    note: Note | msgspec.UnsetType = msgspec.UNSET


@routes.get("/api/tags", query=TagsQuery, answer=Page[TagView])
async def list_tags(office: Office, call: Call) -> Page[TagView]:
    """Tags in alphabetical order."""
    query: TagsQuery = call.query
    found = await office.store.read(
        lambda records: records.tags.page(
            after=query.after, limit=query.limit, search=query.search, parent=query.parent_id_tag
        )
    )
    now = office.now()
    return Page(
        [tag_view(record, now) for record in found],
        found[-1].id_tag if len(found) == query.limit else None,
    )


@routes.post("/api/tags", body=NewTag, answer=TagView, status=201)
async def add_tag(office: Office, call: Call) -> Answer:
    """Enter a tag."""
    facts = msgspec.structs.asdict(call.body)

    def enter(records: Records) -> TagRecord:
        added = records.tags.add(**facts)
        if added is None:
            raise Problem(409, f"there is a tag {facts['id_tag']!r} already")
        return added

    added: TagRecord = await office.store.write(enter)
    office.events.tell("tag.added", id_tag=added.id_tag)
    return Answer(tag_view(added, office.now()), 201)


@routes.get("/api/tags/<id_tag>", answer=TagView)
async def show_tag(office: Office, call: Call) -> TagView:
    """One tag."""
    found = await office.store.read(lambda records: records.tags.find(call.path["id_tag"]))
    if found is None:
        raise _missing(call)
    return tag_view(found, office.now())


@routes.patch("/api/tags/<id_tag>", body=TagChange, answer=TagView)
async def change_tag(office: Office, call: Call) -> TagView:
    """Change a tag."""
    wanted = changes(call.body)

    def change(records: Records) -> TagRecord:
        changed = records.tags.edit(call.path["id_tag"], call.if_match, **wanted)
        if changed is None:
            raise _lost(records, call)
        return changed

    changed: TagRecord = await office.store.write(change)
    office.events.tell("tag.changed", id_tag=changed.id_tag)
    return tag_view(changed, office.now())


@routes.delete("/api/tags/<id_tag>", status=204)
async def remove_tag(office: Office, call: Call) -> Any:
    """Forget a tag. Transactions keep what it was called."""

    def remove(records: Records) -> None:
        if not records.tags.remove(call.path["id_tag"], call.if_match):
            raise _lost(records, call)

    await office.store.write(remove)
    office.events.tell("tag.removed", id_tag=call.path["id_tag"])


def _missing(call: Call) -> Problem:
    return Problem(404, f"there is no tag {call.path['id_tag']!r}")


def _lost(records: Records, call: Call) -> Problem:
    if records.tags.find(call.path["id_tag"]) is None:
        return _missing(call)
    return Problem(412, "the tag has been changed meanwhile; look at it again")
