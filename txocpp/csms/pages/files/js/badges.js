// Small signs of how things stand. Never colour alone: each has its word.

import { h } from "./dom.js";
import { current, words } from "./format.js";

const KINDS = {
  Available: "free", Charging: "busy", Preparing: "ready", Finishing: "ready", Reserved: "ready",
  SuspendedEV: "paused", SuspendedEVSE: "paused", Unavailable: "off", Faulted: "bad",
  Accepted: "free", Blocked: "bad", Expired: "bad", Invalid: "bad", Rejected: "bad",
  Pending: "paused", answered: "free", refused: "bad", timeout: "bad", offline: "bad",
  disconnected: "bad", invalid: "bad", cancelled: "off", expired: "bad", lost: "bad",
  active: "free", used: "busy", replaced: "off", Installed: "free", Uploaded: "free",
  Unlocked: "free", RebootRequired: "paused", Scheduled: "paused", NotSupported: "bad",
  Failed: "bad", VersionMismatch: "bad", UnlockFailed: "bad", Occupied: "bad",
};

/** A word in a coloured pill; the colour says how things stand. */
export function badge(status) {
  return h("span", { class: `badge ${KINDS[status] ?? "off"}` }, words(status ?? "Unknown"));
}

/** Whether a station is on the line. */
export function lamp(connected) {
  const text = connected ? "Online" : "Offline";
  return h("span", { class: `lamp ${connected ? "on" : "off"}` }, text);
}

/** How much of the limit is drawn, as a bar. */
export function draw(drawn, limit) {
  if (drawn === undefined || drawn === null || limit === null || limit <= 0) return null;
  const share = Math.min(100, Math.round((100 * drawn) / limit));
  const text = `${current(drawn)} of ${current(limit)}`;
  return h("progress", { class: "draw", max: 100, value: share, "aria-label": text, title: text });
}
