// Holding a connector for somebody: the dialog, and taking it back.

import { get, path, post, query } from "./api.js";
import { formDialog } from "./dialog.js";
import { choice, field, h } from "./dom.js";
import { fromLocalField, localField } from "./format.js";
import { attempt, outcome } from "./notes.js";
import { now } from "./clock.js";

const USUAL_MS = 30 * 60_000;
const MOST_CONNECTORS = 99;

/** A dialog that makes a reservation; `identity` may be left to the person. */
export async function reserve(identity, changed) {
  const [tags, stations] = await Promise.all([
    get(`/api/tags${query({ limit: 200 })}`),
    identity ? { items: [] } : get(`/api/stations${query({ limit: 200 })}`),
  ]);
  const list = (id, items) => h("datalist", { id }, items.map(([value, text]) => h("option", { value }, text)));
  const station = h("input", { required: true, value: identity, disabled: Boolean(identity), list: "reserve-stations" });
  const connector = h("input", { type: "number", min: 0, max: MOST_CONNECTORS, value: 1, required: true });
  const tag = h("input", { maxlength: 20, required: true, list: "reserve-tags", pattern: "[\\x20-\\x7e]+" });
  const until = h("input", { type: "datetime-local", required: true, value: localField(now() + USUAL_MS) });
  formDialog({
    title: identity ? `Reserve at ${identity}` : "Make a reservation",
    parts: [
      list("reserve-stations", stations.items.map((one) => [one.identity, one.name])),
      list("reserve-tags", tags.items.map((one) => [one.id_tag, one.note])),
      field("Station", station),
      field("Connector", connector, "0: any connector of the station, if it supports that"),
      field("Tag", tag),
      field("Until", until),
    ],
    verb: "Reserve",
    async submit() {
      const done = await post(path("stations", station.value.trim(), "reserve"), {
        id_tag: tag.value.trim(), connector_id: Number(connector.value), expires_at: fromLocalField(until.value),
      });
      const [text, kind] = outcome(done);
      if (kind === "bad") throw new Error(text);
      changed();
      return `Reserved for ${tag.value.trim()}`;
    },
  });
}

/** Gives the connector free again. */
export function cancelButton(one, changed) {
  const work = async () => {
    const body = { reservation_id: one.reservation_id };
    const done = await post(path("stations", one.station, "cancel-reservation"), body);
    changed();
    return done;
  };
  return h(
    "button",
    {
      type: "button", class: "small", "data-key": `cancel ${one.station} ${one.reservation_id}`,
      "aria-label": `Cancel the reservation of ${one.id_tag}`, onclick: (e) => attempt(e.target, work),
    },
    "Cancel",
  );
}

export const STATES = ["active", "used", "cancelled", "expired", "lost", "replaced"];

/** The choice of a state, for filters. */
export function stateChoice() {
  return choice({}, [["", "All"], ...STATES.map((one) => [one, one])], "");
}
