"""Logs of the daemons as JSON lines, for programs; people get the text that twistd writes.

One event is one line: time, level, namespace, text, and the values that went into the text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from twisted.application.service import IServiceCollection, MultiService
from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    globalLogPublisher,
)
from twisted.python.components import Componentized
from zope.interface import implementer

from txocpp.plugins import interrupts

PLAIN: Final = (str, int, float, bool, type(None))

FORMATS: Final = ("text", "json")


def json_line(event: LogEvent) -> str | None:
    """One event as a line; None for one without any text."""
    text = formatEvent(event)
    failure = event.get("log_failure")
    if not text and failure is None:
        return None
    level = event.get("log_level")
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": "info" if level is None else level.name,
        "namespace": event.get("log_namespace", ""),
        "text": text,
    }
    line.update(
        (name, value if isinstance(value, PLAIN) else str(value))
        for name, value in event.items()
        if name in _named_in(event)
    )
    if failure is not None:
        line["failure"] = failure.getTraceback()
    return json.dumps(line, ensure_ascii=False) + "\n"


def _named_in(event: LogEvent) -> set[str]:
    """The values that the text is made from; others are Twisted's own business."""
    text = event.get("log_format") or ""
    own = ("time", "level", "namespace", "text")
    return {
        name
        for name in event
        if f"{{{name}" in text and name not in own and not name.startswith("log_")
    }


def json_observer(file: Any = None) -> ILogObserver:
    """Writes JSON lines to standard output, or to another text file."""
    quiet = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)
    predicates: list[ILogFilterPredicate] = [quiet]
    return FilteringLogObserver(FileLogObserver(file or sys.stdout, json_line), predicates)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Meanwhile, show what is logged as a warning or worse on standard error: before twistd has
    begun its own log."""

    @implementer(ILogObserver)
    def show(event: LogEvent) -> None:
        level = event.get("log_level")
        if level is not None and level >= LogLevel.warn:
            sys.stderr.write(f"{level.name}: {formatEvent(event)}\n")

    globalLogPublisher.addObserver(show)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(show)


class LoggingRoot(MultiService):
    """The outermost service of a daemon: brings its kind of log to the application.

    twistd asks the application for an observer before it makes one of its own, and an application
    is known to a plugin only when its service is put into it.
    """

    def __init__(self, log_format: str = "text") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._log_format = log_format

    def setServiceParent(self, parent: IServiceCollection) -> None:
        """Called by twistd with the application."""
        if self._log_format == "json" and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, json_observer())  # type: ignore[no-untyped-call]
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Called by twistd, the last before the reactor runs."""
        super().startService()  # type: ignore[no-untyped-call]
        interrupts.leave_to_twisted()
