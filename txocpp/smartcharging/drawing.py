"""Pictures: the installed profiles and the composite of a day as an SVG drawing.

The picture stands alone (no fonts, scripts or style sheets from elsewhere) and follows the light
or dark scheme of whoever looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from xml.sax.saxutils import escape

import attrs

from txocpp.smartcharging.composite import Composite, ProfileLine, Schedule
from txocpp.smartcharging.instants import to_seconds
from txocpp.smartcharging.profiles import RateUnit
from txocpp.smartcharging.timezone import full_hours, wall_clock

WIDTH, PLOT_HEIGHT = 960, 320
LEFT, RIGHT, TOP = 64, 48, 48
LEGEND_LINE = 22
HOURS_SHOWN = 13
COLOURS = 6
"""How many colours the profiles have before they begin anew, dashed."""

_STYLE = """
    svg { --paper: #ffffff; --ink: #1f2933; --faint: #d5dbe1; --soft: #5f6c7b; --fill: #2563eb22;
          --composite: #7aa5f5; --c0: #c2410c; --c1: #15803d; --c2: #9333ea; --c3: #0e7490;
          --c4: #be185d; --c5: #713f12; font: 13px system-ui, sans-serif; }
    @media (prefers-color-scheme: dark) {
      svg { --paper: #14181d; --ink: #e6eaee; --faint: #343c45; --soft: #9aa7b4; --fill: #60a5fa2e;
            --composite: #3b70b8; --c0: #fb923c; --c1: #4ade80; --c2: #c084fc; --c3: #22d3ee;
            --c4: #f472b6; --c5: #facc15; } }
    .paper { fill: var(--paper); } text { fill: var(--ink); } .soft { fill: var(--soft); }
    .grid { stroke: var(--faint); stroke-width: 1; } path { fill: none; stroke-width: 1.8; }
    .day { stroke: var(--soft); stroke-width: 1; }
    .composite { stroke: var(--composite); stroke-width: 6; }
    .area { fill: var(--fill); stroke: none; }
    .local { stroke: var(--soft); stroke-dasharray: 2 4; }
    .again { stroke-dasharray: 7 4; } .title { font-size: 16px; font-weight: 600; }
""" + "".join(f"    .c{n} {{ stroke: var(--c{n}); }}\n" for n in range(COLOURS))


def draw(
    composite: Composite,
    connector_id: int,
    start: datetime,
    duration_s: int = 86_400,
    unit: RateUnit = RateUnit.A,
    *,
    title: str | None = None,
) -> str:
    """An SVG picture of a connector, or with connector 0 of the station, as one text.

    Hours are those of the composite's time zone, or UTC. At most a few weeks are readable.
    """
    schedule = composite.schedule(connector_id, start, duration_s, unit)
    lines = composite.profile_lines(connector_id, start, duration_s, unit)
    nothing_installed = attrs.evolve(composite, stack=type(composite.stack)())
    local = nothing_installed.limit_at(connector_id, start, unit).limit
    picture = _Picture(composite, schedule, lines, local, title or _title(connector_id))
    return "\n".join(picture.elements()) + "\n"


def _title(connector_id: int) -> str:
    return f"Connector {connector_id}" if connector_id else "Charge point"


@attrs.frozen
class _Picture:
    composite: Composite
    schedule: Schedule
    lines: Sequence[ProfileLine]
    local: Decimal
    title: str

    def elements(self) -> Iterator[str]:
        height = TOP + PLOT_HEIGHT + 58 + LEGEND_LINE * (len(self.lines) + 1) // 2 + LEGEND_LINE
        day = wall_clock(self.composite.zone, to_seconds(self.schedule.start))
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">'
        )
        yield f"  <title>{escape(self.title)}</title>"
        yield f"  <desc>{escape(self._in_words())}</desc>"
        yield f"  <style>{_STYLE}  </style>"
        yield f'  <rect class="paper" width="{WIDTH}" height="{height}"/>'
        yield f'  <text class="title" x="{LEFT}" y="26">{escape(self.title)}</text>'
        yield (
            f'  <text class="soft" x="{WIDTH - RIGHT}" y="26" text-anchor="end">'
            f"{day:%Y-%m-%d %H:%M}, {escape(self._zone_name())}</text>"
        )
        yield from self._limit_axis()
        yield from self._time_axis()
        yield from self._curves()
        yield from self._legend()
        yield "</svg>"

    # Scales

    @property
    def _highest(self) -> Decimal:
        """The top of the picture: what is drawn, but no generous profile far above the hardware."""
        drawn = [limit for line in self.lines for _, limit in line.periods if limit is not None]
        shown = max([period.limit for period in self.schedule.periods])
        return max(shown, min(max([*drawn, self.local]), self.local * 3 / 2), Decimal(1))

    @property
    def _tick(self) -> Decimal:
        rough = self._highest / 5
        power = Decimal(10) ** rough.adjusted()
        return next(power * step for step in (1, 2, 5, 10) if power * step >= rough)

    @property
    def _top(self) -> Decimal:
        return (self._highest / self._tick).to_integral_value("ROUND_CEILING") * self._tick

    def _x(self, second: int) -> str:
        width = WIDTH - LEFT - RIGHT
        return f"{LEFT + width * second / max(self.schedule.duration_s, 1):.1f}"

    def _y(self, limit: Decimal) -> str:
        return f"{TOP + PLOT_HEIGHT * (1 - limit / self._top):.1f}"

    # Axes

    def _limit_axis(self) -> Iterator[str]:
        in_kilowatts = self.schedule.unit is RateUnit.W and self._top >= 5000
        tick = Decimal(0)
        while tick <= self._top:
            y = self._y(tick)
            yield f'  <line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            shown = tick / 1000 if in_kilowatts else tick
            yield f'  <text x="{LEFT - 8}" y="{y}" dy="4" text-anchor="end">{shown:f}</text>'
            tick += self._tick
        unit = "kW" if in_kilowatts else self.schedule.unit
        yield f'  <text class="soft" x="{LEFT - 8}" y="26" text-anchor="end">{unit}</text>'

    def _time_axis(self) -> Iterator[str]:
        bottom = TOP + PLOT_HEIGHT
        start_s = to_seconds(self.schedule.start)
        end_s = start_s + self.schedule.duration_s
        for at_s, clock in full_hours(self.composite.zone, start_s, end_s, HOURS_SHOWN):
            x, midnight = self._x(at_s - start_s), clock.hour == 0
            kind = "day" if midnight else "grid"
            yield f'  <line class="{kind}" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}"/>'
            yield f'  <text x="{x}" y="{bottom + 18}" text-anchor="middle">{clock:%H:%M}</text>'
            if midnight:
                yield (
                    f'  <text class="soft" x="{x}" y="{bottom + 36}" text-anchor="middle">'
                    f"{clock:%a %d %b}</text>"
                )

    # Curves

    def _curves(self) -> Iterator[str]:
        yield (
            f'  <clipPath id="plot"><rect x="{LEFT}" y="{TOP - 3}" '
            f'width="{WIDTH - LEFT - RIGHT}" height="{PLOT_HEIGHT + 6}"/></clipPath>'
        )
        yield '  <g clip-path="url(#plot)">'
        limits = [(period.start_s, period.limit) for period in self.schedule.periods]
        bottom, end = self._y(Decimal(0)), self._x(self.schedule.duration_s)
        yield f'    <path class="area" d="{self._steps(limits)}V{bottom}H{LEFT}Z"/>'
        y = self._y(self.local)
        yield f'    <path class="local" d="M{LEFT},{y}H{end}"/>'
        # The composite lies broad beneath, so that the profile that decides is seen on it.
        yield f'    <path class="composite" d="{self._steps(limits)}"/>'
        for number, line in enumerate(self.lines):
            yield f'    <path class="{_colour(number)}" d="{self._steps(line.periods)}"/>'
        yield "  </g>"

    def _steps(self, limits: Sequence[tuple[int, Decimal | None]]) -> str:
        ends = [second for second, _ in limits[1:]] + [self.schedule.duration_s]
        path, pen_is_down = "", False
        for (begin, limit), end in zip(limits, ends, strict=True):
            if limit is not None:
                y = self._y(limit)
                path += f"V{y}" if pen_is_down else f"M{self._x(begin)},{y}"
                path += f"H{self._x(end)}"
            pen_is_down = limit is not None
        return path

    # Words

    def _legend(self) -> Iterator[str]:
        entries = [("composite", "composite"), ("local", "local limit")]
        entries += [(_colour(n), _name(line)) for n, line in enumerate(self.lines)]
        for number, (kind, name) in enumerate(entries):
            x = LEFT + number % 2 * (WIDTH - LEFT - RIGHT) // 2
            y = TOP + PLOT_HEIGHT + 58 + number // 2 * LEGEND_LINE
            yield f'  <path class="{kind}" d="M{x},{y}h34"/>'
            yield f'  <text x="{x + 44}" y="{y + 4}">{escape(name)}</text>'

    def _zone_name(self) -> str:
        return "UTC" if self.composite.zone is None else str(self.composite.zone)

    def _in_words(self) -> str:
        zone, start, unit = self.composite.zone, self.schedule.start, self.schedule.unit
        told = [
            f"{wall_clock(zone, to_seconds(start) + one.start_s):%H:%M} {one.limit:f} {unit}"
            for one in self.schedule.periods[:24]
        ]
        more = ", …" if len(self.schedule.periods) > len(told) else ""
        return f"Composite schedule: {', '.join(told)}{more}"


def _colour(number: int) -> str:
    again = " again" if number // COLOURS % 2 else ""
    return f"c{number % COLOURS}{again}"


def _name(line: ProfileLine) -> str:
    profile = line.installed.profile
    place = f"connector {line.installed.connector_id}"
    return f"{profile.purpose} {profile.profile_id}, level {profile.stack_level}, {place}"
