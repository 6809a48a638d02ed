"""Ctrl-C while a daemon starts: it ends at once, with one line in place of a traceback.

Nothing is lost, since whatever is on the disk survives worse. From when the reactor runs, Twisted
sees to it that everything is closed in good order.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Final

INTERRUPTED: Final = 128 + signal.SIGINT
"""The exit status that shells know."""


class _Ending:
    def __init__(self, program: str) -> None:
        self._words = f"{program}: interrupted\n".encode()

    def __call__(self, number: int, frame: Any) -> None:
        """Called for the signal; by then threads may run that nobody would wait for."""
        os.write(2, self._words)
        os._exit(INTERRUPTED)


def end_at_once(program: str) -> None:
    """From now on Ctrl-C ends the program, unless somebody else has a use for it already."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _Ending(program))


def leave_to_twisted() -> None:
    """The reactor is about to run; it takes only what nobody else has taken."""
    if isinstance(signal.getsignal(signal.SIGINT), _Ending):
        signal.signal(signal.SIGINT, signal.default_int_handler)
