"""Who may charge: tags with their groups, expiry and blocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, update

from txocpp.storage.central import schema
from txocpp.storage.central.statements import Prepared


def tag_key(id_tag: str) -> str:
    """The form in which tags are compared: they are case-insensitive (A-04)."""
    return id_tag.upper()


@attrs.frozen
class TagRecord:
    """One tag."""

    key: str
    id_tag: str
    """As it was entered, at most 20 characters."""
    parent_id_tag: str | None = None
    """Its group: tags with the same one may stop each other's transactions (A-11)."""
    expires_at: datetime | None = None
    blocked: bool = False
    max_running: int | None = None
    """Most transactions at the same time; None: the general rule."""
    note: str = ""
    version: int = 1
    """Grows with every change."""


# Asked about in every session, so these are built once.
_ANY = select(schema.tag.c.key).limit(1)
_BY_KEY = Prepared(
    select(
        _ANY.exists().label("any"),
        *(schema.tag.c[field.name] for field in attrs.fields(TagRecord)),
    ).select_from(
        select(literal(1).label("one"))
        .subquery("once")
        .outerjoin(schema.tag, schema.tag.c.key == bindparam("wanted"))
    )
)
"""One row in any case: whether there are tags at all, and the one that is meant."""


class Tags:
    """The tags of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._any: bool | None = None

    def find(self, id_tag: str) -> TagRecord | None:
        """The tag, or None if it is not known."""
        (row,) = _BY_KEY.rows(self._connection, {"wanted": tag_key(id_tag)})
        self._any = bool(row[0])
        return None if row[1] is None else TagRecord(*row[1:])

    def any(self) -> bool:
        """True as soon as there is at least one tag."""
        if self._any is None:
            self._any = self._connection.execute(_ANY).first() is not None
        return self._any

    def add(self, id_tag: str, **facts: Any) -> TagRecord | None:
        """Enter a tag. None: it is there already."""
        if self.find(id_tag) is not None:
            return None
        self._any = True
        row = self._connection.execute(
            insert(schema.tag)
            .values(key=tag_key(id_tag), id_tag=id_tag, **facts)
            .returning(schema.tag)
        ).one()
        return TagRecord(**row._mapping)

    def edit(self, id_tag: str, version: int | None, **facts: Any) -> TagRecord | None:
        """Change a tag. None: it is not there, or no longer at `version` (None: any)."""
        table = schema.tag
        change = update(table).where(table.c.key == tag_key(id_tag))
        if version is not None:
            change = change.where(table.c.version == version)
        row = self._connection.execute(
            change.values(version=table.c.version + 1, **facts).returning(table)
        ).one_or_none()
        return None if row is None else TagRecord(**row._mapping)

    def remove(self, id_tag: str, version: int | None) -> bool:
        """Forget a tag. False: it is not there, or no longer at `version` (None: any)."""
        table = schema.tag
        removal = delete(table).where(table.c.key == tag_key(id_tag))
        if version is not None:
            removal = removal.where(table.c.version == version)
        self._any = None
        return self._connection.execute(removal).rowcount > 0

    def page(
        self,
        *,
        after: str | None = None,
        limit: int = 100,
        search: str | None = None,
        parent: str | None = None,
    ) -> list[TagRecord]:
        """Tags in the order of their keys, from behind the tag `after` on."""
        table = schema.tag
        question = select(table).order_by(table.c.key).limit(limit)
        if after is not None:
            question = question.where(table.c.key > tag_key(after))
        if search:
            wanted = search.upper()
            question = question.where(
                table.c.key.contains(wanted, autoescape=True)
                | func.upper(table.c.note).contains(wanted, autoescape=True)
            )
        if parent is not None:
            question = question.where(func.upper(table.c.parent_id_tag) == tag_key(parent))
        return [TagRecord(**row._mapping) for row in self._connection.execute(question)]
