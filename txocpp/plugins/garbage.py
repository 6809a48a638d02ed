"""The garbage collector while a daemon starts.

What a program makes while it starts, it keeps. To look through it for garbage is in vain: again
and again during the start, which takes a tenth longer for it, and at every full collection after.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def nothing_to_collect(reactor: Any) -> Iterator[None]:
    """No collections inside; what is there when the reactor runs is left alone for ever."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
    reactor.callWhenRunning(gc.freeze)
