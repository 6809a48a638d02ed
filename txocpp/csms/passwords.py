"""Passwords of stations: made, kept as salted hashes, compared as bytes.

AuthorizationKey is written as hex digits in ChangeConfiguration, and its bytes are what the station
shows in HTTP Basic (C-15). Some stations show the hex digits or a readable text instead; all
these forms of the same key are taken, if the operator allows it (O16). Kept is one hash of the
bytes.

Station passwords are random and long (X-11), so a fast keyed hash with salt is enough, and a
thousand stations that reconnect at once are no load: slow hashes are for what people think up
(`txocpp.csms.accounts`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

KEY_BYTES: Final = 20
"""As long as white paper A00.FR.205 allows."""

_ROUNDS: Final = 2000
"""Some stretching, in case an operator chose a readable password: about a millisecond."""


def new_key() -> bytes:
    """A random AuthorizationKey (X-11)."""
    return secrets.token_bytes(KEY_BYTES)


def key_as_hex(key: bytes) -> str:
    """The key as ChangeConfiguration carries it."""
    return key.hex().upper()


def key_from_text(text: str) -> bytes:
    """What an operator typed: hex digits for 16 to 20 bytes, otherwise the text itself."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        return text.encode()
    return key if 16 <= len(key) <= KEY_BYTES else text.encode()


class StationPasswords:
    """Hashes and compares. `tolerant`: take the hex form of the key too."""

    def __init__(self, *, tolerant: bool = True) -> None:
        self._tolerant = tolerant

    def hash(self, key: bytes) -> str:
        """What may be stored."""
        salt = secrets.token_bytes(16)
        return f"pbkdf2:{_ROUNDS}:{salt.hex()}:{_digest(key, salt, _ROUNDS).hex()}"

    def verify(self, stored: str, shown: bytes) -> bool:
        """Whether the shown bytes are the stored key, in one of its forms."""
        _, rounds, salt, digest = stored.split(":")
        for form in self._forms(shown):
            found = _digest(form, bytes.fromhex(salt), int(rounds))
            if hmac.compare_digest(found, bytes.fromhex(digest)):
                return True
        return False

    def _forms(self, shown: bytes) -> list[bytes]:
        if not self._tolerant:
            return [shown]
        forms = [shown]
        try:
            decoded = bytes.fromhex(shown.decode("ascii"))
        except ValueError:
            return forms
        if 16 <= len(decoded) <= KEY_BYTES:
            forms.append(decoded)
        return forms


def _digest(key: bytes, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", key, salt, rounds)
