// The periods of a charging schedule, a row each: from when, how much, on how many phases.

import { choice, h, show } from "./dom.js";

const DAY = 24 * 60;
const MOST_ROWS = 24;

/** Gives {element, value(), turn(daily)}; value() is the list of periods as the wire has it. */
export function periodRows(changed) {
  const list = h("div", { class: "periods" });
  let daily = false;
  let rows = [];

  function add(from, limit, phases = "") {
    const at = h("input", { type: "time", required: true, value: from, "aria-label": "From" });
    const most = h("input", { type: "number", min: 0, max: 1_000_000, step: 0.1, required: true, value: limit, inputmode: "decimal", "aria-label": "Limit" });
    const wires = choice({ "aria-label": "Phases" }, [["", "as they are"], [1, "1 phase"], [2, "2 phases"], [3, "3 phases"]], phases);
    const row = { at, most, wires };
    row.element = h(
      "div",
      { class: "period", role: "group", "aria-label": "Period" },
      at, most, wires,
      h("button", { type: "button", class: "small", "aria-label": "Remove this period", onclick: () => take(row) }, "×"),
    );
    rows.push(row);
    list.append(row.element);
    paint();
  }

  function take(row) {
    rows = rows.filter((one) => one !== row);
    row.element.remove();
    paint();
    more.focus();
    changed();
  }

  function paint() {
    for (const row of rows) row.element.lastChild.disabled = rows.length === 1;
    more.disabled = rows.length >= MOST_ROWS;
    show(heads, h("span", {}, daily ? "From (time of day)" : "After (h:min)"), h("span", {}, "Limit"), h("span", {}, "Phases"), h("span", { class: "unseen" }, "Remove"));
  }

  const heads = h("div", { class: "period heads", "aria-hidden": "true" });
  const more = h("button", {
    type: "button", class: "small",
    onclick() {
      const last = rows.at(-1);
      add(text(Math.min(minutes(last.at.value) + 60, DAY - 1)), last.most.value);
      rows.at(-1).at.focus();
      changed();
    },
  }, "Add a period");
  add("00:00", 16);
  list.addEventListener("input", () => changed());
  return {
    element: h("div", { class: "stack" }, heads, list, h("div", {}, more)),
    turn(wanted) {
      daily = wanted;
      paint();
    },
    /** In order; a schedule must begin at its start, so a day begins as the one before ended. */
    value() {
      const found = rows
        .filter((row) => row.at.value && row.most.value !== "")
        .map((row) => ({
          startPeriod: minutes(row.at.value) * 60,
          limit: Number(row.most.value),
          ...(row.wires.value ? { numberPhases: Number(row.wires.value) } : {}),
        }))
        .sort((a, b) => a.startPeriod - b.startPeriod);
      if (found.length && found[0].startPeriod > 0) {
        const before = daily ? found.at(-1) : found[0];
        found.unshift({ ...before, startPeriod: 0 });
      }
      return found;
    },
  };
}

function minutes(text) {
  const [hours, rest] = text.split(":").map(Number);
  return hours * 60 + rest;
}

function text(at) {
  return `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
}
