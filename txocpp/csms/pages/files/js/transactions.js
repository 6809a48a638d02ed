// Charging transactions, newest first, with filters and export.

import { get, query } from "./api.js";
import { choice, empty, field, h, loading, show, table, when } from "./dom.js";
import { energy, lasting, words } from "./format.js";
import { badge } from "./badges.js";
import { pager } from "./pager.js";
import { soon } from "./soon.js";

const STATES = { running: "Charging", stopped: "Stopped", abandoned: "Abandoned" };

export function stateBadge(one) {
  return badge(STATES[one.state] ?? one.state);
}

const COLUMNS = [
  ["Transaction", (one) => h("a", { href: `#/transactions/${one.id}` }, `No. ${one.id}`)],
  ["Station", (one) => h("a", { href: `#/stations/${encodeURIComponent(one.station)}` }, one.station)],
  ["Connector", (one) => one.connector_id ?? "?", "number"],
  ["Tag", (one) => one.id_tag ?? "unknown"],
  ["Began", (one) => when(one.started_at)],
  ["Lasted", (one) => lasting(one.started_at, one.stopped_at), "number"],
  ["Energy", (one) => energy(one.energy_wh), "number"],
  ["State", stateBadge],
  ["Ended by", (one) => (one.stop_reason ? words(one.stop_reason) : "")],
];

/** The first or last moment of a day in a field for dates. */
function instant(text, days) {
  if (!text) return "";
  const at = new Date(`${text}T00:00`);
  at.setDate(at.getDate() + days);
  return at.toISOString();
}

export function transactionsPage({ main, params }) {
  const list = h("div", { class: "card" }, loading());
  const station = h("input", { type: "search", placeholder: "Identity", value: params.get("station") });
  const tag = h("input", { type: "search", placeholder: "Tag" });
  const state = choice({}, [["", "All"], ["running", "Running"], ["stopped", "Stopped"], ["abandoned", "Abandoned"]]);
  const since = h("input", { type: "date" });
  const until = h("input", { type: "date" });
  const file = h("a", { class: "button", download: "transactions.csv" }, "Export (CSV)");

  const wanted = (more) =>
    query({
      station: station.value.trim(),
      id_tag: tag.value.trim(),
      state: state.value,
      since: instant(since.value, 0),
      until: instant(until.value, 1),
      ...more,
    });

  const parts = pager({
    ask: (before) => get(`/api/transactions${wanted({ before, limit: 50 })}`),
    draw: (items) =>
      show(list, items.length ? table(COLUMNS, items, "Transactions") : empty(wanted() ? "No transaction fits." : "Nobody has charged yet.")),
    failed: (problem) => show(list, empty(problem.message)),
  });
  const again = soon(() => parts.load(), 1000);
  const from = soon(() => parts.again());

  function narrowed() {
    file.href = `/api/transactions.csv${wanted()}`;
    from();
  }

  for (const one of [station, tag, state, since, until]) one.addEventListener("input", narrowed);
  show(
    main,
    h("div", { class: "page-top" }, h("h1", {}, "Transactions"), file),
    h(
      "div",
      { class: "filters", role: "search" },
      field("Station", station), field("Tag", tag), field("State", state), field("From", since), field("To", until),
    ),
    list,
    parts.element,
  );
  file.href = `/api/transactions.csv${wanted()}`;
  parts.load();
  const live = (kind) => kind.startsWith("transaction.") || kind === "meter.sampled";
  return {
    title: "Transactions",
    heard: (kind) => live(kind) && parts.first && again(),
    refresh: () => again(),
    leave() {
      again.stop();
      from.stop();
    },
  };
}
