// Writing a charging profile: what it would do is drawn before it is sent.

import { get, path, post } from "./api.js";
import { chart } from "./chart.js";
import { now } from "./clock.js";
import { choice, field, h, show } from "./dom.js";
import { attempt, outcome } from "./notes.js";
import { periodRows } from "./periods.js";
import { drawSchedules } from "./series.js";
import { soon } from "./soon.js";

const DAY_S = 86_400;
const FIRST_ID = 1;
const HORIZON_S = DAY_S;
const REPEATS = [
  ["once", "once, from now on"], ["daily", "every day"], ["relative", "from the start of each transaction"],
];
const PURPOSES = {
  ChargePointMaxProfile: "The station as a whole, always",
  TxDefaultProfile: "Every transaction, unless it has its own",
  TxProfile: "The transaction that runs now",
};

/** Gives {element, stop()}. `station` as the API shows it; sent() is called when it is installed. */
export function profileEditor({ identity, station, sent }) {
  const plugs = station.connectors.filter((one) => one.connector_id > 0);
  const where = choice({}, [[0, "Whole station"], ...plugs.map((one) => [one.connector_id, `Connector ${one.connector_id}`])]);
  const purpose = choice({});
  const repeat = choice({}, REPEATS);
  const unit = choice({}, [["A", "A per phase"], ["W", "W in all"]]);
  const level = h("input", { type: "number", min: 0, max: 1000, value: 0, required: true });
  const hours = h("input", { type: "number", min: 0.25, max: 168, step: 0.25, inputmode: "decimal", placeholder: "no end" });
  const hoursField = field("Ends after hours", hours);
  const periods = periodRows(() => preview());
  const picture = chart();
  const why = h("p", { class: "notice", role: "status", hidden: true });
  let profileId = FIRST_ID;

  async function freshId() {
    const found = await get(path("stations", identity, "profiles"));
    const used = new Set(found.items.map((one) => one.profile_id));
    while (used.has(profileId)) profileId += 1;
  }

  function purposes() {
    const number = Number(where.value);
    const fitting = number === 0
      ? ["ChargePointMaxProfile", "TxDefaultProfile"]
      : ["TxDefaultProfile", ...(plug(number)?.transaction ? ["TxProfile"] : [])];
    const chosen = purpose.value;
    show(purpose, fitting.map((one) => h("option", { value: one, selected: one === chosen }, PURPOSES[one])));
  }

  const plug = (number) => plugs.find((one) => one.connector_id === number);

  function profile() {
    const daily = repeat.value === "daily";
    const kind = { once: "Absolute", daily: "Recurring", relative: "Relative" }[repeat.value];
    const schedule = { chargingRateUnit: unit.value, chargingSchedulePeriod: periods.value() };
    if (daily) Object.assign(schedule, { duration: DAY_S, startSchedule: midnight() });
    if (repeat.value === "once") schedule.startSchedule = new Date(Math.floor(now() / 1000) * 1000).toISOString();
    if (!daily && hours.value) schedule.duration = Math.round(Number(hours.value) * 3600);
    return {
      chargingProfileId: profileId, stackLevel: Number(level.value), chargingProfilePurpose: purpose.value,
      chargingProfileKind: kind, ...(daily ? { recurrencyKind: "Daily" } : {}),
      ...(purpose.value === "TxProfile" ? { transactionId: plug(Number(where.value)).transaction.id } : {}),
      chargingSchedule: schedule,
    };
  }

  function tell(text) {
    show(why, text);
    why.hidden = !text;
  }

  const preview = soon(async () => {
    if (!form.checkValidity()) return;
    const number = Number(where.value);
    const shown = number === 0 && purpose.value === "TxDefaultProfile" ? plugs[0]?.connector_id ?? 0 : number;
    try {
      const found = await post(path("stations", identity, "schedules", "preview"), {
        profile: profile(), connector_id: number, shown_connector_id: shown, unit: unit.value, duration_s: HORIZON_S,
      });
      tell(found.objection && `It would not be sent: ${found.objection}`);
      drawSchedules(picture, found.schedules, `With this profile, ${shown ? `connector ${shown}` : "whole station"}`);
    } catch (problem) {
      tell(problem.message);
    }
  }, 200);

  function turn() {
    periods.turn(repeat.value === "daily");
    hoursField.hidden = repeat.value === "daily";
    purposes();
    preview();
  }

  function send(event) {
    event.preventDefault();
    attempt(event.submitter, async () => {
      const payload = { connectorId: Number(where.value), csChargingProfiles: profile() };
      const done = await post(path("stations", identity, "operations"), { action: "SetChargingProfile", payload });
      const [text, kind] = outcome(done);
      if (kind === "bad") throw new Error(text);
      sent();
      return done;
    });
  }

  const form = h(
    "form",
    { class: "card stack", onsubmit: send, "aria-label": "New profile" },
    h("h2", {}, "New profile"),
    h(
      "div",
      { class: "form" },
      field("Where", where), field("For", purpose), field("When", repeat), field("Unit", unit),
      field("Stack level", level), hoursField,
    ),
    periods.element,
    h("h3", {}, "What it would do"),
    why,
    picture,
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Send to the station")),
  );
  for (const one of [where, purpose, repeat, unit, level, hours]) one.addEventListener("input", turn);
  turn();
  freshId().then(() => preview(), (problem) => tell(problem.message));
  return { element: form, stop: () => preview.stop() };
}

/** The last midnight here, as the station shall count from. */
function midnight() {
  const at = new Date(now());
  at.setHours(0, 0, 0, 0);
  return at.toISOString();
}
