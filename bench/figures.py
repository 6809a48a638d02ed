"""From many noisy windows to figures, ratios and a table that people can read."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the windows lies, interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def typical(values: Sequence[float]) -> float:
    """The 25th percentile: on a shared machine other work only ever makes windows dearer."""
    return quantile(values, 0.25)


def spoken(value: float | None) -> str:
    """Three significant digits, no more are meant."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


@attrs.frozen
class Table:
    """One part of the report."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    remark: str = ""

    def text(self) -> str:
        """For a terminal, and as it is for Markdown."""
        cells = [list(self.header), *(list(row) for row in self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.header))]

        def line(row: Sequence[str]) -> str:
            first = row[0].ljust(widths[0])
            rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
            return "| " + " | ".join((first, *rest)) + " |"

        rule = "|" + "|".join(
            "-" * (width + 2) if i == 0 else "-" * (width + 1) + ":"
            for i, width in enumerate(widths)
        )
        body = "\n".join([line(cells[0]), rule + "|", *(line(row) for row in cells[1:])])
        remark = f"\n\n{self.remark}" if self.remark else ""
        return f"## {self.title}\n\n{body}{remark}\n"


@attrs.frozen
class Target:
    """Something that was promised, as a ratio within one run."""

    what: str
    measured: float | None
    first: float | None
    """The bound of the first release; None: there is none."""
    then: float | None
    """The bound that is aimed at."""
    more_is_better: bool
    unit: str = "x"

    def _verdict(self, bound: float | None) -> str:
        if bound is None:
            return "-"
        sign = ">=" if self.more_is_better else "<="
        if self.measured is None:
            return f"{sign} {bound:g}{self.unit}"
        kept = self.measured >= bound if self.more_is_better else self.measured <= bound
        return f"{sign} {bound:g}{self.unit} {'kept' if kept else 'MISSED'}"

    def row(self) -> list[str]:
        """As a line of the table of targets."""
        measured = "not measured" if self.measured is None else spoken(self.measured) + self.unit
        return [self.what, measured, self._verdict(self.first), self._verdict(self.then)]


def table_of_targets(targets: Sequence[Target]) -> Table:
    """What was promised and what came out."""
    return Table(
        "Targets",
        ("what", "measured", "first", "then"),
        [target.row() for target in targets],
    )
