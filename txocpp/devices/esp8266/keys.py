"""The key that a host shares with its device: 32 random bytes in a file of its owner only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from txocpp.errors import ConfigurationError

KEY_BYTES: Final = 32


def make_key(path: Path | str) -> bytes:
    """Make a new key and its file (mode 0600). A file that exists is never written over.

    Raises `txocpp.errors.ConfigurationError`.
    """
    key = secrets.token_bytes(KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(
            f"key file {path}: is there already; a key is never written over"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"key file {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def read_key(path: Path | str) -> bytes:
    """Read a key file: 64 hex digits, not to be read or written by anybody but its owner.

    Raises `txocpp.errors.ConfigurationError`; its text never shows any of the key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4 * KEY_BYTES)
    except OSError as error:
        raise ConfigurationError(f"key file {path}: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigurationError(
            f"key file {path}: not for its owner only (mode {mode:04o}); chmod 600 it"
        )
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"key file {path}: must hold {2 * KEY_BYTES} hex digits")
    return key
