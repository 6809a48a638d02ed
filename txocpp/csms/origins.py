"""Which web pages may speak to a port, through the browser of somebody who can reach it.

A browser opens a WebSocket to any server for any page, and says in ``Origin`` whose page it is. A
page on the internet could so pose as a charge point of the central system on its reader's own
computer. Charge points are no web pages: they send no ``Origin``, or that of the server itself,
or ``file://`` as a library for small boards does.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

ANY: Final = "*"


def is_foreign_page(
    origin: str | None,
    host: str,
    *,
    names: Collection[str] = (),
    allowed: Collection[str] = (),
    on_loopback: bool = False,
) -> bool:
    """True if a request with these headers comes from a page that has no business here.

    `names`: host names of this server. `allowed`: further origins, or `ANY`. `on_loopback`: the
    request comes from this computer, so that a name nobody has told us may be one that somebody
    else has made to lead here (DNS rebinding).
    """
    if origin is None or ANY in allowed or origin.lower() in allowed:
        return False
    if origin.lower() == "null":
        return True
    scheme, name = _scheme_and_name(origin)
    if scheme not in ("http", "https"):
        return False
    own = _scheme_and_name(f"//{host}")[1]
    if not name or name != own:
        return True
    return on_loopback and not is_own_name(name, names)


def is_own_name(name: str, names: Collection[str] = ()) -> bool:
    """True for addresses, localhost and the names of this server."""
    if name in names or name == "localhost" or name.endswith(".localhost"):
        return True
    return _address(name) is not None


def is_loopback_address(peer: str) -> bool:
    """True if this host, or host and port, is this computer itself."""
    address = _address(host_of(peer))
    return address is not None and address.is_loopback


def host_of(peer: str) -> str:
    """The host in ``127.0.0.1:5000`` or ``::1:5000``."""
    host, _, port = peer.rpartition(":")
    return host.strip("[]") if host and port.isdecimal() else peer


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _scheme_and_name(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), (parts.hostname or "").lower()
    except ValueError:
        return "http", ""
