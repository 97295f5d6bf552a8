// The five charts, by Chart.js where there is one. They only repeat what the tables say, over the last two minutes.

import { color, fuseKind, fuseKinds, threadColor } from "./colors.js";
import { historySeconds } from "./history.js";
import * as text from "./text.js";

export const isAvailable = typeof globalThis.Chart === "function";

/** Threads are drawn one by one up to this number, and by role beyond. */
const threadsMax = 12;

/** Writes each line's name at its end, so that nobody has to compare colours with a legend. */
const endLabels = {
  id: "endLabels",
  afterDatasetsDraw(chart) {
    const { ctx, chartArea } = chart;
    const labels = [];
    chart.data.datasets.forEach((dataset, index) => {
      const position = dataset.data.findLastIndex((point) => point.y !== null);
      // A line that ended long ago has no name at the right edge.
      if (position < 0 || position < dataset.data.length - 3 || !dataset.endLabel) return;
      const y = chart.getDatasetMeta(index).data[position]?.y;
      if (Number.isFinite(y)) labels.push({ y, text: dataset.endLabel, color: dataset.borderColor });
    });
    labels.sort((one, other) => one.y - other.y);
    const height = 13;
    labels.forEach((label, index) => {
      label.y = Math.max(label.y, chartArea.top + 5, index > 0 ? labels[index - 1].y + height : 0);
    });
    for (let index = labels.length - 1; index >= 0; index -= 1) {
      const lowest = index === labels.length - 1 ? chartArea.bottom - 5 : labels[index + 1].y - height;
      labels[index].y = Math.min(labels[index].y, lowest);
    }
    ctx.save();
    ctx.font = `600 11px ${Chart.defaults.font.family}`;
    ctx.textBaseline = "middle";
    for (const label of labels) {
      ctx.fillStyle = label.color;
      ctx.fillText(label.text, chartArea.right + 6, label.y);
    }
    ctx.restore();
  },
};

function options({ isStacked = false, isLogarithmic = false, format, labelWidth, least }) {
  const y = {
    stacked: isStacked,
    type: isLogarithmic ? "logarithmic" : "linear",
    beginAtZero: true,
    grid: { color: color("grid"), drawBorder: false, drawTicks: false },
    // A chart of next to nothing should not look like a full one.
    suggestedMax: least,
    ticks: { color: color("soft"), padding: 6, maxTicksLimit: 6, callback: (value) => text.short(format(value)) },
  };
  if (isLogarithmic) {
    // One label for each power of ten.
    const isPowerOfTen = ({ value }) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6);
    y.afterBuildTicks = (axis) => { axis.ticks = axis.ticks.filter(isPowerOfTen); };
  }
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    parsing: false,
    normalized: true,
    interaction: { mode: "index", intersect: false },
    layout: { padding: { right: labelWidth, top: 4 } },
    elements: { point: { radius: 0, hitRadius: 6 }, line: { borderWidth: 1.75, borderJoinStyle: "round" } },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: color("panel"), titleColor: color("soft"), bodyColor: color("ink"),
        borderColor: color("rule"), borderWidth: 1,
        boxWidth: 8, boxHeight: 8, boxPadding: 4, titleFont: { weight: "400" },
        filter: (item) => item.parsed.y !== null && !(isStacked && item.parsed.y === 0),
        callbacks: {
          title: (items) => (items.length ? `${Math.round(-items[0].parsed.x)} s ago` : ""),
          label: (item) => `${item.dataset.label}: ${format(item.parsed.y)}`,
        },
      },
    },
    scales: {
      x: {
        type: "linear", min: -historySeconds, max: 0,
        grid: { display: false, drawBorder: false },
        ticks: {
          color: color("soft"), stepSize: 30, maxRotation: 0, autoSkipPadding: 16, align: "inner",
          callback: (value) => (value === 0 ? "now" : `−${-value} s`),
        },
      },
      y,
    },
  };
}

function line(label, lineColor, endLabel, extra = {}) {
  return { label, endLabel, borderColor: lineColor, backgroundColor: lineColor, data: [], ...extra };
}

/** One chart: its canvas, what its lines are, and what each takes of a point of the history. */
class LiveChart {
  constructor(name, { lines, summary, ...choices }) {
    this.canvas = document.getElementById(`chart-${name}`);
    this.heading = document.getElementById(`h-${name}`).textContent;
    this.lines = lines;
    this.summary = summary;
    this.choices = choices;
    this.chart = new Chart(this.canvas, {
      type: "line", data: { datasets: [] }, options: options(choices), plugins: [endLabels],
    });
  }

  /** Colours of the other scheme. */
  restyle() { this.chart.options = options(this.choices); }

  draw(points) {
    const now = performance.now() / 1000;
    const lines = this.lines(points);
    this.chart.data.datasets = lines.map(({ value, ...style }) => ({
      ...style,
      data: points.map((point) => ({ x: point.time - now, y: point.isGap ? null : value(point) ?? null })),
    }));
    this.chart.update("none");
    const last = points.findLast((point) => !point.isGap);
    const present = last ? ` Now: ${this.summary(last)}.` : "";
    this.canvas.removeAttribute("aria-labelledby");
    this.canvas.ariaLabel = `Chart: ${this.heading}, the last two minutes.${present} The figures are in the tables.`;
  }
}

