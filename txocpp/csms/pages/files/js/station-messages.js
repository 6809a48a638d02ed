// What was said between a station and the central system.

import { get, path, query } from "./api.js";
import { choice, empty, field, h, show } from "./dom.js";
import { moment } from "./format.js";
import { attempt } from "./notes.js";
import { soon } from "./soon.js";

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
    show(list, shown.map(entry));
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
  return { heard: () => live.checked && again(), leave: () => again.stop() };
}

function entry(message) {
  const incoming = message.direction === "in";
  return h(
    "li",
    {},
    h("time", { class: "soft", datetime: message.at }, moment(message.at)),
    h("span", { class: message.direction, title: incoming ? "from the station" : "to the station" }, incoming ? "←" : "→"),
    h("span", { class: "frame" }, what(message.frame), h("code", {}, message.frame)),
  );
}

function what(frame) {
  try {
    const [kind, id, third] = JSON.parse(frame);
    const action = kind === 2 ? third : kind === 4 ? third : id;
    return h("strong", {}, `${KINDS[kind] ?? ""} ${action} `);
  } catch {
    return null;
  }
}
