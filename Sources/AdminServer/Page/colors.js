// Which colour means what. Mount and bypass have theirs, in the style sheet, and nothing else may use them.

/** FUSE requests that are drawn by themselves; the others are drawn in groups. */
const fuseGroups = {
  lookup: "lookup", getattr: "getattr", open: "open", read: "read", release: "release", forget: "forget",
  opendir: "folders", readdir: "folders", readdirplus: "folders", releasedir: "folders",
};
export const fuseKinds = ["lookup", "getattr", "open", "read", "release", "forget", "folders", "other"];

export function fuseKind(operation) { return fuseGroups[operation] ?? "other"; }

/** The phases of a request, in the order in which they come. */
export const phases = ["queue", "receive", "parse", "resolve", "statx", "open", "prepare", "read", "send", "sendfile",
  "wait"];

let style = getComputedStyle(document.documentElement);

/** A colour of the style sheet, by its custom property. */
export function color(name) { return style.getPropertyValue(`--${name}`).trim(); }

export const isDark = matchMedia("(prefers-color-scheme: dark)");

/** HTTP threads in one hue, FUSE threads in another, the rest without one; darker and lighter by number. */
export function threadColor(name) {
  const match = /^(.*?)-(\d+)$/.exec(name);
  const role = match ? match[1] : name;
  const step = (match ? Number(match[2]) : 0) % 5;
  const lightness = isDark.matches ? 68 - step * 8 : 38 + step * 9;
  if (role === "http") return `hsl(36, ${isDark.matches ? 70 : 85}%, ${lightness}%)`;
  if (role === "fuse") return `hsl(262, ${isDark.matches ? 60 : 45}%, ${lightness + (isDark.matches ? 4 : 8)}%)`;
  return `hsl(150, 12%, ${lightness + (name.charCodeAt(0) % 4) * (isDark.matches ? -5 : 5)}%)`;
}
