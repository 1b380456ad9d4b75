// What the page says: outcomes in a line that is seen and read aloud, arrivals read aloud only (they are seen in the list).

import { byId, setText } from "./dom.js";

const SHOWN_MS = 9_000;
/** So many arrivals at once are counted, not read one by one. */
const MOST_NAMED = 3;

let timer = null;
const arrivals = [];

/** Wires the line's button. */
export function prepare() {
  byId("message-close").addEventListener("click", dismiss);
}

/** An outcome; `isRefusal` stays until it is dismissed or followed by another. */
export function say(words, isRefusal = false) {
  clearTimeout(timer);
  const message = byId("message");
  message.hidden = false;
  message.classList.toggle("refusal", isRefusal);
  setText(byId("message-words"), words);
  if (!isRefusal) timer = setTimeout(dismiss, SHOWN_MS);
}

/** Takes the line away; gives whether there was one. */
export function dismiss() {
  const message = byId("message");
  if (message.hidden) return false;
  message.hidden = true;
  setText(byId("message-words"), "");
  return true;
}

/** Something came by itself. */
export function announce(words) {
  if (arrivals.push(words) > 1) return;
  setTimeout(() => {
    const came = arrivals.splice(0);
    setText(byId("announce"), came.length > MOST_NAMED ? `${came.length} changes, newest: ${came.at(-1)}` : came.join(". "));
  }, 300);
}
