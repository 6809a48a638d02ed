"""The description of the API (OpenAPI 3.1), made from the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from inspect import cleandoc
from typing import Any, Final

import msgspec

from txocpp import __version__
from txocpp.csms.api.endpoint import Answer, Call, Endpoint, Endpoints, Nothing, Role
from txocpp.csms.api.views import OperationView
from txocpp.csms.office import Office

routes = Endpoints("description")

_VARIABLE: Final = re.compile(r"<(?:[a-z]+:)?(?P<name>[a-z_]+)>")
_SCHEMAS: Final = "#/components/schemas/"

_PROBLEM: Final = {
    "type": "object",
    "description": "What is wrong (RFC 9457).",
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["status", "title", "detail"],
}

_ABOUT: Final = (
    "Charge points, tags, transactions and operations of a central system. Lists come in pages: "
    "`next` is what to give as `after` or `before` for the following one. Without accounts the "
    "API is open on the computer it runs on; otherwise programs show a token, and pages log in."
)


@routes.get("/api/openapi.json", role=Role.NOBODY)
async def description(office: Office, call: Call) -> Answer:
    """This description (OpenAPI 3.1)."""
    return Answer(described())


@cache
def described() -> bytes:
    """The description as JSON text."""
    from txocpp.csms import api

    return msgspec.json.format(msgspec.json.encode(document(api.ROUTES)), indent=2)


def document(parts: Iterable[Endpoints]) -> dict[str, Any]:
    """The description of these routes."""
    parts = list(parts)
    endpoints = [endpoint for part in parts for endpoint in part.all]
    kinds = [kind for endpoint in endpoints for kind in (endpoint.body, endpoint.answer) if kind]
    queries = list(
        {e.query.__name__: e.query for e in endpoints if e.query is not Nothing}.values()
    )
    schemas, components = msgspec.json.schema_components(
        [*kinds, *queries], ref_template=_SCHEMAS + "{name}"
    )
    by_kind = dict(zip(map(repr, [*kinds, *queries]), schemas, strict=True))
    queried = {query.__name__: components.pop(query.__name__) for query in queries}
    paths: dict[str, dict[str, Any]] = {}
    for part in parts:
        for endpoint in part.all:
            path = _VARIABLE.sub(r"{\g<name>}", endpoint.path)
            described = _operation(endpoint, part.subject, by_kind, queried)
            paths.setdefault(path, {})[endpoint.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "txocpp central system", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": {**_tidy(components), "Problem": _PROBLEM},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "txocpp_session"},
            },
        },
        "security": [{"token": []}, {"session": []}, {}],
    }


def _operation(
    endpoint: Endpoint,
    subject: str,
    schemas: dict[str, Any],
    queries: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint.run.__name__,
        "tags": [subject],
        "summary": endpoint.summary,
        "x-role": endpoint.role.name.lower(),
        "responses": _responses(endpoint, schemas),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(endpoint.path)
    ]
    if endpoint.query is not Nothing:
        parameters += _query_parameters(queries[endpoint.query.__name__])
    if endpoint.method in ("PATCH", "DELETE"):
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "The ETag of what is to be changed; 412 if it has changed.",
            }
        )
    if parameters:
        described["parameters"] = parameters
    if endpoint.body is not None:
        described["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(endpoint.body)),
            "content": {"application/json": {"schema": schemas[repr(endpoint.body)]}},
        }
    return described


def _responses(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if endpoint.answer is not None:
        good["content"] = {"application/json": {"schema": schemas[repr(endpoint.answer)]}}
    elif endpoint.status != 204:
        good["content"] = {endpoint.content_type.partition(";")[0]: {}}
    problem = {
        "description": "Something is wrong.",
        "content": {"application/problem+json": {"schema": {"$ref": _SCHEMAS + "Problem"}}},
    }
    found = {str(endpoint.status): good}
    if endpoint.answer is OperationView:
        found["202"] = {**good, "description": "It waits for the station."}
    return {**found, "default": problem}


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _tidy(value: Any) -> Any:
    """Descriptions come from docstrings, with their indentation."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: cleandoc(item) if name == "description" and isinstance(item, str) else _tidy(item)
        for name, item in value.items()
    }
