// Tables: sorted by a click on a heading; experiments, and their variants in the table of all, by words and verdict.
(() => {
  "use strict";
  // A number's exact value counts; dashes go last.
  const worth = (cell) => {
    const data = cell && cell.querySelector("data");
    return data ? parseFloat(data.value) : cell ? cell.textContent.trim().toLowerCase() : "";
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], headings = table.tHead.rows[table.tHead.rows.length - 1].cells;
    [...headings].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows].map((row) => [worth(row.cells[column]), row]);
        const rank = (value) => (typeof value === "number" ? 0 : value === "–" ? 2 : 1);
        rows.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  const wanted = document.getElementById("filter"), verdict = document.getElementById("filter-verdict");
  const sift = () => {
    const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (element, text) =>
      (!verdict.value || element.dataset.word === verdict.value) && words.every((word) => text.toLowerCase().includes(word));
    let shown = 0, all = 0;
    for (const mvp of document.querySelectorAll("#experiments .mvp")) {
      const names = [...mvp.querySelectorAll(".id, h3, .question, .verdict, .compared th")].map((e) => e.textContent).join(" ");
      mvp.hidden = !fits(mvp, names);
      all += 1;
      shown += !mvp.hidden;
    }
    for (const row of document.querySelectorAll("#variants tbody tr")) row.hidden = !fits(row, row.textContent);
    document.getElementById("filter-says").textContent = shown === all ? "" : `${shown} of ${all} experiments`;
  };
  wanted.addEventListener("input", sift);
  verdict.addEventListener("change", sift);
})();
