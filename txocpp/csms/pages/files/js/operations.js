// What was asked of stations, and what became of it.

import { get, query, remove } from "./api.js";
import { choice, empty, field, h, show, table } from "./dom.js";
import { moment, words } from "./format.js";
import { attempt, note } from "./notes.js";
import { badge } from "./overview.js";
import { soon } from "./soon.js";

const OUTCOMES = [
  "answered", "refused", "timeout", "offline", "disconnected", "invalid", "cancelled", "expired", "lost",
];

function outcome(one) {
  if (one.outcome === null) return h("span", { class: "badge ready" }, one.state);
  if (one.outcome !== "answered") return h("span", { class: "badge bad" }, one.outcome);
  const status = one.answer?.status;
  return status ? badge(status) : h("span", { class: "badge free" }, "answered");
}

function details(one) {
  const parts = [["asked", one.payload], ["answer", one.answer]].filter(([, value]) => value);
  return h(
    "details",
    {},
    h("summary", {}, one.error ?? (one.error_code || "Payload")),
    parts.map(([text, value]) => h("p", {}, h("small", {}, `${text} `), h("code", {}, JSON.stringify(value)))),
  );
}

export function operationTable(items, withStation, mayCancel, changed) {
  const columns = [
    ["Asked", (one) => moment(one.asked_at)],
    withStation && ["Station", (one) => h("a", { href: `#/stations/${encodeURIComponent(one.station)}` }, one.station)],
    ["Operation", (one) => words(one.action)],
    ["Outcome", outcome],
    ["By", (one) => one.asked_by],
    ["", details, "wide"],
    mayCancel && ["", (one) => one.state === "waiting" && cancelButton(one, changed), "actions"],
  ];
  return table(columns.filter(Boolean), items, "Operations");
}

function cancelButton(one, changed) {
  const work = async () => {
    await remove(`/api/operations/${one.id}`);
    changed();
    return "Withdrawn";
  };
  return h("button", { type: "button", class: "small", onclick: (e) => attempt(e.target, work) }, "Withdraw");
}

export function operationsPage({ main, me }) {
  const list = h("div", { class: "card" });
  const below = h("div", {});
  const station = h("input", { type: "search", placeholder: "Identity" });
  const action = choice({}, [["", "All"]]);
  const result = choice({}, [["", "All"], ...OUTCOMES.map((one) => [one, one])]);
  let shown = [];

  async function load(before) {
    const wanted = { station: station.value.trim(), action: action.value, outcome: result.value, before, limit: 50 };
    let found;
    try {
      found = await get(`/api/operations${query(wanted)}`);
    } catch (problem) {
      show(list, empty(problem.message));
      show(below);
      return;
    }
    shown = before ? [...shown, ...found.items] : found.items;
    show(
      list,
      shown.length
        ? operationTable(shown, true, me.role !== "viewer", () => again())
        : empty("Nothing was asked yet, or nothing fits."),
    );
    show(below, found.next !== null && h("button", { type: "button", onclick: () => load(found.next) }, "Show older"));
  }

  async function loadActions() {
    const found = await get("/api/actions");
    show(action, h("option", { value: "" }, "All"), found.map((one) => h("option", { value: one }, words(one))));
  }

  const again = soon(() => load());
  station.addEventListener("input", () => again());
  for (const one of [action, result]) one.addEventListener("change", () => again());
  show(
    main,
    h("h1", {}, "Operations"),
    h("div", { class: "filters" }, field("Station", station), field("Operation", action), field("Outcome", result)),
    list,
    below,
  );
  load();
  loadActions().catch((problem) => note(problem.message, "bad"));
  return {
    title: "Operations",
    heard: (kind) => kind === "operation.done" && shown.length <= 50 && !list.querySelector("details[open]") && again(),
    refresh: () => again(),
    leave: () => again.stop(),
  };
}
