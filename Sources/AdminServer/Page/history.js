// What happened between two statuses of the server, and the last two minutes of it.

export const paths = ["mount", "bypass"];
export const historySeconds = 120;
/** Figures a request are taken over this time: the sample that context switches are counted for is small. */
const windowSeconds = 5;
/** Two statuses further apart than this are not joined by a line. */
const gapSeconds = 4;

/** The increase of a counter; null when it is not known, or has gone back. */
function increase(now, before) {
  if (typeof now !== "number" || typeof before !== "number" || now < before) return null;
  return now - before;
}

function quotient(amount, by) { return amount === null || !(by > 0) ? null : amount / by; }

/** The increases of all counters of an object, by name. */
function increases(now = {}, before = {}) {
  return Object.fromEntries(Object.keys(now).map((name) => [name, increase(now[name], before[name] ?? 0)]));
}

/** Whether `later` is the same process, further on. */
export function continues(later, earlier) {
  return Boolean(earlier) && later.pid === earlier.pid && later.uptimeSeconds > earlier.uptimeSeconds;
}

/** What one path's requests took, one by one, between two statuses. */
function perRequest(now, before) {
  const requests = increase(now?.requests, before?.requests);
  const sampled = increases(now?.sampled, before?.sampled);
  const hits = increase(now?.openFileHits, before?.openFileHits);
  const misses = increase(now?.openFileMisses, before?.openFileMisses);
  const phases = increases(now?.phases, before?.phases);
  // Those whose time was taken, which may be switched off.
  const timed = increase(now?.latency?.count, before?.latency?.count);
  return {
    requests,
    fuse: quotient(increase(now?.fuseRequests, before?.fuseRequests), requests),
    voluntary: quotient(sampled.voluntarySwitches ?? null, sampled.requests),
    involuntary: quotient(sampled.involuntarySwitches ?? null, sampled.requests),
    cpu: quotient(increase(now?.processorNanoseconds, before?.processorNanoseconds), requests),
    hits: hits === null || misses === null ? null : quotient(hits, hits + misses),
    phases: Object.fromEntries(Object.entries(phases).map(([name, time]) => [name, quotient(time, timed)])),
  };
}

/**
 * Increases of threads, by name: the server adds up all of one name, those that have ended included, and names as the id any
 * one of them that runs, or 0. So only the name tells that two statuses mean the same.
 *
 * A name that was not there before has done all it did since, unless that is more than there was time for: then it was only
 * overlooked, and its past is not known.
 */
function threadIncreases(now, before, elapsedSeconds) {
  const earlier = new Map((before ?? []).map((thread) => [thread.name, thread]));
  const sums = new Map();
  for (const thread of now ?? []) {
    const sum = { processor: 0, voluntary: 0, involuntary: 0, all: thread.processorNanoseconds ?? 0 };
    sums.set(thread.name, sum);
    const past = earlier.get(thread.name);
    const processor = increase(thread.processorNanoseconds, past?.processorNanoseconds ?? 0) ?? 0;
    if (!past && processor > elapsedSeconds * 1e9) continue;
    sum.processor = processor;
    sum.voluntary = increase(thread.voluntarySwitches, past?.voluntarySwitches ?? 0) ?? 0;
    sum.involuntary = increase(thread.involuntarySwitches, past?.involuntarySwitches ?? 0) ?? 0;
  }
  return sums;
}

/** Context switches of all threads by all requests. */
function switchesOfAll(now, before) {
  const requestsOf = (via) => increase(now.http?.[via]?.requests, before.http?.[via]?.requests) ?? 0;
  const requests = paths.reduce((sum, via) => sum + requestsOf(via), 0);
  const elapsed = now.uptimeSeconds - before.uptimeSeconds;
  const sums = [...threadIncreases(now.threads, before.threads, elapsed).values()];
  return {
    voluntary: quotient(sums.reduce((sum, each) => sum + each.voluntary, 0), requests),
    involuntary: quotient(sums.reduce((sum, each) => sum + each.involuntary, 0), requests),
  };
}

function sumOfSwitches({ voluntary, involuntary }) {
  return voluntary === null || involuntary === null ? null : voluntary + involuntary;
}

export class History {
  /** One for each second, of the last two minutes: what charts draw. One with `isGap` has no figures. */
  points = [];
  /** Statuses of the last seconds, of one process, the oldest first. */
  #recent = [];

  /**
   * Takes the next status.
   * @returns the point it makes, or null: it is the first of its process, or no later than the last.
   */
  add(status) {
    const last = this.#recent.at(-1);
    if (last && !continues(status, last)) {
      // One second may be told twice, by /events and /status; but a clock that went back is another process's.
      if (status.pid === last.pid && status.uptimeSeconds === last.uptimeSeconds) return null;
      this.#recent = [];
      this.#breakLine();
    }
    const before = this.#recent.at(-1);
    if (before && status.uptimeSeconds - before.uptimeSeconds < 0.2) return null;
    this.#recent.push(status);
    const windowStart = status.uptimeSeconds - windowSeconds;
    while (this.#recent.length > 2 && this.#recent[1].uptimeSeconds <= windowStart) this.#recent.shift();
    if (!before) return null;
    const elapsed = status.uptimeSeconds - before.uptimeSeconds;
    if (elapsed > gapSeconds) {
      this.#recent = [before, status];
      this.#breakLine();
    }
    const point = this.#point(status, before, elapsed);
    this.points.push(point);
    while (this.points[0].time < point.time - historySeconds) this.points.shift();
    return point;
  }

  #breakLine() {
    if (this.points.length > 0) this.points.push({ time: performance.now() / 1000, isGap: true });
  }

  #point(status, before, elapsed) {
    const start = this.#recent[0];
    const threads = threadIncreases(status.threads, before.threads, elapsed);
    const point = { time: performance.now() / 1000, elapsed, fuse: {}, threads };
    for (const via of paths) {
      const now = status.http?.[via];
      const latency = status.interval?.http?.[via]?.latency;
      const isMeasured = latency?.count > 0;
      point[via] = {
        rate: quotient(increase(now?.requests, before.http?.[via]?.requests), elapsed),
        bytes: quotient(increase(now?.bodyBytes, before.http?.[via]?.bodyBytes), elapsed),
        p50: isMeasured ? latency.p50Nanoseconds : null,
        p99: isMeasured ? latency.p99Nanoseconds : null,
        request: perRequest(now, start.http?.[via]),
      };
      point[via].switches = sumOfSwitches(point[via].request);
    }
    // The server shares a thread's processor time out by requests: where there were both, that says nothing of either.
    if (paths.every((via) => point[via].request.requests > 0)) {
      for (const via of paths) point[via].request.cpu = null;
    }
    point.all = switchesOfAll(status, start);
    point.all.switches = sumOfSwitches(point.all);
    for (const [name, operation] of Object.entries(status.fuse?.operations ?? {})) {
      const past = before.fuse?.operations?.[name];
      const past5 = start.fuse?.operations?.[name];
      const timed = increase(operation.latency?.count, past5?.latency?.count ?? 0);
      point.fuse[name] = {
        rate: quotient(increase(operation.requests, past?.requests ?? 0), elapsed),
        service: quotient(increase(operation.serviceNanoseconds, past5?.serviceNanoseconds ?? 0), timed),
        reply: quotient(increase(operation.replyNanoseconds, past5?.replyNanoseconds ?? 0), timed),
      };
    }
    return point;
  }
}
