// A station is entered before it connects.

import { post } from "./api.js";
import { field, h } from "./dom.js";
import { formDialog } from "./dialog.js";

export function newStation(changed) {
  const identity = h("input", { maxlength: 255, required: true, autocapitalize: "off", spellcheck: "false" });
  const name = h("input", { maxlength: 200 });
  const password = h("input", { maxlength: 100, autocomplete: "off", spellcheck: "false", class: "mono" });
  formDialog({
    title: "Add a station",
    parts: [
      h("p", { class: "soft" }, "Stations that connect appear by themselves. This is for those that must be known before."),
      field("Identity", identity, "As it stands at the end of the URL that the station connects to"),
      field("Name", name),
      field("Password", password, "If it shows one: 32 to 40 hex digits, or any text"),
    ],
    verb: "Add",
    async submit() {
      const body = { identity: identity.value.trim(), name: name.value.trim(), password: password.value || null };
      await post("/api/stations", body);
      changed();
      return `${body.identity} may connect`;
    },
  });
}
