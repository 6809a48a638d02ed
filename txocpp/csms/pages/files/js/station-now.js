// What a station does now: each connector with its curve, and the buttons that change it.

import { get, query } from "./api.js";
import { empty, h, show } from "./dom.js";
import { connectorCard } from "./connector-card.js";
import { limitForm, stationControls } from "./station-controls.js";

const RANGES = [[0.25, "15 min"], [1, "1 h"], [6, "6 h"], [24, "24 h"], [168, "7 days"]];
let hours = 0.25;

export function nowTab({ place, identity, me, station, changed }) {
  const cards = new Map();
  const left = h("div", { class: "stack" });
  const tags = h("datalist", { id: "known-tags" });
  const range = h("div", { class: "switch", role: "group", "aria-label": "Time shown" });
  const form = limitForm(identity, changed);

  function ranges() {
    show(
      range,
      RANGES.map(([value, text]) =>
        h(
          "button",
          { type: "button", "data-key": text, "aria-pressed": String(value === hours), onclick: () => choose(value) },
          text,
        ),
      ),
    );
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
        const card = connectorCard({ identity, number: plug.connector_id, me, changed });
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
      h("div", { class: "stack" }, h("div", {}, range), left),
      me.role !== "viewer" &&
        h("aside", { class: "stack", "aria-label": "Operate" }, form.element, stationControls(identity)),
    ),
  );
  update(station);
  loadTags().catch(() => {});

  return {
    show: update,
    heard(kind, facts) {
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
