// What was asked of stations, and what became of it.

import { get, query, remove } from "./api.js";
import { choice, empty, field, h, loading, show, table, when } from "./dom.js";
import { words } from "./format.js";
import { attempt, note } from "./notes.js";
import { badge } from "./badges.js";
import { pager } from "./pager.js";
import { soon } from "./soon.js";

const OUTCOMES = [
  "answered", "refused", "timeout", "offline", "disconnected", "invalid", "cancelled", "expired", "lost",
];

function outcome(one) {
  if (one.outcome === null) return h("span", { class: "badge ready" }, one.state);
  if (one.outcome !== "answered") return badge(one.outcome);
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
    ["Asked", (one) => when(one.asked_at)],
    withStation && ["Station", (one) => h("a", { href: `#/stations/${encodeURIComponent(one.station)}` }, one.station)],
    ["Operation", (one) => words(one.action)],
    ["Outcome", outcome],
    ["By", (one) => [one.asked_by, one.batch && h("a", { class: "of-batch", href: `#/ask?batch=${one.batch}` }, "batch")]],
    ["Details", details, "wide"],
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
  const list = h("div", { class: "card" }, loading());
  const station = h("input", { type: "search", placeholder: "Identity" });
  const action = choice({}, [["", "All"]]);
  const result = choice({}, [["", "All"], ...OUTCOMES.map((one) => [one, one])]);

  const parts = pager({
    ask: (before) =>
      get(`/api/operations${query({ station: station.value.trim(), action: action.value, outcome: result.value, before, limit: 50 })}`),
    draw: (items) =>
      show(list, items.length ? operationTable(items, true, me.role !== "viewer", () => again()) : empty("Nothing was asked yet, or nothing fits.")),
    failed: (problem) => show(list, empty(problem.message)),
  });

  async function loadActions() {
    const found = await get("/api/actions");
    show(action, h("option", { value: "" }, "All"), found.map((one) => h("option", { value: one }, words(one))));
  }

  const again = soon(() => parts.load(), 1000);
  const narrowed = soon(() => parts.again());
  for (const one of [station, action, result]) one.addEventListener("input", () => narrowed());
  show(
    main,
    h(
      "div",
      { class: "page-top" },
      h("h1", {}, "Operations"),
      me.role !== "viewer" && h("a", { class: "button primary", href: "#/ask" }, "Ask many stations"),
    ),
    h("div", { class: "filters", role: "search" }, field("Station", station), field("Operation", action), field("Outcome", result)),
    list,
    parts.element,
  );
  parts.load();
  loadActions().catch((problem) => note(problem.message, "bad"));
  return {
    title: "Operations",
    heard: (kind) => kind === "operation.done" && parts.first && !list.querySelector("details[open]") && again(),
    refresh: () => again(),
    leave() {
      again.stop();
      narrowed.stop();
    },
  };
}
