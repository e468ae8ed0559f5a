// Experiments: those that hold the words and have the verdict, and their rows in the table of variants.
(() => {
  "use strict";
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
