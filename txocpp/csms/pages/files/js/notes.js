// Short notes at the edge of the page: what an action came to.

import { h } from "./dom.js";
import { words } from "./format.js";

const LASTS_MS = 6000;
const BAD_LASTS_MS = 15000;

export function note(text, kind = "good") {
  const place = document.getElementById("notes");
  const bad = kind === "bad";
  const close = h("button", { type: "button", class: "close", "aria-label": "Dismiss" }, "×");
  const box = h("div", { class: `note ${kind}`, role: bad ? "alert" : undefined }, h("p", {}, text), close);
  close.addEventListener("click", () => box.remove());
  place.append(box);
  while (place.children.length > 4) place.firstChild.remove();
  setTimeout(() => box.remove(), bad ? BAD_LASTS_MS : LASTS_MS);
}

const GOOD = new Set(["Accepted", "Unlocked", "RebootRequired", "Scheduled"]);

/** How an operation went: [text, "good" or "bad"]. */
export function outcome(operation) {
  const name = words(operation.action);
  if (operation.outcome === null) return [`${name}: waits until the station connects`, "good"];
  if (operation.outcome !== "answered") {
    return [`${name}: ${operation.outcome}${operation.error ? `: ${operation.error}` : ""}`, "bad"];
  }
  const status = operation.answer?.status;
  if (status === undefined) return [`${name}: answered`, "good"];
  return [`${name}: ${words(status)}`, GOOD.has(status) ? "good" : "bad"];
}

/** Do something and tell how it went. `work` gives an operation, a text, or nothing. */
export async function attempt(button, work) {
  if (button) button.disabled = true;
  try {
    const done = await work();
    if (done?.action) note(...outcome(done));
    else if (typeof done === "string") note(done);
    return done ?? true;
  } catch (problem) {
    if (!problem.told) note(problem.message, "bad");
    return null;
  } finally {
    if (button) button.disabled = false;
  }
}

/** Ask before something that cannot be taken back. Gives a promise of true or false. */
export function confirmed(question, verb) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { "aria-label": question },
      h("p", {}, question),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: () => dialog.close("no") }, "Cancel"),
        h("button", { type: "button", class: "danger", onclick: () => dialog.close("yes") }, verb),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
