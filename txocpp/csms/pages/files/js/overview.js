// All stations at a glance, live.

import { get, patch, path, query } from "./api.js";
import { choice, empty, field, h, show } from "./dom.js";
import { ago, current, energy, power, words } from "./format.js";
import { attempt, note } from "./notes.js";
import { soon } from "./soon.js";

const PAGE = 200;
const MOST_SINGLE_LOOKS = 8;
const REFRESH_MS = 60000;

/** A word in a coloured pill; the colour says how things stand. */
export function badge(status) {
  const kinds = {
    Available: "free", Charging: "busy", Preparing: "ready", Finishing: "ready", Reserved: "ready",
    SuspendedEV: "paused", SuspendedEVSE: "paused", Unavailable: "off", Faulted: "bad",
    Accepted: "free", Blocked: "bad", Expired: "bad", Invalid: "bad", Rejected: "bad",
    Pending: "paused",
  };
  return h("span", { class: `badge ${kinds[status] ?? "off"}` }, words(status ?? "Unknown"));
}

export function lamp(connected) {
  const text = connected ? "Online" : "Offline";
  return h("span", { class: `lamp ${connected ? "on" : "off"}` }, text);
}

/** How much of the limit is drawn, as a bar. */
export function draw(sample, limit) {
  const drawn = sample?.current_a;
  if (drawn === undefined || limit === null || limit <= 0) return null;
  const share = Math.min(100, Math.round((100 * drawn) / limit));
  const text = `${current(drawn)} of ${current(limit)}`;
  return h("progress", { class: "draw", max: 100, value: share, "aria-label": text, title: text });
}

function connectorLine(connector, connected) {
  const sample = connector.transaction ? connector.last_sample : null;
  return h(
    "li",
    { class: connected ? "" : "stale" },
    h("span", { class: "plug", "aria-label": `Connector ${connector.connector_id}` }, connector.connector_id),
    badge(connector.status),
    h("span", { class: "reading" }, sample ? power(sample.power_w) : ""),
    h(
      "span",
      { class: "soft reading", title: "limit in force" },
      connector.limit_a === null ? "no limit" : `max ${current(connector.limit_a)}`,
    ),
    connector.error_code !== "NoError" && h("span", { class: "error" }, words(connector.error_code)),
    draw(sample, connector.limit_a),
  );
}

function card(station, me, changed) {
  const plugs = station.connectors.filter((one) => one.connector_id > 0);
  const model = [station.vendor, station.model].filter(Boolean).join(" ");
  const href = `#/stations/${encodeURIComponent(station.identity)}`;
  const waits = station.registration === "Pending" && me.role !== "viewer";
  return h(
    "li",
    { class: "card station", "data-identity": station.identity },
    h(
      "div",
      { class: "card-top" },
      h("h2", {}, h("a", { href, "data-key": href }, station.name || station.identity)),
      lamp(station.connected),
    ),
    h(
      "p",
      { class: "soft" },
      [station.name && station.identity, model].filter(Boolean).join(" · "),
      !station.connected && ` last seen ${ago(station.last_seen)}`,
    ),
    waits && h(
      "p",
      { class: "notice" },
      "New here, not yet accepted. ",
      h("button", { type: "button", class: "small", onclick: (e) => adopt(e.target, station, changed) }, "Accept"),
    ),
    plugs.length
      ? h("ul", { class: "plugs" }, plugs.map((one) => connectorLine(one, station.connected)))
      : h("p", { class: "soft" }, "No connector has reported yet."),
  );
}

async function adopt(button, station, changed) {
  await attempt(button, async () => {
    await patch(path("stations", station.identity), { admission: "accepted" });
    return `${station.identity} is accepted`;
  });
  changed(station.identity);
}

function summary(stations, more) {
  const running = stations.flatMap((one) => one.connectors).filter((one) => one.transaction);
  const drawn = running.reduce((sum, one) => sum + (one.last_sample?.power_w ?? 0), 0);
  const delivered = running.reduce((sum, one) => sum + (one.transaction.energy_wh ?? 0), 0);
  const figure = (value, name) => h("div", { class: "figure" }, h("strong", {}, value), h("span", {}, name));
  const online = stations.filter((one) => one.connected).length;
  return [
    figure(`${online} of ${stations.length}${more ? "+" : ""}`, "online"),
    figure(running.length, "charging"),
    figure(power(drawn), "drawn now"),
    figure(energy(delivered), "in these sessions"),
  ];
}

export function overviewPage({ main, me }) {
  const stations = new Map();
  let following = null;
  let loaded = false;
  const figures = h("section", { class: "figures", "aria-label": "In sum" });
  const cards = h("ul", { class: "cards" });
  const below = h("div", {});
  const search = h("input", { type: "search", placeholder: "Identity or name", "aria-label": "Search" });
  const filter = choice({ "aria-label": "Which" }, [["", "All"], ["true", "Online"], ["false", "Offline"]]);

  const filters = () => ({ search: search.value.trim(), connected: filter.value, limit: PAGE });

  async function load(after) {
    const found = await get(`/api/stations${query({ ...filters(), after })}`);
    if (!after) stations.clear();
    for (const one of found.items) stations.set(one.identity, one);
    following = found.next;
    loaded = true;
    paint();
  }

  function paint() {
    const all = [...stations.values()];
    show(figures, all.length ? summary(all, following !== null) : null);
    show(cards, all.map((one) => card(one, me, dirty)));
    show(below, loaded && !all.length && nothing(), following !== null && more());
  }

  function nothing() {
    if (search.value || filter.value) return empty("No station fits.");
    return empty(
      "No charge point has connected yet.",
      h("p", {}, "Point one at this computer: it appears here as soon as it connects."),
      h("p", {}, "To see how it looks, start a simulated one: ", h("code", {}, "txocpp demo")),
    );
  }

  const more = () =>
    h("button", { type: "button", onclick: () => attempt(null, () => load(following)) }, "Show more");

  const dirty = soon(async (identities) => {
    const known = [...identities].filter((one) => stations.has(one));
    if (known.length !== identities.size || known.length > MOST_SINGLE_LOOKS || filter.value) {
      await load();
      return;
    }
    const found = await Promise.all(known.map((one) => get(path("stations", one))));
    for (const one of found) stations.set(one.identity, one);
    paint();
  });

  const again = soon(() => load());
  search.addEventListener("input", () => again());
  filter.addEventListener("change", () => again());
  const timer = setInterval(() => again(), REFRESH_MS);

  show(
    main,
    h("h1", { class: "unseen" }, "Stations"),
    figures,
    h("div", { class: "filters", role: "search" }, field("Search", search), field("Show", filter)),
    cards,
    below,
  );
  load().catch((problem) => note(problem.message, "bad"));

  return {
    title: "Stations",
    heard: (kind, facts) => facts.station && !kind.startsWith("operation.") && dirty(facts.station),
    refresh: () => again(),
    leave: () => {
      clearInterval(timer);
      dirty.stop();
      again.stop();
    },
  };
}
