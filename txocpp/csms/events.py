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
        self._listeners: list[tuple[Listener, tuple[str, ...]]] = []
        self._by_kind: dict[str, list[Listener]] = {}

    def listen(self, listener: Listener, kinds: tuple[str, ...] = ()) -> Callable[[], None]:
        """From now on tell this listener of events whose kinds begin so; empty: of all.

        The result, when called, ends that.
        """
        entry = (listener, kinds)
        self._listeners.append(entry)
        self._by_kind.clear()

        def stop() -> None:
            if entry in self._listeners:
                self._listeners.remove(entry)
                self._by_kind.clear()

        return stop

    def heard(self, kind: str) -> bool:
        """True while somebody listens to this kind: frequent events are not made for nobody."""
        return bool(self._listeners_of(kind))

    def _listeners_of(self, kind: str) -> list[Listener]:
        found = self._by_kind.get(kind)
        if found is None:
            found = [one for one, kinds in self._listeners if not kinds or kind.startswith(kinds)]
            self._by_kind[kind] = found
        return found

    def tell(self, kind: str, station: str | None = None, **facts: Any) -> None:
        """Something has happened. A listener's mistakes are logged and harm nobody."""
        listeners = self._listeners_of(kind)
        if not listeners:
            return
        event = Event(kind, self._now(), station, facts)
        for listener in listeners:
            try:
                listener(event)
            except Exception:
                self._log.failure("listener {listener} failed", listener=listener)
