// Tokens: programs that use the API.

import { get, path, post, remove } from "./api.js";
import { ROLES } from "./access.js";
import { formDialog, secretDialog } from "./dialog.js";
import { choice, empty, field, h, loading, show, table, when } from "./dom.js";
import { fromLocalField } from "./format.js";
import { attempt, confirmed, note } from "./notes.js";

export function tokensTab({ place }) {
  const list = h("div", { class: "card" }, loading());

  async function load() {
    const found = (await get("/api/tokens")).items;
    show(
      list,
      found.length
        ? table(COLUMNS, found, "Tokens")
        : empty("There is no token.", h("p", {}, "A program shows one with each request: ", h("code", {}, "Authorization: Bearer …"))),
    );
  }

  const again = () => load().catch((problem) => note(problem.message, "bad"));

  function add() {
    const name = h("input", { required: true, maxlength: 100, pattern: "[^\\s\\/].*", autocomplete: "off" });
    const role = choice({}, ROLES, "viewer");
    const expires = h("input", { type: "datetime-local" });
    formDialog({
      title: "Make a token",
      parts: [field("For what", name), field("Role", role), field("Expires", expires, "Empty: never")],
      verb: "Make",
      async submit() {
        const body = { name: name.value.trim(), role: role.value, expires_at: fromLocalField(expires.value) };
        const made = await post("/api/tokens", body);
        again();
        setTimeout(() => secretDialog("Token", `For ${made.name}. It is shown this once.`, made.token));
      },
    });
  }

  async function forget(target, token) {
    if (!(await confirmed(`Remove the token ${token.name}? Whoever shows it is refused from then on.`, "Remove"))) return;
    await attempt(target, () => remove(path("tokens", token.id)));
    again();
  }

  const COLUMNS = [
    ["Name", (one) => h("strong", {}, one.name)],
    ["Role", (one) => one.role],
    ["Made", (one) => when(one.created_at)],
    ["Last used", (one) => (one.last_used ? when(one.last_used) : "never")],
    ["Expires", (one) => (one.expires_at ? when(one.expires_at) : "never")],
    [
      "",
      (one) => h("button", { type: "button", class: "small danger", "aria-label": `Remove ${one.name}`, onclick: (e) => forget(e.target, one) }, "Remove"),
      "actions",
    ],
  ];

  show(place, h("div", {}, h("button", { type: "button", class: "primary", onclick: add }, "Make a token")), list);
  again();
  return {};
}
