// What a column says is read out below its chart; arrow keys go from one to the next. Without this, the table has it all.
for (const scroller of document.querySelectorAll(".chart")) {
  // The values of the scale stay in sight.
  scroller.addEventListener("scroll", () => scroller.style.setProperty("--scrolled", scroller.scrollLeft), { passive: true });
  if (scroller.dataset.from === "end") scroller.scrollLeft = scroller.scrollWidth;
}
for (const figure of document.querySelectorAll("figure")) {
  const readout = figure.querySelector(".readout");
  const columns = [...figure.querySelectorAll(".column")];
  const usual = readout.textContent;
  const show = (column) => { readout.textContent = column.getAttribute("aria-label"); };
  columns.forEach((column, number) => {
    // One stop for Tab in each chart.
    column.setAttribute("tabindex", number === 0 ? "0" : "-1");
    column.addEventListener("focus", () => show(column));
    column.addEventListener("pointerenter", () => show(column));
    column.addEventListener("pointerleave", () => { readout.textContent = usual; });
    column.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -number, End: columns.length - 1 - number };
      const next = columns[number + steps[event.key]];
      if (!next) return;
      event.preventDefault();
      column.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}
