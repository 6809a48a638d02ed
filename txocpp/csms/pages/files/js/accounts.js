// Accounts: people who log in with name and password.

import { get, patch, path, post, remove } from "./api.js";
import { ROLES } from "./access.js";
import { formDialog } from "./dialog.js";
import { choice, empty, field, h, loading, show, table, when } from "./dom.js";
import { attempt, confirmed, note } from "./notes.js";

const SHORTEST = 8;

const passwordField = (required) =>
  h("input", { type: "password", minlength: SHORTEST, maxlength: 200, required, autocomplete: "new-password" });

export function accountsTab({ place, me }) {
  const list = h("div", { class: "card" }, loading());

  async function load() {
    const found = (await get("/api/accounts")).items;
    show(list, found.length ? table(COLUMNS, found, "Accounts") : nobody());
  }

  const nobody = () =>
    empty(
      "Nobody has an account.",
      h("p", {}, "Everybody on this computer may do everything. With the first account, an admin's, everybody must log in."),
    );

  const again = () => load().catch((problem) => note(problem.message, "bad"));

  function add() {
    const name = h("input", { required: true, maxlength: 100, pattern: "[^\\s\\/].*", autocomplete: "off" });
    const role = choice({}, ROLES, "viewer");
    const password = passwordField(true);
    formDialog({
      title: "Add an account",
      parts: [field("Name", name), field("Role", role), field("Password", password, `At least ${SHORTEST} characters`)],
      verb: "Add",
      async submit() {
        await post("/api/accounts", { name: name.value.trim(), role: role.value, password: password.value });
        again();
        return `${name.value.trim()} may log in`;
      },
    });
  }

  function edit(account) {
    const role = choice({}, ROLES, account.role);
    const password = passwordField(false);
    formDialog({
      title: `Account ${account.name}`,
      parts: [
        field("Role", role),
        field("New password", password, "Empty: as it is"),
        h("p", { class: "soft" }, "All sessions of the account end."),
      ],
      verb: "Save",
      async submit() {
        const body = { role: role.value, ...(password.value ? { password: password.value } : {}) };
        await patch(path("accounts", account.name), body, { version: account.version });
        again();
        return `${account.name} is changed`;
      },
    });
  }

  const lock = (target, account) =>
    attempt(target, async () => {
      await patch(path("accounts", account.name), { disabled: !account.disabled }, { version: account.version });
      again();
    });

  async function forget(target, account) {
    if (!(await confirmed(`Remove the account ${account.name}?`, "Remove"))) return;
    await attempt(target, () => remove(path("accounts", account.name)));
    again();
  }

  const button = (account, text, work, kind = "") =>
    h(
      "button",
      {
        type: "button", class: `small ${kind}`, "data-key": `${text} ${account.name}`,
        "aria-label": `${text} ${account.name}`, onclick: (event) => work(event.target, account),
      },
      text,
    );
  const COLUMNS = [
    ["Name", (one) => [h("strong", {}, one.name), one.name === me.name && h("span", { class: "soft" }, " (you)")]],
    ["Role", (one) => one.role],
    ["State", (one) => h("span", { class: `badge ${one.disabled ? "bad" : "free"}` }, one.disabled ? "disabled" : "may log in")],
    ["Since", (one) => when(one.created_at)],
    ["", (one) => h("div", { class: "buttons" }, button(one, "Edit", () => edit(one)), button(one, one.disabled ? "Enable" : "Disable", lock), button(one, "Remove", forget, "danger")), "actions"],
  ];

  show(place, h("div", {}, h("button", { type: "button", class: "primary", onclick: add }, "Add an account")), list);
  again();
  return {};
}
