// The list of tasks. Rows are kept and changed in place: focus, scroll and the eye stay where they are.

import { byId, element, setText, symbol } from "./dom.js";
import { GROUPS, offeredAt } from "./model.js";
import { STATES, due, exact, moment, timeLeft } from "./words.js";

/** Most rows of a group; beyond that a line says how many more there are. */
const MOST_ROWS = 300;
const SLIDE_MS = 180;

const rows = new Map();
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Draws the list. `view` has desk, current, busy, fresh (ids to mark as new) and now. */
export function draw(view) {
  const focused = document.activeElement?.closest?.(".row");
  const at = focused ? position(focused.dataset.task) : null;
  const tops = still.matches ? null : measured();
  const wanted = new Set();
  for (const state of GROUPS) drawGroup(state, view, wanted);
  byId("list-more").hidden = !view.desk.more;
  for (const [id, row] of rows) {
    if (!wanted.has(id)) {
      row.item.remove();
      rows.delete(id);
    }
  }
  rove(view.current);
  keepFocus(focused, at);
  if (tops) slide(tops);
}

/** Says the times anew. */
export function tick(now) {
  for (const row of rows.values()) drawTimes(row, now);
}

/** The ids of the rows in their order on the page. */
export function order() {
  return [...byId("list").querySelectorAll(".row")].map((row) => row.dataset.task);
}

/** Brings a row into view, and focuses it if wanted. */
export function show(id, focus) {
  const row = rows.get(id);
  if (!row) return;
  rove(id);
  if (focus) row.button.focus({ preventScroll: true });
  row.item.scrollIntoView({ block: "nearest" });
}

function drawGroup(state, { desk, current, busy, fresh, now }, wanted) {
  const section = byId("list").querySelector(`[data-group=${state}]`);
  const tasks = desk.group(state);
  section.hidden = tasks.length === 0;
  setText(section.querySelector("h2 b"), String(tasks.length));
  const more = section.querySelector(".more");
  more.hidden = tasks.length <= MOST_ROWS;
  setText(more, more.hidden ? "" : `and ${tasks.length - MOST_ROWS} more, which come up when these are done`);
  const list = section.querySelector("ul");
  tasks.slice(0, MOST_ROWS).forEach((task, index) => {
    wanted.add(task.id);
    const row = rows.get(task.id) ?? newRow(task.id);
    drawRow(row, task, { isCurrent: task.id === current, isBusy: busy.has(task.id), isFresh: fresh.has(task.id), now });
    if (list.children[index] !== row.item) list.insertBefore(row.item, list.children[index] ?? null);
  });
}

function newRow(id) {
  const row = {
    mark: element("span", { class: "mark" }),
    subject: element("span", { class: "subject" }),
    due: element("time", { class: "due" }),
    priority: element("span", { class: "priority" }),
    state: element("span", { class: "row-state" }),
    interaction: element("code", { class: "interaction" }),
    left: element("span", { class: "left" }),
    bar: element("span", { class: "bar", "aria-hidden": "true" }, element("i")),
  };
  row.button = element(
    "button",
    { type: "button", class: "row", "data-task": id, tabindex: "-1" },
    row.mark,
    row.subject,
    element("span", { class: "facts" }, row.priority, row.state, row.interaction),
    row.due,
    element("span", { class: "time-left" }, row.bar, row.left),
  );
  row.item = element("li", {}, row.button);
  rows.set(id, row);
  return row;
}

function drawRow(row, task, { isCurrent, isBusy, isFresh, now }) {
  if (row.task?.priority !== task.priority) row.mark.replaceChildren(symbol(`p-${task.priority}`));
  row.task = task;
  row.button.dataset.state = task.state;
  row.button.dataset.priority = task.priority;
  row.button.toggleAttribute("aria-busy", isBusy);
  row.item.classList.toggle("fresh", isFresh);
  if (isCurrent) row.button.setAttribute("aria-current", "true");
  else row.button.removeAttribute("aria-current");
  setText(row.subject, task.subject);
  setText(row.priority, task.priority);
  setText(row.interaction, task.interactionId ?? "");
  row.interaction.hidden = !task.interactionId;
  drawTimes(row, now);
}

function drawTimes(row, now) {
  const { task } = row;
  const dueAt = Date.parse(task.dueDate);
  row.due.dateTime = task.dueDate;
  row.due.title = `Due ${exact(dueAt)}`;
  setText(row.due, due(dueAt, now));
  row.due.classList.toggle("late", dueAt < now);
  const woken = task.state === "snoozed" && task.snoozedUntil ? Date.parse(task.snoozedUntil) : null;
  setText(row.state, woken ? `until ${moment(woken, now)}` : STATES[task.state]);
  // The group's heading shows the other states; those who hear the row are told them here.
  row.state.classList.toggle("hidden", !woken);
  drawOffer(row.left, row.bar, task, now);
}

/** The time that is left to accept, in words and as a bar. */
export function drawOffer(words, bar, task, now) {
  const offer = task.state === "offered" ? task.offer : null;
  words.hidden = bar.hidden = !offer;
  if (!offer) return;
  const until = Date.parse(offer.expiresAt);
  setText(words, timeLeft(until, now));
  const share = Math.min(1, Math.max(0, (until - now) / Math.max(1, until - offeredAt(task))));
  bar.firstChild.style.transform = `scaleX(${share.toFixed(4)})`;
  bar.classList.toggle("short", share < 0.25);
}

/** One row is in the tab order: the current one, or the first. */
function rove(current) {
  const reachable = rows.has(current) ? current : order()[0];
  for (const [id, row] of rows) row.button.tabIndex = id === reachable ? 0 : -1;
}

/** A row that moved keeps its focus; that of one that left goes to the row in its place. */
function keepFocus(focused, at) {
  if (!focused || document.activeElement === focused) return;
  if (focused.isConnected) return focused.focus({ preventScroll: true });
  const left = order();
  const next = left[Math.min(at, left.length - 1)];
  (rows.get(next)?.button ?? byId("list")).focus({ preventScroll: true });
}

function position(id) {
  return Math.max(0, order().indexOf(id));
}

function measured() {
  return new Map([...rows].map(([id, row]) => [id, row.item.getBoundingClientRect().top]));
}

/** Rows glide to their new places instead of jumping. */
function slide(tops) {
  for (const [id, row] of rows) {
    const moved = tops.has(id) ? tops.get(id) - row.item.getBoundingClientRect().top : 0;
    if (moved && Math.abs(moved) < innerHeight) {
      row.item.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: SLIDE_MS, easing: "ease-out" });
    }
  }
}
