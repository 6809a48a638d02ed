// Setting limits, and what can be asked of a station as a whole.

import { path, post } from "./api.js";
import { choice, field, h, show } from "./dom.js";
import { attempt, confirmed } from "./notes.js";

const LASTING = [["", "until changed"], [900, "15 minutes"], [3600, "1 hour"], [14400, "4 hours"], [28800, "8 hours"]];
const SCOPES = [
  ["", "what fits best"], ["transaction", "this transaction"], ["connector", "everybody there"],
];
const MESSAGES = [
  "StatusNotification", "MeterValues", "Heartbeat", "BootNotification",
  "FirmwareStatusNotification", "DiagnosticsStatusNotification",
];

/** A form that limits a connector or the station, or takes limits back. */
export function limitForm(identity, changed) {
  const connector = choice({ name: "connector" }, [[0, "Whole station"]]);
  const value = h("input", { name: "limit", type: "number", min: 0, step: 0.1, required: true, inputmode: "decimal" });
  const unit = choice({ name: "unit", "aria-label": "Unit" }, [["A", "A per phase"], ["W", "W in all"]]);
  const duration = choice({ name: "duration" }, LASTING);
  const scope = choice({ name: "scope" }, SCOPES);
  const scopeField = field("For", scope);
  const clear = h("button", { type: "button" }, "Clear limits");
  let known = "";

  const where = () => Number(connector.value);
  connector.addEventListener("change", () => {
    scopeField.hidden = where() === 0;
  });
  scopeField.hidden = true;

  function set(event) {
    event.preventDefault();
    const body = {
      connector_id: where(),
      [unit.value === "A" ? "limit_a" : "limit_w"]: Number(value.value),
      duration_s: duration.value ? Number(duration.value) : null,
      scope: where() === 0 ? null : scope.value || null,
    };
    attempt(event.submitter, async () => {
      const done = await post(path("stations", identity, "limit"), body);
      changed();
      return done;
    });
  }

  clear.addEventListener("click", () =>
    attempt(clear, async () => {
      const done = await post(path("stations", identity, "clear-limit"), { connector_id: where() });
      changed();
      return done;
    }),
  );

  return {
    element: h(
      "form",
      { class: "card", onsubmit: set, "aria-label": "Set a limit" },
      h("h2", {}, "Set a limit"),
      field("Where", connector),
      h("div", { class: "form" }, field("Limit", value), field("Unit", unit)),
      field("How long", duration),
      scopeField,
      h("div", { class: "buttons" }, h("button", { class: "primary" }, "Set limit"), clear),
    ),
    connectors(numbers) {
      const text = numbers.join();
      if (text === known) return;
      known = text;
      const chosen = connector.value;
      show(
        connector,
        h("option", { value: 0 }, "Whole station"),
        numbers.map((one) => h("option", { value: one }, `Connector ${one}`)),
      );
      connector.value = chosen;
    },
  };
}

/** Reset, availability of the whole station, and asking it to report. */
export function stationControls(identity) {
  const message = choice({ "aria-label": "Message" }, MESSAGES.map((name) => [name, name]));

  const operate = (button, name, body) =>
    attempt(button, () => post(path("stations", identity, name), body));

  async function reset(event, type) {
    const button = event.target;
    const question = type === "Hard"
      ? `Restart ${identity} at once? Transactions may be cut off.`
      : `Restart ${identity}? Running transactions are stopped first.`;
    if (await confirmed(question, "Restart")) operate(button, "reset", { type });
  }

  const button = (text, onclick, kind) => h("button", { type: "button", onclick, class: kind }, text);
  return h(
    "div",
    { class: "card stack" },
    h("h2", {}, "Whole station"),
    h(
      "div",
      { class: "pairs" },
      button("Into service", (e) => operate(e.target, "availability", { connector_id: 0, operative: true })),
      button("Out of service", (e) => operate(e.target, "availability", { connector_id: 0, operative: false })),
      button("Soft reset", (e) => reset(e, "Soft"), "danger"),
      button("Hard reset", (e) => reset(e, "Hard"), "danger"),
    ),
    field("Ask it to report", message),
    h("div", { class: "buttons" }, button("Ask", (e) => operate(e.target, "trigger", { message: message.value }))),
  );
}
