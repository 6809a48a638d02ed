"""Trying again, and what is kept in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.filetransfer.attempts import Patience, repeated
from txocpp.chargepoint.filetransfer.partial import Partial, Source
from txocpp.errors import TransferFailed, TransferTrouble


class Trial:
    """Attempts that fail until one of them does not."""

    def __init__(self, *fates: TransferFailed | None, patience: Patience) -> None:
        self.clock = Clock()
        self.at: list[float] = []
        self.fates = list(fates)
        self.end: list[Any] = []
        doing = repeated(self._attempt, patience, StationClock(self.clock), "it")
        self.doing = Deferred.fromCoroutine(doing)
        self.doing.addBoth(self.end.append)

    def _attempt(self) -> Deferred[None]:
        self.at.append(self.clock.seconds())
        fate = self.fates.pop(0)
        return succeed(None) if fate is None else fail(fate)


BAD = TransferFailed("bad luck")


@pytest.mark.rule("F-06", "G-03")
def test_retries_are_attempts_after_the_first() -> None:
    """As many as were asked for, as far apart as was asked for; then the last failure stands."""
    trial = Trial(BAD, BAD, BAD, patience=Patience(2, 30))
    trial.clock.pump([29, 1, 29, 1, 100])
    assert trial.at == [0, 30, 60]
    assert trial.end[0].value is BAD


def test_success_ends_it() -> None:
    """No further attempt follows."""
    trial = Trial(BAD, None, patience=Patience(5, 0))
    trial.clock.pump([0, 0, 100])
    assert (trial.at, trial.end) == ([0, 0], [None])


@pytest.mark.parametrize("kind", [TransferTrouble.UNSUPPORTED, TransferTrouble.MALFORMED])
def test_what_is_hopeless_is_not_repeated(kind: TransferTrouble) -> None:
    """A protocol that is not there will not be there in a minute."""
    trial = Trial(TransferFailed("no", kind), patience=Patience(5, 0))
    assert trial.end[0].value.kind is kind


def test_a_pause_can_be_cancelled() -> None:
    """And no timer is left."""
    trial = Trial(BAD, BAD, patience=Patience(1, 30))
    trial.doing.cancel()
    assert trial.end[0].check(CancelledError)
    assert trial.clock.getDelayedCalls() == []


@pytest.mark.rule("F-06")
@pytest.mark.parametrize(
    ("asked", "patience"),
    [((None, None), (3, 60)), ((0, 0), (0, 0)), ((7, None), (7, 60)), ((-1, -1), (0, 0))],
)
def test_what_the_central_system_leaves_open_is_ours(
    asked: tuple[int | None, int | None], patience: tuple[int, int]
) -> None:
    """A negative number is none."""
    assert Patience(3, 60).asked(*asked) == Patience(*patience)


V1 = Source("http://files.test/x", '"v1"', 100)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (V1, True),
        (Source(V1.url, None, 100), True),
        (Source(V1.url, '"v1"', None), True),
        (Source(V1.url, '"v2"', 100), False),
        (Source(V1.url, '"v1"', 101), False),
        (Source("http://files.test/y", '"v1"', 100), False),
    ],
)
def test_two_sources_agree_unless_something_speaks_against_it(other: Source, same: bool) -> None:
    """What only one of them says does not count."""
    assert V1.agrees(other) is same


def test_a_file_without_version_and_size_is_not_gone_on_with(tmp_path: Path) -> None:
    """Nobody would notice that it has become another one."""
    partial = Partial(tmp_path / "image")
    with partial.begin(Source("u", None, None)) as file:
        file.write(b"some")
    assert partial.begun("u") == (0, None)
    with partial.begin(Source("u", None, 9)) as file:
        file.write(b"some")
    assert partial.begun("u") == (4, Source("u", None, 9))
    assert partial.begun("v") == (0, None)
    partial.discard()
    assert list(tmp_path.iterdir()) == []
