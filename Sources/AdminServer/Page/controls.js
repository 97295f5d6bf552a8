// What the page can do to the server: turn the bypass over, and record a trace.

import { element, setText } from "./dom.js";
import * as text from "./text.js";

/** What the server says of a request that failed, in a line. */
async function failure(response) {
  const words = (await response.text()).trim().split("\n")[0];
  return text.shortened(words || `${response.status} ${response.statusText}`, 300);
}

/** Says something once to those who do not see the page change. */
export function say(words) { setText("said", words); }

/** What the server said last; null while it cannot be asked. */
let latest = null;

// MARK: The bypass

let isTurning = false;

function showBypass() {
  const button = element("bypass");
  const isOn = latest?.bypass ?? (latest?.mounted === false);
  button.disabled = !latest || latest.bypass === null || latest.bypass === undefined || isTurning;
  if (latest) button.ariaChecked = isOn ? "true" : "false";
  setText("bypass-text", bypassText());
}

function bypassText() {
  if (!latest) return "Not known: there is no connection.";
  if (latest.bypass === null || latest.bypass === undefined) {
    return "There is no mount to go round: files are read from the docroot.";
  }
  if (latest.bypass) return "On: --listen reads the docroot directly.";
  if (latest.degraded || !latest.mounted) return "Off, but the mount is gone: --listen does what --on-mount-loss says.";
  return "Off: --listen reads through the mount.";
}

async function turnBypass() {
  const wanted = !latest.bypass;
  isTurning = true;
  setText("bypass-error", "");
  showBypass();
  try {
    const response = await fetch("bypass", { method: "PUT", body: wanted ? "on" : "off" });
    if (!response.ok) throw new Error(await failure(response));
    if (latest) latest = { ...latest, bypass: wanted };
    say(`Bypass ${wanted ? "on" : "off"}.`);
  } catch (error) {
    setText("bypass-error", `Not turned ${wanted ? "on" : "off"}: ${error.message}`);
  }
  isTurning = false;
  showBypass();
}

// MARK: The trace

let isRecording = false;
/** The server may say for a moment yet that it records, when our own trace has come. */
let ownUntil = 0;
/** What is said while nothing is recorded. */
let traceText = "";

function showTrace() {
  if (isRecording) {
    element("trace-button").disabled = true;
    return;
  }
  const isTaken = Boolean(latest?.recordingTrace) && performance.now() > ownUntil;
  element("trace-button").disabled = !latest || isTaken;
  setText("trace-text", isTaken ? "Another trace is being recorded." : traceText);
}

async function recordTrace() {
  const seconds = element("trace-seconds").valueAsNumber;
  const sample = element("trace-sample").valueAsNumber;
  const query = new URLSearchParams({ seconds: String(seconds) });
  if (Number.isFinite(sample)) query.set("sample", String(sample));
  isRecording = true;
  setText("trace-error", "");
  say(`Recording for ${seconds} s.`);
  showTrace();
  const stopProgress = showProgress(seconds);
  try {
    const response = await fetch(`trace?${query}`, { method: "POST" });
    if (!response.ok) throw new Error(await failure(response));
    const blob = await response.blob();
    save(blob, "trace.json");
    traceText = `trace.json, ${text.bytes(blob.size)}, is among the downloads: open it at ui.perfetto.dev.`;
    say("The trace is there: trace.json.");
  } catch (error) {
    setText("trace-error", `No trace: ${error.message}`);
  }
  stopProgress();
  isRecording = false;
  ownUntil = performance.now() + 2500;
  showTrace();
}

/** Moves the bar while the trace is recorded; it has no end while what was recorded is fetched. */
function showProgress(seconds) {
  const bar = element("trace-progress");
  const start = performance.now();
  bar.hidden = false;
  const move = () => {
    const elapsed = (performance.now() - start) / 1000;
    if (elapsed < seconds) {
      bar.value = elapsed / seconds;
      setText("trace-text", `Recording: ${Math.ceil(seconds - elapsed)} s to go.`);
    } else {
      bar.removeAttribute("value");
      setText("trace-text", "Fetching what was recorded.");
    }
  };
  move();
  const timer = setInterval(move, 200);
  return () => {
    clearInterval(timer);
    bar.hidden = true;
  };
}

/** Hands bytes to the browser's downloads. */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// MARK: Both

/** @param status what the server has said last; null without a connection. */
export function showControls(status) {
  latest = status;
  showBypass();
  showTrace();
}

export function startControls() {
  traceText = element("trace-text").textContent;
  element("bypass").addEventListener("click", turnBypass);
  element("trace").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!element("trace-button").disabled) recordTrace();
  });
}
