// Who has reserved a connector of one station, and reserving one.

import { get, query } from "./api.js";
import { h, show, when } from "./dom.js";
import { attempt } from "./notes.js";
import { cancelButton, reserve } from "./reserve.js";
import { soon } from "./soon.js";

const CHANGES = new Set(["ReserveNow", "CancelReservation"]);

/** Gives {element, heard, stop}. */
export function heldCard(identity) {
  const list = h("ul", { class: "plain" });
  const again = soon(async () => {
    const found = await get(`/api/reservations${query({ station: identity, state: "active" })}`);
    show(
      list,
      found.items.map((one) =>
        h(
          "li",
          { class: "card-top" },
          h("span", {}, one.connector_id ? `Connector ${one.connector_id}` : "Any connector", " for ", h("strong", {}, one.id_tag), " until ", when(one.expires_at)),
          cancelButton(one, () => again()),
        ),
      ),
    );
  }, 100);
  again.now();
  return {
    element: h(
      "div",
      { class: "card stack" },
      h("h2", {}, "Reservations"),
      list,
      h("div", {}, h("button", {
        type: "button", onclick: (e) => attempt(e.target, () => reserve(identity, () => again())),
      }, "Reserve")),
    ),
    heard(kind, facts) {
      if (CHANGES.has(facts.action) || kind === "connector.status" || kind === "transaction.started") again();
    },
    stop: () => again.stop(),
  };
}
