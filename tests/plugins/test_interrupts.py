"""Ctrl-C while a daemon starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, threading
from txocpp.plugins import interrupts

interrupts.end_at_once("ocpp-cp")
{then}
threading.Thread(target=threading.Event().wait).start()
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.parametrize("times", [1, 3])
def test_it_ends_at_once_with_one_line(times: int) -> None:
    """Even if a thread runs that nobody has told to end."""
    then = 'interrupts.end_at_once("ocpp-cp")\n' * (times - 1)
    program = PROGRAM.format(then=then)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30)
    assert ended.returncode == 130
    assert ended.stderr == b"ocpp-cp: interrupted\n"


def test_what_others_have_chosen_counts() -> None:
    """A debugger, for example, keeps its own handling; and Twisted finds what it expects."""
    then = """
mine = lambda number, frame: os._exit(7)
signal.signal(signal.SIGINT, mine)
interrupts.end_at_once("ocpp-cp")
interrupts.leave_to_twisted()
"""
    ended = subprocess.run([sys.executable, "-c", PROGRAM.format(then=then)], timeout=30)
    assert ended.returncode == 7
    then = """
interrupts.leave_to_twisted()
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
os._exit(3)
"""
    ended = subprocess.run([sys.executable, "-c", PROGRAM.format(then=then)], timeout=30)
    assert ended.returncode == 3
