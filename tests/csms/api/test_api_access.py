"""Who may do what over HTTP."""

from __future__ import annotations

import pytest
from api_rig import Client
from street import Street
from twisted.internet.defer import Deferred

from txocpp.csms import api
from txocpp.csms.accounts import PATIENCE, Passwords
from txocpp.csms.api.endpoint import Role


@pytest.fixture
def client(street: Street) -> Client:
    """Somebody on this computer, before there are accounts."""
    return Client(street)


@pytest.fixture
def admin(client: Client) -> Client:
    """The first account, logged in."""
    made = client.post("/api/accounts", name="root", role="admin", password="correct horse")
    assert made.status == 201
    assert client.log_in("root", "correct horse").status == 200
    return client


def with_role(street: Street, admin: Client, role: str) -> Client:
    """Somebody with this role, logged in."""
    admin.post("/api/accounts", name=role, role=role, password="battery staple")
    client = Client(street)
    assert client.log_in(role, "battery staple").status == 200
    return client


def test_without_accounts_everybody_on_this_computer_may_do_everything(client: Client) -> None:
    """The port is open to nobody else then."""
    assert client.get("/api/session").json == {
        "name": "local",
        "role": "admin",
        "csrf_token": None,
    }
    assert client.post("/api/tags", id_tag="A").status == 201


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", ""])
def test_a_foreign_name_is_not_answered(street: Street, host: str) -> None:
    """A page that had its name point to this computer learns nothing (DNS rebinding)."""
    answer = Client(street).get("/api/stations", host=host)
    assert answer.status == 421


@pytest.mark.parametrize("host", ["[::1", "[", "a]b", "http://[x"])
@pytest.mark.parametrize("header", ["host", "origin"])
def test_nonsense_in_a_header_is_refused(street: Street, header: str, host: str) -> None:
    """And is no fault of ours."""
    answer = Client(street).get("/api/stations", **{header: host})
    assert answer.status == {"host": 421, "origin": 403}[header]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "csms.example", "a.localhost"]
)
def test_this_computer_and_the_names_of_the_settings_are_answered(
    street: Street, host: str
) -> None:
    """With and without port."""
    assert Client(street).get("/api/stations", host=host).status == 200


def test_a_page_of_another_origin_is_kept_out(client: Client) -> None:
    """Even without accounts it cannot make the browser act."""
    headers = {"origin": "https://evil.example", "content-type": "application/json"}
    answer = client.ask("POST", "/api/tags", raw=b'{"id_tag": "A"}', headers=headers)
    assert answer.status == 403
    own = {"origin": "http://localhost:8080"}
    assert client.ask("POST", "/api/tags", {"id_tag": "A"}, headers=own).status == 201


def test_with_the_first_account_nobody_may_do_anything_without(
    street: Street, admin: Client
) -> None:
    """Not even look."""
    stranger = Client(street)
    answer = stranger.get("/api/stations")
    assert answer.status == 401
    assert (answer.header("www-authenticate") or "").startswith("Bearer")
    assert stranger.get("/health/live").status == 200
    assert admin.get("/api/stations").status == 200


def test_the_first_account_must_be_an_admin(client: Client) -> None:
    """Nobody could add another one."""
    body = {"name": "v", "role": "viewer", "password": "long enough"}
    assert client.post("/api/accounts", **body).status == 409


def test_roles_include_each_other(street: Street, admin: Client) -> None:
    """A viewer looks, an operator acts, an admin decides who may."""
    viewer, operator = (with_role(street, admin, role) for role in ("viewer", "operator"))
    street.booted()
    asked = {"action": "ClearCache"}
    for client, allowed in ((viewer, 403), (operator, 200), (admin, 200)):
        assert client.get("/api/stations").status == 200
        assert client.post("/api/stations/CP1/operations", **asked).status == allowed
    for client, allowed in ((viewer, 403), (operator, 403), (admin, 200)):
        assert client.get("/api/accounts").status == allowed
        assert client.post("/api/stations/CP1/password").status == allowed


