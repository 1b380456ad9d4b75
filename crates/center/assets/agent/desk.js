// The agent's desktop: wires what is known (model), what is shown (list, detail, notes) and the line to the center (live).

import * as detail from "./detail.js";
import * as dialogs from "./dialogs.js";
import { byId, setText } from "./dom.js";
import { listen } from "./keys.js";
import * as list from "./list.js";
import { Live, PATIENCE_MS } from "./live.js";
import * as messages from "./messages.js";
import { Desk } from "./model.js";
import * as notes from "./notes.js";
import * as notify from "./notify.js";
import * as settings from "./settings.js";
import { DEEDS, changedElsewhere, clock, gone, sentence, span } from "./words.js";

const FRESH_MS = 4_000;
const BASE = location.pathname.replace(/\/+$/, "");
// The key came with the link and is a cookie now: it is not to stay in the address and the history.
if (location.search) history.replaceState(null, "", location.pathname);

const wide = matchMedia("(min-width: 880px)");

const desk = new Desk(decodeURIComponent(BASE.split("/").at(-1)));
/** Deeds that are under way, by task. */
const busy = new Map();
/** Deeds without an answer, by task: the center may have done them. */
const unsure = new Map();
/** Tasks that the center sent something about while a deed was under way. */
const heard = new Set();
/** Tasks whose deed was refused for what the center is yet to send. */
const refused = new Set();
/** Tasks that came a moment ago. */
const fresh = new Set();
let current = null;
/** The task that was shown when it left, and why it did. */
let left = null;
let ahead = 0;
let line = { name: "loading" };
let hasLoaded = false;
let isDrawing = false;

const now = () => Date.now() + ahead;

// What the center says.

const live = new Live(BASE, {
  desk(snapshot, difference) {
    ahead = difference;
    const changes = desk.load(snapshot);
    if (hasLoaded) changes.forEach(changed);
    else if (wide.matches) current = desk.inOrder()[0]?.id ?? null;
    hasLoaded = true;
    if (current !== null && !desk.tasks.has(current)) current = null;
    draw();
  },
  event(id, event) {
    const change = desk.apply(id, event);
    if (change) changed(change);
    if (desk.isRunningOut()) live.retry();
    draw();
  },
  state(state) {
    line = state;
    drawLine();
    draw();
  },
});

function changed({ kind, task, before, what, notification }) {
  if (kind === "new") arrived(task, what);
  else if (kind === "changed") moved(before, task, what);
  else if (kind === "gone") went(task, what);
  else messages.announce(`Notification: ${notification.message}`);
}

function arrived(task, what) {
  markFresh(task.id);
  if (task.state === "accepted" || task.state === "snoozed") return;
  if (current === null && left === null && wide.matches) current = task.id;
  messages.announce(`${what === "woke" ? "Back from snooze" : "New task"}: ${task.subject}, priority ${task.priority}`);
  notify.tell(task, select);
}

function moved(before, task, what) {
  if (task.state !== "offered" && task.state !== "queued") notify.clear(task.id);
  // While a deed is under way its answer says what came of it; what the center sends about it besides is known by then.
  const isBusy = isAnswered(task.id);
  if (before.state !== task.state && !isBusy && dialogs.forget(task.id)) messages.say(`“${task.subject}” has changed meanwhile.`);
  const isBack = before.state !== task.state && (task.state === "offered" || what === "woke");
  if (isBack) {
    markFresh(task.id);
    notify.tell(task, select);
  }
  const words = isBusy ? null : (afterAll(task.id, what) ?? changedElsewhere(before, task, what));
  if (words) messages.say(`“${task.subject}”: ${words}.`);
}

function went(task, what) {
  notify.clear(task.id);
  dialogs.forget(task.id);
  // What is accepted and gone, another agent has.
  const words = (what === "accepted" ? null : afterAll(task.id, what)) ?? gone(what);
  if (task.id === current) {
    current = null;
    left = { task, words };
  }
  if (!isAnswered(task.id)) messages.say(`“${task.subject}”: ${words}.`);
}

/** Whether an answer says, or said, what the center sends about this task now. */
function isAnswered(id) {
  if (busy.has(id)) heard.add(id);
  return busy.has(id) || refused.delete(id);
}

