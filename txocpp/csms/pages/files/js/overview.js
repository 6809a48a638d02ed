// All stations at a glance, live: a page of cards out of any number.

import { get, path, query } from "./api.js";
import { choice, empty, field, h, loading, show } from "./dom.js";
import { energy, power, words } from "./format.js";
import { newStation } from "./new-station.js";
import { pager } from "./pager.js";
import { soon } from "./soon.js";
import { stationCard } from "./station-card.js";

const PAGE = 60;
const MOST_SINGLE_LOOKS = 8;
const SUMMARY_MS = 1000;
const NEWCOMERS_MS = 800;
const REFRESH_MS = 60_000;
// What changes nothing that is shown, and what tells of a station that may be new.
const QUIET = new Set(["station.notice", "tag.presented"]);
const COMES = new Set(["station.added", "station.connected", "station.booted"]);

// What can be looked for; each stands for a part of the query.
const STATUSES = [
  "Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved",
  "Unavailable", "Faulted",
];
const SHOWN = [
  ["", "All", {}],
  ["online", "Online", { connected: true }],
  ["offline", "Offline", { connected: false }],
  ["pending", "Waiting to be accepted", { registration: "Pending" }],
  ...STATUSES.map((one) => [one, words(one), { status: one }]),
];

export function overviewPage({ main, me, params }) {
  const cards = new Map();
  let turn = 0;
  let listed = 0;
  const figures = h("section", { class: "figures", "aria-label": "In sum" });
  const list = h("ul", { class: "cards" });
  const told = h("div", {}, loading());
  const search = h("input", { type: "search", placeholder: "Identity, name, vendor, model", maxlength: 100 });
  const filter = choice({}, SHOWN.map(([value, text]) => [value, text]), params.get("show"));

  const wanted = (after) => ({
    ...SHOWN.find(([value]) => value === filter.value)[2], search: search.value.trim(), after, limit: PAGE,
  });
  const parts = pager({
    ask(after) {
      listed = ++turn;
      return get(`/api/stations${query(wanted(after))}`);
    },
    draw: arrange,
    failed: (problem) => show(told, empty(problem.message)),
    names: ["Previous", "Next"],
  });

  /** Cards that stay keep their place in the document, and with it focus and selection. */
  function arrange(stations) {
    const kept = new Map(stations.map((one) => [one.identity, cards.get(one.identity) ?? stationCard({ me, changed: dirty })]));
    for (const [identity, card] of cards) if (!kept.has(identity)) card.element.remove();
    cards.clear();
    stations.forEach((one, index) => {
      const card = kept.get(one.identity);
      cards.set(one.identity, card);
      card.show(one, listed);
      if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null);
    });
    show(told, !stations.length && nothing());
  }

  function nothing() {
    if (search.value || filter.value) return empty("No station fits.");
    return empty(
      "No charge point has connected yet.",
      h("p", {}, "Point one at this computer: it appears here as soon as it connects."),
      h("p", {}, "To see how it looks, start a simulated one: ", h("code", {}, "txocpp demo")),
    );
  }

  const dirty = soon(async (identities) => {
    const known = [...identities].filter((one) => cards.has(one));
    if (known.length > MOST_SINGLE_LOOKS) {
      await parts.load();
      return;
    }
    const looked = ++turn;
    const found = await Promise.all(known.map((one) => get(path("stations", one))));
    for (const one of found) cards.get(one.identity)?.show(one, looked);
  });

  const sums = soon(async () => {
    const found = await get("/api/summary");
    show(figures, found.stations ? summary(found, look) : null);
  }, SUMMARY_MS);

  const again = soon(() => parts.again());
  const newcomers = soon(() => parts.load(), NEWCOMERS_MS);

  function look(value) {
    filter.value = value;
    again();
    filter.focus();
  }

  search.addEventListener("input", () => again());
  filter.addEventListener("change", () => again());
  const timer = setInterval(() => refresh(), REFRESH_MS);

  /** Whether a station may belong on this page now, or no longer. */
  function mayMove(kind, identity, shown) {
    if (filter.value) return !kind.startsWith("transaction.") && kind !== "operation.done";
    const last = [...cards.keys()].at(-1);
    return !shown && COMES.has(kind) && (parts.complete || identity < last);
  }

  function refresh() {
    newcomers();
    sums();
  }

  show(
    main,
    h(
      "div",
      { class: "page-top" },
      h("h1", {}, "Stations"),
      h(
        "div",
        { class: "buttons" },
        me.role !== "viewer" && h("a", { class: "button", href: "#/ask" }, "Ask many"),
        me.role === "admin" && h("button", { type: "button", onclick: () => newStation(() => refresh()) }, "Add a station"),
      ),
    ),
    figures,
    h("div", { class: "filters", role: "search" }, field("Search", search), field("Show", filter)),
    told,
    list,
    parts.element,
  );
  parts.load();
  sums.now();

  return {
    title: "Stations",
    heard(kind, facts) {
      if (!facts.station || QUIET.has(kind)) return;
      const card = cards.get(facts.station);
      sums();
      if (kind === "meter.sampled") {
        card?.sampled(facts);
        return;
      }
      if (card) dirty(facts.station);
      if (mayMove(kind, facts.station, Boolean(card))) newcomers();
    },
    refresh,
    leave() {
      clearInterval(timer);
      for (const one of [dirty, again, sums, newcomers]) one.stop();
    },
  };
}

function summary(found, look) {
  const figure = (value, name) => h("div", { class: "figure" }, h("strong", {}, value), h("span", {}, name));
  const faulted = found.statuses.Faulted ?? 0;
  const call = (value, text, kind) =>
    h("button", { type: "button", class: `small call ${kind}`, "data-key": value, onclick: () => look(value) }, text);
  return [
    figure(`${found.connected} of ${found.stations}`, "online"),
    figure(found.running, "charging"),
    figure(power(found.power_w), "drawn now"),
    figure(energy(found.energy_wh), "in these sessions"),
    (found.pending > 0 || faulted > 0) &&
      h(
        "div",
        { class: "calls" },
        found.pending > 0 && call("pending", `${found.pending} to be accepted`, "paused"),
        faulted > 0 && call("Faulted", `${faulted} faulted`, "bad"),
      ),
  ];
}
