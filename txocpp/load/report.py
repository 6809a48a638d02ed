"""The end of a load, in words for people and in figures for programs."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import attrs

from txocpp.load.figures import Figures, Latencies
from txocpp.load.fleet import Census
from txocpp.load.settings import LoadSettings

HEADER: Final = (
    "action",
    "sent",
    "answered",
    "error",
    "late",
    "cut off",
    "p50 ms",
    "p90",
    "p99",
    "max",
)


@attrs.frozen(kw_only=True)
class Report:
    """What a load has come to."""

    settings: LoadSettings
    figures: Figures
    census: Census
    """Before the end, while the load was on."""
    elapsed_s: float
    """Real seconds from the first connection until the end of the load."""

    @property
    def losses(self) -> list[str]:
        """What was lost, in words; nothing: the central system has served everybody."""
        found = self.figures.losses()
        missing = self.census.begun - self.figures.registered
        if missing:
            found.append(f"{missing:,} stations were never accepted")
        return found

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        figures = self.figures
        return {
            "url": self.settings.url,
            "stations": self.census.stations,
            "elapsed_s": round(self.elapsed_s, 3),
            "faster": self.settings.faster,
            "seed": self.settings.seed,
            "before_the_end": attrs.asdict(self.census),
            "connections": {
                "attempts": figures.attempts,
                "opened": figures.opened,
                "refused": dict(figures.refused),
                "failed": dict(figures.failed),
                "closed_by_others": dict(figures.closed),
                "cut_by_the_load": figures.cut,
                "open_ms": figures.handshakes.figures_ms(),
            },
            "registrations": dict(figures.registrations),
            "registered_ms": figures.reunions.figures_ms(),
            "calls": {
                "sent": figures.sent,
                "answered": figures.answered,
                "errors": figures.errors,
                "timed_out": figures.timed_out,
                "invalid": figures.invalid,
                "latency_ms": figures.latencies().figures_ms(),
            },
            "actions": {name: figures.actions[name].as_dict() for name in sorted(figures.actions)},
            "calls_received": dict(figures.calls_received),
            "transactions": {
                "started": figures.started,
                "stopped": figures.stopped,
                "energy_wh": figures.energy_wh,
                "refused_tags": figures.refused_tags,
                "given_up": dict(figures.given_up),
                "undelivered": figures.undelivered,
            },
            "lost": self.losses,
        }

    def text(self) -> str:
        """For people."""
        figures = self.figures
        lines = [
            *self._head(),
            "",
            *_table(self._rows()),
            "",
            f"transactions: {figures.started:,} started, {figures.stopped:,} stopped, "
            f"{figures.energy_wh / 1000:,.1f} kWh"
            + (f"; {figures.refused_tags:,} tags refused" if figures.refused_tags else ""),
        ]
        if figures.calls_received:
            lines.append(f"the central system called: {_counts(figures.calls_received)}")
        errors: Counter[str] = Counter()
        for name, action in figures.actions.items():
            for code, count in action.errors.items():
                errors[f"{name} {code}"] += count
        for what, counts in (
            ("refused", figures.refused),
            ("failed to connect", figures.failed),
            ("closed by the other end", figures.closed),
            ("CALLERROR", errors),
            ("given up", figures.given_up),
        ):
            if counts:
                lines.append(f"{what}: {_counts(counts)}")
        lines.append("nothing was lost" if not self.losses else "LOST: " + "; ".join(self.losses))
        return "\n".join(lines)

    def _head(self) -> list[str]:
        settings, figures, census = self.settings, self.figures, self.census
        faster = ""
        if settings.faster != 1:
            hours = self.elapsed_s * settings.faster / 3600
            faster = f" ({hours:.1f} h of simulated time)"
        opened, reunions = figures.handshakes, figures.reunions
        rate = figures.sent / max(self.elapsed_s, 0.001)
        return [
            f"{census.begun:,} stations at {settings.url}, {self.elapsed_s:.0f} s{faster}",
            (
                f"connections: {figures.opened:,} opened in {figures.attempts:,} attempts, "
                f"{figures.closed.total():,} closed by the other end, {figures.cut:,} by the load"
            ),
            f"until a connection is open: {_spread(opened)}",
            f"until a station is registered, from power or loss on: {_spread(reunions)}",
            (
                f"{rate:,.0f} calls a second; at the end {census.accepted:,} stations registered, "
                f"{census.charging:,} cars charging"
            ),
        ]

    def _rows(self) -> list[tuple[str, ...]]:
        figures = self.figures
        rows: list[tuple[str, ...]] = [HEADER]
        for name in sorted(figures.actions):
            action = figures.actions[name]
            lost = action.errors.total() + action.invalid
            counts = (action.sent, action.answered, lost, action.timed_out, action.cut_off)
            rows.append((name, *map(_count, counts), *_latencies(action.latencies)))
        cut_off = sum(action.cut_off for action in figures.actions.values())
        lost = figures.errors + figures.invalid
        counts = (figures.sent, figures.answered, lost, figures.timed_out, cut_off)
        rows.append(("all", *map(_count, counts), *_latencies(figures.latencies())))
        return rows


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _latencies(latencies: Latencies) -> tuple[str, ...]:
    return tuple(f"{value:,.1f}" for value in latencies.figures_ms().values())


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common(10))


def _spread(latencies: Latencies) -> str:
    halves, nearly_all = latencies.quantile_s(0.5), latencies.quantile_s(0.99)
    return f"p50 {_ms(halves)}, p99 {_ms(nearly_all)}, longest {_ms(latencies.longest_s)}"


def _ms(duration_s: float) -> str:
    return f"{duration_s * 1000:,.0f} ms" if duration_s < 10 else f"{duration_s:,.1f} s"
