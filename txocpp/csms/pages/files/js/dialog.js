// A form in a dialog: the keyboard stays inside, Escape leaves, errors are told in it.

import { h, show } from "./dom.js";
import { note } from "./notes.js";

/**
 * parts: fields and texts. submit() does it and may give a text to tell; what it throws is shown
 * in the dialog, which stays open.
 */
export function formDialog({ title, parts, verb, submit, wide }) {
  const error = h("p", { class: "error", role: "alert" });
  const button = h("button", { class: "primary" }, verb);
  const dialog = h("dialog", { "aria-label": title, class: wide ? "wide" : "" });

  async function save(event) {
    event.preventDefault();
    button.disabled = true;
    show(error);
    try {
      const text = await submit();
      dialog.close();
      if (text) note(text);
    } catch (problem) {
      show(error, problem.message);
    } finally {
      button.disabled = false;
    }
  }

  dialog.append(
    h(
      "form",
      { class: "stack", onsubmit: save },
      h("h2", {}, title),
      parts,
      error,
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        button,
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Shows a secret once, to be taken along. */
export function secretDialog(title, explanation, secret) {
  const text = h("input", { value: secret, readonly: true, "aria-label": title, class: "mono" });
  const dialog = h("dialog", { "aria-label": title });

  async function copy(event) {
    text.select();
    // Without TLS a page may not touch the clipboard; then it stays selected for Ctrl-C.
    await navigator.clipboard?.writeText(secret).then(
      () => event.target.replaceChildren("Copied"),
      () => {},
    );
  }

  dialog.append(
    h(
      "div",
      { class: "stack" },
      h("h2", {}, title),
      h("p", {}, explanation),
      text,
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: copy }, "Copy"),
        h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "I have it"),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  text.select();
}
