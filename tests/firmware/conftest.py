"""The firmware's own files, importable as they are; and a charger on the bench in two engines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
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
def either_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The firmware in either interpreter."""
    if request.param == "cpython":
        return InThisPython(tmp_path)
    return request.getfixturevalue("micropython")


@pytest.fixture
def make_house(either_engine: Any) -> Iterator[Callable[..., Any]]:
    """Makes houses of a kind around the firmware, starts them, and leaves them tidily."""
    houses: list[Any] = []

    def make(kind: Callable[..., Any], **config: Any) -> Any:
        house = kind(either_engine, **config)
        houses.append(house)
        house.start()
        return house

    yield make
    for house in houses:
        house.stop()


@pytest.fixture
def station(make_house: Callable[..., Any]) -> Callable[..., StationHouse]:
    """Makes charge points with a charger in either engine."""
    return partial(make_house, StationHouse)