/** What was asked for without an answer, and has happened now: by which window can't be told, so only that it did is said. */
function afterAll(id, what) {
  const deed = unsure.get(id);
  unsure.delete(id);
  return deed && DEEDS[deed].what === what ? DEEDS[deed].done.toLowerCase() : null;
}

function markFresh(id) {
  fresh.add(id);
  setTimeout(() => fresh.delete(id) && draw(), FRESH_MS);
}

// What the agent does.

/** Does a deed and waits for the answer: none of them could be taken back if the center says no. */
async function act(task, deed, body) {
  if (busy.has(task.id)) return;
  busy.set(task.id, deed);
  unsure.delete(task.id);
  heard.delete(task.id);
  draw();
  const { done } = DEEDS[deed];
  try {
    const answer = await fetch(`${BASE}/tasks/${encodeURIComponent(task.id)}/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body ?? {}),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) succeeded(told, deed);
    else {
      // Another was first. If that has not been heard of yet, it will be, and the refusal is to stay.
      if (answer.status === 409 && !heard.has(task.id)) refused.add(task.id);
      messages.say(sentence(`not ${done.toLowerCase()}: ${told.message ?? `the center answered ${answer.status}`}`), true);
    }
  } catch {
    unsure.set(task.id, deed);
    messages.say(`Not ${done.toLowerCase()}, or not known yet: the center did not answer. The task shows how it stands when the page is live again.`, true);
  } finally {
    busy.delete(task.id);
    draw();
  }
}

function succeeded(task, deed) {
  const { done, what } = DEEDS[deed];
  const change = desk.answered(task, what);
  if (change) changed(change);
  if (desk.isRunningOut()) live.retry();
  // Its event may have come before.
  if (left?.task.id === task.id) left = { ...left, words: done.toLowerCase() };
  const more = deed === "decline" && task.state === "queued" ? ". Nobody is left to ask: now anybody may take it" : "";
  messages.say(`${done}: ${task.subject}${more}`);
}

/** A deed on the task that is shown, by key or button. */
function wish(deed) {
  const task = desk.tasks.get(current);
  if (!task) return messages.say("Choose a task first: j and k go through the list.");
  if (!detail.deedsOf(task).includes(deed)) return messages.say(`“${task.subject}” is ${task.state}; ${instead(task)}`);
  if (busy.has(task.id)) return undefined;
  if (deed === "snooze") return dialogs.askSnooze(task);
  if (deed === "complete") return dialogs.askComplete(task);
  return act(task, deed);
}

function instead(task) {
  const deeds = detail.deedsOf(task);
  return deeds.length ? `you can ${deeds.join(" or ")} it.` : "there is nothing to do.";
}

/** Shows a task. On a narrow page it takes the list's place. */
function select(id, { open = true, focus = false } = {}) {
  if (!desk.tasks.has(id)) return;
  current = id;
  left = null;
  fresh.delete(id);
  drawNow();
  list.show(id, focus);
  if (open && !wide.matches) {
    document.body.dataset.view = "detail";
    detail.focus();
  }
}

function step(by) {
  const ids = list.order();
  if (ids.length === 0) return;
  const from = ids.indexOf(document.activeElement?.dataset?.task ?? current);
  // The row that took the place of one that left has the focus, but nobody chose it yet.
  const isChosen = from >= 0 && current !== null;
  const to = isChosen ? Math.min(ids.length - 1, Math.max(0, from + by)) : Math.max(0, from);
  showList();
  select(ids[to], { open: false, focus: true });
}

/** Arrows move between tasks only where they would not scroll a text. */
function arrow(by) {
  if (byId("detail").contains(document.activeElement) || byId("notes").contains(document.activeElement)) return false;
  return step(by);
}

function showList() {
  document.body.dataset.view = "list";
}

function goBack() {
  if (notes.close()) return;
  if (document.body.dataset.view === "detail") {
    showList();
    if (current) list.show(current, true);
    else byId("list").focus();
    return;
  }
  if (!messages.dismiss() && current) list.show(current, true);
}

// What is shown.

/** Draws soon: many events that come at once are drawn once. Not by animation frames, which a hidden page does not get. */
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  setTimeout(drawNow, 0);
}

let drawn = null;

function drawNow() {
  isDrawing = false;
  if (!hasLoaded) return drawWaiting();
  setText(byId("agent-name"), desk.name);
  setText(byId("agent-id"), desk.agentId === desk.name ? "" : desk.agentId);
  list.draw({ desk, current, busy, fresh, now: now() });
  drawDetail();
  drawEmpty();
  notes.draw();
  document.title = `${desk.tasks.size ? `(${desk.tasks.size}${desk.more ? "+" : ""}) ` : ""}${desk.name} · Trunkline`;
  document.body.dataset.ready = "true";
}

function drawDetail() {
  const task = desk.tasks.get(current);
  // Only what changed is drawn anew: a text that is being read, or marked, stays.
  const looks = [task, task && busy.get(task.id), left, desk.tasks.size > 0];
  if (drawn && looks.every((look, at) => look === drawn[at])) return;
  drawn = looks;
  if (task) return detail.draw(task, busy.get(task.id), now());
  const first = list.order()[0];
  const next = first ? () => select(list.order()[0], { focus: wide.matches }) : null;
  if (left) return detail.drawNothing(left.task.subject, sentence(left.words), next);
  if (first) return detail.drawNothing("No task is open", "Choose one from the list, with the pointer or with j and k.");
  return detail.drawNothing("All done", "A task that comes up is shown here at once.");
}

function drawEmpty() {
  const isEmpty = desk.tasks.size === 0;
  byId("list-state").hidden = !isEmpty;
  if (!isEmpty) return;
  drawListState("Nothing to do", "New tasks appear here by themselves; there is no need to load the page again. Press n for what you were told lately.");
}

function drawWaiting() {
  if (line.name === "offline") drawListState("Your tasks can't be loaded", line.why || "The center does not answer. The page goes on trying; if it lasts, tell your administrator.");
}

function drawListState(title, words) {
  const state = byId("list-state");
  if (state.dataset.title === title + words) return;
  state.dataset.title = title + words;
  const heading = document.createElement("p");
  heading.className = "state-title";
  heading.textContent = title;
  const more = document.createElement("p");
  more.textContent = words;
  state.replaceChildren(heading, more);
}

function drawLine() {
  byId("link").dataset.state = line.name;
  const words = { loading: "connecting", live: "live", reconnecting: "reconnecting", offline: `offline since ${clock(line.since ?? Date.now())}` };
  setText(byId("link-words"), words[line.name]);
  byId("offline").hidden = line.name !== "offline";
  tickLine();
}

function tickLine() {
  if (line.name !== "offline") return;
  setText(byId("offline-title"), line.why ? "This desktop is not served." : "The center can't be reached.");
  const wait = line.retryAt ? Math.ceil((line.retryAt - Date.now()) / 1000) : 0;
  const again = wait > 0 ? `Next try in ${span(wait * 1000)}.` : "Trying again.";
  setText(byId("offline-words"), `${line.why || "What you see may be old; the center keeps your tasks."} ${again}`);
}

// Wiring.

byId("list").addEventListener("click", (event) => {
  const row = event.target.closest(".row");
  if (row) select(row.dataset.task);
});
byId("detail").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.deed && button.getAttribute("aria-disabled") !== "true") wish(button.dataset.deed);
  else if (button?.hasAttribute("data-back")) goBack();
});
byId("retry").addEventListener("click", () => live.retry());
messages.prepare();
settings.prepare();
notes.prepare(desk, now, draw);
dialogs.prepare(act, now);
listen({
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => arrow(1),
  ArrowUp: () => arrow(-1),
  a: () => wish("accept"),
  d: () => wish("decline"),
  s: () => wish("snooze"),
  c: () => wish("complete"),
  n: () => notes.toggle(),
  t: () => settings.toggleTheme(),
  "?": () => settings.help(),
  Escape: () => goBack(),
});
setInterval(() => {
  if (hasLoaded) {
    list.tick(now());
    detail.tick(now());
  }
  tickLine();
}, 1000);
live.retry();
