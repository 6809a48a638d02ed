// What else is known of a station: its plate, what it told, what it was asked.

import { get, patch, path, query } from "./api.js";
import { choice, empty, factList, field, h, show, table, when } from "./dom.js";
import { words } from "./format.js";
import { attempt } from "./notes.js";
import { badge } from "./badges.js";
import { soon } from "./soon.js";

const FACTS = [
  ["Identity", "identity"], ["Vendor", "vendor"], ["Model", "model"], ["Serial number", "serial_number"],
  ["Serial number of the box", "box_serial_number"], ["Firmware", "firmware_version"],
  ["Meter", "meter_type"], ["Serial number of the meter", "meter_serial_number"], ["ICCID", "iccid"],
  ["IMSI", "imsi"], ["Protocol", "protocol"], ["Address", "address"], ["Registration", "registration"],
  ["Firmware update", "firmware_status"], ["Diagnostics", "diagnostics_status"], ["Log", "log_status"],
  ["Version of its local list", "local_list_version"],
];
const MOMENTS = [
  ["First seen", "first_seen"], ["Last boot", "booted_at"], ["Connected since", "connected_since"],
  ["Last heard", "last_seen"],
];

export function detailsTab({ place, identity, me, station, changed }) {
  const plate = h("div", { class: "card" });
  const told = h("div", { class: "card stack" });
  const name = h("input", { value: station.name, maxlength: 200 });
  const admission = choice(
    {},
    [["", "as for all"], ["accepted", "accepted"], ["pending", "pending"], ["rejected", "rejected"]],
    station.admission,
  );

  function update(found) {
    station = found;
    show(
      plate,
      h("h2", { class: "unseen" }, "Plate"),
      factList([
        ...FACTS.map(([text, key]) => [text, found[key]]),
        ...MOMENTS.map(([text, key]) => [text, found[key] && when(found[key])]),
        ["Password", found.has_password ? "set" : "none"],
      ]),
    );
    again();
  }

  const again = soon(async () => {
    const [notices, history] = await Promise.all([
      get(path("stations", identity, "notices") + query({ limit: 20 })),
      get(path("stations", identity, "status-history") + query({ limit: 20 })),
    ]);
    show(
      told,
      h("h2", {}, "What it told"),
      h("h3", {}, "Status"),
      history.items.length ? statusTable(history.items) : empty("No status yet."),
      h("h3", {}, "Notices"),
      notices.items.length ? noticeTable(notices.items) : empty("No notices yet."),
    );
  }, 30);

  function save(event) {
    event.preventDefault();
    const body = { name: name.value.trim(), admission: admission.value || null };
    attempt(event.submitter, async () => {
      await patch(path("stations", identity), body, { version: station.version });
      changed();
      return "Saved";
    });
  }

  const edit = h(
    "form",
    { class: "card", onsubmit: save },
    h("h2", {}, "Kept here"),
    field("Name", name),
    field("Registration", admission),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Save")),
  );
  show(
    place,
    h(
      "div",
      { class: "columns" },
      h("div", { class: "stack" }, told),
      h("aside", { class: "stack" }, me.role !== "viewer" && edit, plate),
    ),
  );
  update(station);
  return { show: update, leave: () => again.stop() };
}

function fault(one) {
  if (one.error_code === "NoError") return "";
  return [words(one.error_code), one.info, one.vendor_error_code].filter(Boolean).join(", ");
}

function statusTable(items) {
  return table(
    [
      ["When", (one) => when(one.changed_at)],
      ["Connector", (one) => one.connector_id || "station", "number"],
      ["Status", (one) => badge(one.status)],
      ["Error", fault, "wide"],
    ],
    items,
    "Status",
  );
}

function noticeTable(items) {
  return table(
    [
      ["When", (one) => when(one.at)],
      ["Kind", (one) => words(one.kind)],
      ["What", (one) => h("code", {}, JSON.stringify(one.document)), "wide"],
    ],
    items,
    "Notices",
  );
}