def test_every_route_that_changes_something_needs_an_operator_at_least() -> None:
    """But for logging in and out, and one's own password."""
    for part in api.ROUTES:
        for endpoint in part.all:
            if endpoint.method != "GET" and not endpoint.path.startswith("/api/session"):
                assert endpoint.role >= Role.OPERATOR, endpoint.path
            if endpoint.role is Role.NOBODY:
                assert endpoint.path.startswith(("/health/", "/api/session", "/api/openapi"))


def test_a_session_shows_its_own_token_with_every_change(street: Street, admin: Client) -> None:
    """A foreign page can make a browser send the cookie, but does not know the token."""
    admin.csrf = None
    assert admin.post("/api/tags", id_tag="A").status == 403
    admin.csrf = "0" * 64
    assert admin.post("/api/tags", id_tag="A").status == 403
    admin.csrf = admin.get("/api/session").json["csrf_token"]
    assert admin.post("/api/tags", id_tag="A").status == 201


def test_the_cookie_is_for_the_browser_alone(street: Street, admin: Client) -> None:
    """No script reads it, no other site sends it."""
    cookie = Client(street).log_in("root", "correct horse").header("set-cookie") or ""
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert "path=/" in cookie.lower()


def test_logging_out_ends_the_session(admin: Client) -> None:
    """The cookie is worth nothing then."""
    assert admin.delete("/api/session").status == 204
    assert admin.get("/api/stations").status == 401


def test_a_session_ends_by_itself(street: Street, admin: Client) -> None:
    """After half a day."""
    street.clock.advance(13 * 3600)
    assert admin.get("/api/stations").status == 401


def test_a_changed_password_ends_all_sessions(street: Street, admin: Client) -> None:
    """So does a changed role, and being locked out."""
    operator = with_role(street, admin, "operator")
    admin.patch("/api/accounts/operator", password="another secret")
    assert operator.get("/api/stations").status == 401
    assert operator.log_in("operator", "battery staple").status == 401
    assert operator.log_in("operator", "another secret").status == 200
    admin.patch("/api/accounts/operator", disabled=True)
    assert operator.get("/api/stations").status == 401
    assert operator.log_in("operator", "another secret").status == 401


def test_the_last_admin_cannot_be_lost(street: Street, admin: Client) -> None:
    """Nobody could set it right again."""
    with_role(street, admin, "viewer")
    assert admin.patch("/api/accounts/root", role="viewer").status == 409
    assert admin.patch("/api/accounts/root", disabled=True).status == 409
    assert admin.delete("/api/accounts/root").status == 409
    admin.post("/api/accounts", name="second", role="admin", password="battery staple")
    assert admin.delete("/api/accounts/second").status == 204


def test_passwords_are_not_kept_or_shown(street: Street, admin: Client) -> None:
    """Neither with the accounts nor in the audit trail."""
    for path in ("/api/accounts", "/api/audit"):
        assert b"correct horse" not in admin.get(path).content
    stored = street.ask(lambda records: records.accounts.find("ROOT")).password_hash
    assert stored.startswith("$argon2id$")


def test_guessers_have_to_wait_longer_each_time(street: Street, admin: Client) -> None:
    """Even if they guess right in the end."""
    guesser = Client(street)
    for _ in range(PATIENCE):
        assert guesser.log_in("root", "wrong").status == 401
    told = guesser.log_in("root", "correct horse")
    assert told.status == 429
    assert int(told.header("retry-after") or 0) == 30
    street.clock.advance(31)
    assert guesser.log_in("root", "wrong").status == 401
    assert int(guesser.log_in("root", "x").header("retry-after") or 0) == 60
    street.clock.advance(61)
    assert guesser.log_in("root", "correct horse").status == 200
    assert guesser.log_in("root", "wrong").status == 401


