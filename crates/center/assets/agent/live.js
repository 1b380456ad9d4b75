// The line to the center: the desk once, then its events. EventSource resumes by Last-Event-ID by itself; all else is here.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** After so long without the center, the agent is told. */
const OFFLINE_AFTER_MS = 6_000;
/** How long an answer may take. */
export const PATIENCE_MS = 10_000;
/** When no tick came for so long the machine slept, and the connection can't be trusted. */
const SLEPT_MS = 45_000;
const TICK_MS = 5_000;

export class Live {
  #base;
  #on;
  #source = null;
  #timer = null;
  #wait = FIRST_WAIT_MS;
  #lostAt = null;
  #tickedAt = Date.now();
  #loading = false;

  /** `on.desk(desk, ahead)`, `on.event(id, event)`, `on.state({ name, since, retryAt, why })`. */
  constructor(base, on) {
    this.#base = base;
    this.#on = on;
    setInterval(() => this.#tick(), TICK_MS);
    addEventListener("online", () => this.retry());
  }

  /** Loads the desk anew, at once. */
  async retry() {
    if (this.#loading) return;
    this.#loading = true;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#stop();
    const why = await this.#load();
    this.#loading = false;
    if (why !== null) this.#later(why);
  }

  /** Null when it worked, else why not. */
  async #load() {
    const asked = Date.now();
    try {
      const answer = await fetch(`${this.#base}/desk`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok) return refusal(answer.status);
      const desk = await answer.json();
      // The center's clock stood at `now` about half way between the question and the answer.
      const ahead = Date.parse(desk.now) - (asked + Date.now()) / 2;
      this.#on.desk(desk, ahead);
      this.#open(desk.cursor);
      return null;
    } catch {
      return "";
    }
  }

  #open(cursor) {
    const source = new EventSource(`${this.#base}/events?after=${cursor}`);
    this.#source = source;
    source.addEventListener("open", () => this.#found());
    for (const kind of ["task", "gone", "notification"]) {
      source.addEventListener(kind, (message) => this.#on.event(Number(message.lastEventId), JSON.parse(message.data)));
    }
    source.addEventListener("reset", () => this.retry());
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      // An answer that is no stream (503, say) ends an EventSource for good; a cut connection it takes up by itself.
      if (source.readyState === EventSource.CLOSED) this.#later("");
      else this.#lost("");
    });
  }

  #stop() {
    this.#source?.close();
    this.#source = null;
  }

  #later(why) {
    this.#stop();
    // Spread, so that a hundred desks do not come back at the same moment.
    const wait = this.#wait * (0.5 + Math.random());
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.retry(), wait);
    this.#lost(why, Date.now() + wait);
  }

  #found() {
    this.#lostAt = null;
    this.#wait = FIRST_WAIT_MS;
    this.#on.state({ name: "live" });
  }

  #lost(why, retryAt = null) {
    this.#lostAt ??= Date.now();
    const offline = why !== "" || Date.now() - this.#lostAt >= OFFLINE_AFTER_MS;
    this.#on.state({ name: offline ? "offline" : "reconnecting", since: this.#lostAt, retryAt, why });
    if (!offline) setTimeout(() => this.#stillLost(retryAt), OFFLINE_AFTER_MS);
  }

  #stillLost(retryAt) {
    if (this.#lostAt !== null && Date.now() - this.#lostAt >= OFFLINE_AFTER_MS) {
      this.#on.state({ name: "offline", since: this.#lostAt, retryAt: this.#timer === null ? null : retryAt, why: "" });
    }
  }

  #tick() {
    const now = Date.now();
    const slept = now - this.#tickedAt > SLEPT_MS;
    this.#tickedAt = now;
    // A hidden page is ticked once a minute at most: it did not sleep, and its stream goes on.
    if (slept && !document.hidden) this.retry();
  }
}

function refusal(status) {
  if (status === 404) return "The center does not know this agent any more. Ask your administrator.";
  if (status === 401 || status === 403) return "The center wants the link with your key again. Ask your administrator for it.";
  return "";
}
