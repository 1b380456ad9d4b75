// A plain script in the head: it runs before the first paint, so that a page that is kept dark never flashes.
"use strict";
try {
  const kept = localStorage.getItem("trunkline.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch {
  // Without storage the system's theme is used.
}
