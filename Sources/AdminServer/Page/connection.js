// The stream of statuses, and what to do when it ends: try again, and say so meanwhile.

const retrySeconds = 2;
/** A status comes every second: after this time without one the server is taken to stand still. */
const silenceSeconds = 4;

/** Why there is no stream, in words; null where the server cannot be reached at all. */
async function reasonOf(response) {
  if (response.status === 401) return "serverfs asks for its token: open this address with /?token=… once more.";
  const words = (await response.text()).trim().split("\n")[0];
  return `The server answers ${response.status}: ${words.slice(0, 200)}`;
}

/**
 * Listens until the page is closed.
 * @param onStatus called with each status.
 * @param onState called with "live", "silent" or "lost", and a reason where one is known.
 */
export function connect(onStatus, onState) {
  let lastTime = performance.now();
  let state = "";

  function enter(next, reason = null) {
    if (`${next} ${reason}` === state) return;
    state = `${next} ${reason}`;
    onState(next, reason);
  }

  function take(data) {
    lastTime = performance.now();
    enter("live");
    onStatus(JSON.parse(data));
  }

  function open() {
    const source = new EventSource("events");
    source.addEventListener("status", (event) => take(event.data));
    source.addEventListener("error", () => {
      // Its own way of trying again ends for good where the answer is another status than 200.
      source.close();
      ask();
      setTimeout(open, retrySeconds * 1000);
    });
  }

  /** Where there is no stream to be had, perhaps because others have them all, one status is better than none. */
  async function ask() {
    try {
      const response = await fetch("status", { cache: "no-store" });
      if (response.ok) take(await response.text());
      else enter("lost", await reasonOf(response));
    } catch {
      enter("lost");
    }
  }

  open();
  setInterval(() => {
    if (performance.now() - lastTime > silenceSeconds * 1000 && state.startsWith("live")) enter("silent");
  }, 500);
}
