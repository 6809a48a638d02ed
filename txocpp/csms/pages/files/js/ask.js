// One operation for many stations, and its outcome at each.

import { get, path, post, query } from "./api.js";
import { askForm } from "./ask-form.js";
import { badge } from "./badges.js";
import { choice, empty, field, h, loading, show } from "./dom.js";
import { attempt, confirmed } from "./notes.js";
import { operationTable } from "./operations.js";
import { pager } from "./pager.js";
import { soon } from "./soon.js";
import { stationPicker } from "./station-picker.js";

const MANY = 10;

export function askPage({ main, params }) {
  const batch = params.get("batch");
  return batch ? outcomePage(main, batch, Number(params.get("stations"))) : formPage(main, params);
}

function formPage(main, params) {
  const named = params.getAll("station");
  const who = choice(
    {},
    [["connected", "All that are online"], ["all", "All, also those that are offline"], ["these", "These:"]],
    named.length ? "these" : "connected",
  );
  const picker = stationPicker(named);
  const form = askForm({ first: params.get("action") ?? undefined });
  const turn = () => {
    picker.element.hidden = who.value !== "these";
  };
  who.addEventListener("change", turn);
  turn();

  function send(event) {
    event.preventDefault();
    const stations = who.value === "these" ? picker.chosen() : who.value;
    attempt(event.submitter, async () => {
      if (!stations.length) throw new Error("Choose at least one station.");
      const body = { stations, ...form.body() };
      const number = Array.isArray(stations) ? stations.length : Infinity;
      const whom = number === Infinity ? who.selectedOptions[0].text.toLowerCase() : `${number} stations`;
      if (number > MANY && !(await confirmed(`Send ${body.action} to ${whom}?`, "Send"))) return;
      const begun = await post("/api/batches", body);
      location.hash = `#/ask${query({ batch: begun.batch, stations: begun.stations })}`;
    });
  }

  show(
    main,
    h("h1", {}, "Ask many stations"),
    h(
      "form",
      { class: "columns even", onsubmit: send, "aria-label": "Ask many stations" },
      h("section", { class: "card stack" }, h("h2", {}, "Whom"), field("Stations", who), picker.element),
      h(
        "section",
        { class: "card stack" },
        h("h2", {}, "What"),
        form.element,
        h("div", { class: "buttons" }, h("button", { class: "primary" }, "Send to all of them")),
      ),
    ),
  );
  return { title: "Ask many stations", leave: () => picker.leave() };
}

function outcomePage(main, batch, stations) {
  const top = h("div", { class: "card stack", role: "status" }, loading());
  const list = h("div", { class: "card one-batch" });
  const only = choice({}, [["", "All outcomes"]]);
  let known = "";
  const parts = pager({
    ask: (before) => get(`/api/operations${query({ batch, outcome: only.value, before, limit: 50 })}`),
    draw: (items) => show(list, items.length ? operationTable(items, true, true, () => again()) : empty("None yet.")),
    failed: (problem) => show(list, empty(problem.message)),
  });

  async function load() {
    let found;
    try {
      found = await get(path("batches", batch));
    } catch (problem) {
      if (problem.status !== 404 || !stations) throw problem;
      // Nothing of it is written down yet.
      found = { action: "", entered: 0, done: 0, outcomes: {} };
    }
    paint(found);
    await parts.load();
  }

  function paint(found) {
    const total = Math.max(stations || 0, found.entered);
    const outcomes = Object.entries(found.outcomes);
    const names = outcomes.map(([name]) => name).join();
    if (names !== known) {
      known = names;
      const chosen = only.value;
      show(only, h("option", { value: "" }, "All outcomes"), outcomes.map(([name]) => h("option", { value: name }, name)));
      only.value = chosen;
    }
    const text = `${found.done} of ${total} done`;
    show(
      top,
      h("p", {}, h("strong", {}, text)),
      h("progress", { class: "draw", max: total, value: found.done, "aria-label": text }),
      h("div", { class: "buttons" }, outcomes.map(([name, count]) => h("span", {}, badge(name), ` ${count}`))),
    );
    if (found.done < total) again();
  }

  const again = soon(load, 800);
  only.addEventListener("change", () => parts.again());
  show(
    main,
    h("div", { class: "page-top" }, h("h1", {}, "Outcomes"), h("a", { class: "button", href: "#/ask" }, "Ask again")),
    top,
    h("div", { class: "filters" }, field("Show", only)),
    list,
    parts.element,
  );
  load().catch((problem) => show(top, empty(problem.message)));
  return { title: "Outcomes", refresh: () => again(), leave: () => again.stop() };
}
