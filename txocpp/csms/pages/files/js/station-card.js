// One station on the overview: a card that changes by itself and leaves the others alone.

import { patch, path } from "./api.js";
import { badge, draw, lamp } from "./badges.js";
import { h, show } from "./dom.js";
import { ago, current, power, words } from "./format.js";
import { attempt } from "./notes.js";

const MOST_PLUGS = 6;

export function stationCard({ me, changed }) {
  const element = h("li", { class: "card station" });
  let station = null;
  let painted = "";
  let newest = 0;

  function paint() {
    const model = [station.vendor, station.model].filter(Boolean).join(" ");
    const href = `#/stations/${encodeURIComponent(station.identity)}`;
    const plugs = station.connectors.filter((one) => one.connector_id > 0);
    show(
      element,
      h(
        "div",
        { class: "card-top" },
        h("h2", {}, h("a", { href, "data-key": href }, station.name || station.identity)),
        lamp(station.connected),
      ),
      h(
        "p",
        { class: "soft" },
        [station.name && station.identity, model, !station.connected && `last seen ${ago(station.last_seen)}`]
          .filter(Boolean).join(" · "),
      ),
      admission(station, me, changed),
      plugs.length
        ? h("ul", { class: "plugs" }, plugs.slice(0, MOST_PLUGS).map((one) => plugLine(one, station.connected)))
        : h("p", { class: "soft" }, "No connector has reported yet."),
      plugs.length > MOST_PLUGS && h("p", { class: "soft" }, others(plugs.slice(MOST_PLUGS))),
    );
  }

  return {
    element,
    /** `turn`: when it was asked for; an answer that was overtaken says nothing any more. */
    show(found, turn) {
      if (turn < newest) return;
      newest = turn;
      keepNewer(station, found);
      // A card that says the same already is left alone: somebody may be reading or pointing at it.
      const seen = found.connected ? { ...found, last_seen: null } : { ...found, last_seen: ago(found.last_seen) };
      const wanted = JSON.stringify(seen);
      if (wanted === painted) return;
      station = found;
      painted = wanted;
      element.dataset.identity = found.identity;
      paint();
    },
    /** A meter value: the card knows what it needs without asking. */
    sampled(facts) {
      const plug = station.connectors.find((one) => one.connector_id === facts.connector_id);
      if (!plug) return;
      const before = plug.last_sample ?? {};
      const told = Object.entries(facts).filter(([, value]) => value !== null && value !== undefined);
      plug.last_sample = { ...before, ...Object.fromEntries(told) };
      // Its transaction may still be on its way to this card.
      if (!plug.transaction) return;
      painted = "";
      paint();
    },
    get station() {
      return station;
    },
  };
}

/** A meter value that came as an event may be newer than what was looked up meanwhile. */
function keepNewer(before, found) {
  for (const plug of found.connectors) {
    const mine = before?.connectors.find((one) => one.connector_id === plug.connector_id)?.last_sample;
    if (!mine?.at_ms || plug.transaction?.id !== mine.transaction_id) continue;
    const told = plug.last_sample ? new Date(plug.last_sample.at).getTime() : 0;
    if (mine.at_ms > told) plug.last_sample = { ...plug.last_sample, ...mine };
  }
}

function plugLine(connector, connected) {
  const sample = connector.transaction ? connector.last_sample : null;
  const faulty = connector.error_code !== "NoError";
  return h(
    "li",
    { class: connected ? "" : "stale" },
    h("span", { class: "plug" }, h("span", { class: "unseen" }, "Connector "), connector.connector_id),
    badge(connector.status),
    h("span", { class: "reading" }, sample ? power(sample.power_w) : ""),
    h(
      "span",
      { class: "soft reading", title: "limit in force" },
      connector.limit_a === null ? "no limit" : `max ${current(connector.limit_a)}`,
    ),
    faulty && h("span", { class: "error" }, words(connector.error_code)),
    draw(sample?.current_a, connector.limit_a),
  );
}

/** "and 14 more: 10 Available, 4 Charging" */
function others(plugs) {
  const counts = new Map();
  for (const one of plugs) counts.set(one.status, (counts.get(one.status) ?? 0) + 1);
  const parts = [...counts].map(([status, count]) => `${count} ${words(status)}`);
  return `and ${plugs.length} more: ${parts.join(", ")}`;
}

/** A newcomer is taken in or sent away by a click; nothing where that is decided. */
function admission(station, me, changed) {
  if (station.registration !== "Pending") return null;
  if (station.admission === "rejected") return h("p", { class: "notice" }, "Refused; it is told so when it boots again.");
  if (me.role === "viewer" || station.admission === "accepted") return null;
  return h(
    "div",
    { class: "notice" },
    h("p", {}, "New here, not yet accepted."),
    admissionButtons(station.identity, () => changed(station.identity), "small"),
  );
}

/** The two buttons that decide about a newcomer. */
export function admissionButtons(identity, changed, size = "") {
  const decide = (event, admission) =>
    attempt(event.target, async () => {
      await patch(path("stations", identity), { admission });
      changed();
      return `${identity} is ${admission}`;
    });
  const button = (text, admission, kind) =>
    h(
      "button",
      {
        type: "button", class: `${size} ${kind}`, "data-key": `${text} ${identity}`,
        "aria-label": `${text} ${identity}`, onclick: (event) => decide(event, admission),
      },
      text,
    );
  return h("div", { class: "buttons" }, button("Accept", "accepted", "primary"), button("Refuse", "rejected", "danger"));
}
