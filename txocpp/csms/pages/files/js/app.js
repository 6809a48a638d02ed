// The frame of the pages: who is here, which page is open, and what happens meanwhile.

import { listen, logOut, session, whenLoggedOut } from "./api.js";
import { accessPage } from "./access.js";
import { askPage } from "./ask.js";
import { h, show } from "./dom.js";
import { timeZone } from "./format.js";
import { mePage } from "./me.js";
import { note } from "./notes.js";
import { loginPage } from "./login.js";
import { operationsPage } from "./operations.js";
import { overviewPage } from "./overview.js";
import { reservationsPage } from "./reservations.js";
import { stationPage } from "./station.js";
import { tagsPage } from "./tags.js";
import { transactionPage } from "./transaction.js";
import { transactionsPage } from "./transactions.js";

// Name, address, and the role that it takes.
const PAGES = [
  ["Stations", "#/", "viewer"],
  ["Transactions", "#/transactions", "viewer"],
  ["Tags", "#/tags", "viewer"],
  ["Reservations", "#/reservations", "viewer"],
  ["Operations", "#/operations", "viewer"],
  ["Access", "#/access", "admin"],
];
const ROLES = ["viewer", "operator", "admin"];

// A page is a function of ({main, me, parts, params}) that gives {title, heard, refresh, leave}.
const ROUTES = {
  "": overviewPage,
  stations: stationPage,
  transactions: (room) => (room.parts.length ? transactionPage(room) : transactionsPage(room)),
  tags: tagsPage,
  reservations: reservationsPage,
  operations: operationsPage,
  ask: askPage,
  access: accessPage,
  me: mePage,
};
// Pages that belong to another one in the navigation.
const BELONGS = { stations: "", ask: "operations" };
// Pages that are of no use to somebody who may do less.
const NEEDS = { ask: "operator", access: "admin" };

const may = (role) => ROLES.indexOf(me.role) >= ROLES.indexOf(role);

const main = document.getElementById("main");
let me = null;
let page = null;
let stopListening = null;

function here() {
  const [where, search] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = where.split("/").map(decoded);
  return { name: parts[0], parts: parts.slice(1), params: new URLSearchParams(search ?? "") };
}

/** Somebody may have typed anything. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function frame() {
  const { name } = here();
  const current = (href) => href === `#/${BELONGS[name] ?? name}`;
  show(
    document.getElementById("nav"),
    me && PAGES.filter(([, , role]) => may(role)).map(([text, href]) =>
      h("a", { href, "data-key": href, "aria-current": current(href) ? "page" : null }, text),
    ),
  );
  document.querySelector("#nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  show(
    document.getElementById("session"),
    me?.csrf_token && [
      h("a", { class: "who", href: "#/me", title: "Your account" }, `${me.name}, ${me.role}`),
      h("button", { type: "button", class: "quiet", onclick: leave }, "Log out"),
    ],
  );
}

async function open() {
  page?.leave?.();
  page = null;
  frame();
  const { name, parts, params } = here();
  const room = { main, me, parts, params };
  const make = me ? ROUTES[name] : (place) => loginPage(place, enter);
  const refused = me && NEEDS[name] && !may(NEEDS[name]);
  if (!make || refused) {
    document.title = "Not found · txocpp";
    const why = refused ? `This page takes the role ${NEEDS[name]}` : "There is no such page";
    show(main, h("h1", {}, why), h("p", {}, h("a", { href: "#/" }, "All stations")));
    return;
  }
  main.replaceChildren();
  page = make(room);
  document.title = `${page.title} · txocpp`;
}

function enter(found) {
  me = found;
  begin();
  open();
}

async function leave() {
  try {
    await logOut();
  } catch (problem) {
    note(problem.message, "bad");
  }
  gone();
}

function gone() {
  if (!me) return;
  me = null;
  stopListening?.();
  show(document.getElementById("line"));
  open();
}

function begin() {
  stopListening?.();
  stopListening = listen((kind, facts) => page?.heard?.(kind, facts), standing);
}

let retry = 0;

function standing(up, closed) {
  show(
    document.getElementById("line"),
    !up && "The central system cannot be reached; trying again. What you see may be old.",
  );
  clearTimeout(retry);
  // A browser gives up by itself where the answer was no stream of events.
  if (closed) retry = setTimeout(start, 3000);
  // What happened while nobody listened is looked up.
  if (up) page?.refresh?.();
}

async function start() {
  try {
    me = await session();
  } catch (problem) {
    standing(false, true);
    return;
  }
  if (me) begin();
  if (!page || !me) open();
}

whenLoggedOut(gone);
document.getElementById("zone").textContent = timeZone();
window.addEventListener("hashchange", () => {
  window.scrollTo(0, 0);
  open();
  main.focus({ preventScroll: true });
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
start();
