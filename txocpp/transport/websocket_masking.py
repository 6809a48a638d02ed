"""Masks of WebSocket frames (RFC 6455 §5.3).

Every frame of a charge point is masked, so this is done for every message. Autobahn's masker is
written in C, but wrapped in an object for each frame that costs more than the masking. Where its
C part is there, it is called without the wrapping; where it is not, two large integers do.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from autobahn.websocket import USES_NVX

Masker = Callable[[bytes, bytes], bytes | bytearray]
"""Takes a payload and a mask of four bytes; applies the mask, or takes it off."""


def by_integers(payload: bytes, mask: bytes) -> bytes:
    """An exclusive-or of two large integers."""
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
    return number.to_bytes(length, "little")


def native() -> Masker | None:
    """A masker in C, if there is one and it does what is expected of it."""
    if not USES_NVX:
        return None
    try:
        extension = import_module("_nvx_xormasker")
        begin, process, end = (
            getattr(extension.lib, f"nvx_xormask_{name}") for name in ("new", "process", "free")
        )
        memory_of = extension.ffi.from_buffer
    except (ImportError, AttributeError):
        return None

    def masked(payload: bytes, mask: bytes) -> bytearray:
        buffer = bytearray(payload)
        masker = begin(mask)
        process(masker, memory_of(buffer), len(buffer))
        end(masker)
        return buffer

    trial, mask = bytes(range(256)) * 2 + b"odd", b"\x00\x81\x7f\xff"
    return masked if masked(trial, mask) == by_integers(trial, mask) else None


masked: Masker = native() or by_integers
"""The best there is."""
