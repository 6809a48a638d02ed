// The installed profiles of each connector, drawn with the composite that they make.

import { get, path, post } from "./api.js";
import { chart } from "./chart.js";
import { choice, empty, field, h, loading, show, table, when } from "./dom.js";
import { amount, words } from "./format.js";
import { attempt, note } from "./notes.js";
import { profileEditor } from "./profile-editor.js";
import { drawSchedules, schedulesOf } from "./series.js";
import { soon } from "./soon.js";

const HOUR = 3_600_000;

export function profilesTab({ place, identity, me, station }) {
  const picture = chart();
  const list = h("div", {}, loading());
  const numbers = [0, ...station.connectors.map((one) => one.connector_id).filter((one) => one > 0)];
  const connector = choice({}, numbers.map((one) => [one, one ? `Connector ${one}` : "Whole station"]), numbers[1] ?? 0);
  const unit = choice({}, [["A", "A per phase"], ["W", "W in all"]]);
  const span = choice({}, [[6, "6 hours"], [24, "24 hours"], [168, "7 days"]], 24);

  async function load() {
    const [found, profiles] = await Promise.all([
      schedulesOf(identity, connector.value, unit.value, span.value * HOUR),
      get(path("stations", identity, "profiles")),
    ]);
    drawSchedules(picture, found);
    show(list, profiles.items.length ? rows(profiles.items) : empty("No charging profile is installed."));
  }

  const rows = (profiles) =>
    table(
      [
        ["Profile", (one) => one.profile_id],
        ["Where", (one) => (one.connector_id ? `Connector ${one.connector_id}` : "Whole station")],
        ["Purpose", (one) => words(one.purpose)],
        ["Level", (one) => one.stack_level, "number"],
        ["Limits", (one) => limits(one.profile), "wide"],
        ["Acknowledged", (one) => when(one.acknowledged_at)],
        ["", (one) => mayChange && clearButton(one), "actions"],
      ],
      profiles,
      "Installed charging profiles",
    );

  function clearButton(one) {
    const work = () => post(path("stations", identity, "clear-limit"), { profile_id: one.profile_id });
    return h("button", { type: "button", class: "small", onclick: (e) => attempt(e.target, work) }, "Clear");
  }

  const mayChange = me.role !== "viewer";
  const composite = h("div", { class: "card" }, picture);
  const editing = h("div", {});
  const begin = h("button", { type: "button", class: "primary", "aria-expanded": "false", onclick: () => edit(!editor) }, "New profile");
  let editor = null;

  function edit(open) {
    editor?.stop();
    editor = open ? profileEditor({ identity, station, sent: () => edit(false) }) : null;
    show(editing, editor?.element);
    composite.hidden = open;
    begin.textContent = open ? "Close the editor" : "New profile";
    begin.setAttribute("aria-expanded", String(open));
    if (open) editor.element.querySelector("select").focus();
    else again();
  }

  const again = soon(() => load().catch((problem) => note(problem.message, "bad")), 20);
  for (const one of [connector, unit, span]) one.addEventListener("change", () => again());
  show(
    place,
    h("div", { class: "form" }, field("Connector", connector), field("Unit", unit), field("From now", span), mayChange && begin),
    editing,
    composite,
    h("div", { class: "card" }, list),
  );
  again();
  return {
    show(found) {
      station = found;
      again();
    },
    leave() {
      again.stop();
      editor?.stop();
    },
  };
}

function limits(profile) {
  const schedule = profile.chargingSchedule;
  const periods = schedule.chargingSchedulePeriod;
  const texts = periods.slice(0, 4).map((one) => amount(Number(one.limit), schedule.chargingRateUnit));
  const more = periods.length > 4 ? ` … ${periods.length} periods` : "";
  return `${profile.recurrencyKind ?? profile.chargingProfileKind}: ${texts.join(", ")}${more}`;
}
