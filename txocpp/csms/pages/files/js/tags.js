// Tags: who may charge.

import { get, patch, path, post, query, remove } from "./api.js";
import { formDialog } from "./dialog.js";
import { empty, field, h, loading, show, table, when } from "./dom.js";
import { fromLocalField, localField } from "./format.js";
import { attempt, confirmed } from "./notes.js";
import { pager } from "./pager.js";
import { badge } from "./badges.js";
import { soon } from "./soon.js";

/** A dialog for a new tag, or with `tag` for changing one. */
function edit(tag, changed) {
  const input = (attributes) => h("input", attributes);
  const id = input({ maxlength: 20, required: true, value: tag?.id_tag, disabled: Boolean(tag), pattern: "[\\x20-\\x7e]+" });
  const noted = input({ maxlength: 200, value: tag?.note });
  const parent = input({ maxlength: 20, value: tag?.parent_id_tag });
  const expires = input({ type: "datetime-local", value: localField(tag?.expires_at) });
  const most = input({ type: "number", min: 0, max: 10000, value: tag?.max_running });
  const blocked = input({ type: "checkbox", checked: tag?.blocked });
  formDialog({
    title: tag ? `Tag ${tag.id_tag}` : "New tag",
    parts: [
      field("Tag", id, "At most 20 characters, as the card or the app shows it"),
      field("Note", noted),
      field("Group", parent, "Tags of one group may end each other's transactions"),
      field("Expires", expires),
      field("Most transactions at the same time", most, "Empty: as set for all"),
      h("label", { class: "field inline" }, blocked, h("span", {}, "Blocked")),
    ],
    verb: tag ? "Save" : "Add",
    async submit() {
      const body = {
        note: noted.value.trim(),
        parent_id_tag: parent.value.trim() || null,
        expires_at: fromLocalField(expires.value),
        max_running: most.value === "" ? null : Number(most.value),
        blocked: blocked.checked,
      };
      if (tag) await patch(path("tags", tag.id_tag), body, { version: tag.version });
      else await post("/api/tags", { id_tag: id.value.trim(), ...body });
      changed();
      return tag ? `${tag.id_tag} is changed` : `${id.value.trim()} is entered`;
    },
  });
}

export function tagsPage({ main, me }) {
  const list = h("div", { class: "card" }, loading());
  const search = h("input", { type: "search", placeholder: "Tag or note" });
  const mayChange = me.role !== "viewer";
  const parts = pager({
    ask: (after) => get(`/api/tags${query({ search: search.value.trim(), after, limit: 100 })}`),
    draw(items) {
      if (items.length) show(list, table(columns.filter(Boolean), items, "Tags"));
      else if (search.value) show(list, empty("No tag fits."));
      else show(list, empty("No tag is known yet.", h("p", {}, "Add one here, or let cards be accepted while the list is empty.")));
    },
    failed: (problem) => show(list, empty(problem.message)),
    names: ["Previous", "Next"],
  });
  const again = soon(() => parts.load());
  const narrowed = soon(() => parts.again());
  const columns = [
    ["Tag", (one) => h("strong", {}, one.id_tag)],
    ["Status", (one) => badge(one.status)],
    ["Note", (one) => one.note, "wide"],
    ["Group", (one) => one.parent_id_tag ?? ""],
    ["Expires", (one) => (one.expires_at ? when(one.expires_at) : "never")],
    mayChange && ["", (one) => h("div", { class: "buttons" }, buttons(one)), "actions"],
  ];

  const button = (tag, text, work, kind = "") =>
    h(
      "button",
      {
        type: "button", class: `small ${kind}`, "data-key": `${text} ${tag.id_tag}`,
        "aria-label": `${text} ${tag.id_tag}`, onclick: (event) => work(event.target),
      },
      text,
    );

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
      button(tag, "Edit", () => edit(tag, again)),
      button(tag, tag.blocked ? "Unblock" : "Block", block),
      button(tag, "Forget", forget, "danger"),
    ];
  }

  search.addEventListener("input", () => narrowed());
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
    parts.element,
  );
  parts.load();
  return {
    title: "Tags",
    heard: (kind) => /^tag\.(added|changed|removed)$/.test(kind) && again(),
    refresh: () => again(),
    leave() {
      again.stop();
      narrowed.stop();
    },
  };
}
