// Choosing stations out of any number: search, tick, or take all that fit.

import { get, query } from "./api.js";
import { lamp } from "./badges.js";
import { empty, field, h, loading, show } from "./dom.js";
import { attempt } from "./notes.js";
import { soon } from "./soon.js";

const SHOWN = 50;
const AT_ONCE = 1000;

export function stationPicker(named) {
  const chosen = new Set(named);
  const search = h("input", { type: "search", placeholder: "Identity, name, vendor, model" });
  const list = h("ul", { class: "picks", "aria-label": "Stations that fit" }, loading());
  const count = h("p", { role: "status" });
  let found = [];

  async function load() {
    const page = await get(`/api/stations${query({ search: search.value.trim(), limit: SHOWN })}`);
    found = page.items;
    paint(page.next !== null);
  }

  function paint(more) {
    show(
      list,
      found.map((one) => {
        const box = h("input", { type: "checkbox", checked: chosen.has(one.identity), "data-key": one.identity });
        box.addEventListener("change", () => {
          if (box.checked) chosen.add(one.identity);
          else chosen.delete(one.identity);
          tell();
        });
        return h("li", {}, h("label", {}, box, h("span", {}, one.name ? `${one.name} (${one.identity})` : one.identity), lamp(one.connected)));
      }),
      !found.length && empty("No station fits."),
      more && h("li", { class: "soft" }, `The first ${SHOWN} are shown; search for others.`),
    );
    tell();
  }

  function tell() {
    show(count, `${chosen.size} chosen`);
  }

  /** All that fit, also those that are not shown. */
  async function all() {
    let after;
    do {
      const page = await get(`/api/stations${query({ search: search.value.trim(), after, limit: AT_ONCE })}`);
      for (const one of page.items) chosen.add(one.identity);
      after = page.next;
    } while (after !== null);
    await load();
  }

  function none() {
    chosen.clear();
    for (const box of list.querySelectorAll("input")) box.checked = false;
    tell();
  }

  const again = soon(load);
  search.addEventListener("input", () => again());
  again.now();
  return {
    element: h(
      "div",
      { class: "stack" },
      field("Search", search),
      list,
      h(
        "div",
        { class: "buttons" },
        count,
        h("button", { type: "button", class: "small", onclick: (e) => attempt(e.target, all) }, "Choose all that fit"),
        h("button", { type: "button", class: "small", onclick: none }, "Choose none"),
      ),
    ),
    chosen: () => [...chosen],
    leave: () => again.stop(),
  };
}
