// Figures as text: three significant digits, a unit, and a dash for what is not known.

export const none = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Three significant digits, but never fewer than the whole number has. */
function digits(value) {
  const size = Math.abs(value);
  if (size >= 99.95) return whole.format(value);
  if (size >= 9.995) return value.toFixed(1);
  return value === 0 ? "0" : value.toFixed(2);
}

function known(value) { return typeof value === "number" && Number.isFinite(value); }

function scaled(value, base, units) {
  let index = 0;
  while (Math.abs(value) >= base * 0.9995 && index < units.length - 1) {
    value /= base;
    index += 1;
  }
  return `${index === 0 ? whole.format(value) : digits(value)} ${units[index]}`;
}

export function count(value) { return known(value) ? whole.format(value) : none; }

export function rate(value) {
  if (!known(value)) return none;
  return value >= 10 || value === 0 ? whole.format(value) : value.toFixed(1);
}

/** A quotient such as FUSE requests a request. */
export function ratio(value) { return known(value) ? digits(value) : none; }

export function share(value) {
  if (!known(value)) return none;
  return value >= 0.995 ? digits(value) : value.toFixed(value < 0.0995 ? 3 : 2);
}

export function percent(value) { return known(value) ? `${(value * 100).toFixed(value >= 0.9995 ? 0 : 1)} %` : none; }

export function bytes(value) { return known(value) ? scaled(value, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]) : none; }

export function duration(nanoseconds) {
  if (!known(nanoseconds)) return none;
  if (nanoseconds === 0) return "0";
  if (nanoseconds < 1000) return `${Math.round(nanoseconds)} ns`;
  const microseconds = nanoseconds / 1000;
  if (microseconds < 999.5) return `${digits(microseconds)} µs`;
  return microseconds < 999_500 ? `${digits(microseconds / 1000)} ms` : seconds(microseconds / 1e6);
}

/** A time span of people: 3.2 s, 4 min 10 s, 3 d 4 h. */
export function seconds(value) {
  if (!known(value)) return none;
  if (value < 60) return `${value < 10 ? value.toFixed(1) : Math.floor(value)} s`;
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const index = units.findIndex(([size]) => value >= size);
  const [[size, name], [smaller, smallerName]] = units.slice(index, index + 2);
  return `${Math.floor(value / size)} ${name} ${Math.floor((value % size) / smaller)} ${smallerName}`;
}

/** A moment of the clock on the wall, of this browser's time zone. */
export function clock(unixSeconds) {
  return new Date(unixSeconds * 1000).toLocaleTimeString("en-GB", { hour12: false });
}

/** Without zeros that say nothing: for the marks of a scale. */
export function short(text) { return text.replace(/\.0+(?= |$)/, ""); }

/** A client's text, cut where nobody would read on. */
export function shortened(text, length) { return text.length > length ? `${text.slice(0, length)}…` : text; }

/** A client's text, with control and direction characters made visible: they would change how the rest is shown. */
export function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}
