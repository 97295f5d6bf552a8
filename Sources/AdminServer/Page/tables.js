// Every figure of the page as text.

import { color, fuseKind, phases, threadColor } from "./colors.js";
import { compareThreads, threadGroups } from "./charts.js";
import { element, fill, fillRow, make, makeRow, setText } from "./dom.js";
import { paths } from "./history.js";
import { phaseBar } from "./slow.js";
import * as text from "./text.js";

/** One row of the first table: for mount and bypass, and their quotient where it says something. */
function row(name, format, value) {
  const [mount, bypass] = paths.map(value);
  setText(`${name}-mount`, format(mount));
  setText(`${name}-bypass`, format(bypass));
  const share = document.getElementById(`${name}-share`);
  if (share) setText(share, text.share(mount > 0 && bypass > 0 ? mount / bypass : null));
}

export function showPaths(status, point) {
  row("total", text.count, (via) => status.http?.[via]?.requests);
  const latency = (via, name) => (status.http?.[via]?.latency?.count > 0 ? status.http[via].latency[name] : null);
  row("allp50", text.duration, (via) => latency(via, "p50Nanoseconds"));
  row("allp99", text.duration, (via) => latency(via, "p99Nanoseconds"));
  row("allmax", text.duration, (via) => latency(via, "maxNanoseconds"));
  if (!point) return;
  row("rate", text.rate, (via) => point[via].rate);
  row("bytes", (value) => (value === null ? text.none : `${text.bytes(value)}/s`), (via) => point[via].bytes);
  row("p50", text.duration, (via) => point[via].p50);
  row("p99", text.duration, (via) => point[via].p99);
  row("fuse", text.ratio, (via) => point[via].request.fuse);
  row("switches", text.ratio, (via) => point[via].switches);
  row("cpu", text.duration, (via) => point[via].request.cpu);
  row("hits", text.percent, (via) => point[via].request.hits);
  for (const via of paths) {
    setText(`voluntary-${via}`, text.ratio(point[via].request.voluntary));
    setText(`involuntary-${via}`, text.ratio(point[via].request.involuntary));
  }
  setText("voluntary-all", text.ratio(point.all.voluntary));
  setText("involuntary-all", text.ratio(point.all.involuntary));
}

/** The two bars of where the time goes, to one scale, and their table. */
export function showPhases(point) {
  const times = paths.map((via) => point?.[via].request.phases ?? {});
  const totals = times.map((each) => Object.values(each).reduce((sum, time) => sum + (time ?? 0), 0));
  const longest = Math.max(...totals);
  fill(element("phases"), paths, () => make("div", "", make("span"), make("div")), (line, via, index) => {
    setText(line.firstElementChild, via);
    line.firstElementChild.className = via;
    const label = `${via}: ${text.duration(totals[index] || null)}`;
    line.lastElementChild.replaceWith(phaseBar(times[index], longest, label));
  });
  const present = phases.filter((phase) => times.some((each) => each[phase] > 0));
  const rows = present.map((phase) => ({
    name: phase, key: color(`phase-${phase}`), cells: phaseCells(times[0][phase], times[1][phase]),
  }));
  if (present.length > 0) {
    const [mount, bypass] = totals.map((total) => total || null);
    rows.push({ name: "together", key: "transparent", cells: phaseCells(mount, bypass) });
  }
  fill(element("phase-table").tBodies[0], rows, () => makeRow(3, true), fillRow);
  element("phase-table").classList.toggle("summed", rows.length > 0);
}

function phaseCells(mount, bypass) {
  const cells = [text.duration(mount), text.duration(bypass)];
  if (typeof mount !== "number" || typeof bypass !== "number") return [...cells, text.none];
  const sign = mount < bypass ? "−" : "+";
  return [...cells, sign + text.duration(Math.abs(mount - bypass))];
}

