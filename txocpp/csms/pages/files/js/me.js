// One's own account: who one is here, and a new password.

import { changePassword } from "./api.js";
import { field, h, show } from "./dom.js";
import { note } from "./notes.js";

const SHORTEST = 8;

export function mePage({ main, me }) {
  const person = me.csrf_token !== null;
  const error = h("p", { class: "error", role: "alert" });
  const input = (auto) => h("input", { type: "password", autocomplete: auto, required: true, maxlength: 200 });
  const old = input("current-password");
  const fresh = input("new-password");
  const again = input("new-password");
  fresh.minLength = SHORTEST;

  async function submit(event) {
    event.preventDefault();
    show(error);
    const button = event.submitter;
    if (fresh.value !== again.value) {
      show(error, "The new passwords are not the same.");
      again.focus();
      return;
    }
    button.disabled = true;
    try {
      await changePassword(old.value, fresh.value);
      event.target.reset();
      note("Your password is changed; other sessions have ended");
    } catch (problem) {
      show(error, problem.message);
      old.select();
    } finally {
      button.disabled = false;
    }
  }

  show(
    main,
    h("h1", {}, person ? me.name : "Nobody has logged in"),
    h("p", { class: "soft" }, person ? `You are here as ${me.role}.` : "There are no accounts: everybody on this computer may do everything."),
    person &&
      h(
        "form",
        { class: "card slim", onsubmit: submit },
        h("h2", {}, "Change your password"),
        field("Old password", old),
        field("New password", fresh, `At least ${SHORTEST} characters`),
        field("New password again", again),
        error,
        h("div", { class: "buttons" }, h("button", { class: "primary" }, "Change")),
      ),
  );
  return { title: "Your account" };
}
