// Meter values and limits, loaded and shaped for charts.

import { get, path, query } from "./api.js";
import { heardTime, now } from "./clock.js";
import { amount, words } from "./format.js";

const MOST_PAGES = 12;
const COLOURS = 6;

/** All samples of a connector from a moment on, oldest first. */
export async function samplesOf(identity, connector, since) {
  const found = [];
  let from = new Date(since).toISOString();
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const url = path("stations", identity, "samples");
    const answer = await get(`${url}${query({ connector_id: connector, since: from, limit: 1000 })}`);
    const last = found.at(-1)?.at;
    found.push(...answer.items.filter((one) => one.at !== last));
    if (!answer.next || answer.next === from) break;
    from = answer.next;
  }
  return found;
}

/** The composite and the profiles it is made of; `since` left out: from now on. */
export async function schedulesOf(identity, connector, unit, duration, since) {
  const url = path("stations", identity, "schedules");
  const wanted = {
    connector_id: connector,
    unit,
    duration_s: Math.max(1, Math.round(duration / 1000)),
    since: since && new Date(since).toISOString(),
  };
  const found = await get(url + query(wanted));
  if (!since) heardTime(found.since);
  return found;
}

/** [milliseconds, limit or null] from the steps that the API tells. */
export function points(steps) {
  return steps.map((step) => [new Date(step.at).getTime(), step.limit]);
}

/** Draws a composite with the profiles that it is made of. */
export function drawSchedules(picture, found, title = "Composite") {
  const composite = points(found.composite);
  const lines = found.profiles.map((one, index) => ({
    name: `${words(one.purpose)} ${one.profile_id}, level ${one.stack_level}`,
    kind: "steps",
    style: `s${index % COLOURS}`,
    points: points(one.steps),
  }));
  const limit = composite[0]?.[1] ?? null;
  const told = limit === null ? "no limit" : amount(limit, found.unit);
  picture.draw({
    from: new Date(found.since).getTime(),
    to: new Date(found.until).getTime(),
    unit: found.unit,
    now: now(),
    label: `${title} of ${lines.length} profiles; now ${told}`,
    lines: [{ name: title, kind: "steps", style: "composite", area: true, points: composite }, ...lines],
  });
}

/** What was measured, in A or W, as a line. */
export function measured(samples, unit) {
  const name = unit === "W" ? "power_w" : "current_a";
  return curve(samples, name, {
    name: unit === "W" ? "Power" : "Current",
    kind: "line",
    style: "drawn",
    area: true,
  });
}

/** What the station said that it offers to the car. */
export function offered(samples) {
  return curve(samples, "offered_a", { name: "Offered", kind: "steps", style: "offered" });
}

function curve(samples, name, line) {
  const found = samples
    .filter((one) => one[name] !== undefined && one[name] !== null)
    .map((one) => [new Date(one.at).getTime(), one[name]]);
  return { ...line, points: found, gap: usualGap(found), until: found.at(-1)?.[0] };
}

/** Beyond four times the usual distance of samples, nothing is known in between. */
function usualGap(found) {
  if (found.length < 3) return 3_600_000;
  const apart = found.slice(1).map(([at], index) => at - found[index][0]).sort((a, b) => a - b);
  return Math.max(60_000, apart[Math.floor(apart.length / 2)] * 4);
}

/** Which unit tells most: current, if any was measured. */
export function usualUnit(samples) {
  const has = (name) => samples.some((one) => one[name] !== undefined && one[name] !== null);
  return has("current_a") || !has("power_w") ? "A" : "W";
}
