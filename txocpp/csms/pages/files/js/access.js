// Who may do what, and who did what: for admins.

import { accountsTab } from "./accounts.js";
import { auditTab } from "./audit.js";
import { h, show } from "./dom.js";
import { tokensTab } from "./tokens.js";

const TABS = [["", "Accounts", accountsTab], ["tokens", "Tokens", tokensTab], ["audit", "Audit trail", auditTab]];

export const ROLES = [
  ["viewer", "viewer: sees everything"],
  ["operator", "operator: may also ask stations, edit tags and stations"],
  ["admin", "admin: may also give access"],
];

export function accessPage({ main, me, parts }) {
  const [chosen = ""] = parts;
  const place = h("section", { class: "stack", "aria-label": "Access" });
  show(
    main,
    h("h1", {}, "Access"),
    h(
      "nav",
      { class: "tabs", "aria-label": "Access" },
      TABS.map(([name, text]) =>
        h("a", { href: name ? `#/access/${name}` : "#/access", "aria-current": name === chosen ? "page" : null }, text),
      ),
    ),
    place,
  );
  const make = TABS.find(([name]) => name === chosen)?.[2] ?? accountsTab;
  const tab = make({ place, me });
  return { title: "Access", leave: () => tab.leave?.() };
}
