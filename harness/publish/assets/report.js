// Sorts tables, and shows values beside the pointer. Without it, the page still shows everything:
// tables as ranked, values as the browser's own tooltips.
"use strict";
(() => {
  const key = (cell) => {
    const number = parseFloat(cell.dataset.key);
    return Number.isNaN(number) ? cell.textContent.trim().toLowerCase() : number;
  };
  // Cells without a value stay at the end in both directions.
  const compare = (a, b, sign) => {
    const [none, other] = [a === "" || a === "–", b === "" || b === "–"];
    if (none || other) return none - other;
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  };
  for (const button of document.querySelectorAll("table.sortable th button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const table = head.closest("table");
      const index = [...head.parentElement.children].indexOf(head);
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of head.parentElement.children) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row, place) => ({ row, place, key: key(row.cells[index]) }));
      rows.sort((a, b) => compare(a.key, b.key, up ? 1 : -1) || a.place - b.place);
      body.append(...rows.map((entry) => entry.row));
    });
  }
  const bubble = document.getElementById("bubble");
  const titles = new WeakMap();
  let shown = [];
  const hide = () => {
    bubble.hidden = true;
    for (const tip of shown) tip.classList.remove("shown");
    shown = [];
  };
  const textOf = (tip) => {
    // The browser's own tooltip would cover ours.
    const title = tip.querySelector("title");
    if (title) {
      titles.set(tip, title.textContent);
      title.remove();
    }
    return titles.get(tip);
  };
  // Overlapping values are shown together.
  const show = (event) => {
    const tips = document.elementsFromPoint(event.clientX, event.clientY).filter((at) => at.matches(".tip"));
    if (tips.length !== shown.length || tips.some((tip, index) => tip !== shown[index])) {
      hide();
      shown = tips;
      for (const tip of tips) tip.classList.add("shown");
      bubble.textContent = tips.map(textOf).reverse().join("\n");
      bubble.hidden = false;
    }
    const right = document.documentElement.clientWidth + window.scrollX - bubble.offsetWidth - 4;
    bubble.style.left = `${Math.max(4, Math.min(event.pageX + 14, right))}px`;
    bubble.style.top = `${Math.max(4, event.pageY - bubble.offsetHeight - 10)}px`;
  };
  for (const name of ["pointermove", "pointerdown"]) {
    document.addEventListener(name, (event) => {
      const tip = event.target instanceof Element ? event.target.closest(".tip") : null;
      if (tip) show(event);
      else hide();
    });
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
