"""A firmware update over OCPP, brought to its end in the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evlink_house import EvlinkHouse, failure, result
from zope.interface.verify import verifyObject

from txocpp.devices.esp8266.update import pack_image
from txocpp.devices.simulation.evlink_session import Refusal
from txocpp.errors import ImageRefused, InstallationFailed
from txocpp.evse import ResetKind
from txocpp.interfaces import IFirmwareInstaller, Installation


class UpdatableHouse(EvlinkHouse):
    """A house whose device takes updates; `starts` is how often it starts then."""

    def __init__(self, *, refuses: str = "", starts: int = 1, becomes: str = "new") -> None:
        super().__init__()
        self.refuses = refuses
        self.starts_to_come = starts
        self.becomes = becomes
        self.firmware = "old"
        self.taken = 0
        greeting, request = self.box.greeting, self.box.request
        self.box.greeting = lambda: {**greeting(), "fw": self.firmware}  # type: ignore[method-assign]

        def asked(verb: str, args: dict[str, Any], link: Any) -> dict[str, Any]:
            return self.ota(args) if verb == "ota" else request(verb, args, link)

        self.box.request = asked  # type: ignore[method-assign]
        self.start()

    def ota(self, args: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            raise Refusal(*self.refuses.split(":"))
        if args["op"] == "data":
            self.taken += len(args["b64"]) * 3 // 4 - args["b64"].count("=")
        elif args["op"] == "end" and self.starts_to_come:
            self.firmware = self.becomes
            self.box.starts += self.starts_to_come - 1
            self.box.restart_soon(ResetKind.SOFT)
        return {"off": self.taken}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file that is an image."""
    path = tmp_path / "new.image"
    path.write_bytes(pack_image({"main.mpy": bytes(2000)}))
    return path


def test_it_provides_the_interface() -> None:
    """The contract's letter; and after a restart of the host only the version can tell."""
    device = EvlinkHouse().device
    assert verifyObject(IFirmwareInstaller, device)
    assert result(device.outcome()) is None


@pytest.mark.parametrize(("starts", "becomes"), [(1, "new"), (1, "old"), (3, "new")])
def test_a_device_that_comes_back_runs_it(image: Path, starts: int, becomes: str) -> None:
    """Whatever its version is called, or if it took some starts to get there."""
    house = UpdatableHouse(starts=starts, becomes=becomes)
    installed = house.device.install(image)
    house.run(30)
    assert result(installed) is Installation.DONE
    assert house.taken == len(image.read_bytes())
    assert house.device.info.firmware_version == becomes
    house.stop()


def test_a_device_that_went_back_to_its_old_firmware(image: Path) -> None:
    """It started more than once and is the old one: the new one was not good."""
    house = UpdatableHouse(starts=2, becomes="old")
    installed = house.device.install(image)
    house.run(30)
    assert "went back" in str(failure(installed))
    house.stop()


def test_a_device_that_does_not_come_back(image: Path) -> None:
    """After three minutes it has failed."""
    house = UpdatableHouse(starts=0)
    installed = house.device.install(image)
    house.run(200)
    assert "has not come back" in str(failure(installed))
    house.stop()


@pytest.mark.parametrize(
    ("refuses", "kind", "words"),
    [
        ("BadArg:sha", ImageRefused, "refuses the image: BadArg: sha"),
        ("Busy", InstallationFailed, "a car is charging"),
        ("Auth:mac", InstallationFailed, "refuses the update: Auth"),
        ("Unsup", InstallationFailed, "refuses the update: Unsup"),
    ],
)
def test_a_device_that_refuses(
    image: Path, refuses: str, kind: type[InstallationFailed], words: str
) -> None:
    """Who is to blame is said."""
    house = UpdatableHouse(refuses=refuses)
    installed = house.device.install(image)
    house.run(5)
    error = failure(installed)
    assert type(error) is kind
    assert words in str(error)
    house.stop()


def test_files_that_are_no_image(tmp_path: Path, image: Path) -> None:
    """Refused before anything is sent; so is an update of a device that nobody has met."""
    house = UpdatableHouse()
    (tmp_path / "cat.jpg").write_bytes(b"\xff\xd8")
    assert type(failure(house.device.install(tmp_path / "cat.jpg"))) is ImageRefused
    assert type(failure(house.device.install(tmp_path / "none"))) is InstallationFailed
    house.stop()
    stranger = EvlinkHouse().device
    assert "not been heard of" in str(failure(stranger.install(image)))


def test_a_line_that_is_lost_on_the_way(image: Path) -> None:
    """The update has failed, the device goes on with what it has."""
    house = UpdatableHouse()
    installed = house.device.install(image)
    house.run(0.05)
    house.wire.reachable = False
    house.wire.cut()
    house.run(30)
    assert isinstance(failure(installed), InstallationFailed)
    house.stop()


def test_the_simulated_device_says_its_firmware() -> None:
    """So that the tests above are about the same word."""
    assert UpdatableHouse().device.info.firmware_version == "old"
    assert EvlinkHouse().start().device.info.firmware_version == "simulated 1"
