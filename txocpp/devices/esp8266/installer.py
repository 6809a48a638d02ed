"""A firmware update that came over OCPP, brought to its end in an evlink/1 device."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, Protocol

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from txocpp.devices.esp8266.update import check_image
from txocpp.devices.esp8266.words import Greeting
from txocpp.errors import (
    ConfigurationError,
    DeviceError,
    DeviceRefused,
    ImageRefused,
    InstallationFailed,
)
from txocpp.interfaces import Installation

TRIAL_S: Final = 180.0
"""A device that finds no host with its new firmware is back with the old one before this."""


class Updatable(Protocol):
    """A device, as far as an installation needs one."""

    clock: IReactorTime

    def update_firmware(self, image: bytes, version: str) -> Deferred[None]:
        """Carry an image to the device, which restarts then."""

    def next_start(self) -> Deferred[Greeting]:
        """Fires when the device has started again and greets us."""

    @property
    def greeting(self) -> Greeting | None:
        """What the device said of itself last."""


async def install(device: Updatable, path: Path) -> Installation:
    """Install the image in a file: carry it over, and see the device run it.

    Raises `ImageRefused` if the file is to blame, else `InstallationFailed`; the old firmware goes
    on then.
    """
    try:
        image = path.read_bytes()
        check_image(image)
    except OSError as error:
        raise InstallationFailed(f"{path}: {error.strerror}") from None
    except ConfigurationError as error:
        raise ImageRefused(str(error)) from None
    before = device.greeting
    if before is None:
        raise InstallationFailed("the charger has not been heard of yet")
    started = device.next_start()
    try:
        await device.update_firmware(image, hashlib.sha256(image).hexdigest()[:12])
    except DeviceError as error:
        started.addErrback(lambda _: None)
        started.cancel()
        raise _blamed(error) from None
    try:
        after = await started.addTimeout(TRIAL_S, device.clock)
    except TimeoutError:
        raise InstallationFailed("the charger has not come back") from None
    if after.boots > before.boots + 1 and after.firmware == before.firmware:
        raise InstallationFailed("the charger went back to its old firmware")
    return Installation.DONE


def _blamed(error: DeviceError) -> InstallationFailed:
    words = str(error)
    if not isinstance(error, DeviceRefused):
        return InstallationFailed(words)
    if words.startswith("BadArg"):
        return ImageRefused(f"the charger refuses the image: {words}")
    if words.startswith("Busy"):
        return InstallationFailed("a car is charging")
    return InstallationFailed(f"the charger refuses the update: {words}")


class Starts:
    """Who waits for the next start of a device."""

    def __init__(self) -> None:
        self._waiting: list[Deferred[Greeting]] = []

    def next(self) -> Deferred[Greeting]:
        """Fires with the greeting of the next start."""
        waiting: Deferred[Greeting] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def happened(self, greeting: Greeting) -> None:
        """The device has started again."""
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(greeting)
