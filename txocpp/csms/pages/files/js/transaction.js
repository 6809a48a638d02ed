// One transaction: its facts and its curve.

import { get, path, post } from "./api.js";
import { chart } from "./chart.js";
import { now } from "./clock.js";
import { empty, factList, h, show, switcher, when } from "./dom.js";
import { amount, energy, lasting, words } from "./format.js";
import { attempt, confirmed } from "./notes.js";
import { measured, offered, usualUnit } from "./series.js";
import { soon } from "./soon.js";
import { stateBadge } from "./transactions.js";

const SHORTEST_MS = 60_000;

export function transactionPage({ main, me, parts }) {
  const number = parts[0];
  const url = path("transactions", number);
  const top = h("div", { class: "page-top" });
  const facts = h("div", { class: "card" });
  const picture = chart();
  const units = h("div", {});
  let found = null;
  let samples = [];
  let unit = null;

  async function load() {
    try {
      found = await get(url);
    } catch (problem) {
      show(main, empty(problem.message, h("p", {}, h("a", { href: "#/transactions" }, "All transactions"))));
      return;
    }
    samples = (await get(`${url}/samples`)).items;
    paint();
  }

  function paint() {
    show(
      top,
      h("div", { class: "buttons" }, h("h1", {}, `Transaction ${found.id}`), stateBadge(found)),
      found.state === "running" && me.role !== "viewer" && h("div", { class: "buttons" }, buttons()),
    );
    const station = h("a", { href: `#/stations/${encodeURIComponent(found.station)}` }, found.station);
    const rows = [
      ["Station", station], ["Connector", found.connector_id ?? "unknown"], ["Tag", found.id_tag ?? "unknown"],
      ["Began", when(found.started_at)], ["Ended", found.stopped_at ? when(found.stopped_at) : null],
      ["Lasted", lasting(found.started_at, found.stopped_at)], ["Energy", energy(found.energy_wh)],
      ["Meter at the start", energy(found.meter_start_wh)],
      ["Meter at the end", found.meter_stop_wh === null ? null : energy(found.meter_stop_wh)],
      ["Tag was", found.start_status], ["Ended by", found.stop_reason && words(found.stop_reason)],
      ["Ended with tag", found.stop_id_tag], ["Reservation", found.reservation_id], ["Note", found.note],
    ];
    show(facts, factList(rows));
    curve();
  }

  function curve() {
    const shown = unit ?? usualUnit(samples);
    const line = measured(samples, shown);
    const told = shown === "A" ? offered(samples) : null;
    const last = samples.at(-1)?.at;
    const from = new Date(found.started_at ?? samples[0]?.at ?? now()).getTime();
    const to = found.state === "running" ? now() : new Date(found.stopped_at ?? last ?? from).getTime();
    const most = Math.max(0, ...line.points.map(([, value]) => value));
    picture.draw({
      from,
      to: Math.max(to, from + SHORTEST_MS, last ? new Date(last).getTime() : 0),
      unit: shown,
      label: line.points.length ? `${line.name}, at most ${amount(most, shown)}` : "Nothing was measured",
      lines: [line, told?.points.length && told].filter(Boolean),
    });
    show(units, switcher("Unit", [["A", "Current"], ["W", "Power"]], shown, choose));
  }

  function choose(value) {
    unit = value;
    curve();
  }

  function buttons() {
    const stop = (event) =>
      attempt(event.target, () => post(path("stations", found.station, "stop"), { transaction_id: found.id }));
    const close = async (event) => {
      const question = "Declare this transaction ended? Do this only if its station will never report the end.";
      if (await confirmed(question, "Declare ended")) {
        await attempt(event.target, () => post(`${url}/close`));
        again();
      }
    };
    return [
      h("button", { type: "button", onclick: close }, "Declare ended"),
      h("button", { type: "button", class: "danger", onclick: stop }, "Stop"),
    ];
  }

  const again = soon(load);
  show(
    main,
    top,
    h(
      "div",
      { class: "columns" },
      h("div", { class: "card stack" }, h("div", { class: "card-top" }, h("h2", {}, "While it ran"), units), picture),
      facts,
    ),
  );
  load();
  return {
    title: `Transaction ${number}`,
    heard: (kind, event) => String(event.transaction_id) === number && again(),
    refresh: () => again(),
    leave: () => again.stop(),
  };
}
