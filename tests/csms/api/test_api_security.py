"""What keeps strangers out of the HTTP API, and what is on record of everybody else."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from api_rig import Client
from street import Street

from txocpp.csms import api
from txocpp.csms.accounts import PATIENCE

CP1 = "/api/stations/<identity>"
CHANGES: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("POST", "/api/stations", "/api/stations", {"identity": "CP2", "password": "secret-1"}),
    ("PATCH", CP1, "/api/stations/CP1", {"name": "Garage"}),
    ("POST", f"{CP1}/password", "/api/stations/CP2/password", {"password": "secret-2"}),
    ("POST", f"{CP1}/rotate-password", "/api/stations/CP1/rotate-password", {}),
    ("POST", f"{CP1}/operations", "/api/stations/CP1/operations", {"action": "ClearCache"}),
    ("DELETE", "/api/operations/<number>", "/api/operations/1", None),
    ("POST", "/api/operations", "/api/operations", {"stations": ["CP1"], "action": "ClearCache"}),
    ("POST", "/api/batches", "/api/batches", {"stations": ["CP1"], "action": "ClearCache"}),
    ("POST", f"{CP1}/start", "/api/stations/CP1/start", {"id_tag": "T"}),
    ("POST", f"{CP1}/stop", "/api/stations/CP1/stop", {"transaction_id": 1}),
    ("POST", f"{CP1}/limit", "/api/stations/CP1/limit", {"limit_a": 10}),
    ("POST", f"{CP1}/clear-limit", "/api/stations/CP1/clear-limit", {}),
    ("POST", f"{CP1}/unlock", "/api/stations/CP1/unlock", {}),
    ("POST", f"{CP1}/reset", "/api/stations/CP1/reset", {}),
    ("POST", f"{CP1}/availability", "/api/stations/CP1/availability", {"operative": True}),
    (
        "POST",
        f"{CP1}/configuration",
        "/api/stations/CP1/configuration",
        {"key": "AuthorizationKey", "value": "5EC2E700" * 4},
    ),
    ("POST", f"{CP1}/clear-cache", "/api/stations/CP1/clear-cache", {}),
    ("POST", f"{CP1}/trigger", "/api/stations/CP1/trigger", {"message": "Heartbeat"}),
    ("POST", f"{CP1}/reserve", "/api/stations/CP1/reserve", {"id_tag": "T"}),
    (
        "POST",
        f"{CP1}/cancel-reservation",
        "/api/stations/CP1/cancel-reservation",
        {"reservation_id": 1},
    ),
    ("POST", f"{CP1}/read-configuration", "/api/stations/CP1/read-configuration", {}),
    ("POST", f"{CP1}/send-list", "/api/stations/CP1/send-list", {}),
    ("POST", "/api/tags", "/api/tags", {"id_tag": "TAG"}),
    ("PATCH", "/api/tags/<id_tag>", "/api/tags/TAG", {"blocked": True}),
    ("DELETE", "/api/tags/<id_tag>", "/api/tags/TAG", None),
    ("POST", "/api/transactions/<number>/close", "/api/transactions/1/close", None),
    (
        "POST",
        "/api/accounts",
        "/api/accounts",
        {"name": "anna", "role": "viewer", "password": "secret-3"},
    ),
    ("PATCH", "/api/accounts/<name>", "/api/accounts/anna", {"password": "secret-4"}),
    ("DELETE", "/api/accounts/<name>", "/api/accounts/anna", None),
    ("POST", "/api/tokens", "/api/tokens", {"name": "energy", "role": "viewer"}),
    ("DELETE", "/api/tokens/<number>", "/api/tokens/1", None),
    (
        "POST",
        "/api/session/password",
        "/api/session/password",
        {"old": "correct horse", "new": "secret-5"},
    ),
]
"""A good request for each route that changes something; the operation's own record is beside it."""


@pytest.fixture
def admin(street: Street) -> Client:
    """The first account, logged in."""
    client = Client(street)
    client.post("/api/accounts", name="root", role="admin", password="correct horse")
    assert client.log_in("root", "correct horse").status == 200
    return client


def test_the_list_above_is_complete() -> None:
    """Every route that is no mere look-up."""
    routes = {
        (endpoint.method, endpoint.path)
        for part in api.ROUTES
        for endpoint in part.all
        if endpoint.audited
    }
    assert {(method, route) for method, route, _, _ in CHANGES} == routes
    every = {(e.method, e.path) for part in api.ROUTES for e in part.all if e.method != "GET"}
    assert {route for _, route in every - routes} == {
        "/api/session",
        "/api/stations/<identity>/schedules/preview",
    }


def test_everything_that_somebody_changes_is_on_the_trail(street: Street, admin: Client) -> None:
    """Who, from where, what and to what; no password is in it, nor anywhere else in the open."""
    cp = street.booted()
    cp.start()
    street.booted("CP9").leave()
    street.operate("CP9", "ClearCache", valid_for_s=600)
    for method, route, path, body in CHANGES:
        before = street.ask(lambda r: r.accounts.trail(before=None, limit=1, who=None))[0].id
        answer = admin.ask(method, path, body)
        assert answer.status < 300, (method, path, answer.content)
        noted = street.ask(lambda r: r.accounts.trail(before=None, limit=1, who=None))[0]
        assert noted.id > before, route
        assert (noted.who, noted.what) == ("root", f"{method} {route}")
    trail = street.ask(lambda r: r.accounts.trail(before=None, limit=100, who=None))
    assert "secret" not in str(trail)
    assert "5EC2E700" not in str(trail)
    assert "correct horse" not in str(trail)


