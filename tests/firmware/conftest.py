"""The firmware's own files, importable as they are; and a charger on the bench in two engines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2] / "firmware"
for folder in ("shims", ""):
    sys.path.insert(0, str(ROOT / "emulator" / folder))
sys.path.insert(0, str(ROOT / "esp8266"))

from firmware_rig import Host, InMicroPython, InThisPython  # noqa: E402
from firmware_station import StationHouse  # noqa: E402


@pytest.fixture(scope="session")
def micropython() -> Iterator[InMicroPython]:
    """One MicroPython under Node.js for all tests; skips where it is missing."""
    engine = InMicroPython.start()
    yield engine
    engine.stop()


@pytest.fixture(params=["cpython", "micropython"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Host]:
    """Makes a charger on the bench and gives the host's end of its cable: `bench(key=...)`."""
    if request.param == "cpython":
        engine: InThisPython | InMicroPython = InThisPython(tmp_path)
    else:
        engine = request.getfixturevalue("micropython")

    def make(**config: Any) -> Host:
        engine.command({"do": "new", "config": config})
        return Host(engine, key=bytes.fromhex(config.get("key", "")))

    return make


@pytest.fixture
def host(bench: Callable[..., Host]) -> Host:
    """A host with an open session on a plain cable; no car."""
    host = bench()
    host.run(120)
    host.hello()
    return host


@pytest.fixture
def charging(bench: Callable[..., Host]) -> Host:
    """A host whose charger charges with 16 A."""
    host = bench()
    host.charging()
    return host


@pytest.fixture(params=["cpython", "micropython"])
def station(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., StationHouse]]:
    """Makes charge points with a charger in either engine, and leaves them tidily."""
    if request.param == "cpython":
        engine: Any = InThisPython(tmp_path)
    else:
        engine = request.getfixturevalue("micropython")
    houses: list[StationHouse] = []

    def make(**config: Any) -> StationHouse:
        house = StationHouse(engine, **config)
        houses.append(house)
        house.start()
        return house

    yield make
    for house in houses:
        house.stop()
