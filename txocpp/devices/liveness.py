"""Whether whoever a box works for is alive; asked before each sign of life that the box gets."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

_log = Logger()


class Liveness:
    """Remembers what was said last, so that only changes are told.

    A question that raises is answered too: whoever cannot say that it lives, does not.
    """

    def __init__(self, name: str, is_alive: Callable[[], bool] = lambda: True) -> None:
        self.is_alive = is_alive
        self.alive = True
        """The last answer."""
        self._name = name

    def check(self) -> bool:
        """Ask now."""
        before = self.alive
        try:
            self.alive = bool(self.is_alive())
        except Exception:
            self.alive = False
            if before:
                _log.failure("{name}: nobody can say whether its host lives", name=self._name)
        if before and not self.alive:
            _log.error("{name} gets no more signs of life, and falls back", name=self._name)
        elif self.alive and not before:
            _log.info("{name} gets signs of life again", name=self._name)
        return self.alive
