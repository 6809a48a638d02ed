"""From a description to a device: which driver serves which box, several boxes as one device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from zope.interface import alsoProvides, implementer

from txocpp.chargepoint.options import Device
from txocpp.chargepoint.service import DeviceMaker, DeviceMemory, Remember
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.errors import ConfigurationError, InstallationFailed
from txocpp.evse import DeviceInfo
from txocpp.interfaces import (
    IEVSE,
    IDeadMansSwitch,
    IEVSEDevice,
    IFirmwareInstaller,
    Installation,
)

Driver = Callable[..., IEVSEDevice]
"""Takes reactor, description, memory and on_remember."""


def _simulated(
    reactor: Any,
    box: Device,
    memory: Mapping[str, Any] | None,
    on_remember: Callable[[dict[str, Any]], None],
) -> IEVSEDevice:
    settings = simulation_settings(box.settings, box.connectors)
    return SimulatedDevice(reactor, settings, memory=memory, on_remember=on_remember)


def _evlink(
    reactor: Any,
    box: Device,
    memory: Mapping[str, Any] | None,
    on_remember: Callable[[dict[str, Any]], None],
) -> IEVSEDevice:
    # Loaded only where there is such a box.
    from txocpp.devices.esp8266.device import evlink_device
    from txocpp.devices.esp8266.settings import EvlinkSettings

    if not box.link:
        raise ConfigurationError("link: an evlink device needs one, for example tcp:HOST:4116")
    return evlink_device(
        reactor,
        box.link,
        key_file=box.key_file or None,
        connectors=box.connectors,
        settings=EvlinkSettings.of(box.settings),
        memory=memory,
        on_remember=on_remember,
    )


def _openevse(
    reactor: Any,
    box: Device,
    memory: Mapping[str, Any] | None,
    on_remember: Callable[[dict[str, Any]], None],
) -> IEVSEDevice:
    # Loaded only where there is such a box.
    from txocpp.devices.openevse.settings import OpenEVSESettings, openevse_device

    if not box.link:
        raise ConfigurationError("link: an openevse needs one, for example serial:/dev/ttyUSB0")
    if box.connectors != 1:
        raise ConfigurationError("connectors: an openevse has one")
    return openevse_device(
        reactor,
        box.link,
        settings=OpenEVSESettings.of(box.settings),
        memory=memory,
        on_remember=on_remember,
    )


DRIVERS: dict[str, Driver] = {
    "simulated": _simulated,
    "evlink": _evlink,
    "openevse": _openevse,
}


def device_maker(reactor: Any, boxes: Sequence[Device]) -> DeviceMaker:
    """Makes the device of these boxes; without any, one simulated EVSE.

    The maker raises `ConfigurationError` that names the box by its number.
    """

    def make(memory: DeviceMemory, remember: Remember) -> IEVSEDevice:
        devices = [
            _made(reactor, number, box, memory, remember)
            for number, box in enumerate(boxes or (Device(),), start=1)
        ]
        return devices[0] if len(devices) == 1 else SeveralBoxes(devices)

    return make


def _made(
    reactor: Any, number: int, box: Device, memory: DeviceMemory, remember: Remember
) -> IEVSEDevice:
    name = str(number)
    try:
        return DRIVERS[box.type](reactor, box, memory.get(name), partial(remember, name))
    except ConfigurationError as error:
        raise ConfigurationError(f"device {number}: {error}") from error


@implementer(IEVSEDevice, IDeadMansSwitch)
class SeveralBoxes(Service):
    """Several boxes that together are the device of one charge point.

    Takes firmware (`IFirmwareInstaller`) if any of them does.
    """

    def __init__(self, devices: Sequence[IEVSEDevice]) -> None:
        self.devices = tuple(devices)
        self.evses: tuple[IEVSE, ...] = tuple(evse for one in devices for evse in one.evses)
        if any(IFirmwareInstaller.providedBy(one) for one in devices):
            alsoProvides(self, IFirmwareInstaller)

    @property
    def info(self) -> DeviceInfo:
        """That of the first box."""
        info: DeviceInfo = self.devices[0].info
        return info

    def startService(self) -> None:
        """Open all lines."""
        super().startService()  # type: ignore[no-untyped-call]
        for device in self.devices:
            device.startService()

    def stopService(self) -> Deferred[None]:
        """Close all lines."""
        super().stopService()  # type: ignore[no-untyped-call]
        stopped = gatherResults([maybeDeferred(device.stopService) for device in self.devices])
        return stopped.addCallback(lambda results: None)

    def alive_while(self, is_alive: Callable[[], bool]) -> None:
        """See `IDeadMansSwitch`: for the boxes that have one."""
        for device in self.devices:
            if IDeadMansSwitch.providedBy(device):
                device.alive_while(is_alive)

    # IFirmwareInstaller

    def install(self, image: Path) -> Deferred[Installation]:
        """The same image for every box that takes firmware, one box after the other.

        The first that fails ends it, and the error names it; boxes before it keep the new firmware,
        those after it the old. Trying again is harmless. Boxes that take none are left out.
        """
        return Deferred.fromCoroutine(self._install(image))

    async def _install(self, image: Path) -> Installation:
        remains = Installation.DONE
        for number, box in self._installers():
            try:
                if await box.install(image) is Installation.REBOOT:
                    remains = Installation.REBOOT
            except InstallationFailed as error:
                raise type(error)(f"device {number}: {error}") from error
        return remains

    def outcome(self) -> Deferred[bool | None]:
        """Success if every box says so, failure if one says so; else it cannot be told."""
        asked = gatherResults([box.outcome() for _, box in self._installers()])
        return asked.addCallback(_worst)

    def _installers(self) -> list[tuple[int, Any]]:
        numbered = enumerate(self.devices, start=1)
        return [(number, box) for number, box in numbered if IFirmwareInstaller.providedBy(box)]


def _worst(outcomes: list[bool | None]) -> bool | None:
    return next((bad for bad in (False, None) if bad in outcomes), True)
