"""New firmware over the line into the simulated charger, by the driver of the real ones."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from evlink_house import KEY, EvlinkHouse, failure, result

from txocpp.devices.esp8266.frames import update_proof
from txocpp.devices.esp8266.update import pack_image
from txocpp.devices.simulation.commands import obey
from txocpp.errors import DeviceRefused, ImageRefused, InstallationFailed
from txocpp.interfaces import Installation

IMAGE = pack_image({"main.mpy": bytes(1000)})


@pytest.fixture
def house() -> Any:
    """Host and charger, with a key."""
    house = EvlinkHouse().start()
    yield house
    house.stop()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file that is an image."""
    path = tmp_path / "new.image"
    path.write_bytes(IMAGE)
    return path


def begin(**changes: Any) -> dict[str, Any]:
    """A first request that is right but for some members."""
    sha = hashlib.sha256(IMAGE).digest()
    mac = update_proof(KEY, sha, len(IMAGE), "2").hex()
    whole = {"op": "begin", "size": len(IMAGE), "sha": sha.hex(), "ver": "2", "mac": mac}
    return {**whole, **changes}


def refusal(house: EvlinkHouse, args: dict[str, Any]) -> str:
    """What the charger says against a request."""
    asked = house.device.ask("ota", args)
    house.run(1)
    error = failure(asked)
    assert isinstance(error, DeviceRefused)
    return str(error)


def test_an_update_is_installed_and_the_version_is_another(house: EvlinkHouse, image: Path) -> None:
    """Carried, tried, greeted, and kept."""
    assert house.device.info.firmware_version == "simulated 1"
    installing = house.device.install(image)
    house.run(60)
    assert result(installing) is Installation.DONE
    assert house.device.info.firmware_version == "simulated 2"
    house.run(200)
    assert house.device.info.firmware_version == "simulated 2"


def test_it_goes_back_if_nobody_greets_it(house: EvlinkHouse, image: Path) -> None:
    """Two minutes without a host: the old firmware runs again, after one more start."""
    installing = house.device.install(image)
    installing.addErrback(lambda _: None)
    while house.sim.info.firmware_version == "1":
        house.run(0.1)
    house.wire.reachable = False
    house.wire.cut()
    starts = house.box.starts
    house.run(115)
    assert house.sim.info.firmware_version == "2"
    house.run(10)
    assert house.sim.info.firmware_version == "1"
    assert house.box.starts == starts + 2
    house.wire.reachable = True
    house.run(60)
    assert house.device.info.firmware_version == "simulated 1"


def test_while_a_car_charges_it_is_refused(house: EvlinkHouse, image: Path) -> None:
    """And the car charges on."""
    house.charge()
    installing = house.device.install(image)
    house.run(5)
    error = failure(installing)
    assert isinstance(error, InstallationFailed)
    assert "charging" in str(error)
    assert house.sim.evse(1).state.energised


def test_nothing_closes_while_it_comes_in(house: EvlinkHouse) -> None:
    """A car that is permitted has to wait until the update is over, or its host has gone."""
    house.sim.evse(1).plug_in()
    evse = house.device.evses[0]
    evse.set_current_limit(Decimal(16))
    house.device.ask("ota", begin())
    house.run(1)
    evse.permit(True)
    house.run(50)
    assert not house.sim.evse(1).state.energised
    house.run(20)
    assert house.sim.evse(1).state.energised


def test_an_image_that_it_does_not_take_is_refused(house: EvlinkHouse, image: Path) -> None:
    """Through the door it can be told to."""
    obey(house.sim, b'{"do": "firmware_failure"}')
    installing = house.device.install(image)
    house.run(30)
    assert isinstance(failure(installing), ImageRefused)
    assert house.sim.info.firmware_version == "1"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": 0}, "BadArg: size"),
        ({"size": 70_000}, "BadArg: size"),
        ({"sha": "00"}, "BadArg: sha"),
        ({"sha": 7}, "BadArg: sha"),
        ({"ver": 7}, "BadArg: sha"),
        ({"mac": "00" * 16}, "Auth: mac"),
        ({"ver": "3"}, "Auth: mac"),
    ],
)
def test_a_wrong_beginning_is_named(house: EvlinkHouse, changes: dict[str, Any], why: str) -> None:
    """Size, sum and version are signed together."""
    assert refusal(house, begin(**changes)) == why
    assert not house.box.updates.under_way


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({"op": "data", "off": 0, "b64": "*"}, "BadArg: b64"),
        ({"op": "data", "off": 0, "b64": ""}, "BadArg: b64"),
        ({"op": "end"}, "BadArg: sha"),
        ({"op": "dance"}, "BadArg: op"),
    ],
)
def test_a_wrong_request_ends_the_update(
    house: EvlinkHouse, args: dict[str, Any], why: str
) -> None:
    """The host has to begin anew."""
    house.device.ask("ota", begin())
    house.run(1)
    assert refusal(house, args) == why
    assert refusal(house, {"op": "end"}) == "Denied: no update"


def test_the_few_currents_of_the_simulation_are_told() -> None:
    """As a wiring with steps does."""
    house = EvlinkHouse(steps_a=[16, 32]).start()
    assert house.device.evses[0].capabilities.steps_a == (16, 32)
    house.stop()
