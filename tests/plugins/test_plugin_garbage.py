"""The garbage collector while a daemon starts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from txocpp.plugins.garbage import nothing_to_collect


class FakeReactor:
    """Runs when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def callWhenRunning(self, what: Callable[[], object]) -> None:
        """Called by what is tested."""
        self.waiting.append(what)

    def run(self) -> None:
        """It runs now."""
        for what in self.waiting:
            what()


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """What a test freezes is thawed after it."""
    yield
    gc.unfreeze()


def test_nothing_is_collected_while_a_daemon_is_made() -> None:
    """Afterwards everything is as it was, also if the daemon could not be made."""
    reactor = FakeReactor()

    def fail() -> None:
        assert not gc.isenabled()
        raise RuntimeError

    with pytest.raises(RuntimeError), nothing_to_collect(reactor):
        fail()
    assert gc.isenabled()
    assert reactor.waiting == []


def test_what_is_there_at_the_start_is_left_alone() -> None:
    """Once the reactor runs, and not before."""
    gc.unfreeze()
    reactor = FakeReactor()
    with nothing_to_collect(reactor):
        pass
    assert gc.get_freeze_count() == 0
    reactor.run()
    assert gc.get_freeze_count() > 0
