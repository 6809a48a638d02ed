"""The one name of MicroPython's own that the firmware needs, for running it under CPython."""


def const(value: int) -> int:
    """A number that mpy-cross puts into the code."""
    return value
