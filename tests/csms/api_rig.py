"""The HTTP API without a port: requests go straight into the resource."""

from __future__ import annotations

import json
from typing import Any

from street import Street, outcome_of
from treq.testing import StubTreq
from twisted.internet.defer import Deferred

from txocpp.csms import api
from txocpp.csms.api.access import Access
from txocpp.csms.api.site import Root, api_resource


class Answer:
    """One answer of the API."""

    def __init__(self, status: int, headers: Any, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)

    def header(self, name: str) -> str | None:
        """One header."""
        values = self.headers.getRawHeaders(name)
        return values[0] if values else None

    @property
    def detail(self) -> str:
        """What a problem says."""
        assert self.header("content-type") == "application/problem+json", self.content
        detail: str = self.json["detail"]
        return detail


class Client:
    """Somebody who asks the API of a street."""

    def __init__(
        self,
        street: Street,
        host: str = "localhost:8080",
        *,
        public: bool = False,
        trusted_proxies: int = 0,
    ) -> None:
        self.street = street
        self.host = host
        self.token: str | None = None
        self.cookie: str | None = None
        self.csrf: str | None = None
        access = Access(
            street.office.accounts,
            street.office.patience,
            names=("csms.example",),
            public=public,
            trusted_proxies=trusted_proxies,
        )
        self._treq = StubTreq(Root(api_resource(street.office, access, api.ROUTES)))

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, /, **body: Any) -> Answer:
        """POST with a JSON body."""
        return self.ask("POST", path, body)

    def patch(self, path: str, /, **body: Any) -> Answer:
        """PATCH with a JSON body."""
        return self.ask("PATCH", path, body)

    def delete(self, path: str, **headers: str) -> Answer:
        """DELETE."""
        return self.ask("DELETE", path, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Any request."""
        return self.finish(self.begin(method, path, body, raw=raw, headers=headers))

    def finish(self, asking: Deferred[Any]) -> Answer:
        """The answer to what was begun."""
        self.street.run()
        self._treq.flush()
        response = outcome_of(asking)
        content = outcome_of(response.content())
        return Answer(response.code, response.headers, content)

    def begin(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Deferred[Any]:
        """The same, without waiting for the answer."""
        sent = {"host": self.host, **(headers or {})}
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        if self.cookie is not None:
            sent["cookie"] = self.cookie
        if self.csrf is not None:
            sent["x-csrf-token"] = self.csrf
        asking = self._treq.request(
            method, f"http://{self.host}{path}", data=raw or b"", headers=sent
        )
        self.street.run()
        self._treq.flush()
        return asking

    def log_in(self, name: str, password: str) -> Answer:
        """Begin a session and keep its cookie."""
        answer = self.post("/api/session", name=name, password=password)
        cookie = answer.header("set-cookie")
        if answer.status == 200 and cookie is not None:
            self.cookie = cookie.partition(";")[0]
            self.csrf = answer.json["csrf_token"]
        return answer
