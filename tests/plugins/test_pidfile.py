"""The process-id file of a daemon is its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.scripts.twistd import ServerOptions

from txocpp.plugins import chargepoint, csms


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        ([], "{role}.pid"),
        (["--nodaemon"], ""),
        (["--pidfile=mine.pid"], "mine.pid"),
        (["--nodaemon", "--pidfile=mine.pid"], "mine.pid"),
        (["--pidfile="], ""),
    ],
)
@pytest.mark.parametrize("role", ["ocpp-cp", "ocpp-csms"])
def test_two_daemons_may_be_started_in_one_folder(
    role: str, arguments: list[str], file: str
) -> None:
    """In the background each has a file of its own, in the foreground none; what is asked for on
    the command line counts."""
    options: Any = ServerOptions()
    options.parseOptions([*arguments, role])
    assert Path(options["pidfile"]).name == file.format(role=role)


@pytest.fixture(autouse=True)
def interrupts_as_before() -> Iterator[None]:
    """Options that are read by twistd change what Ctrl-C does."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("options", [chargepoint.Options, csms.Options])
def test_options_do_without_twistd(options: Any) -> None:
    """A program may read them without twistd around them."""
    made = options()
    made.parseOptions([])
    assert made.settings is not None
