"""From a [[device]] table to the driver of that box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.testing import MemoryReactorClock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from txocpp.chargepoint.boxes import SeveralBoxes, device_maker
from txocpp.chargepoint.options import Device
from txocpp.devices.esp8266.device import EvlinkDevice
from txocpp.devices.openevse.device import OpenEVSEDevice
from txocpp.devices.simulated import SimulatedDevice
from txocpp.errors import ConfigurationError, ImageRefused, InstallationFailed
from txocpp.evse import DeviceInfo
from txocpp.interfaces import (
    IDeadMansSwitch,
    IEVSEDevice,
    IFirmwareInstaller,
    Installation,
)


def made(*boxes: Device) -> Any:
    """The device of these tables."""
    return device_maker(MemoryReactorClock(), boxes)({}, lambda name, document: None)


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        (Device(), SimulatedDevice),
        (Device(type="evlink", link="serial:/dev/ttyUSB0"), EvlinkDevice),
        (Device(type="openevse", link="serial:/dev/ttyUSB0"), OpenEVSEDevice),
        (Device(type="openevse", link="http://openevse.local"), OpenEVSEDevice),
    ],
)
def test_each_type_has_its_driver(box: Device, kind: type) -> None:
    """By the word in the table."""
    assert isinstance(made(box), kind)


def test_several_boxes_are_one_device() -> None:
    """Their EVSEs stand in the order of the tables."""
    device = made(Device(connectors=2), Device(type="openevse", link="tcp:192.168.1.9:23"))
    assert len(device.evses) == 3


@pytest.mark.parametrize(
    ("box", "why"),
    [
        (Device(type="evlink"), "device 1: link"),
        (Device(type="openevse"), "device 1: link"),
        (Device(type="openevse", link="serial:/dev/x", connectors=2), "connectors"),
        (Device(type="openevse", link="unix:/run/x"), "unix"),
        (Device(type="openevse", link="serial:/dev/x", settings={"colour": 1}), "colour"),
    ],
)
def test_a_wrong_table_is_named_by_its_number(box: Device, why: str) -> None:
    """Which device, and what of it."""
    with pytest.raises(ConfigurationError, match=why):
        made(box)


class Box:
    """A box of which only the name counts."""

    evses = ()
    info = DeviceInfo()

    def __init__(self) -> None:
        self.installed: list[Path] = []
        self.is_alive: Any = None


@implementer(IFirmwareInstaller)
class FirmwareBox(Box):
    """A box that takes firmware, and what becomes of that."""

    def __init__(self, end: Installation | Exception = Installation.DONE) -> None:
        super().__init__()
        self.end = end
        self.fate: bool | None = None

    def install(self, image: Path) -> Deferred[Installation]:
        self.installed.append(image)
        return fail(self.end) if isinstance(self.end, Exception) else succeed(self.end)

    def outcome(self) -> Deferred[bool | None]:
        return succeed(self.fate)


@implementer(IDeadMansSwitch)
class WatchedBox(Box):
    """A box that wants signs of life."""

    def alive_while(self, is_alive: Any) -> None:
        self.is_alive = is_alive


def several(*boxes: Any) -> Any:
    """These as one device."""
    return SeveralBoxes(boxes)


def installed(device: Any) -> Any:
    """How an installation ends."""
    ends: list[Any] = []
    device.install(Path("image")).addBoth(ends.append)
    return ends[0]


def test_firmware_goes_into_every_box_that_takes_it() -> None:
    """One image for all, in the order of the boxes; if one wants a boot, the whole boots."""
    boxes = FirmwareBox(), Box(), FirmwareBox(Installation.REBOOT)
    device = several(*boxes)
    assert verifyObject(IEVSEDevice, device)
    assert verifyObject(IFirmwareInstaller, device)
    assert installed(device) is Installation.REBOOT
    assert [box.installed for box in boxes] == [[Path("image")], [], [Path("image")]]


def test_the_first_box_that_fails_is_named_and_ends_the_installation() -> None:
    """Those behind it keep what they have; whether the image is to blame stays known."""
    boxes = FirmwareBox(), FirmwareBox(ImageRefused("too large")), FirmwareBox()
    failure = installed(several(*boxes))
    assert failure.check(ImageRefused)
    assert failure.getErrorMessage() == "device 2: too large"
    assert [len(box.installed) for box in boxes] == [1, 1, 0]
    failure = installed(several(FirmwareBox(InstallationFailed("a car is charging")), Box()))
    assert failure.getErrorMessage() == "device 1: a car is charging"


@pytest.mark.parametrize(
    ("fates", "whole"),
    [
        ((True, True), True),
        ((True, None), None),
        ((None, False), False),
        ((True, False), False),
    ],
)
def test_the_outcome_is_that_of_the_worst(fates: tuple[bool | None, ...], whole: Any) -> None:
    """A single box that has failed is a failure of the charge point."""
    boxes = [FirmwareBox() for _ in fates]
    for box, fate in zip(boxes, fates, strict=True):
        box.fate = fate
    ends: list[Any] = []
    several(*boxes).outcome().addCallback(ends.append)
    assert ends == [whole]


def test_boxes_that_take_no_firmware_are_no_installer() -> None:
    """Then UpdateFirmware is answered as for any charger without one."""
    assert not IFirmwareInstaller.providedBy(several(Box(), Box()))


def test_all_boxes_with_a_dead_mans_switch_get_to_know_who_lives() -> None:
    """Each asks for itself; the others are not bothered."""
    boxes = WatchedBox(), Box()
    device = several(*boxes)
    assert verifyObject(IDeadMansSwitch, device)
    device.alive_while(lambda: True)
    assert boxes[0].is_alive()
    assert boxes[1].is_alive is None
