// What a station does now: each connector with its curve, and the buttons that change it.

import { get, query } from "./api.js";
import { empty, h, show, switcher } from "./dom.js";
import { heldCard } from "./held.js";
import { connectorCard } from "./connector-card.js";
import { limitForm, stationControls } from "./station-controls.js";

const RANGES = [[0.25, "15 min"], [1, "1 h"], [6, "6 h"], [24, "24 h"], [168, "7 days"]];
const MOST_CURVES = 4;
let hours = 0.25;

export function nowTab({ place, identity, me, station, changed }) {
  const cards = new Map();
  const left = h("div", { class: "stack" });
  const tags = h("datalist", { id: "known-tags" });
  const range = h("div", {});
  const mayAsk = me.role !== "viewer";
  const form = limitForm(identity, changed);
  const held = mayAsk ? heldCard(identity) : null;

  function ranges() {
    show(range, switcher("Time shown", RANGES, hours, choose));
  }

  function choose(value) {
    hours = value;
    ranges();
    for (const card of cards.values()) card.reload(hours);
  }

  function update(found) {
    const plugs = found.connectors.filter((one) => one.connector_id > 0);
    for (const plug of plugs) {
      if (!cards.has(plug.connector_id)) {
        // Of many connectors only those with a car show their curve at once.
        const folded = plugs.length > MOST_CURVES && !plug.transaction;
        const card = connectorCard({ identity, number: plug.connector_id, me, changed, folded });
        cards.set(plug.connector_id, card);
        left.append(card.element);
        card.reload(hours);
      }
      cards.get(plug.connector_id).show(plug, found.connected);
    }
    form.connectors(plugs.map((one) => one.connector_id));
    nothing.hidden = plugs.length > 0;
  }

  const nothing = empty(
    "No connector has reported yet.",
    h("p", {}, "A station tells of its connectors after it has been accepted."),
  );

  async function loadTags() {
    const found = await get(`/api/tags${query({ limit: 200 })}`);
    show(tags, found.items.map((one) => h("option", { value: one.id_tag }, one.note)));
  }

  ranges();
  left.append(nothing);
  show(
    place,
    tags,
    h(
      "div",
      { class: "columns" },
      h("div", { class: "stack" }, range, left),
      mayAsk &&
        h("aside", { class: "stack", "aria-label": "Operate" }, form.element, held.element, stationControls(identity)),
    ),
  );
  update(station);
  loadTags().catch(() => {});

  return {
    show: update,
    leave: () => held?.stop(),
    heard(kind, facts) {
      held?.heard(kind, facts);
      if (kind === "meter.sampled") cards.get(facts.connector_id)?.sampled(facts);
      if (kind === "transaction.started" || kind === "transaction.stopped" || limitsMoved(kind, facts)) {
        for (const card of cards.values()) card.limitsMoved(facts.at);
      }
    },
  };
}

function limitsMoved(kind, facts) {
  return kind === "operation.done" && /ChargingProfile$/.test(facts.action);
}
