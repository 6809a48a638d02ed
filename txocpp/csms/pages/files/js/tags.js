// Tags: who may charge.

import { get, patch, path, post, query, remove } from "./api.js";
import { empty, field, h, show, table } from "./dom.js";
import { moment } from "./format.js";
import { attempt, confirmed, note } from "./notes.js";
import { badge } from "./overview.js";
import { soon } from "./soon.js";

/** A moment as the field for dates wants it: local time without seconds. */
function local(text) {
  if (!text) return "";
  const at = new Date(text);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** A dialog for a new tag, or with `tag` for changing one. */
function edit(tag, changed) {
  const input = (attributes) => h("input", attributes);
  const id = input({ maxlength: 20, required: true, value: tag?.id_tag, disabled: Boolean(tag), pattern: "[\\x20-\\x7e]+" });
  const noted = input({ maxlength: 200, value: tag?.note });
  const parent = input({ maxlength: 20, value: tag?.parent_id_tag });
  const expires = input({ type: "datetime-local", value: local(tag?.expires_at) });
  const most = input({ type: "number", min: 0, max: 10000, value: tag?.max_running });
  const blocked = input({ type: "checkbox", checked: tag?.blocked });
  const error = h("p", { class: "error", role: "alert" });
  const dialog = h("dialog", { "aria-label": tag ? `Tag ${tag.id_tag}` : "New tag" });

  async function save(event) {
    event.preventDefault();
    const body = {
      note: noted.value.trim(),
      parent_id_tag: parent.value.trim() || null,
      expires_at: expires.value ? new Date(expires.value).toISOString() : null,
      max_running: most.value === "" ? null : Number(most.value),
      blocked: blocked.checked,
    };
    try {
      if (tag) await patch(path("tags", tag.id_tag), body, { version: tag.version });
      else await post("/api/tags", { id_tag: id.value.trim(), ...body });
      note(tag ? `${tag.id_tag} is changed` : `${id.value.trim()} may charge now`);
      dialog.close();
      changed();
    } catch (problem) {
      show(error, problem.message);
    }
  }

  dialog.append(
    h(
      "form",
      { class: "stack", onsubmit: save },
      h("h2", {}, tag ? `Tag ${tag.id_tag}` : "New tag"),
      field("Tag", id, "At most 20 characters, as the card or the app shows it"),
      field("Note", noted),
      field("Group", parent, "Tags of one group may end each other's transactions"),
      field("Expires", expires),
      field("Most transactions at the same time", most, "Empty: as set for all"),
      h("label", { class: "field inline" }, blocked, h("span", {}, "Blocked")),
      error,
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button", { class: "primary" }, tag ? "Save" : "Add"),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function tagsPage({ main, me }) {
  const list = h("div", { class: "card" });
  const below = h("div", {});
  const search = h("input", { type: "search", placeholder: "Tag or note" });
  const mayChange = me.role !== "viewer";
  let shown = [];

  async function load(after) {
    const found = await get(`/api/tags${query({ search: search.value.trim(), after, limit: 100 })}`);
    shown = after ? [...shown, ...found.items] : found.items;
    if (shown.length) show(list, table(columns.filter(Boolean), shown, "Tags"));
    else if (search.value) show(list, empty("No tag fits."));
    else show(list, empty("No tag is known yet.", h("p", {}, "Add one here, or let cards be accepted while the list is empty.")));
    show(
      below,
      found.next !== null && h("button", { type: "button", onclick: () => attempt(null, () => load(found.next)) }, "Show more"),
    );
  }

  const again = soon(() => load());
  const columns = [
    ["Tag", (one) => h("strong", {}, one.id_tag)],
    ["Status", (one) => badge(one.status)],
    ["Note", (one) => one.note, "wide"],
    ["Group", (one) => one.parent_id_tag ?? ""],
    ["Expires", (one) => (one.expires_at ? moment(one.expires_at) : "never")],
    mayChange && ["", (one) => h("div", { class: "buttons" }, buttons(one)), "actions"],
  ];

  const button = (text, work, kind = "") =>
    h("button", { type: "button", class: `small ${kind}`, onclick: (event) => work(event.target) }, text);

  function buttons(tag) {
    const url = path("tags", tag.id_tag);
    const block = (target) =>
      attempt(target, async () => {
        await patch(url, { blocked: !tag.blocked }, { version: tag.version });
        again();
      });
    const forget = async (target) => {
      if (!(await confirmed(`Forget tag ${tag.id_tag}?`, "Forget"))) return;
      await attempt(target, () => remove(url, { version: tag.version }));
      again();
    };
    return [
      button("Edit", () => edit(tag, again)),
      button(tag.blocked ? "Unblock" : "Block", block),
      button("Forget", forget, "danger"),
    ];
  }

  search.addEventListener("input", () => again());
  show(
    main,
    h(
      "div",
      { class: "page-top" },
      h("h1", {}, "Tags"),
      mayChange && h("button", { type: "button", class: "primary", onclick: () => edit(null, again) }, "Add a tag"),
    ),
    h("div", { class: "filters", role: "search" }, field("Search", search)),
    list,
    below,
  );
  load().catch((problem) => note(problem.message, "bad"));
  return {
    title: "Tags",
    heard: (kind) => /^tag\.(added|changed|removed)$/.test(kind) && again(),
    refresh: () => again(),
    leave: () => again.stop(),
  };
}
