"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Waiting times that double up to a longest one, and never end (C-08).

    Each is shortened at random by up to half, so that the stations of a central system that comes
    back do not all connect in the same second.
    """

    def __init__(
        self,
        first_s: float,
        longest_s: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance` gives numbers from 0 to 1."""
        self.first_s = first_s
        self.longest_s = longest_s
        self._chance = chance
        self._failures = 0

    def next_s(self) -> float:
        """The wait after one more failure; never more than `longest_s`."""
        # The exponent is bounded: a float ends at 2**1024, an outage may not.
        full_s = min(self.longest_s, self.first_s * 2.0 ** min(self._failures, 64))
        self._failures += 1
        return full_s * (1.0 - self._chance() / 2)

    def reset(self) -> None:
        """It went well; begin anew."""
        self._failures = 0
