"""One process-id file for each program, and none for a program in the foreground.

twistd writes ``twistd.pid`` into the folder in which it is started, whatever program it runs, and
refuses to run a second one there: a charge point beside a central system, for example.
"""

from __future__ import annotations

from typing import Final

from twisted.python import usage

USUAL: Final = "twistd.pid"


def own_pid_file(options: usage.Options, program: str) -> None:
    """Choose the file for twistd, unless whoever started it has chosen one (``--pidfile``)."""
    twistd = options.parent
    if twistd is None or twistd.get("pidfile") != USUAL:
        return
    twistd["pidfile"] = "" if twistd.get("nodaemon") else f"{program}.pid"
