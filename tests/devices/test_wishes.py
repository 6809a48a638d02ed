"""Wishes to a device, and who waits for them."""

import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from txocpp.devices.wishes import Wish
from txocpp.errors import DeviceOffline


@pytest.mark.parametrize("granted", [True, False])
def test_who_is_cancelled_while_others_are_answered_is_left_alone(granted: bool) -> None:
    """One that waits may give up another one at the very moment of the answer."""
    answers: list[Deferred[None]] = []

    def send() -> Deferred[None]:
        answers.append(Deferred())
        return answers[-1]

    wish = Wish(send)
    first, second = wish.want(now=True), wish.want(now=False)
    outcomes: list[object] = []
    first.addBoth(lambda _: second.cancel())
    second.addErrback(lambda failure: outcomes.append(failure.type))
    if granted:
        while wish.busy:
            answers[-1].callback(None)
    else:
        wish.fail(DeviceOffline())
    assert outcomes == [CancelledError]
    assert not wish.pending


def test_a_wish_that_is_given_up_waits_no_more() -> None:
    """Cancelling takes one out of those that wait."""
    wish = Wish(lambda: succeed(None))
    waiting = wish.want(now=False)
    failures: list[Failure] = []
    waiting.addErrback(failures.append)
    waiting.cancel()
    assert not wish.pending
    assert failures[0].check(CancelledError)
