"""Logging in and out; accounts, tokens and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from twisted.web.http import Request

from txocpp.csms.accounts import SESSION_LASTS, SHORTEST_PASSWORD, csrf_token
from txocpp.csms.api.access import COOKIE, address_of, came_by_tls, make_wait, session_key
from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Page, Problem, Role, changes
from txocpp.csms.api.queries import Key, Limit, Moment, number_in_path
from txocpp.csms.office import Office
from txocpp.storage.central.accounts import AccountRecord, TokenRecord
from txocpp.storage.central.records import Records

routes = Endpoints("accounts")

RoleWord = Literal["viewer", "operator", "admin"]
Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=100, pattern="^[^\\s/].*$", description="No space or slash first"
    ),
]
Password = Annotated[str, msgspec.Meta(min_length=SHORTEST_PASSWORD, max_length=200)]


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name and password of an account."""

    name: str
    password: Annotated[str, msgspec.Meta(max_length=200)]


class SessionView(msgspec.Struct, frozen=True):
    """Who is asking, and what they may do."""

    name: str
    role: str
    csrf_token: str | None
    """To be shown as X-CSRF-Token with every change, if there is a session."""


class AccountView(msgspec.Struct, frozen=True):
    """Somebody who may log in."""

    name: str
    role: str
    disabled: bool
    created_at: datetime
    version: int


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account to be entered."""

    name: Name
    role: RoleWord
    password: Password


class AccountChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. All sessions of the account end."""

    role: RoleWord | msgspec.UnsetType = msgspec.UNSET
    password: Password | msgspec.UnsetType = msgspec.UNSET
    disabled: bool | msgspec.UnsetType = msgspec.UNSET


class TokenView(msgspec.Struct, frozen=True):
    """A program that may use the API."""

    id: int
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    last_used: datetime | None
    token: str | None = None
    """Shown once, when it is made."""


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made."""

    name: Name
    role: RoleWord
    expires_at: Moment | None = None


@routes.post("/api/session", body=Login, answer=SessionView, role=Role.NOBODY)
async def log_in(office: Office, call: Call) -> SessionView:
    """Log in: sets the cookie of a session."""
    body: Login = call.body
    address = address_of(call.request)
    guessers = (f"login from {address}", f"login of {body.name.lower()}")
    for guesser in guessers:
        make_wait(office.patience, guesser)
    for guesser in guessers:
        # Counts until the password turns out right, so that many at once gain nothing.
        office.patience.failed(guesser)
    found = await office.accounts.log_in(body.name, body.password)
    if found is None:
        await _note(office, body.name, address, "failed login")
        raise Problem(401, "wrong name or password")
    for guesser in guessers:
        office.patience.succeeded(guesser)
    account, key = found
    await _note(office, account.name, address, "login")
    _set_cookie(call.request, key, int(SESSION_LASTS.total_seconds()))
    return SessionView(account.name, account.role, csrf_token(key))


@routes.get("/api/session", answer=SessionView)
async def show_session(office: Office, call: Call) -> SessionView:
    """Who is asking, and what they may do."""
    key = session_key(call.request)
    shown = csrf_token(key) if key is not None and office.accounts.exists else None
    return SessionView(call.principal.name, call.principal.role.name.lower(), shown)


@routes.delete("/api/session", role=Role.NOBODY, status=204)
async def log_out(office: Office, call: Call) -> Any:
    """Log out."""
    key = session_key(call.request)
    if key is not None:
        await office.accounts.log_out(key)
    _set_cookie(call.request, "", 0)


class OwnPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new password for the account that is logged in."""

    old: Annotated[str, msgspec.Meta(max_length=200)]
    new: Password


@routes.post("/api/session/password", body=OwnPassword, role=Role.VIEWER, answer=SessionView)
async def change_own_password(office: Office, call: Call) -> SessionView:
    """Change one's own password: all sessions of the account end, and a new one begins here."""
    body: OwnPassword = call.body
    key = session_key(call.request)
    account = None if key is None else await office.accounts.session(key)
    if account is None:
        raise Problem(409, "this is for somebody who has logged in with a password")
    guesser = f"login of {account.name.lower()}"
    make_wait(office.patience, guesser)
    office.patience.failed(guesser)
    if not await office.accounts.fits(account, body.old):
        raise Problem(403, "the old password is wrong")
    office.patience.succeeded(guesser)
    hashed = await office.accounts.hash(body.new)
    await office.store.write(
        lambda records: records.accounts.edit(account.id, None, password_hash=hashed)
    )
    found = await office.accounts.log_in(account.name, body.new)
    if found is None:
        raise Problem(409, "the account has been changed meanwhile")
    _set_cookie(call.request, found[1], int(SESSION_LASTS.total_seconds()))
    return SessionView(account.name, account.role, csrf_token(found[1]))


def _set_cookie(request: Request, key: str, lasts_s: int) -> None:
    request.addCookie(
        COOKIE,
        key.encode(),
        max_age=str(lasts_s),
        path="/",
        httpOnly=True,
        secure=came_by_tls(request),
        sameSite="strict",
    )


