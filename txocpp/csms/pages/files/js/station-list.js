// The local list of a station: whom it lets charge while nobody can be asked.

import { get, path, post } from "./api.js";
import { badge } from "./badges.js";
import { empty, factList, field, h, loading, show, table } from "./dom.js";
import { moment } from "./format.js";
import { attempt, outcome } from "./notes.js";
import { soon } from "./soon.js";

const COLUMNS = [
  ["Tag", (one) => h("strong", {}, one.idTag)],
  ["Status", (one) => badge(one.idTagInfo.status)],
  ["Group", (one) => one.idTagInfo.parentIdTag ?? ""],
  ["Expires", (one) => (one.idTagInfo.expiryDate ? moment(one.idTagInfo.expiryDate) : "never")],
];

const MOST_ROWS = 200;

export function listTab({ place, identity, me }) {
  const facts = h("div", { class: "card stack" }, loading());
  const list = h("div", { class: "card" }, loading());

  const search = h("input", { type: "search", placeholder: "Part of a tag" });
  let entries = [];

  /** A list may hold thousands of tags; a person looks for one. */
  function paint() {
    const wanted = search.value.trim().toLowerCase();
    const fitting = entries.filter((one) => one.idTag.toLowerCase().includes(wanted));
    const more = fitting.length - MOST_ROWS;
    show(
      list,
      !entries.length &&
        empty("No list was sent yet.", h("p", {}, "The tags that are entered here can be sent, so that the station knows them while it is offline.")),
      entries.length > 0 && !fitting.length && empty("No tag fits."),
      fitting.length > 0 && table(COLUMNS, fitting.slice(0, MOST_ROWS), "Local list"),
      more > 0 && h("p", { class: "soft" }, `and ${more} more; search for one`),
    );
  }

  const load = soon(async () => {
    const found = await get(path("stations", identity, "local-list"));
    entries = found.entries;
    const apart = found.told !== null && found.told !== (found.version ?? 0);
    show(
      facts,
      h("h2", {}, "Versions"),
      factList([
        ["Acknowledged from here", found.version ?? "none"],
        ["Named by the station", found.told ?? "never asked"],
        ["Tags in it", found.entries.length],
      ]),
      apart && h("p", { class: "notice" }, "The station has another version than was sent from here: send the whole list."),
    );
    paint();
  });

  const send = (event, update) =>
    attempt(event.target, async () => {
      const done = (await post(path("stations", identity, "send-list"), { update })).items;
      load();
      const [text, kind] = outcome(done.at(-1));
      if (kind === "bad") throw new Error(text);
      const sent = done.filter((one) => one.action === "SendLocalList");
      const last = sent.at(-1);
      return last
        ? `${last.payload.updateType === "Full" ? "The whole list" : "The changes"} sent; version ${last.payload.listVersion}`
        : "The station has everything already";
    });

  const ask = (event) =>
    attempt(event.target, async () => {
      const body = { action: "GetLocalListVersion", payload: {} };
      const done = await post(path("stations", identity, "operations"), body);
      load();
      return done.answer ? `The station has version ${done.answer.listVersion}` : done;
    });

  const button = (text, onclick, kind = "") => h("button", { type: "button", class: kind, onclick }, text);
  show(
    place,
    h(
      "div",
      { class: "columns" },
      h("div", { class: "stack" }, h("div", { class: "filters", role: "search" }, field("Search", search)), list),
      h(
        "aside",
        { class: "stack", "aria-label": "Local list" },
        facts,
        me.role !== "viewer" &&
          h(
            "div",
            { class: "card stack" },
            h("h2", {}, "Send the tags"),
            h("p", { class: "soft" }, "All tags that are entered here, each with its status now."),
            button("Send what has changed", (e) => send(e, "changes"), "primary"),
            button("Send the whole list", (e) => send(e, "full")),
            button("Ask for the version", ask),
          ),
      ),
    ),
  );
  search.addEventListener("input", paint);
  load.now();
  return {
    heard: (kind, event) => kind === "operation.done" && event.action === "SendLocalList" && load(),
    leave: () => load.stop(),
  };
}