function rateLines() {
  return [
    line("mount", color("mount"), "mount", { value: (point) => point.mount.rate }),
    line("bypass", color("bypass"), "bypass", { value: (point) => point.bypass.rate }),
  ];
}

function latencyLines() {
  const dashed = { borderDash: [4, 3], borderWidth: 1.5 };
  return [
    line("mount p99", color("mount"), "mount p99", { ...dashed, value: (point) => point.mount.p99 }),
    line("mount p50", color("mount"), "mount p50", { value: (point) => point.mount.p50 }),
    line("bypass p99", color("bypass"), "bypass p99", { ...dashed, value: (point) => point.bypass.p99 }),
    line("bypass p50", color("bypass"), "bypass p50", { value: (point) => point.bypass.p50 }),
  ];
}

function switchesLines() {
  return [
    line("mount, HTTP thread", color("mount"), "mount", { value: (point) => point.mount.switches }),
    line("bypass, HTTP thread", color("bypass"), "bypass", { value: (point) => point.bypass.switches }),
    line("all threads", color("soft"), "all threads", { value: (point) => point.all.switches }),
  ];
}

function area(label, fill, value) {
  return line(label, fill, null, { fill: "stack", borderWidth: 0.5, value });
}

function sumOfKind(point, kind) {
  let sum = 0;
  for (const [name, operation] of Object.entries(point.fuse)) {
    if (fuseKind(name) === kind) sum += operation.rate ?? 0;
  }
  return sum;
}

function fuseLines(points) {
  return fuseKinds
    .filter((kind) => points.some((point) => !point.isGap && sumOfKind(point, kind) > 0))
    .map((kind) => area(kind, color(`fuse-${kind}`), (point) => sumOfKind(point, kind)));
}

/** The names that threads are drawn by: their own, or that of their role. */
export function threadGroups(points) {
  const names = new Set(points.flatMap((point) => (point.isGap ? [] : [...point.threads.keys()])));
  const roleOf = (name) => (names.size > threadsMax ? name.replace(/-\d+$/, "") : name);
  const groups = new Map();
  for (const name of [...names].sort(compareThreads)) {
    const role = roleOf(name);
    groups.set(role, [...(groups.get(role) ?? []), name]);
  }
  return groups;
}

export function compareThreads(one, other) {
  const rank = (name) => ["http", "fuse"].findIndex((role) => name.startsWith(`${role}-`)) + 1 || 3;
  return rank(one) - rank(other) || one.localeCompare(other, "en", { numeric: true });
}

function threadLines(points) {
  return [...threadGroups(points)].map(([role, names]) => area(role, threadColor(role), (point) => {
    let sum = 0;
    for (const name of names) sum += point.threads.get(name)?.processor ?? 0;
    return sum / 1e9 / point.elapsed;
  }));
}

function sumOf(lines, point) { return lines.reduce((sum, each) => sum + (each.value(point) ?? 0), 0); }

/** Makes the charts, or takes their places away where there is no Chart.js. */
export function makeCharts() {
  if (!isAvailable) {
    for (const figure of document.querySelectorAll("figure.chart")) {
      figure.hidden = true;
      // The first table has what the others are about: a heading would stand there alone.
      if (!figure.nextElementSibling) figure.parentElement.hidden = true;
    }
    document.getElementById("no-charts").hidden = false;
    return { draw() {}, restyle() {} };
  }
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 11;
  const both = (format, key) => (point) => `mount ${format(point.mount[key])}, bypass ${format(point.bypass[key])}`;
  const charts = [
    new LiveChart("rate", {
      lines: rateLines, summary: both(text.rate, "rate"), format: text.rate, labelWidth: 54, least: 10,
    }),
    new LiveChart("latency", {
      lines: latencyLines, format: text.duration, labelWidth: 84, isLogarithmic: true,
      summary: (point) => `p50 ${both(text.duration, "p50")(point)}; p99 ${both(text.duration, "p99")(point)}`,
    }),
    new LiveChart("switches", {
      lines: switchesLines, summary: both(text.ratio, "switches"), format: text.ratio, labelWidth: 76, least: 1,
    }),
    new LiveChart("fuse", {
      lines: fuseLines, format: text.rate, labelWidth: 8, isStacked: true, least: 10,
      summary: (point) => `${text.rate(sumOf(fuseLines([point]), point))} a second`,
    }),
    new LiveChart("threads", {
      lines: threadLines, format: text.percent, labelWidth: 8, isStacked: true, least: 0.1,
      summary: (point) => `${text.percent(sumOf(threadLines([point]), point))} of one processor`,
    }),
  ];
  return {
    draw(points) { for (const chart of charts) chart.draw(points); },
    restyle() { for (const chart of charts) chart.restyle(); },
  };
}
