// One station: its head, and the tabs below.

import { get, path } from "./api.js";
import { empty, h, loading, show } from "./dom.js";
import { ago } from "./format.js";
import { badge, lamp } from "./badges.js";
import { soon } from "./soon.js";
import { askTab } from "./station-ask.js";
import { admissionButtons } from "./station-card.js";
import { careTab } from "./station-care.js";
import { configurationTab } from "./station-configuration.js";
import { detailsTab } from "./station-details.js";
import { listTab } from "./station-list.js";
import { messagesTab } from "./station-messages.js";
import { nowTab } from "./station-now.js";
import { profilesTab } from "./station-profiles.js";

// A tab is a function of ({place, identity, me, station}) that gives {show(station), heard, leave}.
const TABS = [
  ["", "Now", nowTab],
  ["profiles", "Profiles", profilesTab],
  ["configuration", "Configuration", configurationTab],
  ["list", "Local list", listTab],
  ["care", "Maintenance", careTab],
  ["ask", "Ask", askTab],
  ["messages", "Messages", messagesTab],
  ["details", "Details", detailsTab],
];

export function stationPage({ main, me, parts }) {
  const [identity, chosen = ""] = parts;
  const base = `#/stations/${encodeURIComponent(identity)}`;
  const top = h("div", { class: "page-top" });
  const under = h("p", { class: "soft" });
  const place = h("section", { class: "stack", "aria-label": "Station" }, loading());
  const tabs = h(
    "nav",
    { class: "tabs", "aria-label": "Station" },
    TABS.map(([name, text]) =>
      h("a", { href: name ? `${base}/${name}` : base, "aria-current": name === chosen ? "page" : null }, text),
    ),
  );
  let tab = null;

  async function load() {
    let station;
    try {
      station = await get(path("stations", identity));
    } catch (problem) {
      if (tab && problem.status !== 404) throw problem;
      show(main, empty(problem.message, h("p", {}, h("a", { href: "#/" }, "All stations"))));
      return;
    }
    head(station);
    const make = TABS.find(([name]) => name === chosen)?.[2] ?? nowTab;
    if (tab) tab.show?.(station);
    else tab = make({ place, identity, me, station, changed: () => dirty() });
  }

  function head(station) {
    show(
      top,
      h(
        "div",
        { class: "buttons" },
        h("h1", {}, station.name || station.identity),
        lamp(station.connected),
        station.registration !== "Accepted" && badge(station.registration ?? "Not registered"),
      ),
      waiting(station),
    );
    const facts = [
      station.name && station.identity,
      [station.vendor, station.model].filter(Boolean).join(" "),
      station.firmware_version && `firmware ${station.firmware_version}`,
      station.connected ? `from ${station.address}` : `last seen ${ago(station.last_seen)}`,
    ];
    show(under, facts.filter(Boolean).join(" · "));
  }

  function waiting(station) {
    const decided = ["accepted", "rejected"].includes(station.admission);
    if (station.registration !== "Pending" || decided || me.role === "viewer") return null;
    return admissionButtons(identity, () => dirty());
  }

  const dirty = soon(load, 500);
  const timer = setInterval(() => dirty(), 30_000);
  show(main, h("div", { class: "stack" }, top, under), tabs, place);
  tabs.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  load();

  return {
    title: identity,
    heard(kind, facts) {
      if (facts.station !== identity) return;
      tab?.heard?.(kind, facts);
      dirty();
    },
    refresh: () => dirty(),
    leave() {
      clearInterval(timer);
      dirty.stop();
      tab?.leave?.();
    },
  };
}
