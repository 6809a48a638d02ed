"""Where a central system listens, and whether that is open to other computers."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from txocpp.csms.settings import Settings

_INTERFACE: Final = re.compile(r"(?:^|:)interface=(?P<address>(?:[^:\\]|\\.)*)")


_PORT: Final = re.compile(r"(?:^|:)(?:(?:tcp6?|ssl):|port=)(?P<port>[+-]?\d+)(?=:|$)")


def port_fault(description: str) -> str | None:
    """What is wrong with the port in an endpoint; Twisted would only notice when it listens."""
    for found in _PORT.finditer(description):
        if not 0 <= int(found["port"]) <= 65535:
            return f"port {found['port']} is not between 0 and 65535"
    return None


def is_loopback(description: str) -> bool:
    """True if nobody but this computer can connect to an endpoint such as
    ``tcp:8080:interface=127.0.0.1`` or ``unix:/run/csms.sock``."""
    if description.startswith("unix:"):
        return True
    found = _INTERFACE.search(description)
    if found is None:
        return False
    address = found["address"].replace("\\", "")
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def endpoints_of(settings: Settings) -> list[tuple[str, str]]:
    """All endpoints of a central system: the name of the option, and the description."""
    listen = settings.listen
    found = [("listen.ocpp", description) for description in listen.ocpp]
    found += [("tls.listen", port.listen) for port in settings.tls]
    if listen.http:
        found.append(("listen.http", listen.http))
    return found
