// One connector: status, running transaction, curve against the limit, start and stop.

import { get, path, post, query } from "./api.js";
import { badge } from "./badges.js";
import { chart } from "./chart.js";
import { now } from "./clock.js";
import { h, show, switcher } from "./dom.js";
import { amount, current, energy, lasting, power, words } from "./format.js";
import { attempt } from "./notes.js";
import { measured, offered, points, samplesOf, schedulesOf, usualUnit } from "./series.js";
import { soon } from "./soon.js";

const HOUR = 3_600_000;
const AHEAD = 0.2;

export function connectorCard({ identity, number, me, changed, folded }) {
  const picture = chart();
  const curve = h("div", { hidden: folded }, picture);
  const unfold = h("button", {
    type: "button", class: "small", hidden: !folded, "aria-expanded": "false", onclick: () => open(),
  }, "Show the curve");
  const title = h("div", { class: "card-top" });
  const figures = h("div", { class: "figures" });
  const unitSwitch = h("div", {});
  const actions = me.role === "viewer" ? null : controls(identity, number, changed);
  const element = h(
    "article",
    { class: "card stack connector", "aria-label": `Connector ${number}`, "data-connector": number },
    title,
    figures,
    curve,
    h("div", { class: "card-top" }, actions?.element ?? h("span"), unitSwitch, unfold),
  );
  let samples = [];
  let limits = null;
  let past = [];
  let knownSince = 0;
  let span = HOUR;
  let unit = null;

  function open() {
    if (curve.hidden) {
      curve.hidden = false;
      unfold.hidden = true;
      load();
    }
  }

  const load = soon(async () => {
    if (curve.hidden) return;
    samples = await samplesOf(identity, number, now() - span);
    if (!knownSince) knownSince = await lastChange(identity);
    await loadLimits();
  }, 20);

  const loadLimits = async () => {
    if (curve.hidden) return;
    unit ??= samples.length ? usualUnit(samples) : null;
    const from = Math.max(knownSince, now() - span);
    const until = now() + span * AHEAD;
    limits = await schedulesOf(identity, number, unit ?? "A", until - from, from);
    paint();
  };

  const soonLimits = soon(loadLimits);

  function paint() {
    const shown = unit ?? "A";
    const line = measured(samples, shown);
    const told = shown === "A" ? offered(samples) : null;
    const limit = {
      name: "Limit", kind: "steps", style: "limit", points: [...past, ...points(limits?.composite ?? [])],
    };
    picture.draw({
      from: now() - span,
      to: now() + span * AHEAD,
      now: now(),
      unit: shown,
      label: describe(line, limit, shown),
      lines: [line, told?.points.length && told, limit].filter(Boolean),
    });
    show(unitSwitch, switcher("Unit", [["A", "Current"], ["W", "Power"]], shown, choose));
  }

  function choose(value) {
    unit = value;
    past = [];
    soonLimits();
  }

  function heads(plug, connected) {
    if (plug.transaction) open();
    const sample = plug.transaction ? plug.last_sample : null;
    const figure = (value, name) => h("div", { class: "figure" }, h("strong", { "data-figure": name }, value), h("span", {}, name));
    show(
      title,
      h("div", { class: "buttons" }, h("span", { class: "plug" }, number), h("h2", {}, `Connector ${number}`), badge(plug.status)),
      h(
        "span",
        { class: plug.error_code === "NoError" ? "soft" : "error" },
        plug.error_code !== "NoError" ? [words(plug.error_code), plug.info, plug.vendor_error_code].filter(Boolean).join(", ")
          : plug.transaction ? `${plug.transaction.id_tag ?? "unknown tag"} for ${lasting(plug.transaction.started_at)}`
          : `since ${lasting(plug.changed_at)}`,
      ),
    );
    show(
      figures,
      figure(sample ? power(sample.power_w) : "–", "power"),
      figure(sample ? current(sample.current_a) : "–", "current"),
      figure(plug.limit_a === null ? "none" : current(plug.limit_a), "limit in force"),
      figure(plug.transaction ? energy(plug.transaction.energy_wh) : "–", "this session"),
    );
    actions?.show(plug, connected);
  }

  return {
    element,
    show: heads,
    reload(hours) {
      span = hours * HOUR;
      load();
    },
    sampled(facts) {
      if (curve.hidden || facts.at_ms === undefined || facts.at_ms === null) return;
      samples.push({ ...facts, at: new Date(facts.at_ms).toISOString() });
      samples.sort((a, b) => (a.at < b.at ? -1 : 1));
      if (unit === null) soonLimits();
      else paint();
    },
    limitsMoved(at) {
      // What was in force until now stays in the picture.
      const until = new Date(at).getTime();
      past = [...past, ...points(limits?.composite ?? [])].filter(([when]) => when < until);
      knownSince = until;
      soonLimits();
    },
  };
}

function describe(line, limit, unit) {
  const last = line.points.at(-1)?.[1];
  const drawn = last === undefined ? "nothing measured" : `last measured ${amount(last, unit)}`;
  const allowed = limit.points.findLast(([at]) => at <= now())?.[1] ?? null;
  return `${line.name}: ${drawn}, limit ${allowed === null ? "none" : amount(allowed, unit)}`;
}

/** Since when the profiles of a station are as they are; 0: as long as anybody knows. */
async function lastChange(identity) {
  const operations = path("stations", identity, "operations");
  const [profiles, cleared] = await Promise.all([
    get(path("stations", identity, "profiles")),
    get(operations + query({ action: "ClearChargingProfile", outcome: "answered", limit: 1 })),
  ]);
  const moments = [...profiles.items.map((one) => one.acknowledged_at), ...cleared.items.map((one) => one.ended_at)];
  return Math.max(0, ...moments.map((text) => new Date(text).getTime()));
}

function controls(identity, number, changed) {
  const tag = h("input", { list: "known-tags", maxlength: 20, "aria-label": "Tag", placeholder: "Tag", size: 12, required: true });
  const start = h(
    "form",
    { class: "buttons", onsubmit: (event) => begin(event) },
    tag,
    h("button", { class: "primary" }, "Start"),
  );
  const stop = h("button", { type: "button", class: "danger" }, "Stop");
  const unlock = h("button", { type: "button" }, "Unlock");
  const service = h("button", { type: "button" });
  let operative = true;

  const operate = (button, name, body) =>
    attempt(button, async () => {
      const done = await post(path("stations", identity, name), body);
      changed();
      return done;
    });

  function begin(event) {
    event.preventDefault();
    operate(event.submitter, "start", { connector_id: number, id_tag: tag.value.trim() });
  }

  stop.addEventListener("click", () => operate(stop, "stop", { connector_id: number }));
  unlock.addEventListener("click", () => operate(unlock, "unlock", { connector_id: number }));
  service.addEventListener("click", () =>
    operate(service, "availability", { connector_id: number, operative: !operative }),
  );

  return {
    element: h("div", { class: "buttons" }, start, stop, unlock, service),
    show(plug, connected) {
      operative = plug.status !== "Unavailable";
      start.hidden = plug.transaction !== null;
      stop.hidden = plug.transaction === null;
      service.textContent = operative ? "Out of service" : "Into service";
      for (const one of [start.lastChild, stop, unlock, service]) one.disabled = !connected;
    },
  };
}
