"""HTTP Basic authentication with passwords of any bytes (RFC 7617; C-15)."""

from __future__ import annotations

import base64
import binascii


def authorization(user: str, password: bytes) -> str:
    """The value of the Authorization header. `password` holds the bytes of the AuthorizationKey,
    not its hex digits."""
    return "Basic " + base64.b64encode(user.encode() + b":" + password).decode()


def read_authorization(header: str) -> tuple[str, bytes]:
    """User and password bytes of an Authorization header. Raises `ValueError`, quoting nothing."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        raise ValueError("not HTTP Basic")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        name = user.decode()
    except (binascii.Error, ValueError):
        raise ValueError("malformed HTTP Basic credentials") from None
    if not colon:
        raise ValueError("malformed HTTP Basic credentials")
    return name, password
