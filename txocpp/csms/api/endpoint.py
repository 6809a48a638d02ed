"""How a route of the API is declared: once, for serving it and for describing it.

A route is an ``async`` function of the `Office` and one `Call`; it returns what becomes the JSON
body. Bodies and queries are msgspec Structs, so they are checked before the function runs and
described without a second text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from types import NoneType
from typing import Any, Generic, TypeVar, Union, get_args, get_type_hints

import attrs
import msgspec
from twisted.web.http import Request

from txocpp.csms.office import Office


class Role(IntEnum):
    """What somebody may do; each includes the ones before."""

    NOBODY = 0
    VIEWER = 1
    """See everything except secrets."""
    OPERATOR = 2
    """Ask stations to do things; edit tags and stations."""
    ADMIN = 3
    """Accounts, tokens, passwords of stations, audit trail."""


@attrs.frozen
class Principal:
    """Who is asking."""

    name: str
    role: Role


class Problem(Exception):
    """The request is answered with an error, told as RFC 9457 has it."""

    def __init__(self, status: int, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.extra = extra


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No query or an empty body."""


T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list. Ask again with the value of `next` for what follows; null: that was all."""

    items: list[T]
    next: str | int | None = None


@attrs.frozen
class Call:
    """One request, checked."""

    request: Request
    principal: Principal
    path: Mapping[str, str]
    """The variable parts of the path, decoded."""
    query: Any
    body: Any
    if_match: int | None = None
    """The version that must not have changed meanwhile; None: any."""
    may_still: Callable[[], Awaitable[bool]] | None = None
    """For what goes on: whether whoever asked may still ask, after logging out, say."""

    @property
    def identity(self) -> str:
        """The station that the path names."""
        return self.path["identity"]


@attrs.frozen
class Answer:
    """A body with a status or headers of its own."""

    body: Any
    """A value that becomes JSON, bytes, or an async iterator of bytes for what may be long."""
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)


Run = Callable[[Office, Call], Awaitable[Any]]


@attrs.frozen
class Endpoint:
    """One route."""

    method: str
    path: str
    """As klein writes it, ``/api/stations/<identity>``."""
    run: Run
    role: Role
    query: type[msgspec.Struct]
    body: type[Any] | None
    answer: Any
    """The type of the JSON body; None: no body, or not JSON."""
    status: int
    content_type: str
    audited: bool
    """Whether the audit trail tells of it."""

    @property
    def summary(self) -> str:
        """One line for the description."""
        return (self.run.__doc__ or self.run.__name__).strip().splitlines()[0]


class Endpoints:
    """The routes of one subject, in the order of declaration."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.all: list[Endpoint] = []

    def route(
        self,
        method: str,
        path: str,
        *,
        role: Role,
        query: type[msgspec.Struct] = Nothing,
        body: type[Any] | None = None,
        answer: Any = None,
        status: int = 200,
        content_type: str = "application/json",
        changes_nothing: bool = False,
    ) -> Callable[[Run], Run]:
        """Decorator: this function answers `method` on `path`.

        `changes_nothing`: a question that is too long for a URL; it is not put on the audit trail.
        """

        def declare(run: Run) -> Run:
            asked = as_written(query)
            self.all.append(
                Endpoint(
                    method,
                    path,
                    run,
                    role,
                    asked,
                    body,
                    answer,
                    status,
                    content_type,
                    audited=method != "GET" and role is not Role.NOBODY and not changes_nothing,
                )
            )
            return run

        return declare

    def get(self, path: str, *, role: Role = Role.VIEWER, **options: Any) -> Callable[[Run], Run]:
        """Decorator for a route that looks something up."""
        return self.route("GET", path, role=role, **options)

    def post(
        self, path: str, *, role: Role = Role.OPERATOR, **options: Any
    ) -> Callable[[Run], Run]:
        """Decorator for a route that makes or does something."""
        return self.route("POST", path, role=role, **options)

    def patch(
        self, path: str, *, role: Role = Role.OPERATOR, **options: Any
    ) -> Callable[[Run], Run]:
        """Decorator for a route that changes something."""
        return self.route("PATCH", path, role=role, **options)

    def delete(
        self, path: str, *, role: Role = Role.OPERATOR, **options: Any
    ) -> Callable[[Run], Run]:
        """Decorator for a route that removes something."""
        return self.route("DELETE", path, role=role, **options)


def changes(body: Any) -> dict[str, Any]:
    """The fields of a PATCH body that were given."""
    return {
        name: value
        for name in body.__struct_fields__
        if (value := getattr(body, name)) is not msgspec.UNSET
    }


def as_written(query: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same query without null: a parameter that is left out is None, but `x=null` is text."""
    if query is Nothing:
        return query
    hints = get_type_hints(query, include_extras=True)
    fields = []
    for field in msgspec.structs.fields(query):
        kinds = [kind for kind in get_args(hints[field.name]) if kind is not NoneType]
        optional = len(kinds) != len(get_args(hints[field.name]))
        kind = Union[tuple(kinds)] if optional else hints[field.name]  # noqa: UP007
        fields.append((field.name, kind, field.default))
    made: type[msgspec.Struct] = msgspec.defstruct(
        query.__name__, fields, frozen=True, forbid_unknown_fields=True
    )
    return made
