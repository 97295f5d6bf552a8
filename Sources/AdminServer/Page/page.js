// The page as a whole: each status that comes goes to the tables, the charts and the controls.

import { makeCharts } from "./charts.js";
import { isDark } from "./colors.js";
import { connect } from "./connection.js";
import { say, showControls, startControls } from "./controls.js";
import { element, fill, make, setText } from "./dom.js";
import { History, continues, paths } from "./history.js";
import { showSlow } from "./slow.js";
import { showCounts, showFuse, showOptions, showPaths, showPhases, showThreads } from "./tables.js";
import * as text from "./text.js";

const history = new History();
const charts = makeCharts();
let status = null;
let point = null;
let link = { state: "wait", reason: null, since: Date.now() / 1000 };
/** Said for a while after the server was started anew. */
let restartedUntil = 0;

// MARK: What is wrong

function notices() {
  const list = [];
  const since = text.clock(link.since);
  if (link.state === "lost") {
    const lost = `No connection to serverfs since ${since}. Trying again every 2 s; the figures are the last that came.`;
    list.push(["bad", link.reason ?? lost]);
  }
  if (link.state === "silent") {
    list.push(["bad", `serverfs has said nothing since ${since}: it is stopped, or the machine too busy for it.`]);
  }
  if (link.state === "live" && performance.now() < restartedUntil) {
    list.push(["", `serverfs was started anew: it is process ${status.pid} now, and its counters begin at 0.`]);
  }
  if (status?.degraded) {
    const policy = status.options?.["on-mount-loss"] ?? "bypass";
    list.push(["bad", `The mount is gone: until it is back, --on-mount-loss ${policy} is in effect.`]);
  }
  if (status?.telemetry === false) {
    list.push(["", "Times are not measured, as telemetry is off: there are counts, but no latency and no phases."]);
  }
  return list;
}

function stateWord() {
  if (status.degraded) return ["mount lost", "bad"];
  if (status.bypass === null || status.bypass === undefined) return ["no mount", "bypass"];
  if (status.bypass) return ["bypass on", "bypass"];
  return status.mounted ? ["mounted", "mount"] : ["not mounted", "bad"];
}

let lastWord = "";

function showState() {
  setText("link-text", { wait: "connecting", live: "live", silent: "silent", lost: "no connection" }[link.state]);
  element("link").dataset.link = link.state;
  document.documentElement.classList.toggle("stale", link.state === "lost" || link.state === "silent");
  fill(element("notices"), notices(), () => make("p", "notice"), (notice, [kind, words]) => {
    notice.className = `notice ${kind}`;
    setText(notice, words);
  });
  if (!status) return;
  const [word, kind] = stateWord();
  setText("state", word);
  element("state").className = `chip ${kind}`;
  if (lastWord && word !== lastWord) say(`serverfs: ${word}.`);
  lastWord = word;
  const title = link.state === "live" ? `${word} · serverfs` : "(no connection) serverfs";
  if (document.title !== title) document.title = title;
  setText("process", `${status.version}, process ${status.pid}, up ${text.seconds(status.uptimeSeconds)}`);
}

// MARK: Figures

/** The two lines on top: what mount and bypass do, to the scale of the one that does more. */
function showLines() {
  const rates = paths.map((via) => point?.[via].rate ?? 0);
  const most = Math.max(...rates, 1);
  paths.forEach((via, index) => { element(`line-${via}`).style.width = `${(rates[index] / most * 100).toFixed(1)}%`; });
}

function draw() {
  showState();
  if (!status || document.hidden) return;
  showPaths(status, point);
  showPhases(point);
  showFuse(status, point);
  showThreads(status, point, history.points);
  showSlow(status);
  showCounts(status);
  showOptions(status);
  showLines();
  charts.draw(history.points);
}

function take(next) {
  if (status && next.pid !== status.pid) {
    restartedUntil = performance.now() + 15_000;
    point = null;
    say("serverfs was started anew.");
  }
  point = history.add(next) ?? (continues(next, status) || next.pid === status?.pid ? point : null);
  status = next;
  showControls(next);
  draw();
}

function enter(state, reason) {
  if (link.state !== "wait" && state !== link.state) {
    say({ live: "serverfs is back.", silent: "serverfs says nothing.", lost: "No connection to serverfs." }[state]);
  }
  link = { state, reason, since: Date.now() / 1000 };
  if (state === "lost") showControls(null);
  showState();
}

isDark.addEventListener("change", () => {
  charts.restyle();
  draw();
});
document.addEventListener("visibilitychange", draw);
startControls();
connect(take, enter);
