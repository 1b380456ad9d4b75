// The keyboard. Keys do nothing while somebody types, while a dialog is open, or with Ctrl, Alt and Meta.

import { kept } from "./dom.js";

const OFF = "trunkline.keys.off";

export const shortcuts = {
  get on() {
    return kept.get(OFF) === null;
  },
  set on(value) {
    kept.set(OFF, value ? null : "1");
  },
};

/** `actions` has a function per key; what it returns false for is left to the browser. */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : null;
    if (!action || (!shortcuts.on && event.key.length === 1)) return;
    // A key that is held repeats: moving may, deeds may not.
    if (event.repeat && !["j", "k", "ArrowDown", "ArrowUp"].includes(event.key)) return;
    if (action(event) !== false) event.preventDefault();
  });
}

function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
