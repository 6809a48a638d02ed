"""From a [[device]] table to the driver of that box."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from txocpp.chargepoint.boxes import device_maker
from txocpp.chargepoint.options import Device
from txocpp.devices.esp8266.device import EvlinkDevice
from txocpp.devices.openevse.device import OpenEVSEDevice
from txocpp.devices.simulated import SimulatedDevice
from txocpp.errors import ConfigurationError


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
