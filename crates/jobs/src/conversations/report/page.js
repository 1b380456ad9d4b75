"use strict";
// Filters the list by state, tag and text, and opens what is folded up when the page is printed.
const form = document.querySelector(".filters");
const cases = [...document.querySelectorAll(".cases > li")];
const none = document.querySelector(".none");

function filter() {
  const state = form.elements.state.value;
  const tag = form.elements.tag ? form.elements.tag.value : "";
  const text = form.elements.text.value.trim().toLowerCase();
  let shown = 0;
  for (const item of cases) {
    const fits = (!state || item.dataset.state === state)
      && (!tag || item.dataset.tags.split(" ").includes(tag))
      && (!text || item.textContent.toLowerCase().includes(text));
    item.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  none.hidden = shown > 0 || cases.length === 0;
}

form.hidden = cases.length < 2;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.elements.open.addEventListener("click", (event) => {
  const open = event.target.getAttribute("aria-pressed") !== "true";
  event.target.setAttribute("aria-pressed", String(open));
  event.target.textContent = open ? "Fold all" : "Open all";
  for (const item of cases) item.querySelector("details").open = open;
});

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const details of folded) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
  folded = [];
});
