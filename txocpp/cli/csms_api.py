"""The API of a running central system, as a command line talks to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

import click

TIMEOUT_S: Final = 120.0
"""Longer than a station may take to answer."""


class Api:
    """Asks the API; a problem ends the program with its words."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        # A proxy of the environment has no business between us and our own central system.
        self._opener = build_opener(ProxyHandler({}))

    def get(self, *path: str, **query: Any) -> Any:
        """GET: what is at this path."""
        return self._json(self._open("GET", path, query, None, TIMEOUT_S))

    def post(self, *path: str, **body: Any) -> Any:
        """POST: do something. Fields that are None are left out."""
        given = {name: value for name, value in body.items() if value is not None}
        return self._json(self._open("POST", path, {}, given, TIMEOUT_S))

    def patch(self, *path: str, **body: Any) -> Any:
        """PATCH: change something."""
        return self._json(self._open("PATCH", path, {}, body, TIMEOUT_S))

    def delete(self, *path: str) -> Any:
        """DELETE: remove something."""
        return self._json(self._open("DELETE", path, {}, None, TIMEOUT_S))

    def text(self, *path: str, **query: Any) -> bytes:
        """GET something that is not JSON."""
        with self._open("GET", path, query, None, TIMEOUT_S) as answer:
            return bytes(answer.read())

    def items(self, *path: str, most: int, follow: str, **query: Any) -> Iterator[dict[str, Any]]:
        """The items of a list, page by page. `follow`: the parameter that asks for the next."""
        while most > 0:
            page = self.get(*path, limit=min(most, 500), **query)
            yield from page["items"]
            most -= len(page["items"])
            if page["next"] is None:
                return
            query[follow] = page["next"]

    def events(self, **query: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Events as they happen: kind and facts."""
        kind = ""
        with self._open("GET", ("api", "events"), query, None, None) as answer:
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)

    def _open(
        self,
        method: str,
        path: tuple[str, ...],
        query: dict[str, Any],
        body: Any,
        timeout_s: float | None,
    ) -> HTTPResponse:
        given = {name: _word(value) for name, value in query.items() if value is not None}
        address = "/".join([self._url, *(quote(part, safe="") for part in path)])
        if given:
            address += "?" + urlencode(given)
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            request = Request(address, data, headers, method=method)
            answer: HTTPResponse = self._opener.open(request, timeout=timeout_s)
        except HTTPError as error:
            raise click.ClickException(_problem(error)) from None
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise click.ClickException(
                f"no central system answers at {self._url} ({reason}); does it run, and is its "
                "HTTP API there? Try --url"
            ) from None
        return answer

    def _json(self, answer: HTTPResponse) -> Any:
        with answer:
            content = answer.read()
        if not content:
            return None
        try:
            return json.loads(content)
        except ValueError:
            raise click.ClickException(
                f"{self._url} answers, but not like a central system"
            ) from None


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _problem(error: HTTPError) -> str:
    try:
        detail = json.loads(error.read())["detail"]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code} {error.reason}"
    return str(detail)
