"""From a description to a device: which driver serves which box, several boxes as one device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from zope.interface import implementer

from txocpp.chargepoint.options import Device
from txocpp.chargepoint.service import DeviceMaker, DeviceMemory, Remember
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.errors import ConfigurationError
from txocpp.evse import DeviceInfo
from txocpp.interfaces import IEVSE, IEVSEDevice

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


@implementer(IEVSEDevice)
class SeveralBoxes(Service):
    """Several boxes that together are the device of one charge point."""

    def __init__(self, devices: Sequence[IEVSEDevice]) -> None:
        self.devices = tuple(devices)
        self.evses: tuple[IEVSE, ...] = tuple(evse for one in devices for evse in one.evses)

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
