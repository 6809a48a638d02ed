"""Whether an endpoint description is open to other computers."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_INTERFACE: Final = re.compile(r"(?:^|:)interface=(?P<address>(?:[^:\\]|\\.)*)")


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
