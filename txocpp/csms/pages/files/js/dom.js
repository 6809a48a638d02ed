// Builds elements. Text becomes text nodes, never markup.

import { full, moment, NOTHING } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** An HTML element: h("p", {class: "soft"}, "text", other) */
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An SVG element. */
export function s(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Replace what is inside, keeping the keyboard focus where it was if it is still there. */
export function show(element, ...children) {
  const focused = document.activeElement;
  const key = element.contains(focused) ? focused.dataset?.key ?? focused.id : "";
  element.replaceChildren();
  add(element, children);
  if (!key) return;
  const again = [...element.querySelectorAll("[data-key], [id]")].find(
    (one) => one.dataset.key === key || one.id === key,
  );
  again?.focus({ preventScroll: true });
}

let fields = 0;

/** A label with its field below, and perhaps a hint. */
export function field(label, control, hint) {
  fields += 1;
  const id = `field-${fields}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    control,
    hint && h("small", { id: `${id}-hint` }, hint),
  );
}

/** A drop-down list; options are [value, text] pairs. */
export function choice(attributes, options = [], chosen = "") {
  return h(
    "select",
    attributes,
    options.map(([value, text]) =>
      h("option", { value, selected: String(value) === String(chosen ?? "") }, text),
    ),
  );
}

/** Says that there is nothing, and what to do about it. */
export function empty(title, ...more) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), ...more);
}

/** Stands where something will be as soon as it has come. */
export function loading() {
  return h("p", { class: "loading" }, "Loading …");
}

/** A moment, short; the whole of it with its time zone for whoever points at it. */
export function when(text) {
  return text ? h("time", { datetime: text, title: full(text) }, moment(text)) : NOTHING;
}

/** A list of names and values; rows without a value are left out. */
export function factList(rows) {
  const told = rows.filter(([, value]) => value !== null && value !== "" && value !== undefined);
  return h("dl", { class: "facts" }, told.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Some buttons of which one is chosen. Options are [value, text] pairs. */
export function switcher(name, options, chosen, choose) {
  return h(
    "div",
    { class: "switch", role: "group", "aria-label": name },
    options.map(([value, text]) =>
      h(
        "button",
        { type: "button", "data-key": `${name} ${text}`, "aria-pressed": String(value === chosen), onclick: () => choose(value) },
        text,
      ),
    ),
  );
}

/** A table that becomes cards on a phone. Columns: [heading, cell(row), class]. */
export function table(columns, rows, caption) {
  return h(
    "div",
    { class: "table" },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map(([name, , kind]) => h("th", { scope: "col", class: kind }, name || h("span", { class: "unseen" }, "What can be done"))))),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            columns.map(([name, cell, kind]) => h("td", { class: kind, "data-label": name }, cell(row))),
          ),
        ),
      ),
    ),
  );
}
