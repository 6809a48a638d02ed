// What was said between a station and the central system.

import { get, path, query } from "./api.js";
import { choice, empty, field, h, show } from "./dom.js";
import { moment } from "./format.js";
import { attempt } from "./notes.js";
import { soon } from "./soon.js";

const SHORT = 130;
const KINDS = { 2: "asks", 3: "answers", 4: "refuses" };

export function messagesTab({ place, identity }) {
  const list = h("ol", { class: "log" });
  const below = h("div", {});
  const search = h("input", { type: "search", placeholder: "Action, id, any text" });
  const direction = choice({}, [["", "Both"], ["in", "From the station"], ["out", "To the station"]]);
  const live = h("input", { type: "checkbox", checked: true });
  const file = h("a", { class: "button", download: "" }, "Export (JSON Lines)");
  let shown = [];

  const url = (name, more) =>
    path("stations", identity, name) + query({ search: search.value.trim(), direction: direction.value, ...more });

  async function load(before) {
    const found = await get(url("messages", { before, limit: 100 }));
    shown = before ? [...shown, ...found.items] : found.items;
    // Whoever has gone back in time wants to stay there.
    if (before) live.checked = false;
    const asked = actions(shown);
    show(list, shown.map((one) => entry(one, asked)));
    show(
      below,
      !shown.length && empty("Nothing was said, or nothing fits."),
      found.next !== null && h("button", { type: "button", onclick: () => attempt(null, () => load(found.next)) }, "Show older"),
    );
  }

  const again = soon(() => load());

  function narrowed() {
    file.href = url("messages.jsonl");
    again();
  }

  for (const one of [search, direction]) one.addEventListener("input", narrowed);
  live.addEventListener("change", () => live.checked && again());
  show(
    place,
    h(
      "div",
      { class: "filters", role: "search" },
      field("Search", search),
      field("Direction", direction),
      h("label", { class: "field inline" }, live, h("span", {}, "Live")),
      file,
    ),
    h("div", { class: "card" }, list, below),
  );
  narrowed();
  const reading = () => list.querySelector("details[open]") !== null;
  return { heard: () => live.checked && !reading() && again(), leave: () => again.stop() };
}

/** The actions of all calls shown, by message id: an answer does not say what it answers. */
function actions(messages) {
  const found = new Map();
  for (const message of messages) {
    const [kind, id, action] = parsed(message.frame);
    if (kind === 2) found.set(id, action);
  }
  return found;
}

function parsed(frame) {
  try {
    const found = JSON.parse(frame);
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

function entry(message, asked) {
  const incoming = message.direction === "in";
  const [kind, id, third] = parsed(message.frame);
  const action = kind === 2 ? third : asked.get(id) ?? "";
  return h(
    "li",
    {},
    h("time", { class: "soft", datetime: message.at }, moment(message.at)),
    h("span", { class: message.direction, title: incoming ? "from the station" : "to the station" }, incoming ? "←" : "→"),
    h("div", { class: "frame" }, h("strong", {}, `${KINDS[kind] ?? "?"} ${action} `), body(message.frame)),
  );
}

function body(frame) {
  if (frame.length <= SHORT) return h("code", {}, frame);
  const found = parsed(frame);
  return h(
    "details",
    {},
    h("summary", {}, h("code", {}, `${frame.slice(0, SHORT)} …`)),
    h("pre", {}, found.length ? JSON.stringify(found, null, 2) : frame),
  );
}
