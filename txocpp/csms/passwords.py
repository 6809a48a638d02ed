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

NONE_WANTED: Final = "-"
"""In place of a former hash: the station had no password."""

MOST_FORMER: Final = 4
"""Each costs a computation when a station connects."""

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


def with_former(present: str | None, former: str | None) -> str:
    """What stays good while a change of the key is under way (X-12): the present hash, and those
    before it that no new key has replaced for certain. The newest comes first."""
    known = [present or NONE_WANTED, *former_hashes(former)]
    # Whatever became of the changes, the last one is what the station showed for certain.
    return " ".join([*known[: MOST_FORMER - 1], known[-1]] if len(known) > MOST_FORMER else known)


def former_hashes(former: str | None) -> list[str]:
    """The hashes in a text of `with_former`; among them may be `NONE_WANTED`."""
    return (former or "").split()


def step_back(former: str) -> tuple[str | None, str | None]:
    """The newest key was refused: the hash before it, and what is left of the former ones."""
    present, *rest = former.split()
    return None if present == NONE_WANTED else present, " ".join(rest) or None


def settled(former: str | None) -> str | None:
    """The station has acknowledged its key: nobody comes without one any more."""
    return " ".join(one for one in former_hashes(former) if one != NONE_WANTED) or None


def _digest(key: bytes, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", key, salt, rounds)
