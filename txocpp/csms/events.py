"""What happens in the central system, told to whoever listens: live pages, logs, applications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
from twisted.logger import Logger


@attrs.frozen
class Event:
    """One thing that has happened, after it was stored."""

    kind: str
    """Dotted words, subject first: ``station.connected``, ``transaction.started``."""
    at: datetime
    station: str | None = None
    """Identity of the station concerned."""
    facts: dict[str, Any] = attrs.field(factory=dict)
    """Plain JSON values."""


Listener = Callable[[Event], object]


class Events:
    """Hands each event to all listeners, in the order in which things happened."""

    _log = Logger()

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """From now on tell this listener. The result, when called, ends that."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    @property
    def heard(self) -> bool:
        """True while somebody listens; telling costs nothing otherwise."""
        return bool(self._listeners)

    def tell(self, kind: str, station: str | None = None, **facts: Any) -> None:
        """Something has happened. A listener's mistakes are logged and harm nobody."""
        if not self._listeners:
            return
        event = Event(kind, self._now(), station, facts)
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:
                self._log.failure("listener {listener} failed", listener=listener)
