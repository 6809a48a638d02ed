// The installed profiles of each connector, drawn with the composite that they make.

import { get, path, post } from "./api.js";
import { chart } from "./chart.js";
import { now } from "./clock.js";
import { choice, empty, field, h, show, table } from "./dom.js";
import { amount, moment, words } from "./format.js";
import { attempt } from "./notes.js";
import { points, schedulesOf } from "./series.js";
import { soon } from "./soon.js";

const HOUR = 3_600_000;
const COLOURS = 6;

export function profilesTab({ place, identity, me, station }) {
  const picture = chart();
  const list = h("div", {});
  const numbers = [0, ...station.connectors.map((one) => one.connector_id).filter((one) => one > 0)];
  const connector = choice({}, numbers.map((one) => [one, one ? `Connector ${one}` : "Whole station"]), numbers[1] ?? 0);
  const unit = choice({}, [["A", "A per phase"], ["W", "W in all"]]);
  const span = choice({}, [[6, "6 hours"], [24, "24 hours"], [168, "7 days"]], 24);

  async function load() {
    const [found, profiles] = await Promise.all([
      schedulesOf(identity, connector.value, unit.value, span.value * HOUR),
      get(path("stations", identity, "profiles")),
    ]);
    paint(found);
    show(list, profiles.items.length ? rows(profiles.items) : empty("No charging profile is installed."));
  }

  function paint(found) {
    const composite = points(found.composite);
    const lines = found.profiles.map((one, index) => ({
      name: `${words(one.purpose)} ${one.profile_id}, level ${one.stack_level}`,
      kind: "steps",
      style: `s${index % COLOURS}`,
      points: points(one.steps),
    }));
    const limit = composite[0]?.[1] ?? null;
    picture.draw({
      from: new Date(found.since).getTime(),
      to: new Date(found.until).getTime(),
      unit: found.unit,
      now: now(),
      label: `Composite of ${lines.length} profiles; now ${limit === null ? "no limit" : amount(limit, found.unit)}`,
      lines: [{ name: "Composite", kind: "steps", style: "composite", area: true, points: composite }, ...lines],
    });
  }

  const rows = (profiles) =>
    table(
      [
        ["Profile", (one) => one.profile_id],
        ["Where", (one) => (one.connector_id ? `Connector ${one.connector_id}` : "Whole station")],
        ["Purpose", (one) => words(one.purpose)],
        ["Level", (one) => one.stack_level, "number"],
        ["Limits", (one) => limits(one.profile), "wide"],
        ["Acknowledged", (one) => moment(one.acknowledged_at)],
        ["", (one) => me.role !== "viewer" && clearButton(one), "actions"],
      ],
      profiles,
      "Installed charging profiles",
    );

  function clearButton(one) {
    const work = () => post(path("stations", identity, "clear-limit"), { profile_id: one.profile_id });
    return h("button", { type: "button", class: "small", onclick: (e) => attempt(e.target, work) }, "Clear");
  }

  const again = soon(load, 20);
  for (const one of [connector, unit, span]) one.addEventListener("change", () => again());
  show(
    place,
    h("div", { class: "form" }, field("Connector", connector), field("Unit", unit), field("From now", span)),
    h("div", { class: "card" }, picture),
    h("div", { class: "card" }, list),
  );
  again();
  return { show: () => again(), leave: () => again.stop() };
}

function limits(profile) {
  const schedule = profile.chargingSchedule;
  const periods = schedule.chargingSchedulePeriod;
  const texts = periods.slice(0, 4).map((one) => amount(Number(one.limit), schedule.chargingRateUnit));
  const more = periods.length > 4 ? ` … ${periods.length} periods` : "";
  return `${profile.recurrencyKind ?? profile.chargingProfileKind}: ${texts.join(", ")}${more}`;
}
