// Charging transactions, newest first, with filters and export.

import { get, query } from "./api.js";
import { choice, empty, field, h, show, table } from "./dom.js";
import { energy, lasting, moment, words } from "./format.js";
import { badge } from "./overview.js";
import { soon } from "./soon.js";

const STATES = { running: "Charging", stopped: "Stopped", abandoned: "Abandoned" };

export function stateBadge(one) {
  return badge(STATES[one.state] ?? one.state);
}

const COLUMNS = [
  ["", (one) => h("a", { href: `#/transactions/${one.id}` }, `No. ${one.id}`)],
  ["Station", (one) => h("a", { href: `#/stations/${encodeURIComponent(one.station)}` }, one.station)],
  ["Connector", (one) => one.connector_id ?? "?", "number"],
  ["Tag", (one) => one.id_tag ?? "unknown"],
  ["Began", (one) => moment(one.started_at)],
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
  const list = h("div", { class: "card" });
  const below = h("div", {});
  const station = h("input", { type: "search", placeholder: "Identity", value: params.get("station") });
  const tag = h("input", { type: "search", placeholder: "Tag" });
  const state = choice({}, [["", "All"], ["running", "Running"], ["stopped", "Stopped"], ["abandoned", "Abandoned"]]);
  const since = h("input", { type: "date" });
  const until = h("input", { type: "date" });
  const file = h("a", { class: "button", download: "transactions.csv" }, "Export (CSV)");
  let shown = [];

  const wanted = (more) =>
    query({
      station: station.value.trim(),
      id_tag: tag.value.trim(),
      state: state.value,
      since: instant(since.value, 0),
      until: instant(until.value, 1),
      ...more,
    });

  async function load(before) {
    let found;
    try {
      found = await get(`/api/transactions${wanted({ before, limit: 50 })}`);
    } catch (problem) {
      show(list, empty(problem.message));
      show(below);
      return;
    }
    shown = before ? [...shown, ...found.items] : found.items;
    const filtered = wanted() !== "";
    show(
      list,
      shown.length
        ? table(COLUMNS, shown, "Transactions")
        : empty(filtered ? "No transaction fits." : "Nobody has charged yet."),
    );
    show(below, found.next !== null && h("button", { type: "button", onclick: () => load(found.next) }, "Show older"));
  }

  const again = soon(() => load());

  function narrowed() {
    file.href = `/api/transactions.csv${wanted()}`;
    again();
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
    below,
  );
  narrowed();
  const live = (kind) => kind.startsWith("transaction.") || kind === "meter.sampled";
  return {
    title: "Transactions",
    heard: (kind) => live(kind) && shown.length <= 50 && again(),
    refresh: () => again(),
    leave: () => again.stop(),
  };
}