async def _note(office: Office, who: str, address: str, what: str) -> None:
    facts = {"at": office.now(), "who": who[:100], "address": address, "what": what, "details": {}}
    await office.store.write(lambda records: records.accounts.note(**facts))


@routes.get("/api/accounts", answer=Page[AccountView], role=Role.ADMIN)
async def list_accounts(office: Office, call: Call) -> Page[AccountView]:
    """Who may log in."""
    found = await office.store.read(lambda records: records.accounts.all())
    return Page([_account_view(record) for record in found])


@routes.post("/api/accounts", body=NewAccount, answer=AccountView, status=201, role=Role.ADMIN)
async def add_account(office: Office, call: Call) -> Answer:
    """Enter an account. With the first one, nobody may do anything without logging in."""
    body: NewAccount = call.body
    if not office.accounts.exists and body.role != "admin":
        raise Problem(409, "the first account must be an admin, or nobody could add another")
    added = await office.accounts.add(body.name, body.role, body.password)
    if added is None:
        raise Problem(409, f"there is an account {body.name!r} already")
    return Answer(_account_view(added), 201)


@routes.patch("/api/accounts/<name>", body=AccountChange, answer=AccountView, role=Role.ADMIN)
async def change_account(office: Office, call: Call) -> AccountView:
    """Change role or password, or lock somebody out."""
    wanted = changes(call.body)
    if "password" in wanted:
        wanted["password_hash"] = await office.accounts.hash(wanted.pop("password"))

    def change(records: Records) -> AccountRecord:
        found = _found(records, call)
        changed = records.accounts.edit(found.id, call.if_match, **wanted)
        if changed is None:
            raise Problem(412, "the account has been changed meanwhile; look at it again")
        _keep_an_admin(records, found)
        return changed

    return _account_view(await office.store.write(change))


@routes.delete("/api/accounts/<name>", role=Role.ADMIN, status=204)
async def remove_account(office: Office, call: Call) -> Any:
    """Forget an account."""

    def remove(records: Records) -> None:
        found = _found(records, call)
        records.accounts.remove(found.id)
        if records.accounts.any():
            _keep_an_admin(records, found)

    await office.store.write(remove)
    await office.accounts.look()


def _keep_an_admin(records: Records, changed: AccountRecord) -> None:
    if changed.role == "admin" and not changed.disabled and not records.accounts.count_admins():
        raise Problem(409, "this is the last admin; nobody could set it right again")


@routes.get("/api/tokens", answer=Page[TokenView], role=Role.ADMIN)
async def list_tokens(office: Office, call: Call) -> Page[TokenView]:
    """Programs that may use the API."""
    found = await office.store.read(lambda records: records.accounts.tokens())
    return Page([_token_view(record) for record in found])


@routes.post("/api/tokens", body=NewToken, answer=TokenView, status=201, role=Role.ADMIN)
async def add_token(office: Office, call: Call) -> Answer:
    """Make a token; its text is shown this once."""
    body: NewToken = call.body
    if not office.accounts.exists and body.role != "admin":
        raise Problem(409, "the first account or token must be an admin's")
    record, text = await office.accounts.add_token(body.name, body.role, body.expires_at)
    return Answer(_token_view(record, text), 201)


@routes.delete("/api/tokens/<number>", role=Role.ADMIN, status=204)
async def remove_token(office: Office, call: Call) -> Any:
    """Forget a token; whoever shows it is refused from now on."""
    number = number_in_path(call.path["number"], "token")

    def remove(records: Records) -> None:
        if not records.accounts.remove_token(number):
            raise Problem(404, f"there is no token {number}")

    await office.store.write(remove)
    await office.accounts.look()


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the trail, newest first."""

    who: str | None = None
    before: Key | None = None
    limit: Limit = 100


class AuditView(msgspec.Struct, frozen=True):
    """One thing that somebody did."""

    id: int
    at: datetime
    who: str
    address: str
    what: str
    target: str
    details: dict[str, Any]


@routes.get("/api/audit", query=AuditQuery, answer=Page[AuditView], role=Role.ADMIN)
async def audit_trail(office: Office, call: Call) -> Page[AuditView]:
    """Who did what, newest first."""
    query: AuditQuery = call.query
    found = await office.store.read(
        lambda records: records.accounts.trail(
            before=query.before, limit=query.limit, who=query.who
        )
    )
    views = [
        AuditView(one.id, one.at, one.who, one.address, one.what, one.target, one.details)
        for one in found
    ]
    return Page(views, views[-1].id if len(views) == query.limit else None)


def _found(records: Records, call: Call) -> AccountRecord:
    found = records.accounts.find(call.path["name"])
    if found is None:
        raise Problem(404, f"there is no account {call.path['name']!r}")
    return found


def _account_view(record: AccountRecord) -> AccountView:
    return AccountView(record.name, record.role, record.disabled, record.created_at, record.version)


def _token_view(record: TokenRecord, text: str | None = None) -> TokenView:
    return TokenView(
        record.id,
        record.name,
        record.role,
        record.created_at,
        record.expires_at,
        record.last_used,
        text,
    )
