// Who did what, when, and from where.

import { get, query } from "./api.js";
import { empty, field, h, loading, show, table, when } from "./dom.js";
import { pager } from "./pager.js";
import { soon } from "./soon.js";

const COLUMNS = [
  ["When", (one) => when(one.at)],
  ["Who", (one) => one.who],
  ["From", (one) => one.address],
  ["What", (one) => h("code", {}, one.what), "wide"],
  ["To what", (one) => one.target, "wide"],
  ["Details", (one) => details(one.details), "wide"],
];

function details(document) {
  const text = JSON.stringify(document);
  return text === "{}" ? "" : h("details", {}, h("summary", {}, "Details"), h("code", {}, text));
}

export function auditTab({ place }) {
  const list = h("div", { class: "card" }, loading());
  const who = h("input", { type: "search", placeholder: "The whole name" });
  const parts = pager({
    ask: (before) => get(`/api/audit${query({ who: who.value.trim(), before, limit: 50 })}`),
    draw: (items) => show(list, items.length ? table(COLUMNS, items, "Audit trail") : empty("Nothing was done.")),
    failed: (problem) => show(list, empty(problem.message)),
  });
  const again = soon(() => parts.again());
  who.addEventListener("input", () => again());
  show(place, h("div", { class: "filters", role: "search" }, field("Who", who)), list, parts.element);
  parts.load();
  return { leave: () => again.stop() };
}
