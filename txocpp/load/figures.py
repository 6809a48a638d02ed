"""What a load has come to so far: counts, and how long answers took."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

import attrs

STEP: Final = 1.03
"""From one bucket of latencies to the next: quantiles are right within 3 %."""
_LOG_STEP: Final = math.log(STEP)
_FINEST_S: Final = 1e-5


class Latencies:
    """A distribution of durations that takes the same little memory however many there are."""

    __slots__ = ("_buckets", "count", "longest_s", "total_s")

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.longest_s = 0.0
        self.total_s = 0.0

    def add(self, duration_s: float) -> None:
        """One more."""
        self._buckets[round(math.log(max(duration_s, _FINEST_S) / _FINEST_S) / _LOG_STEP)] += 1
        self.count += 1
        self.total_s += duration_s
        self.longest_s = max(self.longest_s, duration_s)

    def quantile_s(self, share: float) -> float:
        """The duration that this share of all stays below; 0 if there is none."""
        left = max(1, math.ceil(share * self.count))
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return min(_FINEST_S * STEP**bucket, self.longest_s)
        return 0.0

    def figures_ms(self) -> dict[str, float]:
        """For reports."""
        found = {
            "p50": self.quantile_s(0.5),
            "p90": self.quantile_s(0.9),
            "p99": self.quantile_s(0.99),
            "max": self.longest_s,
        }
        return {name: round(duration_s * 1000, 2) for name, duration_s in found.items()}


@attrs.define
class ActionFigures:
    """What became of the calls with one action."""

    sent: int = 0
    answered: int = 0
    """With a result that is as the schema has it."""
    errors: Counter[str] = attrs.field(factory=Counter)
    """CALLERRORs by code."""
    timed_out: int = 0
    invalid: int = 0
    """Answers that break the schema."""
    cut_off: int = 0
    """The line was lost before the answer."""
    latencies: Latencies = attrs.field(factory=Latencies)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "sent": self.sent,
            "answered": self.answered,
            "errors": dict(self.errors),
            "timed_out": self.timed_out,
            "invalid": self.invalid,
            "cut_off": self.cut_off,
            "latency_ms": self.latencies.figures_ms(),
        }


@attrs.define
class Figures:
    """Of all stations together."""

    actions: dict[str, ActionFigures] = attrs.field(factory=dict)
    """Calls of the stations."""
    calls_received: Counter[str] = attrs.field(factory=Counter)
    """Calls of the central system."""
    attempts: int = 0
    """To connect."""
    opened: int = 0
    """Connections that came about."""
    refused: Counter[str] = attrs.field(factory=Counter)
    """Handshakes that were answered with something else, by HTTP status or reason."""
    failed: Counter[str] = attrs.field(factory=Counter)
    """Attempts that got no answer, by reason."""
    closed: Counter[str] = attrs.field(factory=Counter)
    """Connections that ended without our doing, by reason."""
    cut: int = 0
    """Connections that the load itself has cut."""
    handshakes: Latencies = attrs.field(factory=Latencies)
    """From dialling to the open WebSocket."""
    reunions: Latencies = attrs.field(factory=Latencies)
    """From power, or from the loss of a line, until the station could speak freely again."""
    registered: int = 0
    """Stations that were accepted at least once."""
    registrations: Counter[str] = attrs.field(factory=Counter)
    """Answers to BootNotification, by status."""
    refused_tags: int = 0
    """Authorize and StartTransaction that were not Accepted."""
    started: int = 0
    """Transactions that the central system has given a number."""
    stopped: int = 0
    """Transactions whose end the central system has acknowledged."""
    given_up: Counter[str] = attrs.field(factory=Counter)
    """Transaction messages that were dropped after the last attempt, by action."""
    undelivered: int = 0
    """Transaction messages that were still waiting at the end."""
    energy_wh: int = 0
    """Of transactions whose end was acknowledged."""

    def action(self, name: str) -> ActionFigures:
        """The figures of one action."""
        found = self.actions.get(name)
        if found is None:
            found = self.actions[name] = ActionFigures()
        return found

    @property
    def sent(self) -> int:
        """Calls of all actions."""
        return sum(action.sent for action in self.actions.values())

    @property
    def answered(self) -> int:
        """With a result."""
        return sum(action.answered for action in self.actions.values())

    @property
    def errors(self) -> int:
        """CALLERRORs."""
        return sum(action.errors.total() for action in self.actions.values())

    @property
    def timed_out(self) -> int:
        """Calls without an answer in time."""
        return sum(action.timed_out for action in self.actions.values())

    @property
    def invalid(self) -> int:
        """Answers that break the schema."""
        return sum(action.invalid for action in self.actions.values())

    def latencies(self) -> Latencies:
        """Of all actions together."""
        together = Latencies()
        for action in self.actions.values():
            together._buckets.update(action.latencies._buckets)
            together.count += action.latencies.count
            together.total_s += action.latencies.total_s
            together.longest_s = max(together.longest_s, action.latencies.longest_s)
        return together

    def losses(self) -> list[str]:
        """What was lost, in words; nothing: the central system has served everybody."""
        found = [
            (self.timed_out, "calls were not answered in time"),
            (self.errors, "calls were answered with a CALLERROR"),
            (self.invalid, "answers break the schema"),
            (self.given_up.total(), "transaction messages were given up"),
            (self.undelivered, "transaction messages were not delivered"),
        ]
        return [f"{count:,} {words}" for count, words in found if count]
