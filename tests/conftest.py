"""What every test gets: logged failures and left-over timers fail it, a hang is cut short.

pytest-twisted lets lost errors and pending calls pass; these hooks give it the two checks that
Twisted's own trial has.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from postgresql_server import PostgresServer, missing
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

ASYNC_TEST_LIMIT_S = 60.0

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


class LoggedFailures:
    """Collects failures that somebody logged during a test; `flush` takes the expected ones."""

    def __init__(self) -> None:
        self._failures: list[Any] = []

    def __call__(self, event: dict[str, Any]) -> None:
        failure = event.get("log_failure")
        if failure is not None:
            self._failures.append(failure)

    def flush(self, *types: type[BaseException]) -> list[Any]:
        """Take out the failures of these types (all without arguments) and return them."""
        taken = [f for f in self._failures if not types or f.check(*types)]
        self._failures = [f for f in self._failures if f not in taken]
        return taken


@pytest.fixture(autouse=True)
def logged_failures() -> Iterator[LoggedFailures]:
    """Fail the test on any logged failure that it has not flushed."""
    collector = LoggedFailures()
    globalLogPublisher.addObserver(collector)
    try:
        yield collector
    finally:
        globalLogPublisher.removeObserver(collector)
    left = collector.flush()
    if left:
        pytest.fail("logged failures:\n" + "\n".join(f.getTraceback() for f in left))


@pytest.fixture(autouse=True)
def clean_reactor() -> Iterator[None]:
    """Fail the test if it leaves timers behind that were not there before."""
    before = set(reactor.getDelayedCalls())  # type: ignore[attr-defined]
    yield
    left = [c for c in reactor.getDelayedCalls() if c not in before and c.active()]  # type: ignore[attr-defined]
    for call in left:
        call.cancel()
    if left:
        pytest.fail("left-over timers: " + ", ".join(map(str, left)))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests; whoever stops it starts it again."""
    if missing():
        pytest.skip(missing())
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Give every coroutine test a time limit, so that a hang is a failure and not a hang."""
    story = pyfuncitem.obj
    if not inspect.iscoroutinefunction(story):
        return

    marker = pyfuncitem.get_closest_marker("limit")
    limit_s = ASYNC_TEST_LIMIT_S if marker is None else marker.args[0]

    def limited(*args: Any, **kwargs: Any) -> Deferred[Any]:
        running = Deferred.fromCoroutine(story(*args, **kwargs))
        return running.addTimeout(limit_s, reactor)

    pyfuncitem.obj = limited
