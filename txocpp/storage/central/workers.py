"""Threads that wait for databases, so that the reactor does not."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads

from txocpp.storage.central.engines import Session

Task = Callable[[Session], Callable[[], object]]
"""Done in a thread with its session; what it gives is called in the reactor then."""


class Workers:
    """Some threads, each with a session of its own."""

    def __init__(self, reactor: IReactorFromThreads, name: str, sessions: list[Session]) -> None:
        self._reactor = reactor
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        # Daemons: whoever breaks off without closing the store must not hang for ever at its exit.
        # What was acknowledged is on disk by then.
        self._threads = [
            Thread(target=self._work, args=(session,), name=f"{name}-{number}", daemon=True)
            for number, session in enumerate(sessions, 1)
        ]
        for thread in self._threads:
            thread.start()

    def do(self, task: Task) -> None:
        """Let the next thread that is free do it."""
        self._tasks.put(task)

    def stop(self) -> None:
        """Finish what was asked for and end the threads; blocks until they have ended."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, session: Session) -> None:
        reactor: Any = self._reactor
        while (task := self._tasks.get()) is not None:
            reactor.callFromThread(task(session))
        session.close()
