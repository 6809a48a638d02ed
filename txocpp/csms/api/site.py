"""Puts the routes on a port: parses, checks, runs, and tells errors as problems (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Any, Final, cast, get_type_hints
from urllib.parse import parse_qs, quote, unquote

import msgspec
from klein import Klein
from klein.resource import KleinResource
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.web.http import Request, datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import Request as SiteRequest
from twisted.web.server import Site
from werkzeug.exceptions import HTTPException

from txocpp.csms.api.access import STRANGER, Access, address_of
from txocpp.csms.api.endpoint import Answer, Call, Endpoint, Endpoints, Problem, Role
from txocpp.csms.api.outflow import Outflow
from txocpp.csms.logins import without_logins
from txocpp.csms.office import Office
from txocpp.csms.operations import TooManyOperations
from txocpp.errors import StoreError

LARGEST_BODY: Final = 1 << 20
"""Bytes that a request may bring along."""

_NUMBER: Final = re.compile(r"[-+0-9.eE]+")

_ENCODE = msgspec.json.Encoder().encode


class ApiResource(KleinResource):
    """The routes, on paths whose segments may hold any character, also ``/`` as ``%2F``."""

    def render(self, request: Any) -> Any:
        # The segments have been unquoted already; klein would split them again at a slash.
        request.postpath = [quote(segment, safe="").encode() for segment in request.postpath]
        return super().render(request)


def api_resource(office: Office, access: Access, parts: Iterable[Endpoints]) -> ApiResource:
    """All routes as one resource."""
    app = Klein()
    app.url_map.strict_slashes = False
    serving = _Serving(office, access)
    for part in parts:
        for endpoint in part.all:
            app.route(endpoint.path, methods=[endpoint.method], endpoint=_name(endpoint))(
                serving.route(endpoint)
            )
    app.handle_errors(HTTPException)(cast(Any, serving.no_route))
    return ApiResource(app)


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


class _Serving:
    """Runs routes."""

    _log = Logger()

    def __init__(self, office: Office, access: Access) -> None:
        self._office = office
        self._access = access

    def route(self, endpoint: Endpoint) -> Any:
        """What klein calls."""

        def serve(request: Request, **path: Any) -> Deferred[Any]:
            return Deferred.fromCoroutine(self._serve(endpoint, request, path))

        return serve

    def no_route(self, request: Request, failure: Any) -> bytes:
        """Nothing is there, or not with this method."""
        error = cast(HTTPException, failure.value)
        status = error.code or 500
        for name, value in error.get_headers({}):
            if name.lower() in ("allow", "location"):
                request.setHeader(name, value)
        path = request.path.decode("utf-8", "replace")
        detail = f"there is nothing at {path}"
        if status == 405:
            detail = f"{path} does not take {request.method.decode('ascii', 'replace')}"
        return _problem(request, Problem(status, detail))

    async def _serve(self, endpoint: Endpoint, request: Request, path: dict[str, Any]) -> Any:
        try:
            request.setHeader("server", "txocpp")
            request.setHeader("date", datetimeToString(self._office.now().timestamp()))
            request.setHeader("x-content-type-options", "nosniff")
            request.setHeader("cross-origin-resource-policy", "same-origin")
            self._access.guard(request)
            # Who logs in may still have the cookie of a session that they know nothing of.
            logs_in = endpoint.role is Role.NOBODY and endpoint.method == "POST"
            principal = STRANGER if logs_in else await self._access.identify(request)
            self._access.require(principal, endpoint.role, request)
            call = Call(
                request,
                principal,
                {name: unquote(str(value)) for name, value in path.items()},
                _query(endpoint, request),
                _body(endpoint, request),
                _if_match(request),
                partial(self._may_still, endpoint, request),
            )
            result = await self._run(endpoint, call)
            if isinstance(result, Answer) and isinstance(result.body, AsyncIterator):
                return await self._pour(endpoint, request, result)
            return _write(endpoint, request, result)
        except Problem as problem:
            return _problem(request, problem)
        except TooManyOperations as error:
            return _problem(request, Problem(429, str(error)))
        except StoreError as error:
            self._log.error("{route}: {error}", route=_name(endpoint), error=error)
            return _problem(request, Problem(503, "the store cannot answer now"))
        except CancelledError:
            raise
        except Exception:
            self._log.failure("{route} failed", route=_name(endpoint))
            return _problem(request, Problem(500, "this is a fault of the central system"))

    async def _may_still(self, endpoint: Endpoint, request: Request) -> bool:
        try:
            return (await self._access.identify(request)).role >= endpoint.role
        except Problem:
            return False

    async def _pour(self, endpoint: Endpoint, request: Request, answer: Answer) -> bytes:
        # What is wrong with the question shows before the first piece, and is still told.
        pieces = answer.body
        first = await anext(pieces, b"")
        _head(endpoint, request, answer)
        try:
            await Outflow(request).pour(first, pieces)
        except CancelledError:
            raise
        except StoreError as error:
            self._log.error("{route} is cut off: {error}", route=_name(endpoint), error=error)
            request.channel.forceAbortClient()
        except Exception:
            # Nothing that follows what was sent could be told from the rest of it.
            self._log.failure("{route} is cut off", route=_name(endpoint))
            request.channel.forceAbortClient()
        return b""

    async def _run(self, endpoint: Endpoint, call: Call) -> Any:
        if not endpoint.audited:
            return await endpoint.run(self._office, call)
        try:
            result = await endpoint.run(self._office, call)
        except CancelledError:
            # Whoever hangs up early may have changed something all the same.
            try:
                await self._note(endpoint, call)
            except StoreError as error:
                self._log.error("not on the trail: {error}", error=error)
            raise
        await self._note(endpoint, call)
        return result

    async def _note(self, endpoint: Endpoint, call: Call) -> None:
        """The audit trail: who did what, to what, and how (without secrets)."""
        facts = {
            "at": self._office.now(),
            "who": call.principal.name,
            "address": address_of(call.request),
            "what": _name(endpoint),
            "target": "/".join(call.path.values())[:255],
            "details": without_secrets(msgspec.to_builtins(call.body) if call.body else {}),
        }
        await self._office.store.write(lambda records: records.accounts.note(**facts))


def without_secrets(document: Any) -> Any:
    """The document as it may be kept: passwords are left out, also of URLs."""
    if isinstance(document, str):
        return without_logins(document)
    if isinstance(document, list):
        return [without_secrets(item) for item in document]
    if not isinstance(document, dict):
        return document
    key = document.get("key")
    secret = {"password", "old", "new"}
    if isinstance(key, str) and key.lower() == "authorizationkey":
        secret.add("value")
    return {
        name: "***" if name in secret and value is not None else without_secrets(value)
        for name, value in document.items()
    }


def _query(endpoint: Endpoint, request: Request) -> Any:
    given: dict[str, str] = {}
    # Of the URI alone: Twisted would add the fields of a form.
    text = request.uri.partition(b"?")[2].decode("latin-1")
    for word, values in parse_qs(text, keep_blank_values=True).items():
        if len(values) > 1:
            raise Problem(400, f"query: {word} is given {len(values)} times")
        given[word] = values[0]
    for word, text in given.items():
        if _NUMBER.fullmatch(text) and _is_moment(endpoint.query, word):
            raise Problem(400, f"query: {word} must be a moment as RFC 3339 has it")
    try:
        return msgspec.convert(given, endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, f"query: {error}") from error


@cache
def _is_moment(query: type[msgspec.Struct], word: str) -> bool:
    # msgspec would take a number for the seconds since 1970.
    return get_type_hints(query).get(word) is datetime


def _body(endpoint: Endpoint, request: Request) -> Any:
    if endpoint.body is None:
        return None
    kind = (request.getHeader("content-type") or "").partition(";")[0].strip().lower()
    raw = b"" if request.content is None else request.content.read()
    if raw and kind != "application/json":
        # Also keeps pages of other origins out: they cannot send JSON without being asked.
        raise Problem(415, "the body must be JSON, with Content-Type: application/json")
    try:
        return msgspec.json.decode(raw or b"{}", type=endpoint.body)
    except msgspec.ValidationError as error:
        raise Problem(422, f"body: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"body: {error}") from error
    except RecursionError as error:
        raise Problem(400, "body: too many lists or objects inside each other") from error


def _if_match(request: Request) -> int | None:
    header = request.getHeader("if-match")
    if header is None or header.strip() == "*":
        return None
    version = header.strip().strip('"')
    if not version:
        raise Problem(400, "If-Match is empty")
    if not version.isdecimal():
        raise Problem(412, f"If-Match: {header} is no version of anything here")
    return int(version)


def _write(endpoint: Endpoint, request: Request, result: Any) -> Any:
    answer = result if isinstance(result, Answer) else Answer(result, endpoint.status)
    _head(endpoint, request, answer)
    if answer.body is None:
        if answer.status == 200:
            request.setResponseCode(204)
        return b""
    version = getattr(answer.body, "version", None)
    if version is not None:
        request.setHeader("etag", f'"{version}"')
    body = answer.body if isinstance(answer.body, bytes) else _ENCODE(answer.body)
    request.setHeader("content-length", str(len(body)))
    return body


def _head(endpoint: Endpoint, request: Request, answer: Answer) -> None:
    request.setResponseCode(answer.status)
    for name, value in answer.headers.items():
        request.setHeader(name, value)
    if answer.body is not None:
        request.setHeader("cache-control", "no-store")
        request.setHeader("content-type", endpoint.content_type)


def _problem(request: Request, problem: Problem) -> bytes:
    try:
        title = HTTPStatus(problem.status).phrase
    except ValueError:
        title = "Error"
    request.setResponseCode(problem.status)
    request.setHeader("content-type", "application/problem+json")
    request.setHeader("cache-control", "no-store")
    if "retry_s" in problem.extra:
        request.setHeader("retry-after", str(problem.extra["retry_s"]))
    body = _ENCODE(
        {"status": problem.status, "title": title, "detail": problem.detail, **problem.extra}
    )
    request.setHeader("content-length", str(len(body)))
    return body


class BoundedRequest(SiteRequest):
    """Refuses bodies that are too large before they are read."""

    _received = 0

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > LARGEST_BODY:
            self._refuse()
        small = length is None or length <= LARGEST_BODY
        super().gotLength(length if small else 0)  # type: ignore[no-untyped-call]

    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > LARGEST_BODY:
            self._refuse()
        else:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]

    def _refuse(self) -> None:
        if self.transport is not None:
            self.transport.write(
                b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            self.transport.loseConnection()


class QuietSite(Site):
    """Logs requests for whoever wants to know, not for everybody."""

    _log = Logger()

    def log(self, request: Any) -> None:
        self._log.debug(
            "{method} {path} {status}",
            method=request.method.decode("ascii", "replace"),
            path=request.path.decode("utf-8", "replace"),
            status=request.code,
        )


class Root(Resource):
    """The top of the port: named children first, everything else goes to the routes."""

    def __init__(self, routes: ApiResource) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._routes = routes

    def getChild(self, path: bytes, request: Any) -> Resource:
        request.prepath.pop()
        request.postpath.insert(0, path)
        return self._routes


def web_site(root: Resource, *, clock: Any) -> Site:
    """A site for one port."""
    site: Site = QuietSite(  # type: ignore[no-untyped-call]
        root, requestFactory=BoundedRequest, reactor=clock, parsePOSTFormSubmission=False
    )
    site.noisy = False
    site.displayTracebacks = False
    return site
