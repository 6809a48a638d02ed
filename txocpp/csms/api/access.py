"""Who is asking over HTTP, and whether they may.

A program shows a token (``Authorization: Bearer``), a browser the cookie of its session, together
with ``X-CSRF-Token`` for everything that changes something. Without any account or token the API
listens on loopback only, and everybody there may do everything.

Whatever the cookies say, requests that a foreign web page makes a browser send are kept out: by
the name that was asked for (DNS rebinding) and by where the request comes from.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.web.http import Request

from txocpp.csms.accounts import AccountBook, Patience, csrf_token
from txocpp.csms.api.endpoint import Principal, Problem, Role

COOKIE: Final = b"txocpp_session"
_SAFE: Final = (b"GET", b"HEAD", b"OPTIONS")

ANYBODY: Final = Principal("local", Role.ADMIN)
"""Who asks where there are no accounts."""

STRANGER: Final = Principal("", Role.NOBODY)


class Access:
    """The rules of one port.

    `names`: host names that this port answers for, besides addresses and localhost. `public`: the
    port is open to other computers; nobody may do anything without an account, even if there is
    none any more. `trusted_proxies`: proxies in front, which tell the true address in
    X-Forwarded-For; otherwise one guesser would make everybody behind the proxy wait.
    """

    def __init__(
        self,
        book: AccountBook,
        patience: Patience,
        *,
        names: Iterable[str] = (),
        public: bool = False,
        trusted_proxies: int = 0,
    ) -> None:
        self.book = book
        self.patience = patience
        self._public = public
        self._trusted_proxies = trusted_proxies
        self._names = frozenset(name.lower() for name in names)

    def guard(self, request: Request) -> None:
        """Refuse what a foreign page makes a browser ask, and find out where it comes from."""
        if self._trusted_proxies:
            _believe(request, self._trusted_proxies)
        host = request.getHeader("host") or ""
        if not self._answers_for(_host_name(f"//{host}")):
            raise Problem(421, f"this server does not answer for the name {host!r}")
        origin = request.getHeader("origin")
        if origin is not None and _place(origin) != host.lower():
            raise Problem(403, f"requests from pages of {origin} are not allowed")

    async def identify(self, request: Request) -> Principal:
        """Who is asking. Raises `Problem` for credentials that are no good."""
        if not self._guarded:
            return ANYBODY
        header = request.getHeader("authorization")
        if header is not None:
            return await self._by_token(header, address_of(request))
        key = session_key(request)
        if key is None:
            return STRANGER
        account = await self.book.session(key)
        if account is None:
            return STRANGER
        if request.method not in _SAFE:
            shown = request.getHeader("x-csrf-token") or ""
            if not hmac.compare_digest(shown.encode(), csrf_token(key).encode()):
                raise Problem(403, "X-CSRF-Token is missing or not that of the session")
        return Principal(account.name, role_of(account.role))

    def require(self, principal: Principal, role: Role, request: Request) -> None:
        """Raise a `Problem` unless `principal` has at least this role."""
        if principal.role >= role:
            return
        if principal is STRANGER:
            request.setHeader("www-authenticate", 'Bearer realm="txocpp"')
            raise Problem(401, "log in, or show a token (Authorization: Bearer ...)")
        raise Problem(403, f"this takes the role {role.name.lower()}")

    @property
    def _guarded(self) -> bool:
        return self._public or self.book.exists

    async def _by_token(self, header: str, address: str) -> Principal:
        scheme, _, text = header.strip().partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, "Authorization must be: Bearer TOKEN")
        who = f"token from {address}"
        make_wait(self.patience, who)
        token = await self.book.token(text.strip())
        if token is None:
            self.patience.failed(who)
            raise Problem(401, "this token is not known or has expired")
        return Principal(f"token {token.name}", role_of(token.role))

    def _answers_for(self, name: str) -> bool:
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            # With accounts, a foreign page gains nothing from a name that leads here.
            return self._guarded
        return address.is_loopback or self._guarded


def _believe(request: Request, proxies: int) -> None:
    """Take from what the proxies say the address, of which the first entries are anybody's claim,
    and whether the browser came by TLS."""
    proxied: Any = request
    proxied.proxied_by_tls = request.getHeader("x-forwarded-proto") == "https"
    told = ",".join(request.requestHeaders.getRawHeaders("x-forwarded-for", ())).split(",")
    try:
        address = ipaddress.ip_address(told[-proxies:][0].strip())
    except ValueError:
        return
    kind = IPv4Address if address.version == 4 else IPv6Address
    request.client = kind("TCP", str(address), 0)


def _place(url: str) -> str | None:
    """Host and port of a URL; None if it is none."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return None


def _host_name(url: str) -> str:
    """The host name in a URL; empty if there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def make_wait(patience: Patience, who: str) -> None:
    """Raise a `Problem` if `who` has failed too often."""
    wait_s = int(patience.wait_s(who) + 0.999)
    if wait_s > 0:
        raise Problem(429, f"too many failed attempts; try again in {wait_s} s", retry_s=wait_s)


def role_of(word: str) -> Role:
    """The role with this name."""
    return Role[word.upper()]


def session_key(request: Request) -> str | None:
    """The session that the cookie names."""
    found = request.getCookie(COOKIE)
    return None if found is None else found.decode("ascii", "replace")


def came_by_tls(request: Request) -> bool:
    """Whether nobody on the way could read the request, as far as we or the proxies can tell."""
    return bool(request.isSecure() or getattr(request, "proxied_by_tls", False))


def address_of(request: Request) -> str:
    """The address that the request comes from."""
    return str(getattr(request.getClientAddress(), "host", "local"))
