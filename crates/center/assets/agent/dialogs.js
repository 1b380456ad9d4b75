// The dialogs that ask something before a deed: snooze and complete. Real dialogs: the browser keeps the focus inside, Esc closes.

import { byId, setText } from "./dom.js";
import { moment, tomorrowMorning } from "./words.js";

/** As the center has it. */
const LONGEST_SNOOZE_MS = 30 * 24 * 3600 * 1000;

const asking = { task: null, act: null, now: null };

/** Wires the dialogs once; `act(task, deed, body)` does it, `now()` is the center's clock. */
export function prepare(act, now) {
  Object.assign(asking, { act, now });
  for (const choice of document.querySelectorAll("[data-snooze]")) {
    choice.addEventListener("click", () => snoozeUntil(wakeTime(choice.dataset.snooze, asking.now())));
  }
  byId("snooze-own").addEventListener("click", snoozeOwn);
  byId("snooze-time").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    snoozeOwn();
  });
  const form = byId("complete").querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    finish("complete", { note: byId("note").value.trim() || undefined });
  });
  byId("complete-cancel").addEventListener("click", () => byId("complete").close());
  byId("note").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

/** Asks until when. */
export function askSnooze(task) {
  const now = asking.now();
  open("snooze", task);
  for (const choice of document.querySelectorAll("[data-snooze]")) {
    setText(choice.querySelector("time"), moment(wakeTime(choice.dataset.snooze, now), now));
  }
  const field = byId("snooze-time");
  field.min = local(now);
  field.max = local(now + LONGEST_SNOOZE_MS);
  field.value = local(now + 2 * 3600 * 1000);
  fault("");
}

/** Asks what came of it. */
export function askComplete(task) {
  open("complete", task);
  const note = byId("note");
  note.value = "";
  note.focus();
}

/** The task was done or taken meanwhile: closes the question about it. Gives whether there was one. */
export function forget(taskId) {
  const dialog = document.querySelector("#snooze[open], #complete[open]");
  if (!dialog || asking.task?.id !== taskId) return false;
  dialog.close();
  return true;
}

function open(id, task) {
  asking.task = task;
  const dialog = byId(id);
  setText(dialog.querySelector("[data-about]"), task.subject);
  dialog.showModal();
}

function wakeTime(choice, now) {
  return choice === "tomorrow" ? tomorrowMorning(now) : now + Number(choice);
}

function snoozeOwn() {
  const until = new Date(byId("snooze-time").value).getTime();
  const now = asking.now();
  if (Number.isNaN(until)) return fault("Give a day and a time.");
  if (until <= now) return fault("That time is over; give a later one.");
  if (until > now + LONGEST_SNOOZE_MS) return fault("A task can be snoozed for 30 days at most.");
  snoozeUntil(until);
}

function snoozeUntil(until) {
  finish("snooze", { until: new Date(until).toISOString() });
}

function finish(deed, body) {
  byId(deed).close();
  asking.act(asking.task, deed, body);
}

function fault(words) {
  byId("snooze-fault").hidden = words === "";
  setText(byId("snooze-fault"), words);
}

/** As the field wants it: local time without a zone. */
function local(at) {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 16);
}
