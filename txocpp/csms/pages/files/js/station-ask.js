// Asking one station for anything, and what it has been asked.

import { get, path, post, query } from "./api.js";
import { askForm } from "./ask-form.js";
import { empty, h, show } from "./dom.js";
import { attempt } from "./notes.js";
import { operationTable } from "./operations.js";
import { pager } from "./pager.js";
import { soon } from "./soon.js";

export function askTab({ place, identity, me }) {
  const form = askForm();
  const answer = h("div", { class: "stack", role: "status" });
  const list = h("div", {});
  const operations = path("stations", identity, "operations");
  const parts = pager({
    ask: (before) => get(operations + query({ before, limit: 20 })),
    draw: (items) =>
      show(list, items.length ? operationTable(items, false, me.role !== "viewer", () => again()) : empty("Nothing yet.")),
    failed: (problem) => show(list, empty(problem.message)),
  });
  const again = soon(() => parts.load());

  function send(event) {
    event.preventDefault();
    show(answer);
    attempt(event.submitter, async () => {
      const done = await post(operations, form.body());
      again();
      show(answer, h("h3", {}, "Answer"), h("pre", { class: "answer" }, JSON.stringify(done.answer ?? done.error, null, 2)));
      return done;
    });
  }

  show(
    place,
    h(
      "div",
      { class: "columns wide-aside" },
      h("section", { class: "card stack" }, h("h2", {}, "What it was asked"), list, parts.element),
      me.role !== "viewer" &&
        h(
          "form",
          { class: "card", onsubmit: send, "aria-label": "Ask the station" },
          h("h2", {}, "Ask it"),
          form.element,
          h("div", { class: "buttons" }, h("button", { class: "primary" }, "Send")),
          answer,
        ),
    ),
  );
  parts.load();
  const open = () => list.querySelector("details[open]");
  return {
    heard: (kind) => kind === "operation.done" && parts.first && !open() && again(),
    leave: () => again.stop(),
  };
}
