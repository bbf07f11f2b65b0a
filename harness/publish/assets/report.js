// Sorts and filters tables, singles out a client in all tables and charts, and shows values beside
// the pointer. The choice is in the address, so that it can be sent to others. Without it, the page
// still shows everything: tables as ranked, values as the browser's own tooltips.
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
  const form = document.getElementById("choice");
  const filter = document.getElementById("filter");
  const whole = document.getElementById("whole");
  const choice = new URLSearchParams(location.search);
  const names = new Set([...document.querySelectorAll("tr[data-client]")].map((row) => row.dataset.client));
  const apply = () => {
    const part = (choice.get("filter") ?? "").toLowerCase();
    // A whole name in the field singles a client out, too: so it can be done without a mouse.
    const only = [choice.get("client"), choice.get("filter")].find((name) => names.has(name));
    for (const row of document.querySelectorAll("tbody tr[data-client]")) {
      const name = row.dataset.client;
      row.hidden = !name.toLowerCase().includes(part);
      row.classList.toggle("chosen", name === only);
    }
    for (const panel of document.querySelectorAll(".multiples > div[data-client]")) {
      panel.hidden = Boolean(only) && panel.dataset.client !== only;
    }
    for (const tip of document.querySelectorAll(".tip[data-client]")) {
      const name = tip.dataset.client;
      const fades = only ? name !== only : !name.toLowerCase().includes(part);
      tip.classList.toggle("faded", fades);
    }
    whole.hidden = !part && !only;
    form.querySelector("[role=status]").textContent = only ? ` Singled out: ${only}` : "";
    const query = choice.toString();
    try {
      history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
    } catch {
      // The address cannot be changed within some frames, or not so often: the page still works.
    }
  };
  const choose = (key, value) => {
    if (value) choice.set(key, value);
    else choice.delete(key);
    apply();
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    filter.addEventListener("input", () => choose("filter", filter.value.trim()));
    whole.addEventListener("click", () => {
      choice.delete("client");
      filter.value = "";
      choose("filter", "");
    });
    document.addEventListener("click", (event) => {
      const at = event.target instanceof Element ? event.target : null;
      const about = at?.closest(".tip[data-client]") ?? at?.closest("tbody th")?.closest("tr[data-client]");
      if (about) choose("client", choice.get("client") === about.dataset.client ? "" : about.dataset.client);
    });
    filter.value = choice.get("filter") ?? "";
    apply();
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
