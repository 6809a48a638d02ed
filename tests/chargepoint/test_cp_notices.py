"""News that must arrive, in order, though they belong to no transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.notices import Notices
from txocpp.errors import CallTimeout, ConnectionGone, InvalidMessage, RemoteError
from txocpp.storage.memory import MemoryChargePointStore

TABLE = "notices"


class Post:
    """A queue, and a central system that answers when it is told to."""

    def __init__(self, store: MemoryChargePointStore | None = None, **options: Any) -> None:
        self.clock = Clock()
        self.store = store or MemoryChargePointStore()
        self.sent: list[str] = []
        self.answers: list[Deferred[Any]] = []
        self.fate: Exception | None = None
        self.notices = Notices(
            TABLE,
            Journal(self.store, self.clock),
            StationClock(self.clock),
            self._send,
            saved=self.store.contents().get(TABLE, {}),
            **options,
        )

    def _send(self, document: Mapping[str, Any]) -> Deferred[Any]:
        self.sent.append(document["news"])
        if self.fate is not None:
            return fail(self.fate)
        self.answers.append(Deferred())
        return self.answers[-1]

    def tell(self, *news: str, lasting: bool = False) -> None:
        for one in news:
            self.notices.tell({"news": one}, lasting=lasting)
        self.clock.advance(0)

    def answer(self) -> None:
        self.answers.pop(0).callback(None)

    def kept(self) -> list[str]:
        return [found["news"] for found in self.store.contents().get(TABLE, {}).values()]


def test_notices_wait_for_the_line_and_for_each_other() -> None:
    """In order, one at a time, once the central system takes messages."""
    post = Post()
    post.tell("a", "b")
    assert post.sent == []
    post.notices.online()
    assert post.sent == ["a"]
    post.answer()
    assert post.sent == ["a", "b"]
    post.answer()
    assert len(post.notices) == 0


@pytest.mark.rule("X-60")
def test_lasting_notices_survive_a_power_cut() -> None:
    """And no other; each is forgotten when it has arrived."""
    before = Post()
    before.tell("fleeting")
    before.tell("one", "two", lasting=True)
    after = Post(before.store.survivor())
    after.tell("three", lasting=True)
    after.notices.online()
    for _ in range(3):
        after.answer()
    assert after.sent == ["one", "two", "three"]
    assert after.kept() == []


def test_what_a_cut_line_has_swallowed_is_sent_again() -> None:
    """Without counting as a failure, however often that happens."""
    post = Post()
    post.tell("a")
    for _ in range(20):
        post.notices.online()
        post.answers.pop().errback(ConnectionGone("cut"))
        post.notices.offline()
    post.notices.online()
    post.answer()
    assert len(post.notices) == 0


def test_failures_are_met_with_patience_but_not_for_ever() -> None:
    """Longer and longer pauses, and the rest of the queue is not held up in the end."""
    post = Post()
    post.notices.online()
    post.fate = CallTimeout("no answer")
    post.tell("a", lasting=True)
    for _ in range(4):
        post.clock.advance(150)
    assert post.sent == ["a"] * 5
    assert (len(post.notices), post.kept()) == (0, [])
    post.fate = None
    post.tell("b")
    assert post.sent[-1] == "b"


@pytest.mark.parametrize(
    "fate",
    [RemoteError("NotImplemented"), RemoteError("NotSupported"), InvalidMessage("too long")],
)
def test_what_nobody_wants_is_dropped_at_once(fate: Exception) -> None:
    """An older central system does not know these messages at all."""
    post = Post()
    post.fate = fate
    post.tell("a", "b", lasting=True)
    post.notices.online()
    assert post.sent == ["a", "b"]
    assert post.kept() == []


def test_the_queue_is_bounded() -> None:
    """Fleeting notices go first, the oldest of them; lasting ones only among themselves."""
    post = Post(limit=3)
    post.notices.online()
    post.tell("on the line", "old", "young")
    post.tell("lasting 1", "lasting 2", "lasting 3", lasting=True)
    assert post.kept() == ["lasting 2", "lasting 3"]
    for _ in range(3):
        post.answer()
    assert post.sent == ["on the line", "lasting 2", "lasting 3"]


def test_somebody_can_wait_until_everything_is_told() -> None:
    """At once if nothing is to be told; a wait that is cancelled harms nobody."""
    post = Post()
    ends: list[str] = []
    post.notices.emptied().addCallback(lambda _: ends.append("at once"))
    post.tell("a")
    given_up = post.notices.emptied()
    given_up.addErrback(lambda _: ends.append("given up"))
    given_up.cancel()
    post.notices.emptied().addCallback(lambda _: ends.append("later"))
    post.notices.online()
    post.answer()
    assert ends == ["at once", "given up", "later"]


def test_nothing_is_sent_after_the_stop() -> None:
    """What was on its way is abandoned, and no timer is left."""
    post = Post()
    post.fate = CallTimeout("no answer")
    post.tell("a")
    post.notices.online()
    post.notices.stop()
    assert post.clock.getDelayedCalls() == []
    post = Post()
    post.tell("a")
    post.notices.online()
    post.answers[0].addErrback(lambda _: None)
    post.notices.stop()
    post.tell("b")
    assert post.sent == ["a"]