def test_keys_and_tokens_are_kept_as_digests(street: Street, admin: Client) -> None:
    """Who reads the database can neither log in nor pose as a program or station."""
    token = admin.post("/api/tokens", name="energy", role="viewer").json["token"]
    street.booted()
    password = admin.post("/api/stations/CP1/password").json["password"]
    assert admin.cookie is not None
    session = admin.cookie.partition("=")[2]
    dump = ""
    for table in ("token", "session", "account", "station", "audit"):
        rows = street.ask(
            lambda records, table=table: records.connection.exec_driver_sql(
                f"SELECT * FROM {table}"
            ).fetchall()
        )
        dump += "".join(bytes(v).hex() if isinstance(v, bytes) else str(v) for r in rows for v in r)
    for secret in (token, password, session, "correct horse"):
        assert secret not in dump
    assert hashlib.sha256(token.encode()).hexdigest() in dump


def test_a_login_makes_a_key_of_its_own(street: Street, admin: Client) -> None:
    """A key that somebody has put into the browser beforehand is worth nothing afterwards."""
    victim = Client(street)
    victim.cookie = "txocpp_session=fixed-by-somebody-else"
    assert victim.log_in("root", "correct horse").status == 200
    assert victim.cookie != "txocpp_session=fixed-by-somebody-else"
    attacker = Client(street)
    attacker.cookie = "txocpp_session=fixed-by-somebody-else"
    assert attacker.get("/api/stations").status == 401


def test_somebody_may_log_in_again(street: Street, admin: Client) -> None:
    """Though the browser still has a cookie, and the page does not know its token any more."""
    admin.csrf = None
    assert admin.log_in("root", "correct horse").status == 200
    assert admin.post("/api/tags", id_tag="A").status == 201


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:8080", True),
        ("http://localhost", False),
        ("http://localhost:9999", False),
        ("https://evil.example", False),
        ("http://localhost.evil.example:8080", False),
        ("null", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_foreign_page_can_neither_read_nor_act(
    street: Street, method: str, origin: str | None, allowed: bool
) -> None:
    """On the unguarded loopback port; nor is any page told that it may."""
    street.booted()
    headers = {} if origin is None else {"origin": origin}
    path = {
        "GET": "/api/stations",
        "POST": "/api/stations/CP1/reset",
        "DELETE": "/api/tags/NOBODY",
    }[method]
    answer = Client(street).ask(method, path, headers=headers)
    assert (answer.status != 403) is allowed
    assert answer.header("access-control-allow-origin") is None
    # Nor may it be loaded as a script or picture, which browsers do without saying for whom.
    assert answer.header("cross-origin-resource-policy") == "same-origin"
    assert answer.header("x-content-type-options") == "nosniff"


def test_a_form_of_a_page_changes_nothing(street: Street) -> None:
    """What a browser sends without asking first is no JSON."""
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        answer = Client(street).ask(
            "POST", "/api/tags", raw=b'{"id_tag": "A"}', headers={"content-type": kind}
        )
        assert answer.status in (400, 415)
    assert street.ask(lambda records: records.tags.page()) == []
    preflight = Client(street).ask(
        "OPTIONS",
        "/api/tags",
        headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
    )
    assert preflight.status in (403, 405)
    assert preflight.header("access-control-allow-origin") is None


@pytest.mark.parametrize(
    "path",
    [
        "/pages/../../settings.py",
        "/pages/%2e%2e/%2e%2e/settings.py",
        "/pages/..%2f..%2fsettings.py",
        "/pages//etc/passwd",
        "/%2e%2e/etc/passwd",
        "/api/stations/..%2F..%2Fetc%2Fpasswd",
        "/api/stations/CP1/../../accounts",
    ],
)
def test_no_path_leads_out_of_what_is_served(street: Street, path: str) -> None:
    """There is nothing behind dots and slashes, however they are written."""
    answer = Client(street).get(path)
    assert answer.status == 404
    assert b"root:" not in answer.content
    assert b"import" not in answer.content


def test_each_guesser_behind_a_proxy_waits_alone(street: Street, admin: Client) -> None:
    """The address that the trusted proxy tells counts, not what the guesser claims before it."""
    behind = Client(street, trusted_proxies=1)

    def attempt(name: str, forwarded: str) -> int:
        body = {"name": name, "password": "wrong wrong"}
        headers = {"x-forwarded-for": forwarded}
        return behind.ask("POST", "/api/session", body, headers=headers).status

    for number in range(PATIENCE):
        assert attempt(f"n{number}", f"10.0.0.{number}, 192.0.2.1") == 401
    assert attempt("other", "10.0.0.9, 192.0.2.1") == 429
    assert attempt("other", "192.0.2.1, 192.0.2.7") == 401
    assert attempt("other", "nonsense") == 401
    found = street.ask(lambda r: r.accounts.trail(before=None, limit=2, who=None))
    assert found[1].address == "192.0.2.7"


@pytest.mark.rule("X-13")
def test_names_and_passwords_in_urls_are_for_the_station_only(street: Street) -> None:
    """Neither with the operation, nor in the message log, nor on the trail."""
    cp = street.booted()
    cp.answers["GetDiagnostics"] = {}
    location = "ftp://up:lo@d@files.example/CP1"
    client = Client(street)
    client.post(
        "/api/stations/CP1/operations", action="GetDiagnostics", payload={"location": location}
    )
    assert cp.heard == [("GetDiagnostics", {"location": location})]
    seen = [
        client.get(path).content.decode()
        for path in ("/api/operations", "/api/stations/CP1/messages", "/api/audit")
    ]
    for text in seen:
        assert "files.example" in text
        assert "lo@d" not in text
