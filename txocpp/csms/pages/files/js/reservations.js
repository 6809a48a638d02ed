// Connectors held for somebody, at all stations.

import { get, query } from "./api.js";
import { badge } from "./badges.js";
import { empty, field, h, loading, show, table, when } from "./dom.js";
import { attempt } from "./notes.js";
import { pager } from "./pager.js";
import { cancelButton, reserve, stateChoice } from "./reserve.js";
import { soon } from "./soon.js";

const CHANGES = new Set(["ReserveNow", "CancelReservation"]);

export function reservationsPage({ main, me, params }) {
  const list = h("div", { class: "card" }, loading());
  const station = h("input", { type: "search", placeholder: "Identity", value: params.get("station") });
  const state = stateChoice();
  const mayChange = me.role !== "viewer";
  const columns = [
    ["Station", (one) => h("a", { href: `#/stations/${encodeURIComponent(one.station)}` }, one.station)],
    ["Connector", (one) => one.connector_id || "any", "number"],
    ["Tag", (one) => one.id_tag],
    ["Made", (one) => when(one.made_at)],
    ["Until", (one) => when(one.expires_at)],
    ["State", (one) => badge(one.state)],
    ["Ended", (one) => (one.ended_at ? when(one.ended_at) : "")],
    ["Transaction", (one) => one.transaction_id && h("a", { href: `#/transactions/${one.transaction_id}` }, `No. ${one.transaction_id}`)],
    mayChange && ["", (one) => one.state === "active" && cancelButton(one, () => again()), "actions"],
  ].filter(Boolean);
  const parts = pager({
    ask: (before) =>
      get(`/api/reservations${query({ station: station.value.trim(), state: state.value, before, limit: 50 })}`),
    draw: (items) =>
      show(list, items.length ? table(columns, items, "Reservations") : empty(nothing())),
    failed: (problem) => show(list, empty(problem.message)),
  });

  const nothing = () => (station.value || state.value ? "No reservation fits." : "Nothing was ever reserved.");
  const again = soon(() => parts.again());
  const refresh = soon(() => parts.load());
  station.addEventListener("input", () => again());
  state.addEventListener("change", () => again());
  show(
    main,
    h(
      "div",
      { class: "page-top" },
      h("h1", {}, "Reservations"),
      mayChange && h("button", {
        type: "button", class: "primary", onclick: (e) => attempt(e.target, () => reserve(null, () => refresh())),
      }, "Make a reservation"),
    ),
    h("div", { class: "filters", role: "search" }, field("Station", station), field("State", state)),
    list,
    parts.element,
  );
  parts.load();
  return {
    title: "Reservations",
    heard: (kind, facts) =>
      parts.first && (CHANGES.has(facts.action) || kind === "transaction.started" || facts.status === "Reserved") && refresh(),
    refresh: () => refresh(),
    leave: () => {
      again.stop();
      refresh.stop();
    },
  };
}
