// Looking after a station: firmware, diagnostics, log, password, cache.

import { get, path, post, query } from "./api.js";
import { badge } from "./badges.js";
import { choice, empty, factList, field, h, loading, show, table, when } from "./dom.js";
import { secretDialog } from "./dialog.js";
import { fromLocalField, localField, words } from "./format.js";
import { attempt, confirmed } from "./notes.js";
import { now } from "./clock.js";
import { soon } from "./soon.js";

const KINDS = new Set([
  "FirmwareStatusNotification", "SignedFirmwareStatusNotification", "DiagnosticsStatusNotification",
  "LogStatusNotification", "SecurityEventNotification", "BootNotification",
]);

export function careTab({ place, identity, me, station, changed }) {
  const state = h("div", { class: "card" });
  const told = h("div", {}, loading());
  const ask = (action, payload) => post(path("stations", identity, "operations"), { action, payload });

  const load = soon(async () => {
    const found = await get(path("stations", identity, "notices") + query({ limit: 100 }));
    const items = found.items.filter((one) => KINDS.has(one.kind)).slice(0, 30);
    show(told, items.length ? table(COLUMNS, items, "Progress") : empty("Nothing was reported yet."));
  }, 100);

  function update(found) {
    station = found;
    const status = (word) => (word ? badge(word) : null);
    show(
      state,
      h("h2", {}, "How it stands"),
      factList([
        ["Firmware", found.firmware_version],
        ["Update", status(found.firmware_status)],
        ["Diagnostics", status(found.diagnostics_status)],
        ["Log", status(found.log_status)],
        ["Password", found.has_password ? "set" : "none"],
      ]),
    );
    load();
  }

  const mayAsk = me.role !== "viewer";
  show(
    place,
    h(
      "div",
      { class: "columns wide-aside" },
      h("section", { class: "stack" }, state, h("div", { class: "card stack" }, h("h2", {}, "What it reported"), told)),
      mayAsk &&
        h(
          "div",
          { class: "stack" },
          firmwareForm(ask),
          uploadForm(ask),
          h(
            "div",
            { class: "card stack" },
            h("h2", {}, "Tags it remembers"),
            h("p", { class: "soft" }, "Its cache of tags that were accepted lately."),
            h("button", { type: "button", onclick: (e) => attempt(e.target, () => ask("ClearCache", {})) }, "Empty the cache"),
          ),
          me.role === "admin" && passwordCard(identity, () => station, changed),
        ),
    ),
  );
  update(station);
  return {
    show: update,
    heard: (kind) => kind === "station.notice" && changed(),
    leave: () => load.stop(),
  };
}

const COLUMNS = [
  ["When", (one) => when(one.at)],
  ["What", (one) => words(one.kind.replace(/Notification$/, ""))],
  ["Status", (one) => (one.document.status ? badge(one.document.status) : one.document.type ?? "")],
];

function firmwareForm(ask) {
  const location = h("input", { type: "url", required: true, placeholder: "https://files.example/firmware.bin" });
  const at = h("input", { type: "datetime-local", required: true, value: localField(now()) });
  const retries = h("input", { type: "number", min: 0, max: 100, value: 3 });
  const interval = h("input", { type: "number", min: 0, max: 86400, value: 60 });

  async function submit(event) {
    event.preventDefault();
    const button = event.submitter;
    if (!(await confirmed("Have the station fetch and install this firmware?", "Update"))) return;
    attempt(button, () =>
      ask("UpdateFirmware", given({
        location: location.value, retrieveDate: fromLocalField(at.value), retries: number(retries), retryInterval: number(interval),
      })),
    );
  }

  return h(
    "form",
    { class: "card stack", onsubmit: submit, "aria-label": "Update the firmware" },
    h("h2", {}, "Update the firmware"),
    field("Where it is", location, "A URL that the station can reach: ftp, http or https"),
    field("From when on", at),
    h("div", { class: "form" }, field("Tries", retries), field("Seconds between", interval)),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Update")),
  );
}

const LOGS = [["diagnostics", "Diagnostics (OCPP 1.6)"], ["DiagnosticsLog", "Diagnostics log (security white paper)"], ["SecurityLog", "Security log (security white paper)"]];

function uploadForm(ask) {
  const what = choice({}, LOGS);
  const location = h("input", { type: "url", required: true, placeholder: "ftp://files.example/incoming/" });
  const since = h("input", { type: "datetime-local" });
  const until = h("input", { type: "datetime-local" });

  function submit(event) {
    event.preventDefault();
    const [from, to] = [fromLocalField(since.value) ?? undefined, fromLocalField(until.value) ?? undefined];
    attempt(event.submitter, () =>
      what.value === "diagnostics"
        ? ask("GetDiagnostics", given({ location: location.value, startTime: from, stopTime: to }))
        : ask("GetLog", {
          logType: what.value, requestId: Math.floor(now() / 1000) % 2 ** 31,
          log: given({ remoteLocation: location.value, oldestTimestamp: from, latestTimestamp: to }),
        }),
    );
  }

  return h(
    "form",
    { class: "card stack", onsubmit: submit, "aria-label": "Fetch diagnostics" },
    h("h2", {}, "Fetch diagnostics"),
    field("What", what),
    field("Where to", location, "A folder that the station can upload to"),
    h("div", { class: "form" }, field("From", since), field("To", until)),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Upload")),
  );
}

function passwordCard(identity, station, changed) {
  const url = (name) => path("stations", identity, name);

  async function rotate(event) {
    const button = event.target;
    if (!(await confirmed(`Send ${identity} a new random password? It is shown to nobody.`, "Rotate"))) return;
    attempt(button, async () => {
      const done = await post(url("rotate-password"));
      changed();
      return done;
    });
  }

  async function set(event) {
    const button = event.target;
    const question = "Make a new password here? The station must be given the same by hand, or it cannot connect any more.";
    if (station().has_password && !(await confirmed(question, "Make one"))) return;
    attempt(button, async () => {
      const made = await post(url("password"));
      changed();
      secretDialog("Password of the station", "It is shown this once. Give it to the station.", made.password);
    });
  }

  return h(
    "div",
    { class: "card stack" },
    h("h2", {}, "Password"),
    h("p", { class: "soft" }, "What the station shows when it connects (AuthorizationKey)."),
    h("button", { type: "button", onclick: rotate }, "Send it a new one"),
    h("button", { type: "button", onclick: set }, "Make one to be typed in"),
  );
}

const number = (control) => (control.value === "" ? undefined : Number(control.value));

function given(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
