// The HTTP API: requests, their errors, and the stream of events.

import { heardDate, heardTime } from "./clock.js";

let csrf = null;
let onLoggedOut = () => {};

/** An error that the API told, or that kept it from telling anything. */
export class Problem extends Error {
  constructor(status, detail, document) {
    super(detail);
    this.status = status;
    this.document = document ?? {};
  }
}

export function whenLoggedOut(callback) {
  onLoggedOut = callback;
}

/** A path from parts that may hold any character. */
export function path(...parts) {
  return `/api/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
}

/** A query from what is given; empty values are left out. */
export function query(values) {
  const given = Object.entries(values).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  const text = new URLSearchParams(given).toString();
  return text ? `?${text}` : "";
}

async function ask(method, url, body, { version, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf && method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  let response;
  try {
    response = await fetch(url, {
      method,
      headers,
      signal,
      credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The central system cannot be reached.");
  }
  heardDate(response.headers.get("Date"));
  const text = await response.text();
  let document = null;
  try {
    document = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(response.status, `${method} ${url} was answered with something else than JSON.`);
  }
  if (response.ok) return document;
  if (response.status === 401 && url !== "/api/session") onLoggedOut();
  throw new Problem(response.status, document?.detail ?? response.statusText, document);
}

export const get = (url, options) => ask("GET", url, undefined, options);
export const post = (url, body, options) => ask("POST", url, body ?? {}, options);
export const patch = (url, body, options) => ask("PATCH", url, body, options);
export const remove = (url, options) => ask("DELETE", url, undefined, options);

/** Who is asking; null if nobody has logged in. */
export async function session() {
  try {
    const found = await get("/api/session");
    csrf = found.csrf_token;
    return found;
  } catch (problem) {
    if (problem.status === 401) return null;
    throw problem;
  }
}

export async function logIn(name, password) {
  const found = await post("/api/session", { name, password });
  csrf = found.csrf_token;
  return found;
}

export async function changePassword(old, fresh) {
  const found = await post("/api/session/password", { old, new: fresh });
  csrf = found.csrf_token;
}

export async function logOut() {
  await remove("/api/session");
  csrf = null;
}

const KINDS = [
  "station.connected", "station.disconnected", "station.booted", "station.added",
  "station.changed", "station.notice", "connector.status", "meter.sampled", "tag.presented",
  "tag.added", "tag.changed", "tag.removed", "transaction.started", "transaction.stopped",
  "transaction.abandoned", "operation.done",
];

/** Hear what happens. `heard(kind, facts)`; `standing(true or false)` tells of the connection. */
export function listen(heard, standing) {
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => standing(true));
  source.addEventListener("error", () => standing(false, source.readyState === EventSource.CLOSED));
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      const facts = JSON.parse(event.data);
      heardTime(facts.at);
      heard(kind, facts);
    });
  }
  return () => source.close();
}
