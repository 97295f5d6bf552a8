// Requests that took long, each with the parts of its time.

import { phases } from "./colors.js";
import { element, make, setText } from "./dom.js";
import * as text from "./text.js";

const pathLengthMax = 160;

/** Phases as text, the longest first: "open 12.1 ms, send 0.31 ms". Those of less than a hundredth are left out. */
function phaseList(times) {
  const known = Object.entries(times).filter(([, time]) => time > 0).sort((one, other) => other[1] - one[1]);
  const whole = known.reduce((sum, [, time]) => sum + time, 0);
  const shown = known.filter(([, time]) => time >= whole / 100);
  return shown.map(([name, time]) => `${name} ${text.duration(time)}`).join(", ");
}

/**
 * A bar of phases, one after the other.
 * @param longest the time, in nanoseconds, that takes the whole width.
 */
export function phaseBar(times, longest, label) {
  const bar = make("div", "bar");
  bar.role = "img";
  bar.ariaLabel = `${label}. ${phaseList(times) || "nothing measured"}`;
  for (const phase of phases) {
    const part = (times[phase] ?? 0) / longest;
    if (!(part > 0.001)) continue;
    const piece = make("i", `phase-${phase}`);
    piece.style.width = `${(part * 100).toFixed(2)}%`;
    piece.title = `${phase} ${text.duration(times[phase])}`;
    bar.append(piece);
  }
  return bar;
}

function slowRow(request, longest) {
  const time = make("time", "", text.clock(request.endedUnixSeconds));
  time.dateTime = new Date(request.endedUnixSeconds * 1000).toISOString();
  const path = make("bdi", "path", text.visible(text.shortened(request.path, pathLengthMax)));
  if (request.path.length > pathLengthMax) path.title = text.visible(request.path);
  const head = make("th", "", path);
  head.scope = "row";
  const via = make("td", "", make("span", request.via === "mount" ? "mount" : "bypass", request.via));
  const bar = phaseBar(request.phases ?? {}, longest, "Phases");
  // The text below says the same.
  bar.ariaHidden = "true";
  const parts = make("td", "parts", bar, make("small", "", phaseList(request.phases ?? {})));
  const fuse = make("td", "n", text.count(request.fuseRequests));
  if (request.fuseRequests > 0) {
    fuse.append(make("small", "", `${text.duration(request.fuseServiceNanoseconds)} service`));
  }
  const areCounted = typeof request.voluntarySwitches === "number";
  const sum = areCounted ? request.voluntarySwitches + request.involuntarySwitches : null;
  const switches = make("td", "n", text.count(sum));
  switches.title = areCounted
    ? `${text.count(request.voluntarySwitches)} voluntary, ${text.count(request.involuntarySwitches)} involuntary`
    : "not looked at: they are for one request in 64";
  return make(
    "tr", "", make("td", "", time), head, via, make("td", "", String(request.status)),
    make("td", "n", text.duration(request.latencyNanoseconds)), parts, fuse, switches);
}

let shownKey = "";

/** Shows the latest first. Rows are only made again when there is another request. */
export function showSlow(status) {
  const requests = status.slowRequests ?? [];
  const key = `${status.pid} ${requests.map(({ number }) => number).join(" ")}`;
  if (key === shownKey) return;
  shownKey = key;
  const longest = Math.max(...requests.map(({ latencyNanoseconds }) => latencyNanoseconds), 1);
  const latest = requests.toSorted((one, other) => other.number - one.number);
  element("slow-table").tBodies[0].replaceChildren(...latest.map((request) => slowRow(request, longest)));
  element("slow-table").hidden = requests.length === 0;
  const isMeasured = status.telemetry !== false;
  setText("slow-none", isMeasured ? "None yet: nothing has taken 10 ms." : "Not measured: telemetry is off.");
  element("slow-none").hidden = requests.length > 0;
}
