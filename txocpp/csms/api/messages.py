"""The message log, and lists as files: CSV and JSON Lines."""

from __future__ import annotations

import csv
import io
from datetime import datetime
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

MOST_ROWS: Final = 100_000
"""Longest file; narrow the query for more."""


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
    views = await _messages(office, call, query.limit)
    return Page(views, views[-1].id if len(views) == query.limit else None)


@routes.get(
    "/api/stations/<identity>/messages.jsonl",
    query=MessagesQuery,
    content_type="application/jsonl",
)
async def export_messages(office: Office, call: Call) -> Answer:
    """What was said, oldest first, one JSON object a line."""
    views = await _messages(office, call, MOST_ROWS)
    lines = b"".join(msgspec.json.encode(view) + b"\n" for view in reversed(views))
    return _file(lines, f"{call.identity}-messages.jsonl")


async def _messages(office: Office, call: Call, limit: int) -> list[MessageView]:
    query: MessagesQuery = call.query
    flushing = office.messages.flush()
    if flushing is not None:
        await flushing

    def look(records: Records) -> list[MessageRecord]:
        return records.notices.messages(
            station_or_404(records, call.identity).id,
            search=query.search,
            direction=query.direction,
            before=query.before,
            limit=limit,
        )

    found = await office.store.read(look)
    return [MessageView(one.id, one.at, one.direction, one.frame) for one in found]


@routes.get("/api/transactions.csv", query=TransactionsQuery, content_type="text/csv")
async def export_transactions(office: Office, call: Call) -> Answer:
    """Charging transactions as CSV, newest first."""
    query: TransactionsQuery = call.query
    views = await office.store.read(lambda records: find_transactions(records, query, MOST_ROWS))
    text = io.StringIO()
    writer = csv.writer(text)
    names = TransactionView.__struct_fields__
    writer.writerow(names)
    for view in views:
        writer.writerow([_cell(getattr(view, name)) for name in names])
    return _file(text.getvalue().encode(), "transactions.csv")


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    # A text that begins so would be a formula in a spreadsheet.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _file(content: bytes, name: str) -> Answer:
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in name)
    return Answer(content, headers={"content-disposition": f'attachment; filename="{safe}"'})
