// Pages of a long list: only the rows of one page are ever there.

import { h, show } from "./dom.js";

/**
 * ask(cursor) gives {items, next}; draw(items) shows them; failed(problem) tells what is wrong.
 * Of several questions under way only the last one counts.
 */
export function pager({ ask, draw, failed, names = ["Newer", "Older"] }) {
  const element = h("nav", { class: "pager", "aria-label": "Parts of the list" });
  let cursors = [undefined];
  let next = null;
  let asked = 0;

  async function load() {
    asked += 1;
    const mine = asked;
    let found;
    try {
      found = await ask(cursors.at(-1));
    } catch (problem) {
      if (mine === asked) failed(problem);
      return;
    }
    if (mine !== asked) return;
    next = found.next;
    draw(found.items);
    paint();
  }

  function go(forth) {
    if (forth) cursors.push(next);
    else cursors.pop();
    return load().then(() => element.scrollIntoView({ block: "nearest" }));
  }

  const button = (text, possible, forth) =>
    h(
      "button",
      { type: "button", class: "small", "data-key": text, disabled: !possible, onclick: () => go(forth) },
      text,
    );

  function paint() {
    const several = cursors.length > 1 || next !== null;
    show(
      element,
      several && [
        button(names[0], cursors.length > 1, false),
        h("span", { class: "soft" }, `Part ${cursors.length}`),
        button(names[1], next !== null, true),
      ],
    );
  }

  return {
    element,
    load,
    /** From the beginning again: what is looked for has changed. */
    again() {
      cursors = [undefined];
      return load();
    },
    /** True if this part is the last one. */
    get complete() {
      return next === null;
    },
    get first() {
      return cursors.length === 1;
    },
  };
}
