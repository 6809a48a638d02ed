// Any operation: which action, and its payload by a form or as JSON.

import { get, path } from "./api.js";
import { choice, field, h, loading, show } from "./dom.js";
import { words } from "./format.js";
import { note } from "./notes.js";
import { payloadForm } from "./schema-form.js";

const FIRST = "TriggerMessage";
const WAITING = [["", "no: now or never"], [3600, "an hour"], [86400, "a day"], [604800, "a week"]];

/** Gives {element, body()}; body() is what the API takes, without the stations. */
export function askForm({ first = FIRST, actions } = {}) {
  const action = choice({});
  const place = h("div", {}, loading());
  const about = h("p", { class: "soft" });
  const wait = choice({}, WAITING);
  const force = h("input", { type: "checkbox" });
  let form = null;
  let chosen = "";

  async function pick() {
    chosen = action.value;
    const found = await get(path("actions", chosen));
    // Meanwhile another one may have been chosen.
    if (found.action !== action.value) return;
    show(about, found.payload_schema.description);
    form = payloadForm(found.payload_schema);
    show(place, form.element);
  }

  async function load() {
    const known = (await get("/api/actions")).filter((one) => !actions || actions.includes(one));
    show(action, known.map((one) => h("option", { value: one, selected: one === first }, words(one))));
    await pick();
  }

  action.addEventListener("change", () => pick().catch((problem) => note(problem.message, "bad")));
  load().catch((problem) => show(place, h("p", { class: "error" }, problem.message)));
  return {
    element: h(
      "div",
      { class: "stack" },
      field("Operation", action),
      about,
      place,
      field("Keep it for stations that are offline", wait),
      h("label", { class: "field inline" }, force, h("span", {}, "Send it even if a rule speaks against it")),
    ),
    body() {
      if (!form) throw new Error("The form is not there yet.");
      return {
        action: chosen, payload: form.value(), force: force.checked,
        valid_for_s: wait.value ? Number(wait.value) : null,
      };
    },
  };
}
