// Logging in, where there are accounts.

import { logIn } from "./api.js";
import { field, h, show } from "./dom.js";

export function loginPage({ main }, enter) {
  const error = h("p", { class: "error", role: "alert" });
  const name = h("input", { name: "name", autocomplete: "username", required: true });
  const password = h("input", {
    name: "password", type: "password", autocomplete: "current-password", required: true,
  });
  const button = h("button", { class: "primary" }, "Log in");

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    show(error);
    try {
      enter(await logIn(name.value, password.value));
    } catch (problem) {
      show(error, problem.message);
      password.select();
      button.disabled = false;
    }
  }

  show(
    main,
    h(
      "form",
      { class: "card narrow", onsubmit: submit },
      h("h1", {}, "Log in"),
      field("Name", name),
      field("Password", password),
      error,
      h("div", { class: "buttons" }, button),
    ),
  );
  name.focus();
  return { title: "Log in" };
}