def test_many_guesses_at_once_gain_nothing(
    street: Street, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt counts from its beginning, not only when the password has been looked at."""
    looked_at: list[Deferred[bool]] = []

    def verify(passwords: Passwords, stored: str | None, password: str) -> Deferred[bool]:
        looked_at.append(Deferred())
        return looked_at[-1]

    monkeypatch.setattr(Passwords, "verify", verify)
    guesser = Client(street)
    guess = {"name": "root", "password": "guess"}
    guesses = [guesser.begin("POST", "/api/session", guess) for _ in range(PATIENCE)]
    assert guesser.log_in("root", "one more").status == 429
    assert len(looked_at) == PATIENCE
    for waiting in looked_at:
        waiting.callback(False)
    assert [guesser.finish(guess).status for guess in guesses] == [401] * PATIENCE


def test_an_unknown_name_is_answered_like_a_wrong_password(street: Street, admin: Client) -> None:
    """Nobody learns who has an account."""
    answers = [Client(street).log_in(name, "wrong wrong") for name in ("root", "nobody")]
    assert answers[0].json == answers[1].json


def test_programs_show_tokens(street: Street, admin: Client) -> None:
    """With a role and an end; the text is shown once."""
    made = admin.post(
        "/api/tokens", name="energy", role="operator", expires_at="2026-06-02T12:00:00Z"
    ).json
    program = Client(street)
    program.token = made["token"]
    assert program.get("/api/session").json["name"] == "token energy"
    assert program.post("/api/tags", id_tag="A").status == 201
    assert program.get("/api/accounts").status == 403
    (listed,) = admin.get("/api/tokens").json["items"]
    assert listed["token"] is None
    assert listed["last_used"] is not None
    street.clock.advance(25 * 3600)
    assert program.get("/api/stations").status == 401


def test_a_removed_token_is_refused(street: Street, admin: Client) -> None:
    """At once."""
    made = admin.post("/api/tokens", name="energy", role="viewer").json
    program = Client(street)
    program.token = made["token"]
    assert program.get("/api/stations").status == 200
    assert admin.delete(f"/api/tokens/{made['id']}").status == 204
    assert program.get("/api/stations").status == 401
    assert admin.delete(f"/api/tokens/{made['id']}").status == 404


def test_wrong_tokens_have_to_wait_too(street: Street, admin: Client) -> None:
    """And other kinds of credentials are refused."""
    guesser = Client(street)
    guesser.token = "txo_wrong"
    statuses = [guesser.get("/api/stations").status for _ in range(PATIENCE + 1)]
    assert statuses == [401] * PATIENCE + [429]
    basic = Client(street).get("/api/stations", authorization="Basic cm9vdDp4")
    assert basic.status == 401


@pytest.mark.parametrize(("proxies", "secure"), [(0, False), (1, True)])
def test_a_cookie_that_came_by_tls_goes_by_tls_only(
    street: Street, admin: Client, proxies: int, secure: bool
) -> None:
    """Also if a proxy in front ends TLS; from others the claim counts nothing."""
    answer = Client(street, trusted_proxies=proxies).ask(
        "POST",
        "/api/session",
        {"name": "root", "password": "correct horse"},
        headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"},
    )
    assert ("Secure" in (answer.header("set-cookie") or "")) is secure


def test_the_audit_trail_says_who_did_what(street: Street, admin: Client) -> None:
    """Changes and logins, without secrets."""
    street.booted()
    admin.post("/api/tags", id_tag="A")
    admin.post("/api/stations/CP1/configuration", key="AuthorizationKey", value="AB" * 20)
    Client(street).log_in("root", "wrong")
    found = admin.get("/api/audit").json["items"]
    assert [(one["who"], one["what"]) for one in found] == [
        ("root", "failed login"),
        ("root", "POST /api/stations/<identity>/configuration"),
        ("root", "POST /api/tags"),
        ("root", "login"),
        ("local", "POST /api/accounts"),
    ]
    assert found[1]["details"]["value"] == "***"
    assert found[1]["target"] == "CP1"
    assert found[2]["details"]["id_tag"] == "A"
    assert len(admin.get("/api/audit?who=local").json["items"]) == 1


def test_removing_the_last_account_opens_the_port_again(street: Street, admin: Client) -> None:
    """But only on loopback; a port that others can reach stays shut."""
    assert admin.delete("/api/accounts/root").status == 204
    assert Client(street).get("/api/stations").status == 200
    assert Client(street, public=True).get("/api/stations").status == 401
