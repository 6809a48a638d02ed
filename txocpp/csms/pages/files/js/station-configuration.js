// The configuration keys of a station: read, look, change.

import { get, path, post } from "./api.js";
import { empty, field, h, show, table } from "./dom.js";
import { ago } from "./format.js";
import { attempt, note } from "./notes.js";

export function configurationTab({ place, identity, me }) {
  const list = h("div", { class: "card" });
  const search = h("input", { type: "search", placeholder: "Part of a key" });
  const mayChange = me.role !== "viewer";
  let keys = [];

  async function load() {
    keys = (await get(path("stations", identity, "configuration"))).items;
    paint();
  }

  function paint() {
    const wanted = search.value.trim().toLowerCase();
    const shown = keys.filter((one) => one.key.toLowerCase().includes(wanted));
    if (!keys.length) show(list, empty("The configuration has not been read yet.", mayChange && h("p", {}, "Ask the station for it with the button above.")));
    else if (!shown.length) show(list, empty("No key fits."));
    else show(list, table(COLUMNS, shown, "Configuration keys"));
  }

  const COLUMNS = [
    ["Key", (one) => h("span", { class: "mono" }, one.key), "wide"],
    ["Value", (one) => (one.readonly || !mayChange ? fixed(one) : editor(one)), "value wide"],
    ["", (one) => remark(one), "brief"],
    ["Read", (one) => h("span", { class: "soft" }, ago(one.read_at)), "brief"],
  ];

  const fixed = (one) => h("span", { class: "mono" }, one.value ?? "");

  function remark(one) {
    if (one.pending_reboot) return h("span", { class: "badge paused" }, "after a restart");
    return one.readonly && h("span", { class: "soft" }, "read only");
  }

  function editor(one) {
    const value = h("input", { value: one.value ?? "", maxlength: 500, "aria-label": one.key, "data-key": one.key });
    const save = h("button", { class: "small", disabled: true }, "Save");
    value.addEventListener("input", () => {
      save.disabled = value.value === (one.value ?? "");
    });
    return h("form", { onsubmit: (event) => change(event, one, value, save) }, value, save);
  }

  async function change(event, one, value, save) {
    event.preventDefault();
    const body = { key: one.key, value: value.value };
    await attempt(save, () => post(path("stations", identity, "configuration"), body));
    await load();
  }

  async function read(event) {
    const done = await attempt(event.target, async () => {
      const found = await post(path("stations", identity, "read-configuration"), {});
      return `${found.items.length} keys read`;
    });
    if (done) load();
  }

  search.addEventListener("input", paint);
  show(
    place,
    h(
      "div",
      { class: "filters" },
      field("Search", search),
      mayChange && h("button", { type: "button", class: "primary", onclick: read }, "Read from the station"),
    ),
    list,
  );
  load().catch((problem) => note(problem.message, "bad"));
  // What somebody is typing must not be taken away: nothing is loaded by itself here.
  return {};
}
