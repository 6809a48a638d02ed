"""What the demonstration shows: who said what as lines, the connectors as bars.

In a terminal the bars stay at the bottom and move; in a pipe or file they are lines of text, one
whenever something has changed noticeably.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import attrs
from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

BAR_CELLS = 32
CHARGE_POINT = "charge point"
CENTRAL_SYSTEM = "central system"

_COLOURS = {CHARGE_POINT: "cyan", CENTRAL_SYSTEM: "magenta"}
_STATUS_COLOURS = {
    "Available": "green",
    "Preparing": "yellow",
    "Charging": "bright_blue",
    "SuspendedEVSE": "dark_orange",
    "SuspendedEV": "dark_orange",
    "Finishing": "yellow",
    "Faulted": "red",
}


@attrs.frozen
class Gauge:
    """What a connector does at one moment."""

    connector: int
    status: str
    limit_a: Decimal
    """Per phase."""
    current_a: Decimal
    """Per phase, the highest one."""
    power_w: Decimal
    energy_wh: int
    """Since the car was plugged in."""


class Screen:
    """Lines that scroll, bars that stay."""

    def __init__(self, console: Console, *, maximum_a: Decimal) -> None:
        self._console = console
        self._maximum_a = maximum_a
        self._now = ""
        self._gauges: Sequence[Gauge] = ()
        self._last_lines: dict[int, str] = {}
        self._live: Live | None = None

    def open(self) -> None:
        """Begin; in a terminal the bars appear."""
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def close(self) -> None:
        """End; the lines stay."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def chapter(self, title: str) -> None:
        """A new turn in the story."""
        self._console.print()
        self._console.print(Rule(Text(title, style="bold"), align="left", style="dim"))

    def said(self, at: datetime, who: str, words: str, gist: str) -> None:
        """One party said something to the other."""
        arrow = "──▶" if who == CHARGE_POINT else "◀──"
        line = Text()
        line.append(f"{at:%H:%M:%S}  ", style="dim")
        line.append(f"{arrow} {who:<14}  ", style=_COLOURS[who])
        line.append(f"{words:<24} ", style="bold")
        line.append(gist)
        self._console.print(line, soft_wrap=True)

    def happened(self, at: datetime, what: str) -> None:
        """Something in the world: a plug, a tag, a car."""
        line = Text()
        line.append(f"{at:%H:%M:%S}  ", style="dim")
        line.append(f"    {what}", style="green")
        self._console.print(line, soft_wrap=True)

    def show(self, at: datetime, gauges: Sequence[Gauge]) -> None:
        """The connectors now."""
        self._now = f"{at:%H:%M:%S}"
        self._gauges = gauges
        if self._live is not None:
            self._live.update(self._panel(), refresh=True)
            return
        for gauge in gauges:
            line = _plain(gauge)
            key = f"{gauge.status} {gauge.limit_a} {round(gauge.current_a)}"
            if self._last_lines.get(gauge.connector) != key:
                self._last_lines[gauge.connector] = key
                self._console.print(f"{self._now}      {line}", highlight=False, soft_wrap=True)

    def _panel(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for gauge in self._gauges:
            table.add_row(
                Text(f"connector {gauge.connector}", style="bold"),
                Text(f"{gauge.status:<13}", style=_STATUS_COLOURS.get(gauge.status, "")),
                self._bar(gauge),
                Text(f"{gauge.current_a:4.1f} A of {gauge.limit_a:.1f} A"),
                Text(f"{gauge.power_w / 1000:5.2f} kW"),
                Text(f"{Decimal(gauge.energy_wh) / 1000:6.2f} kWh"),
            )
        legend = Text("█ current   │ limit", style="dim")
        return Group(Rule(Text(self._now, style="bold"), style="dim"), table, legend)

    def _bar(self, gauge: Gauge) -> Text:
        filled = self._cells(gauge.current_a)
        mark = min(self._cells(gauge.limit_a), BAR_CELLS - 1)
        bar = Text()
        for cell in range(BAR_CELLS):
            if cell == mark:
                bar.append("│", style="bold red")
            elif cell < filled:
                bar.append("█", style="bright_blue")
            else:
                bar.append("·", style="dim")
        return bar

    def _cells(self, amps: Decimal) -> int:
        return int((amps * BAR_CELLS / self._maximum_a).to_integral_value())


def _plain(gauge: Gauge) -> str:
    return (
        f"connector {gauge.connector}  {gauge.status:<13} limit {gauge.limit_a:4.1f} A  "
        f"current {gauge.current_a:4.1f} A  {gauge.power_w / 1000:5.2f} kW  "
        f"{Decimal(gauge.energy_wh) / 1000:.2f} kWh"
    )
