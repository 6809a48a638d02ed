"""Who is asking over HTTP, and whether they may.

Without accounts the API listens on loopback only and everybody there may do everything; requests
that a foreign web page makes a browser send are kept out by their Host and Origin.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from twisted.web.http import Request

from txocpp.csms.api.endpoint import Principal, Problem, Role


class Access:
    """The rules of a central system without accounts."""

    async def identify(self, request: Request) -> Principal:
        """Who is asking."""
        return Principal("local", Role.ADMIN)

    def guard(self, request: Request) -> None:
        """Refuse what a foreign page makes a browser ask (DNS rebinding, cross-site requests)."""
        host = request.getHeader("host") or ""
        name = urlsplit(f"//{host}").hostname or ""
        if not _is_loopback(name):
            raise Problem(421, f"this server does not answer for the name {name!r}")
        origin = request.getHeader("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Problem(403, f"requests from pages of {origin} are not allowed")

    def require(self, principal: Principal, role: Role, request: Request) -> None:
        """Raise a `Problem` unless `principal` has at least this role."""
        if principal.role < role:
            raise Problem(403, f"this takes the role {role.name.lower()}")


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
