// The list of notifications: quiet, with a mark at what was not read yet. Up to when the agent has read is kept in the browser.

import { byId, element, kept, setText } from "./dom.js";
import * as notify from "./notify.js";
import { exact, moment } from "./words.js";

const beside = matchMedia("(min-width: 1280px)");
let key = "";
let desk = null;
let now = () => Date.now();
let onChange = () => {};

/** Wires the list for an agent; `changed` is called when something was read. */
export function prepare(agentDesk, clock, changed) {
  desk = agentDesk;
  now = clock;
  onChange = changed;
  key = `trunkline.read.${agentDesk.agentId}`;
  byId("bell").addEventListener("click", toggle);
  byId("notes-close").addEventListener("click", close);
  byId("read-all").addEventListener("click", readAll);
  byId("permit-button").addEventListener("click", async () => {
    await notify.toggle();
    drawPermit();
  });
  drawPermit();
}

/** How many were not read. */
export function unread() {
  return desk.unread(readAt()).length;
}

/** Draws the list. */
export function draw() {
  const read = readAt();
  const items = desk.notifications.map((one) => {
    const at = Date.parse(one.at);
    const isNew = one.at > read;
    return element(
      "li",
      { "data-note": one.id, "data-unread": isNew, "data-priority": one.priority },
      element("p", {}, isNew ? element("span", { class: "dot", title: "not read yet" }, element("span", { class: "hidden" }, "New: ")) : null, one.message),
      element("p", { class: "soft" }, element("time", { datetime: one.at, title: exact(at) }, moment(at, now())), one.priority === "high" ? " · high priority" : ""),
    );
  });
  byId("notes-list").replaceChildren(...items);
  byId("notes-empty").hidden = items.length > 0;
  const count = unread();
  byId("read-all").hidden = count === 0;
  byId("unread").hidden = count === 0;
  setText(byId("unread"), count > 99 ? "99+" : String(count));
  byId("bell").setAttribute("aria-label", count ? `Notifications, ${count} not read` : "Notifications");
}

/** Opens the list and goes there; goes back when it is open. */
export function toggle() {
  if (isOpen() && byId("notes").contains(document.activeElement)) return close();
  document.body.toggleAttribute("data-notes", true);
  byId("bell").setAttribute("aria-expanded", "true");
  byId("notes-title").focus();
}

/** Closes the list, which counts as read then. Gives false when it was not open. */
export function close() {
  if (!isOpen()) return false;
  const hadFocus = byId("notes").contains(document.activeElement);
  if (!hadFocus && beside.matches) return false;
  document.body.toggleAttribute("data-notes", false);
  byId("bell").setAttribute("aria-expanded", "false");
  readAll();
  if (hadFocus) byId("bell").focus();
  return true;
}

function isOpen() {
  return document.body.hasAttribute("data-notes") || (beside.matches && byId("notes").contains(document.activeElement));
}

function readAll() {
  const newest = desk.notifications.reduce((latest, one) => (one.at > latest ? one.at : latest), readAt());
  if (newest) kept.set(key, newest);
  draw();
  onChange();
}

function readAt() {
  return kept.get(key) ?? "";
}

function drawPermit() {
  const state = notify.permission();
  const words = {
    ask: "Be told of tasks while this page is in the background, without what they say.",
    denied: "The browser blocks notifications of this page; its settings for this address can allow them.",
    on: "The browser tells you of tasks while this page is in the background.",
    off: "Browser notifications are off.",
  };
  byId("permit").hidden = state === "unsupported";
  byId("permit-button").hidden = state === "denied";
  setText(byId("permit-words"), words[state] ?? "");
  setText(byId("permit-button"), { ask: "Allow", on: "Turn off", off: "Turn on" }[state] ?? "");
}
