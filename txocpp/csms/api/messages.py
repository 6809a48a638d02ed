"""The message log, and lists as files: CSV and JSON Lines."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Page
from txocpp.csms.api.queries import Key, Limit, station_or_404
from txocpp.csms.api.transactions import TransactionsQuery, find_transactions
from txocpp.csms.api.views import TransactionView
from txocpp.csms.office import Office
from txocpp.storage.central.notices import MessageRecord
from txocpp.storage.central.records import Records

routes = Endpoints("messages")

AT_ONCE: Final = 1000
"""Rows of a file that are read and sent together."""

_ENCODE = msgspec.json.Encoder().encode


class MessagesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages, newest first."""

    search: str | None = None
    """Part of the message, for example an action or an id."""
    direction: Literal["in", "out"] | None = None
    before: Key | None = None
    limit: Limit = 100


class MessageView(msgspec.Struct, frozen=True):
    """One frame; `in` came from the station."""

    id: int
    at: datetime
    direction: str
    frame: str


@routes.get("/api/stations/<identity>/messages", query=MessagesQuery, answer=Page[MessageView])
async def messages(office: Office, call: Call) -> Page[MessageView]:
    """What was said, newest first."""
    query: MessagesQuery = call.query
    await _written(office)
    found = await office.store.read(
        lambda records: records.notices.messages(
            station_or_404(records, call.identity).id,
            search=query.search,
            direction=query.direction,
            before=query.before,
            limit=query.limit,
        )
    )
    views = [_view(one) for one in found]
    return Page(views, views[-1].id if len(views) == query.limit else None)


@routes.get(
    "/api/stations/<identity>/messages.jsonl",
    query=MessagesQuery,
    content_type="application/jsonl",
)
async def export_messages(office: Office, call: Call) -> Answer:
    """What was said, oldest first, one JSON object a line."""
    await _written(office)

    def look(after: int, records: Records) -> list[MessageRecord]:
        query: MessagesQuery = call.query
        return records.notices.messages(
            station_or_404(records, call.identity).id,
            search=query.search,
            direction=query.direction,
            before=query.before,
            after=after,
            limit=AT_ONCE,
        )

    async def pieces() -> AsyncIterator[bytes]:
        after, more = 0, True
        while more:
            found = await office.store.read(partial(look, after))
            yield b"".join(_ENCODE(_view(one)) + b"\n" for one in found)
            more = len(found) == AT_ONCE
            after = found[-1].id if found else after

    return _file(pieces(), f"{call.identity}-messages.jsonl")


async def _written(office: Office) -> None:
    flushing = office.messages.flush()
    if flushing is not None:
        await flushing


def _view(one: MessageRecord) -> MessageView:
    return MessageView(one.id, one.at, one.direction, one.frame)


@routes.get("/api/transactions.csv", query=TransactionsQuery, content_type="text/csv")
async def export_transactions(office: Office, call: Call) -> Answer:
    """Charging transactions as CSV, newest first."""
    query: TransactionsQuery = call.query
    names = TransactionView.__struct_fields__

    def lines(rows: Iterable[Iterable[Any]]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()

    async def pieces() -> AsyncIterator[bytes]:
        wanted, more = query, True
        header = [names]
        while more:
            views = await office.store.read(partial(_some, wanted))
            yield lines(header + [[_cell(getattr(view, name)) for name in names] for view in views])
            header = []
            more = len(views) == AT_ONCE
            wanted = msgspec.structs.replace(wanted, before=views[-1].id) if more else wanted

    return _file(pieces(), "transactions.csv")


def _some(query: TransactionsQuery, records: Records) -> list[TransactionView]:
    return find_transactions(records, query, AT_ONCE)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    # A text that begins so would be a formula in a spreadsheet.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _file(content: AsyncIterator[bytes], name: str) -> Answer:
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in name)
    return Answer(content, headers={"content-disposition": f'attachment; filename="{safe}"'})
