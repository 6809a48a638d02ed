"""One process-id file for each program, and none for a program in the foreground.

twistd writes ``twistd.pid`` into the folder in which it is started, whatever program it runs, and
refuses to run a second one there: a charge point beside a central system, for example.
"""

from __future__ import annotations

from typing import Final

from twisted.python import usage

USUAL: Final = "twistd.pid"


def own_pid_file(twistd: usage.Options, program: str) -> None:
    """Choose the file in the options of twistd, unless whoever started it has chosen one
    (``--pidfile``)."""
    if twistd.get("pidfile") == USUAL:
        twistd["pidfile"] = "" if twistd.get("nodaemon") else f"{program}.pid"
