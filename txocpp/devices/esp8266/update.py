"""New firmware over the line: packed into one image, carried in small pieces, proved by the key.

The device writes it beside the firmware that runs, restarts, tries it, and goes back to the old one
if no host greets it in time. It refuses while a contactor is closed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txocpp.devices.esp8266.frames import update_proof
from txocpp.errors import ConfigurationError, DeviceError

PIECE_BYTES: Final = 128
"""What fits into a frame with the longest counter and tag."""
MOST_BYTES: Final = 65_536
_HEAD: Final = b"txocpp-image 1\n"
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,40}\.mpy")
_VERSION: Final = re.compile(r"[A-Za-z0-9._+-]{1,20}")

_log = Logger()


class Asked(Protocol):
    """A device, as far as an update needs one."""

    def ask(self, verb: str, args: Mapping[str, object]) -> Deferred[dict[str, object]]:
        """Send a request."""


def pack_image(files: Mapping[str, bytes]) -> bytes:
    """One image of compiled modules (``name.mpy``); raises `ConfigurationError` for what is not
    one."""
    image = bytearray(_HEAD)
    for name, content in sorted(files.items()):
        if not _NAME.fullmatch(name) or not content:
            raise ConfigurationError(f"{name!r} is no compiled module for an image")
        image += f"{name} {len(content)}\n".encode() + content
    check_image(bytes(image))
    return bytes(image)


def check_image(image: bytes) -> None:
    """Raises `ConfigurationError` for what no device would take."""
    if not image.startswith(_HEAD) or len(image) == len(_HEAD):
        raise ConfigurationError("this is no firmware image")
    if len(image) > MOST_BYTES:
        raise ConfigurationError(f"an image of {len(image)} bytes is too large, {MOST_BYTES} fit")


async def update_firmware(
    device: Asked,
    image: bytes,
    version: str,
    *,
    key: bytes | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Carry an image to a device; afterwards the device restarts by itself.

    `progress` is told the share that is done, 0 to 1. Raises `ConfigurationError` for an image or
    version that is none, `txocpp.errors.DeviceError` if the device refuses or is lost on the way.
    """
    check_image(image)
    if not _VERSION.fullmatch(version):
        raise ConfigurationError(f"{version!r} is no version: at most 20 of A-Z a-z 0-9 . _ + -")
    sha = hashlib.sha256(image).digest()
    begin: dict[str, object] = {"op": "begin", "size": len(image), "sha": sha.hex(), "ver": version}
    if key is not None:
        begin["mac"] = update_proof(key, sha, len(image), version).hex()
    offset = _offset(await device.ask("ota", begin), len(image))
    pieces = 0
    while offset < len(image):
        piece = base64.b64encode(image[offset : offset + PIECE_BYTES]).decode("ascii")
        answer = await device.ask("ota", {"op": "data", "off": offset, "b64": piece})
        offset = _offset(answer, len(image))
        pieces += 1
        if pieces > 2 * len(image) // PIECE_BYTES + 10:
            raise DeviceError("the update does not advance")
        progress(offset / len(image))
    await device.ask("ota", {"op": "end"})
    _log.info("firmware {version} is in the device, {size} bytes", version=version, size=len(image))


def _offset(answer: Mapping[str, object], size: int) -> int:
    offset = answer.get("off")
    if type(offset) is not int or not 0 <= offset <= size:
        raise DeviceError(f"the device expects nonsense next: {offset!r}")
    return offset
