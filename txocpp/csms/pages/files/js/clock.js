// What time it is at the central system; the clock of this computer may be another.

const LEAST_MS = 3000;

let ahead = 0;

/** Note the time that the central system has just told. */
export function heardTime(text) {
  const told = new Date(text).getTime();
  if (Number.isFinite(told)) ahead = told - Date.now();
}

/** The same from the Date of an answer, which has whole seconds: for a clock that is quite another. */
export function heardDate(text) {
  const told = new Date(text ?? NaN).getTime();
  if (Math.abs(told - now()) > LEAST_MS) ahead = told - Date.now();
}

/** Milliseconds since 1970, as the central system has it. */
export function now() {
  return Date.now() + ahead;
}
