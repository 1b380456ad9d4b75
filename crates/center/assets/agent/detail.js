// One task in full. What acts is here and nowhere else: nothing that does something moves under the pointer when tasks arrive.

import { byId, element, setText, symbol } from "./dom.js";
import { drawOffer } from "./list.js";
import { DEEDS, STATES, due, exact, happened, label, moment, slaClock } from "./words.js";

const INTERACTION_FIELD = "interaction_id_link";

/** What can be done with a task in a state; the first is the usual one. */
export function deedsOf(task) {
  if (task.state === "offered") return ["accept", "decline", "snooze"];
  if (task.state === "accepted") return ["complete", "snooze"];
  // A snoozed offer can still be accepted; what was accepted before it was snoozed can be completed at any time.
  if (task.state === "snoozed") return [task.snoozedFrom === "accepted" ? "complete" : "accept", "snooze"];
  return task.state === "queued" ? ["accept"] : [];
}

let ticking = [];

/** Shows a task. `busy` is the deed that is under way. */
export function draw(task, busy, now) {
  const pane = byId("detail");
  const focused = pane.contains(document.activeElement) ? document.activeElement : null;
  const sameTask = pane.dataset.task === task.id;
  pane.dataset.task = task.id;
  pane.dataset.state = task.state;
  ticking = [];
  pane.replaceChildren(back(), head(task), actions(task, busy), body(task, now), history(task, now));
  tick(now);
  if (!sameTask) pane.scrollTop = 0;
  if (focused && focused !== pane) (pane.querySelector(`[data-deed="${focused.dataset.deed}"]`) ?? pane.querySelector("h2")).focus({ preventScroll: true });
}

/** Shows that there is nothing to show, and why. `next` is what the button does, if there is one. */
export function drawNothing(title, words, next) {
  const pane = byId("detail");
  const hadFocus = pane.contains(document.activeElement) && document.activeElement !== pane;
  delete pane.dataset.task;
  delete pane.dataset.state;
  ticking = [];
  const button = next && element("button", { type: "button", class: "small", "data-next": true }, "Next task");
  button?.addEventListener("click", next);
  const heading = element("h2", { class: "state-title", tabindex: "-1" }, title);
  pane.replaceChildren(back(), element("div", { class: "state" }, heading, element("p", {}, words), button));
  if (hadFocus) heading.focus({ preventScroll: true });
}

/** Says the times anew. */
export function tick(now) {
  for (const say of ticking) say(now);
}

/** The title, for those who hear the page. */
export function focus() {
  byId("detail").querySelector("h2")?.focus();
}

function back() {
  return element("button", { type: "button", class: "quiet back", "data-back": true }, symbol("i-back"), "Tasks");
}

function head(task) {
  const badge = element("span", { class: "badge", "data-priority": task.priority }, symbol(`p-${task.priority}`), task.priority);
  const state = element("span", { class: "badge" }, STATES[task.state] ?? task.state);
  const dueAt = Date.parse(task.dueDate);
  const words = element("strong", { class: "due" });
  ticking.push((now) => {
    const said = due(dueAt, now);
    setText(words, label(dueAt < now ? said : `due ${said}`));
    words.classList.toggle("late", dueAt < now);
  });
  const when = element("time", { datetime: task.dueDate, title: exact(dueAt) }, exact(dueAt));
  return element(
    "header",
    { class: "detail-head" },
    element("p", { class: "badges" }, badge, state),
    element("h2", { tabindex: "-1" }, task.subject),
    element("p", { class: "due-line" }, words, " · ", when),
  );
}

function actions(task, busy) {
  const deeds = deedsOf(task);
  const buttons = deeds.map((deed, index) => {
    const words = busy === deed ? `${DEEDS[deed].doing}…` : DEEDS[deed].button;
    return element(
      "button",
      {
        type: "button",
        class: index === 0 ? "main" : "small",
        "data-deed": deed,
        "aria-keyshortcuts": deed[0],
        "aria-disabled": busy ? "true" : null,
        "aria-busy": busy === deed ? "true" : null,
      },
      words,
      element("kbd", { "aria-hidden": "true" }, deed[0]),
    );
  });
  return element("div", { class: "actions" }, offer(task), element("div", { class: "buttons" }, buttons));
}

/** How long the offer is open, or until when the task sleeps. */
function offer(task) {
  const words = element("span", { class: "left" });
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, element("i"));
  if (task.state === "offered") ticking.push((now) => drawOffer(words, bar, task, now));
  else if (task.state === "snoozed" && task.snoozedUntil) {
    bar.hidden = true;
    ticking.push((now) => setText(words, `Back at ${moment(Date.parse(task.snoozedUntil), now)}`));
  } else if (task.state === "queued") {
    bar.hidden = true;
    setText(words, "Nobody has it yet: whoever accepts first, gets it.");
  } else return null;
  return element("p", { class: "offer" }, words, bar);
}

function body(task, now) {
  const facts = task.customFields.filter((field) => field.id !== INTERACTION_FIELD);
  const line = (name, value) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  return element(
    "div",
    { class: "detail-body" },
    task.description ? element("p", { class: "description" }, task.description) : element("p", { class: "soft" }, "No description."),
    element("div", { class: "clocks" }, clockOf("First response", task.sla.firstResponse), clockOf("Resolution", task.sla.resolution)),
    element(
      "dl",
      { class: "fields" },
      task.interactionId ? line("Interaction", element("code", {}, task.interactionId)) : null,
      facts.map((field) => line(label(field.id), field.value)),
      line("Created", element("time", { datetime: task.createdAt, title: exact(Date.parse(task.createdAt)) }, moment(Date.parse(task.createdAt), now))),
      line("Task", element("code", {}, task.id)),
    ),
  );
}

function clockOf(name, sla) {
  const words = element("span", { class: "clock-words" });
  const mark = element("span", { class: "clock-mark" });
  const until = Date.parse(sla.dueAt);
  const card = element(
    "div",
    { class: "clock" },
    element("span", { class: "clock-name" }, name),
    element("span", { class: "clock-state" }, mark, words),
    element("time", { class: "soft", datetime: sla.dueAt, title: exact(until) }),
  );
  ticking.push((now) => {
    const said = slaClock(sla, now);
    setText(words, said.words);
    setText(card.lastChild, `by ${moment(until, now)}`);
    if (card.dataset.clock !== said.state) mark.replaceChildren(symbol(`i-${said.state}`));
    card.dataset.clock = said.state;
  });
  return card;
}

function history(task, now) {
  const lines = task.history.toReversed().map((line) => {
    const at = Date.parse(line.at);
    const who = line.agentId ? element("span", { class: "soft" }, ` · ${line.agentId}`) : null;
    return element(
      "li",
      {},
      element("time", { datetime: line.at, title: exact(at) }, moment(at, now)),
      element("div", {}, happened(line.what), who, line.note ? element("p", { class: "note" }, line.note) : null),
    );
  });
  return element("section", { class: "history" }, element("h3", {}, "History"), element("ol", {}, lines));
}
