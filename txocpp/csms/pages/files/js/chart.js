// Curves over time as SVG, drawn by hand: lines for what was measured, steps for limits.

import { h, s, show } from "./dom.js";
import { amount, clock, day } from "./format.js";

const HEIGHT = 220;
const LEFT = 52;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;
const MINUTE = 60_000;
const STRIDES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080].map((m) => m * MINUTE);

/** A round number of units between the lines of the grid. */
function roundStep(highest) {
  const rough = highest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
}

/** The moments of the time axis, at full minutes and hours of this computer's time zone. */
function ticks(from, to, most) {
  const stride = STRIDES.find((one) => (to - from) / one <= most) ?? STRIDES.at(-1) * 4;
  const shift = new Date(from).getTimezoneOffset() * MINUTE;
  const found = [];
  for (let at = Math.ceil((from - shift) / stride) * stride + shift; at <= to; at += stride) found.push(at);
  return { found, days: stride >= 1440 * MINUTE };
}

/** The value of a curve at a moment; null: none. */
function valueAt(line, at) {
  let found = null;
  for (const [when, value] of line.points) {
    if (when > at) break;
    found = [when, value];
  }
  if (!found || (line.until && at > line.until)) return null;
  if (line.gap && at - found[0] > line.gap) return null;
  return found[1];
}

/** Thin a long series so that a column of the picture holds its highest and lowest value. */
function thinned(points, from, to, columns) {
  if (points.length <= columns * 3) return points;
  const buckets = new Map();
  for (const point of points) {
    const column = Math.floor(((point[0] - from) / (to - from)) * columns);
    const bucket = buckets.get(column);
    if (!bucket) buckets.set(column, { low: point, high: point });
    else if (point[1] < bucket.low[1]) bucket.low = point;
    else if (point[1] > bucket.high[1]) bucket.high = point;
  }
  return [...buckets.values()].flatMap(({ low, high }) =>
    low === high ? [low] : [low, high].sort((a, b) => a[0] - b[0]),
  );
}

function linePath(line, x, y) {
  let text = "";
  let before = null;
  for (const [at, value] of line.points) {
    if (value === null || value === undefined) {
      before = null;
      continue;
    }
    const apart = before === null || (line.gap && at - before > line.gap);
    text += `${apart ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    before = at;
  }
  return text;
}

function stepPath(line, x, y, end) {
  let text = "";
  line.points.forEach(([at, value], index) => {
    if (value === null) return;
    const next = Math.min(line.points[index + 1]?.[0] ?? end, end);
    const height = y(value).toFixed(1);
    const joined = text && line.points[index - 1]?.[1] !== null;
    text += `${joined ? "L" : "M"}${x(at).toFixed(1)} ${height}H${x(next).toFixed(1)}`;
  });
  return text;
}

/** The same path, closed at the bottom wherever it begins anew. */
function areaPath(path, floor) {
  return path
    .split("M")
    .filter(Boolean)
    .map((piece) => {
      const first = piece.split(/[LH]/)[0].trim().split(" ")[0];
      const last = piece.split(/[LH]/).at(-1).trim().split(" ")[0];
      return `M${first} ${floor}L${piece}L${last} ${floor}Z`;
    })
    .join("");
}

/**
 * A chart that fills its place and is drawn again when that changes.
 * spec: {from, to, now, unit, label, lines: [{name, kind: "line" or "steps", style, area, points, gap, until}]}
 */
export function chart() {
  let spec = null;
  const picture = h("div", { class: "picture" });
  const legend = h("div", { class: "legend" });
  const place = h("div", { class: "stack" }, picture, legend);
  let width = 0;
  new ResizeObserver(([entry]) => {
    const found = Math.round(entry.contentRect.width);
    if (found === width) return;
    width = found;
    paint();
  }).observe(picture);

  function paint() {
    if (!spec || width < 60) return;
    show(picture, drawn(spec, width, tell));
    tell(null);
  }

  function tell(at) {
    show(
      legend,
      at !== null && h("strong", {}, `${day(at)} ${clock(at)}`),
      spec.lines.map((line) => {
        const latest = Math.min(spec.now ?? spec.to, line.until ?? Infinity);
        const value = valueAt(line, at ?? latest);
        return h(
          "span",
          {},
          s("svg", { class: "chart", viewBox: "0 0 22 8", "aria-hidden": "true" }, s("path", { class: line.style, d: "M0 4H22" })),
          line.name,
          h("strong", {}, value === null ? "" : amount(value, spec.unit)),
        );
      }),
    );
  }

  place.draw = (wanted) => {
    spec = wanted;
    paint();
  };
  return place;
}

function drawn(spec, width, tell) {
  const { from, to } = spec;
  const right = width - RIGHT;
  const floor = HEIGHT - BOTTOM;
  const shown = spec.lines.map((line) => ({
    ...line,
    points: line.kind === "line" ? thinned(line.points, from, to, width) : line.points,
  }));
  const values = shown.flatMap((line) => line.points.map(([, value]) => value ?? 0));
  const highest = Math.max(spec.unit === "W" ? 1000 : 4, ...values) * 1.06;
  const x = (at) => LEFT + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * (right - LEFT);
  const y = (value) => floor - (value / highest) * (floor - TOP);
  const pointer = s("path", { class: "pointer", d: "" });

  function move(event) {
    const box = picture.getBoundingClientRect();
    const place = Math.min(Math.max(event.clientX - box.left, LEFT), right);
    pointer.setAttribute("d", `M${place.toFixed(1)} ${TOP}V${floor}`);
    tell(from + ((place - LEFT) / (right - LEFT)) * (to - from));
  }

  function leave() {
    pointer.setAttribute("d", "");
    tell(null);
  }

  const picture = s(
    "svg",
    {
      class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": spec.label,
      onpointermove: move, onpointerdown: move, onpointerleave: leave,
    },
    grid(spec, highest, x, y, width, floor, right),
    shown.map((line) => curve(line, x, y, floor, to)),
    shown.every((line) => line.points.every(([, value]) => value === null)) &&
      s("text", { x: (LEFT + right) / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "Nothing measured, and no limit"),
    spec.now && spec.now < to && s("path", { class: "now", d: `M${x(spec.now)} ${TOP}V${floor}` }),
    pointer,
  );
  return picture;
}

function grid(spec, highest, x, y, width, floor, right) {
  const step = roundStep(highest);
  const rows = [];
  for (let value = 0; value <= highest; value += step) rows.push(value);
  const { found, days } = ticks(spec.from, spec.to, Math.floor(width / 68));
  return [
    rows.map((value) => [
      s("path", { class: "grid", d: `M${LEFT} ${y(value)}H${right}` }),
      s("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, amount(value, spec.unit)),
    ]),
    found.map((at) =>
      s("text", { x: x(at), y: floor + 18, "text-anchor": "middle" }, days ? day(at) : clock(at)),
    ),
  ];
}

function curve(line, x, y, floor, end) {
  const path = line.kind === "steps" ? stepPath(line, x, y, line.until ?? end) : linePath(line, x, y);
  return [
    line.area && s("path", { class: `${line.style}-area`, d: areaPath(path, floor) }),
    s("path", { class: line.style, d: path }),
  ];
}
