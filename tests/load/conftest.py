"""A yard for every test of a simulated station."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from load_rig import Yard


@pytest.fixture
def make_yard() -> Iterator[Callable[..., Yard]]:
    """Builds yards; each must end without a timer left."""
    built: list[Yard] = []

    def make(**settings: Any) -> Yard:
        built.append(Yard(**settings))
        return built[-1]

    yield make
    for yard in built:
        yard.stop()
        yard.run(31)
        assert yard.clock.getDelayedCalls() == []


@pytest.fixture
def yard(make_yard: Callable[..., Yard]) -> Yard:
    """A station without cars of its own, switched on and accepted."""
    made = make_yard()
    made.start()
    return made
