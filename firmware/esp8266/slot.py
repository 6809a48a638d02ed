"""Which of the two copies of the firmware runs. The one file that an update never replaces.

The file `slot` holds ``a`` (runs for good), ``ab`` (a is good, b shall be tried) or ``ab?`` (b is
being tried). Who finds ``ab?`` at a start knows that b has failed, and goes back to a.
"""

import os

TRIAL_MS = 120000
"""A trial in which no host has opened a session by then has failed."""


def _read(folder: str) -> str:
    try:
        with open(folder + "/slot") as file:
            words = file.read()
    except OSError:
        return "a"
    return words if words in ("a", "b", "ab", "ba", "ab?", "ba?") else "a"


def _write(folder: str, words: str) -> None:
    with open(folder + "/slot.new", "w") as file:
        file.write(words)
    os.rename(folder + "/slot.new", folder + "/slot")


def choose(folder: str = "") -> str:
    """The slot to run now. A pending trial begins, one that came to nothing ends."""
    words = _read(folder)
    if len(words) == 1:
        return words
    if len(words) == 3:
        _write(folder, words[0])
        return words[0]
    _write(folder, words + "?")
    return words[1]


def trial(folder: str = "") -> bool:
    """The running slot is still to prove itself."""
    return len(_read(folder)) == 3


def confirm(folder: str = "") -> None:
    """A host has been heard: the slot that is tried is the good one from now on."""
    words = _read(folder)
    if len(words) == 3:
        _write(folder, words[1])
