// Numbers, moments and words as people read them.

import { now } from "./clock.js";

const NUMBER = new Map();

function number(value, digits) {
  if (!NUMBER.has(digits)) {
    NUMBER.set(
      digits,
      new Intl.NumberFormat(undefined, { minimumFractionDigits: 0, maximumFractionDigits: digits }),
    );
  }
  return NUMBER.get(digits).format(value);
}

export const NOTHING = "–";

export function power(watts) {
  if (watts === undefined || watts === null) return NOTHING;
  return Math.abs(watts) < 1000 ? `${number(watts, 0)} W` : `${number(watts / 1000, 2)} kW`;
}

export function energy(wattHours) {
  if (wattHours === undefined || wattHours === null) return NOTHING;
  return Math.abs(wattHours) < 1000
    ? `${number(wattHours, 0)} Wh`
    : `${number(wattHours / 1000, 2)} kWh`;
}

export function current(amperes) {
  return amperes === undefined || amperes === null ? NOTHING : `${number(amperes, 1)} A`;
}

/** A number with its unit, "A" or "W". */
export function amount(value, unit) {
  return unit === "W" ? power(value) : current(value);
}

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** Day and time; today only the time. */
export function moment(text) {
  if (!text) return NOTHING;
  const at = new Date(text);
  const today = new Date(now()).toDateString() === at.toDateString();
  return today ? TIME.format(at) : `${DAY.format(at)}, ${CLOCK.format(at)}`;
}

const FULL = new Intl.DateTimeFormat(undefined, {
  dateStyle: "full", timeStyle: "long",
});

/** All of a moment, with its time zone. */
export function full(text) {
  return FULL.format(new Date(text));
}

/** The time zone that all moments are told in. */
export function timeZone() {
  const { timeZone: zone } = FULL.resolvedOptions();
  const short = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(new Date());
  const name = short.find((part) => part.type === "timeZoneName")?.value;
  return name && name !== zone ? `${zone} (${name})` : zone;
}

/** A moment as a field for dates and times wants it: local time without seconds. */
export function localField(text) {
  if (!text) return "";
  const at = new Date(text);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The same read again: RFC 3339, or null if the field is empty. */
export function fromLocalField(text) {
  return text ? new Date(text).toISOString() : null;
}

export function clock(at) {
  return CLOCK.format(at);
}

export function day(at) {
  return DAY.format(at);
}

export function lasting(from, to) {
  if (!from) return NOTHING;
  const seconds = Math.max(0, Math.round((new Date(to ?? now()) - new Date(from)) / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** How long ago, in words. */
export function ago(text) {
  return text ? `${lasting(text)} ago` : "never";
}

/** SuspendedEVSE -> Suspended EVSE, RemoteStartTransaction -> Remote Start Transaction. */
export function words(name) {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2");
}
