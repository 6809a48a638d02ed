"""Which of the two copies of the firmware runs. The one file that an update never replaces.

The file `slot` holds ``a`` (runs for good), ``ab`` (a is good, b shall be tried) or ``ab?`` (b is
being tried). Who finds ``ab?`` at a start knows that b has failed, and goes back to a.
"""

import os

FOLDER = ""
"""Where everything is: the root of the flash."""


def _read() -> str:
    try:
        with open(FOLDER + "/slot") as file:
            words = file.read()
    except OSError:
        return "a"
    return words if words in ("a", "b", "ab", "ba", "ab?", "ba?") else "a"


def _write(words: str) -> None:
    with open(FOLDER + "/slot.new", "w") as file:
        file.write(words)
    os.rename(FOLDER + "/slot.new", FOLDER + "/slot")


def choose() -> str:
    """The slot to run now. A pending trial begins, one that came to nothing ends."""
    words = _read()
    if len(words) == 1:
        return words
    if len(words) == 3:
        _write(words[0])
        return words[0]
    _write(words + "?")
    return words[1]


def trial() -> bool:
    """The running slot is still to prove itself."""
    return len(_read()) == 3


def confirm() -> None:
    """A host has been heard: the slot that is tried is the good one from now on."""
    words = _read()
    if len(words) == 3:
        _write(words[1])
