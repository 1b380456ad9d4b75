// The line to the center: the desk once, then its events. EventSource resumes by Last-Event-ID by itself; all else is here.

import { sentence } from "./words.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** After so long without the center, the agent is told. */
const OFFLINE_AFTER_MS = 6_000;
/** How long an answer may take. */
export const PATIENCE_MS = 10_000;
/** The center says something every 15 s at least. A line that is silent for so long is dead, or the machine slept. */
const SILENT_MS = 40_000;
const TICK_MS = 5_000;
/** No answer, so no reason. */
const UNKNOWN = { why: "", least: 0 };
const KEY_WANTED = "The center wants the link with your key again. Ask your administrator for it.";
const REFUSALS = {
  401: KEY_WANTED,
  403: KEY_WANTED,
  404: "The center does not know this agent any more. Ask your administrator.",
};

export class Live {
  #base;
  #on;
  #source = null;
  #timer = null;
  #wait = FIRST_WAIT_MS;
  #lostAt = null;
  #down = { why: "", retryAt: null };
  #heardAt = 0;
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
    const refused = await this.#load();
    this.#loading = false;
    if (refused !== null) this.#later(refused);
  }

  /** Null when it worked, else why not, as `refusal` has it. */
  async #load() {
    const asked = Date.now();
    try {
      const answer = await fetch(`${this.#base}/desk`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok) return await refusal(answer);
      const desk = await answer.json();
      // The center's clock stood at `now` about half way between the question and the answer.
      const ahead = Date.parse(desk.now) - (asked + Date.now()) / 2;
      this.#on.desk(desk, ahead);
      this.#open(desk.cursor);
      return null;
    } catch {
      return UNKNOWN;
    }
  }

  #open(cursor) {
    const source = new EventSource(`${this.#base}/events?after=${cursor}`);
    this.#source = source;
    this.#heardAt = Date.now();
    const on = (kind, heard) =>
      source.addEventListener(kind, (message) => {
        this.#heardAt = Date.now();
        heard(message);
      });
    on("open", () => this.#found());
    on("beat", () => {});
    on("reset", () => this.retry());
    for (const kind of ["task", "gone", "notification"]) {
      on(kind, (message) => this.#on.event(Number(message.lastEventId), JSON.parse(message.data)));
    }
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      this.#heardAt = Date.now();
      // An answer that is no stream (503, say) ends an EventSource for good; a cut connection it takes up by itself.
      if (source.readyState === EventSource.CLOSED) this.#refused(source.url);
      else this.#lost("");
    });
  }

  /** An EventSource does not say why it was refused: asks once, and waits. */
  async #refused(address) {
    this.#stop();
    this.#loading = true;
    const refused = await reason(address);
    this.#loading = false;
    this.#later(refused);
  }

  #stop() {
    this.#source?.close();
    this.#source = null;
  }

  /** Tries again after a time that grows, and is not shorter than the center asks for. */
  #later({ why, least }) {
    this.#stop();
    // Spread, so that a hundred desks do not come back at the same moment.
    const wait = Math.max(this.#wait * (0.5 + Math.random()), least * (1 + Math.random() / 2));
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
    this.#down = { why, retryAt };
    this.#tellDown();
    setTimeout(() => this.#tellDown(), OFFLINE_AFTER_MS);
  }

  #tellDown() {
    if (this.#lostAt === null) return;
    const offline = this.#down.why !== "" || Date.now() - this.#lostAt >= OFFLINE_AFTER_MS;
    this.#on.state({ name: offline ? "offline" : "reconnecting", since: this.#lostAt, ...this.#down });
  }

  #tick() {
    if (this.#source !== null && Date.now() - this.#heardAt > SILENT_MS) this.retry();
  }
}

/** Why a stream is refused, as `refusal` has it. */
async function reason(address) {
  const question = new AbortController();
  const patience = setTimeout(() => question.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(address, { cache: "no-store", signal: question.signal });
    // By now there is a place for a stream: the next try gets it.
    return answer.ok ? UNKNOWN : await refusal(answer);
  } catch {
    return UNKNOWN;
  } finally {
    clearTimeout(patience);
    // A stream is not to stay open.
    question.abort();
  }
}

/** Why the center says no, for people, and how long it asks to wait at least. */
async function refusal(answer) {
  const told = await answer.json().catch(() => ({}));
  const least = Math.min(LONGEST_WAIT_MS, 1000 * (Number(answer.headers.get("Retry-After")) || 0));
  return { why: REFUSALS[answer.status] ?? sentence(told.message ?? `the center answered ${answer.status}`), least };
}
