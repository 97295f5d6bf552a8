// What the page can do to the server: turn its switches, and record a trace.

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

// MARK: Switches

/** One of the server's switches: it shows what the server says, whoever has turned it. */
class Switch {
  #isTurning = false;
  #name;
  #title;
  #text;
  #isOn;

  /**
   * @param name in a status, where it is true, false, or null while it cannot be turned; of its resource; and of its elements.
   * @param text what a status has it say.
   * @param isOn whether a status has it on.
   */
  constructor(name, title, text, isOn = (status) => status[name]) {
    this.#name = name;
    this.#title = title;
    this.#text = text;
    this.#isOn = isOn;
  }

  start() { element(this.#name).addEventListener("click", () => this.#turn()); }

  show() {
    const button = element(this.#name);
    button.disabled = typeof latest?.[this.#name] !== "boolean" || this.#isTurning;
    if (latest) button.ariaChecked = this.#isOn(latest) ? "true" : "false";
    setText(`${this.#name}-text`, latest ? this.#text(latest) : "Not known: there is no connection.");
  }

  async #turn() {
    const wanted = !latest[this.#name];
    const word = wanted ? "on" : "off";
    this.#isTurning = true;
    setText(`${this.#name}-error`, "");
    this.show();
    try {
      const response = await fetch(this.#name, { method: "PUT", body: word });
      if (!response.ok) throw new Error(await failure(response));
      if (latest) latest = { ...latest, [this.#name]: wanted };
      say(`${this.#title} ${word}.`);
    } catch (error) {
      setText(`${this.#name}-error`, `Not turned ${word}: ${error.message}`);
    }
    this.#isTurning = false;
    this.show();
  }
}

function bypassText(status) {
  if (status.bypass === null || status.bypass === undefined) {
    return "There is no mount to go round: files are read from the docroot.";
  }
  if (status.bypass) return "On: --listen reads the docroot directly.";
  if (status.degraded || !status.mounted) return "Off, but the mount is gone: --listen does what --on-mount-loss says.";
  return "Off: --listen reads through the mount.";
}

function telemetryText(status) {
  return status.telemetry
    ? "On: it is measured how long requests take, and what for."
    : "Off: requests are counted, and no times are taken.";
}

const switches = [
  new Switch("bypass", "Bypass", bypassText, (status) => status.bypass ?? !status.mounted),
  new Switch("telemetry", "Telemetry", telemetryText),
];

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

// MARK: All

/** @param status what the server has said last; null without a connection. */
export function showControls(status) {
  latest = status;
  for (const each of switches) each.show();
  showTrace();
}

export function startControls() {
  traceText = element("trace-text").textContent;
  for (const each of switches) each.start();
  element("trace").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!element("trace-button").disabled) recordTrace();
  });
}
