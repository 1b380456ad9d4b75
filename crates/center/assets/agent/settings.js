// Theme, keys and the dialog that explains them.

import { byId, kept, setText } from "./dom.js";
import { shortcuts } from "./keys.js";

const THEME = "trunkline.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Wires the header's buttons and the dialog. */
export function prepare() {
  byId("theme").addEventListener("click", toggleTheme);
  byId("help-button").addEventListener("click", help);
  byId("theme-choice").addEventListener("change", (event) => choose(event.target.value));
  byId("shortcuts").addEventListener("change", (event) => {
    shortcuts.on = event.target.checked;
  });
  dark.addEventListener("change", draw);
  // Another window of the browser chose.
  addEventListener("storage", (event) => event.key === THEME && apply(event.newValue ?? ""));
  draw();
}

/** From light to dark and back; kept in the browser. */
export function toggleTheme() {
  choose(isDark() ? "light" : "dark");
}

/** Opens the help. */
export function help() {
  byId("theme-choice").value = kept.get(THEME) ?? "";
  byId("shortcuts").checked = shortcuts.on;
  byId("help").showModal();
}

function choose(theme) {
  kept.set(THEME, theme || null);
  apply(theme);
}

function apply(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  draw();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : dark.matches;
}

function draw() {
  setText(byId("theme-name"), isDark() ? "Dark" : "Light");
  byId("theme").setAttribute("aria-label", `Theme: ${isDark() ? "dark" : "light"}. Change it`);
}