export function showFuse(status, point) {
  const operations = Object.entries(status.fuse?.operations ?? {}).filter(([, operation]) => operation.requests > 0);
  operations.sort((one, other) => other[1].requests - one[1].requests);
  const rows = operations.map(([name, operation]) => {
    const now = point?.fuse[name];
    return {
      name, key: color(`fuse-${fuseKind(name)}`),
      cells: [
        text.rate(now?.rate), text.count(operation.requests),
        text.duration(now?.service ?? mean(operation, "serviceNanoseconds")),
        text.duration(now?.reply ?? mean(operation, "replyNanoseconds")),
        operation.latency?.count > 0 ? text.duration(operation.latency.p99Nanoseconds) : text.none,
      ],
    };
  });
  fill(element("fuse-table").tBodies[0], rows, () => makeRow(5, true), fillRow);
  element("fuse-none").hidden = rows.length > 0;
}

function mean(operation, part) { return operation.latency?.count > 0 ? operation[part] / operation.latency.count : null; }

export function showThreads(status, point, points) {
  const groups = threadGroups(points);
  const roles = new Map([...groups].flatMap(([role, names]) => names.map((name) => [name, role])));
  const names = point ? [...point.threads.keys()].sort(compareThreads) : [];
  const rows = names.map((name) => {
    const { processor, voluntary, involuntary, all } = point.threads.get(name);
    return {
      name, key: threadColor(roles.get(name) ?? name),
      cells: [
        text.percent(processor / 1e9 / point.elapsed), text.rate(voluntary / point.elapsed),
        text.rate(involuntary / point.elapsed), text.duration(all),
      ],
    };
  });
  fill(element("thread-table").tBodies[0], rows, () => makeRow(4, true), fillRow);
}

function pairs(id, list) {
  fill(element(id), list, () => make("div", "", make("dt"), make("dd")), (pair, [name, value]) => {
    setText(pair.firstElementChild, name);
    setText(pair.lastElementChild, value);
  });
}

export function showCounts(status) {
  const connections = status.http?.connections ?? {};
  const list = [
    ["connections open", connections.open], ["connections accepted", connections.accepted],
    ["connections refused", connections.refused], ["invalid requests", status.http?.invalidRequests],
    ["responses cut off", status.http?.truncatedResponses], ["requests stuck", status.http?.stuckRequests],
    ["stuck requests given up", status.http?.stuckRequestsGivenUp], ["mounts lost", status.mountLosses],
    ["inodes the kernel knows", status.fuse?.inodes], ["FUSE replies with an error", status.fuse?.errorReplies],
    ["deadlocks avoided", status.fuse?.deadlocksAvoided],
  ].filter(([, value]) => typeof value === "number").map(([name, value]) => [name, text.count(value)]);
  const readBytes = status.fuse?.readBytes;
  if (typeof readBytes === "number") list.push(["bytes of READ replies", text.bytes(readBytes)]);
  pairs("counts", list);
}

function optionText(value) {
  if (Array.isArray(value)) return value.length > 0 ? value.map(optionText).join(", ") : text.none;
  if (value === true) return "on";
  if (value === false) return "off";
  if (value === null || value === undefined || value === "") return text.none;
  if (typeof value !== "object") return String(value);
  // One value for the mount and one for the bypass.
  const parts = Object.entries(value).filter(([, part]) => part !== null);
  if (parts.every(([, part]) => part === parts[0][1])) return optionText(parts[0]?.[1]);
  return parts.map(([name, part]) => `${optionText(part)} (${name})`).join(", ");
}

/** Every option with what is in effect, and what was asked for where that is something else. */
export function showOptions(status) {
  const requested = status.requestedOptions ?? {};
  pairs("options", Object.entries(status.options ?? {}).map(([name, value]) => {
    const inEffect = optionText(value);
    const asked = optionText(requested[name]);
    // Where nothing was asked for, the default is not worth a word.
    return [name, asked !== text.none && asked !== inEffect ? `${inEffect} (asked for: ${asked})` : inEffect];
  }));
}
