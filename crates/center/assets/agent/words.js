// How times, states and happenings are said. Pure: time is an argument.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const LANGUAGE = typeof navigator === "object" && navigator.language?.startsWith("en") ? navigator.language : "en-GB";
const EXACT = new Intl.DateTimeFormat(LANGUAGE, { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY_AND_CLOCK = new Intl.DateTimeFormat(LANGUAGE, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const DAY_AND_CLOCK = new Intl.DateTimeFormat(LANGUAGE, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** A length of time, in one or two units: "45 s", "10 min", "2 h 5 min", "30 h", "3 days". */
export function span(milliseconds) {
  const length = Math.max(0, milliseconds);
  if (length < MINUTE) return `${Math.floor(length / SECOND)} s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)} min`;
  if (length < 10 * HOUR) {
    const minutes = Math.floor((length % HOUR) / MINUTE);
    return `${Math.floor(length / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return length < 2 * DAY ? `${Math.round(length / HOUR)} h` : `${Math.round(length / DAY)} days`;
}

/** When something is due, seen from now. */
export function due(at, now) {
  const left = at - now;
  if (left < 0) return left > -MINUTE ? "overdue just now" : `overdue by ${span(-left)}`;
  return left < MINUTE ? "in less than 1 min" : `in ${span(left)}`;
}

/** How long an offer is still open. */
export function timeLeft(until, now) {
  const left = Math.ceil((until - now) / SECOND);
  if (left <= 0) return "time is up";
  const minutes = Math.floor(left / 60);
  const seconds = left % 60;
  return `${minutes ? `${minutes} min ` : ""}${minutes && !seconds ? "" : `${seconds} s `}left to accept`;
}

export const exact = (at) => EXACT.format(at);
export const clock = (at) => CLOCK.format(at);

/** A point in time, as short as it is clear: the weekday only on another day, the date only when it is further away. */
export function moment(at, now) {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return CLOCK.format(at);
  return Math.abs(at - now) < 6 * DAY ? WEEKDAY_AND_CLOCK.format(at) : DAY_AND_CLOCK.format(at);
}

/** Nine o'clock of the day after, here. */
export function tomorrowMorning(now) {
  const today = new Date(now);
  return new Date(today.getFullYear(), today.getMonth(), today.getDate() + 1, 9).getTime();
}

export const STATES = {
  queued: "queued",
  offered: "offered to you",
  accepted: "accepted",
  snoozed: "snoozed",
  completed: "completed",
  canceled: "canceled",
};

const HAPPENED = {
  created: "Created",
  offered: "Offered",
  accepted: "Accepted",
  declined: "Declined",
  offer_expired: "Not accepted in time",
  agent_left: "Its agent is gone",
  snoozed: "Snoozed",
  woke: "Back from snooze",
  completed: "Completed",
  canceled: "Canceled",
  reassigned: "Given to another agent",
  queued: "Put in the queue: anybody may take it",
  first_response_late: "First response is late",
  resolution_late: "Past its due date",
  noted: "Noted",
};

/** A line of a task's history; one that is not known here is shown as it is named. */
export function happened(what) {
  return HAPPENED[what] ?? what.replaceAll("_", " ");
}

/** What a deed is called when it is done, and the words of the button. */
export const DEEDS = {
  accept: { button: "Accept", doing: "Accepting", done: "Accepted", what: "accepted" },
  decline: { button: "Decline", doing: "Declining", done: "Declined", what: "declined" },
  snooze: { button: "Snooze", doing: "Snoozing", done: "Snoozed", what: "snoozed" },
  complete: { button: "Complete", doing: "Completing", done: "Completed", what: "completed" },
};

const GONE = {
  "": "not on your desk any more",
  accepted: "accepted by another agent",
  completed: "completed in another window",
  declined: "declined in another window",
  canceled: "canceled",
  reassigned: "given to another agent",
  offer_expired: "not accepted in time; it went to the next agent",
  agent_left: "its agent is gone; somebody else has it",
  offered: "not accepted; it was offered to the next agent",
  queued: "taken back into the queue",
};

/** Why a task left this desk. */
export function gone(what) {
  return GONE[what] ?? happened(what).toLowerCase();
}

/** Why an offer came to be anybody's, by the line of the history before. */
const QUEUED = { declined: "declined in another window", offer_expired: "not accepted in time" };

/** What changed about a task that stays, when it was not done in this window; null when there is nothing to say. */
export function changedElsewhere(before, task, what) {
  if (before.state === "snoozed" && task.state !== "snoozed") return "back from snooze";
  if (what === "accepted") return "accepted in another window";
  if (what === "snoozed") return "snoozed in another window";
  if (what === "queued") return `${QUEUED[task.history.at(-2)?.what] ?? "taken back into the queue"}; now anybody may take it`;
  if (what === "first_response_late") return "first response is late";
  if (what === "resolution_late") return "past its due date";
  return null;
}

/** The state of a clock: met, running or breached, and in words. */
export function slaClock(sla, now) {
  const dueAt = Date.parse(sla.dueAt);
  if (sla.metAt) {
    const at = Date.parse(sla.metAt);
    const late = sla.breached || at > dueAt;
    return { state: late ? "breached" : "met", words: late ? `met late, ${moment(at, now)}` : `met, ${moment(at, now)}` };
  }
  if (sla.breached || now > dueAt) return { state: "breached", words: now > dueAt ? `breached, ${span(now - dueAt)} ago` : "breached" };
  return { state: "running", words: `running, ${span(dueAt - now)} left` };
}

/** A name or a saying as a beginning: "rule" -> "Rule", "first_try" -> "First try". */
export function label(id) {
  const words = id.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Words as a sentence. */
export function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${words.endsWith(".") ? "" : "."}`;
}
