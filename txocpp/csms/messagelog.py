"""The log of all messages: what stations and we said, word for word but for secrets.

Rows are gathered and written together once a second, so that the log costs next to nothing; what a
crash takes is a second of the log and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.csms.logins import without_logins
from txocpp.csms.station import Station
from txocpp.interfaces import ICentralStore
from txocpp.storage.central.records import Records
from txocpp.transport.peer import Direction

EVERY_S: Final = 1.0
MOST_GATHERED: Final = 2000
LONGEST_FRAME: Final = 64 * 1024
"""Longer ones are cut; the rest of a certificate chain tells nobody anything."""

SECRET: Final = "AuthorizationKey"
HIDDEN: Final = "***"


class MessageLog:
    """Writes frames down."""

    _log = Logger()

    def __init__(self, store: ICentralStore, clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock
        self._rows: list[tuple[Any, ...]] = []
        self._timer: IDelayedCall | None = None

    def note(self, station: Station, direction: Direction, frame: str) -> None:
        """A frame has come from a station, or is sent to it."""
        if '"key"' in frame and SECRET.lower() in frame.lower():
            frame = redacted(frame)
        frame = without_logins(frame)
        way = "in" if direction == "received" else "out"
        at_ms = int(self._clock.seconds() * 1000)
        self._rows.append((station.key, at_ms, way, frame[:LONGEST_FRAME]))
        if self._timer is None:
            self._timer = self._clock.callLater(EVERY_S, self._write)
        elif len(self._rows) >= MOST_GATHERED:
            self._timer.cancel()
            self._write()

    def flush(self) -> Deferred[None] | None:
        """Write what is gathered now."""
        if self._timer is not None:
            self._timer.cancel()
        return self._write()

    def _write(self) -> Deferred[None] | None:
        self._timer = None
        rows, self._rows = self._rows, []
        if not rows:
            return None
        written = self._store.write(partial(_log, rows))
        return written.addErrback(self._lost, len(rows))

    def _lost(self, failure: Failure, count: int) -> None:
        self._log.error(
            "{count} messages are missing in the log: {reason}",
            count=count,
            reason=failure.getErrorMessage(),
        )


def _log(rows: list[tuple[Any, ...]], records: Records) -> None:
    records.notices.log(rows)


def redacted(frame: str) -> str:
    """The frame without the value of any AuthorizationKey (X-13)."""
    try:
        message = json.loads(frame)
    except ValueError:
        return HIDDEN
    return json.dumps(_hidden(message), separators=(",", ":"), ensure_ascii=False)


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    if not isinstance(value, dict):
        return value
    key = value.get("key")
    secret = isinstance(key, str) and key.lower() == SECRET.lower()
    hide: Callable[[str], bool] = lambda name: secret and name == "value"  # noqa: E731
    return {name: HIDDEN if hide(name) else _hidden(item) for name, item in value.items()}
