"""Logs as JSON lines."""

from __future__ import annotations

import io
import json
from typing import Any

from twisted.application.service import Application, IServiceCollection
from twisted.logger import ILogObserver, Logger, LogPublisher

from txocpp.plugins.logs import LoggingRoot, json_observer


def logged(say: Any) -> list[dict[str, Any]]:
    """The lines that come of what `say` says to a logger."""
    file = io.StringIO()
    say(Logger("txocpp.test", observer=LogPublisher(json_observer(file))))
    return [json.loads(line) for line in file.getvalue().splitlines()]


def test_one_event_is_one_line() -> None:
    """Time, level, namespace and text, and the values of the text by name."""
    (line,) = logged(lambda log: log.info("limit of {connector}: {limit}", connector=1, limit={2}))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "namespace": "txocpp.test",
        "text": "limit of 1: {2}",
        "connector": 1,
        "limit": "{2}",
    }


def test_what_is_for_developers_is_left_out() -> None:
    """Debug events do not fill the disk."""
    assert logged(lambda log: log.debug("details")) == []


def test_a_failure_stays_on_its_line() -> None:
    """A traceback is a value of the line, not many lines."""

    def fail(log: Logger) -> None:
        try:
            raise ValueError("odd")
        except ValueError:
            log.failure("it {what}", what="broke")

    (line,) = logged(fail)
    assert (line["level"], line["text"]) == ("critical", "it broke")
    assert "ValueError: odd" in line["failure"]


def test_the_application_logs_as_its_service_wants() -> None:
    """Put into an application, the outermost service brings the observer along, or leaves it."""
    for log_format, brings in (("json", True), ("text", False)):
        application = Application("test")
        LoggingRoot(log_format).setServiceParent(application)
        assert (ILogObserver(application, None) is not None) is brings
        assert len(list(IServiceCollection(application))) == 1
