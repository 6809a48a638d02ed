// What was said between a station and the central system.

import { get, path, query } from "./api.js";
import { choice, empty, field, h, loading, show, when } from "./dom.js";
import { pager } from "./pager.js";
import { soon } from "./soon.js";

const SHORT = 130;
const KINDS = { 2: "asks", 3: "answers", 4: "refuses" };

export function messagesTab({ place, identity }) {
  const list = h("ol", { class: "log" });
  const below = h("div", {}, loading());
  const search = h("input", { type: "search", placeholder: "Action, id, any text" });
  const direction = choice({}, [["", "Both"], ["in", "From the station"], ["out", "To the station"]]);
  const live = h("input", { type: "checkbox", checked: true });
  const file = h("a", { class: "button", download: "" }, "Export (JSON Lines)");

  const url = (name, more) =>
    path("stations", identity, name) + query({ search: search.value.trim(), direction: direction.value, ...more });

  const parts = pager({
    ask: (before) => get(url("messages", { before, limit: 100 })),
    draw(items) {
      const asked = actions(items);
      show(list, items.map((one) => entry(one, asked)));
      show(below, !items.length && empty("Nothing was said, or nothing fits."));
    },
    failed: (problem) => show(below, empty(problem.message)),
  });

  const again = soon(() => parts.load(), 1000);
  const from = soon(() => parts.again());

  function narrowed() {
    file.href = url("messages.jsonl");
    from();
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
    parts.element,
  );
  file.href = url("messages.jsonl");
  parts.load();
  const reading = () => list.querySelector("details[open]") !== null;
  return {
    // Whoever has gone back in time, or reads something, wants it to stay.
    heard: () => live.checked && parts.first && !reading() && again(),
    leave() {
      again.stop();
      from.stop();
    },
  };
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
    h("span", { class: "soft" }, when(message.at)),
    h("span", { class: message.direction, title: incoming ? "from the station" : "to the station" }, h("span", { "aria-hidden": "true" }, incoming ? "←" : "→"), h("span", { class: "unseen" }, incoming ? "station" : "central system")),
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
