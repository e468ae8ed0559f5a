// The page's own script: its face, figures with their switches, the spectrum viewer, residual maps.
(() => {
  "use strict";
  const root = document.documentElement;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name in element && typeof value !== "string") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  // ---- Faces: colours by name, so that one figure suits light, dark and paper -------------------------------------
  const FACES = {
    light: {
      blue: "#0072b2", orange: "#b97900", green: "#007a5a", red: "#c04a00", purple: "#a8488a", sky: "#2f8fc4",
      yellow: "#8f8300", ink: "#1d2733", muted: "#54616e", line: "#e2e7ec", paper: "#ffffff", panel: "#f1f3f5",
      band: "rgba(0,114,178,.16)", window: "rgba(0,122,90,.13)",
    },
    dark: {
      blue: "#5fb2f2", orange: "#f0b13c", green: "#3ccf9f", red: "#ff8c4b", purple: "#e59ccb", sky: "#8fd0f5",
      yellow: "#f0e442", ink: "#e7ecf1", muted: "#a1aebb", line: "#2a3540", paper: "#0f1419", panel: "#232c35",
      band: "rgba(95,178,242,.2)", window: "rgba(60,207,159,.16)",
    },
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const face = () => (printing ? "light" : root.dataset.face || (system.matches ? "dark" : "light"));
  const coloured = (value) => {
    if (typeof value === "string") return value[0] === "@" ? FACES[face()][value.slice(1)] || value : value;
    if (ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v)]));
    return value;
  };
  const AXIS = { gridcolor: "@line", linecolor: "@muted", zeroline: false, ticks: "outside", tickcolor: "@line", automargin: true };
  const house = (layout) => {
    const axes = Object.keys(layout).filter((k) => /^[xy]axis\d*$/.test(k));
    const full = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: "@ink" },
      margin: { l: 56, r: 14, t: 12, b: 52 }, hoverlabel: { bgcolor: "@paper", bordercolor: "@muted", font: { color: "@ink" } },
      ...layout,
    };
    for (const k of axes.length ? axes : ["xaxis", "yaxis"]) full[k] = { ...AXIS, ...(layout[k] || {}) };
    return coloured(full);
  };

  // ---- Plots: drawn when they come near, drawn again when the face changes, all of them before printing ------------
  const plots = new Map(); // element → () => {data, layout}
  const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };
  const draw = (element) => {
    const { data, layout } = plots.get(element)();
    const full = house(layout);
    // Subplots side by side need room: on a narrow screen they stand one above the other.
    if (full.grid && element.clientWidth < 560) {
      Object.assign(full.xaxis, { domain: [0, 1], anchor: "y" });
      Object.assign(full.xaxis2, { domain: [0, 1], anchor: "y2" });
      delete full.grid;
      full.yaxis2 = { ...full.yaxis, domain: [0, 0.42], anchor: "x2" };
      full.yaxis = { ...full.yaxis, domain: [0.58, 1], anchor: "x" };
      for (const trace of data) if (trace.xaxis === "x2") trace.yaxis = "y2";
      for (const shape of full.shapes || []) if (shape.xref === "x2") shape.yref = "y2 domain";
      element.style.height = `${1.7 * element.dataset.height}px`;
    }
    if (element.clientWidth < 560) // long names of axes on two lines
      for (const [k, axis] of Object.entries(full))
        if (/^xaxis/.test(k) && axis.title && axis.title.text.length > 38) axis.title.text = axis.title.text.replace(/^(.{20,38}) /, "$1<br>");
    element.dataset.drawn = "yes";
    return Plotly.react(element, coloured(data), full, CONFIG);
  };
  // The library lies in the page packed; a browser that cannot unpack it (before 2023) shows the tables alone.
  const library = (async () => {
    const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    document.head.append(make("script", {}, await new Response(stream).text()));
    root.dataset.library = "ready";
  })();
  library.catch(() => {
    for (const element of plots.keys()) element.replaceChildren("This browser cannot draw the figure; its values are in the table below.");
  });
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        near.unobserve(entry.target);
        library.then(() => draw(entry.target));
      }
    },
    { rootMargin: "500px" },
  );
  const register = (element, build) => {
    element.dataset.height = parseFloat(element.style.height);
    plots.set(element, build);
    near.observe(element);
  };
  const redraw = (every) => {
    if (root.dataset.library) for (const element of plots.keys()) if (every || element.dataset.drawn) draw(element);
  };

  // ---- Figures with switches --------------------------------------------------------------------------------------
  const GLYPHS = { circle: "●", square: "■", diamond: "◆", "triangle-up": "▲", "triangle-down": "▼", cross: "✚", x: "✖", star: "★",
    "circle-open": "○", "square-open": "□", "diamond-open": "◇", "triangle-up-open": "△", "triangle-down-open": "▽",
    "cross-open": "✛", "x-open": "✕", "star-open": "☆" };
  const swatch = (trace) => {
    const line = trace.line || trace.marker || {}, marker = trace.marker || {}, mode = trace.mode || "lines";
    const mark = make("span", { class: "swatch", "aria-hidden": "true" }, mode.includes("markers") ? GLYPHS[marker.symbol || "circle"] : "");
    mark.dataset.colour = line.color || marker.color || "@ink";
    mark.dataset.dash = mode.includes("lines") ? line.dash || "solid" : "none";
    return mark;
  };
  const tint = () => {
    for (const mark of document.querySelectorAll(".swatch")) mark.style.color = coloured(mark.dataset.colour);
  };
  // Lower end of an axis of R²: 0, or as far below it as what is shown goes, at most −1.
  const lowest = (data) => {
    const seen = data.filter((t) => t.visible !== false).flatMap((t) => t.y).filter((v) => v !== null);
    return Math.max(-1, Math.min(0, ...seen) - 0.05);
  };
  const switches = (element, spec, controls) => {
    const groups = new Map();
    let more = null;
    spec.data.forEach((trace, k) => {
      const group = (trace.meta && trace.meta.group) || "Shown";
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(k);
    });
    for (const [group, members] of groups) {
      const set = make("fieldset", {}, make("legend", {}, group));
      const boxes = members.map((k) => {
        const box = make("input", { type: "checkbox", checked: spec.data[k].visible !== false });
        box.addEventListener("change", () => {
          spec.data[k].visible = box.checked;
          if (spec.adapts) spec.layout.yaxis.range = [lowest(spec.data), 1.02];
          if (element.dataset.drawn) draw(element);
        });
        const name = make("span", {}); // names come escaped for plotly.js; as text they are put back first
        name.textContent = spec.data[k].name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
        set.append(make("label", {}, box, swatch(spec.data[k]), name));
        return box;
      });
      if (members.length > 2) {
        const all = make("button", { type: "button" }, "all / none");
        all.setAttribute("aria-label", `${group}: all or none`);
        all.addEventListener("click", () => {
          const on = !boxes.every((box) => box.checked);
          for (const box of boxes) if (box.checked !== on) box.click();
        });
        set.append(all);
      }
      const on = boxes.filter((box) => box.checked).length;
      if (groups.size > 4 && controls.querySelector("fieldset")) {
        more = more || make("details", { class: "more" }, make("summary", {}, `Choose from ${groups.size - 1} more groups`));
        more.append(make("details", {}, make("summary", {}, on ? `${group} (${on} shown)` : group), set));
        controls.append(more);
      } else controls.append(set);
    }
  };

  const pick = (controls, label, options, change) => {
    const select = make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
    select.addEventListener("change", () => change(select.value));
    controls.append(make("label", { class: "pick" }, label, select));
    return select;
  };
  const check = (controls, label, on, change) => {
    const box = make("input", { type: "checkbox", checked: on });
    box.addEventListener("change", () => change(box.checked));
    controls.append(make("label", {}, box, label));
  };

  // ---- Spectrum viewer --------------------------------------------------------------------------------------------
  const unpack = (packed) => {
    const bytes = Uint8Array.from(atob(packed.bdata), (c) => c.charCodeAt(0));
    return new Float32Array(bytes.buffer);
  };
  const smooth = (values, width) => {
    if (width < 2) return values;
    const out = new Float32Array(values.length), half = width >> 1;
    for (let i = 0; i < values.length; i++) {
      let sum = 0, n = 0;
      for (let j = Math.max(0, i - half); j <= Math.min(values.length - 1, i + half); j++, n++) sum += values[j];
      out[i] = sum / n;
    }
    return out;
  };
  const viewer = (element, data, controls) => {
    const wave = unpack(data.wave), sky = unpack(data.sky), curve = data.sensitivity && unpack(data.sensitivity);
    const first = wave[0], last = wave[wave.length - 1];
    const spectra = data.spectra.map((s) => ({ ...s, flux: unpack(s.flux), noisy: unpack(s.noisy), error: unpack(s.error) }));
    const now = { star: 0, noisy: true, band: true, clean: true, lines: true, windows: "", width: 1, range: [first, last] };
    const show = () => element.dataset.drawn && draw(element);
    const said = (s) =>
      `log g ${s.logg.toFixed(2)}, Teff ${s.teff.toFixed(0)} K, [M/H] ${s.m_h.toFixed(2)}, SNR ${s.snr.toFixed(1)} (${s.snr_pixel.toFixed(1)} per pixel)` +
      (s.mag === undefined ? "" : `, mag ${s.mag.toFixed(1)}`) + (s.low_noise ? ", low-noise" : "");
    pick(controls, "Spectrum", spectra.map((s, k) => [String(k), said(s)]), (k) => { now.star = +k; show(); });
    pick(controls, "Smoothing of the noisy flux", [["1", "none"], ["5", "5 pixels"], ["15", "15 pixels"], ["51", "51 pixels"]],
      (w) => { now.width = +w; show(); });
    pick(controls, "Windows of MVP-1.4", [["", "none"], ...data.windows.map((w, k) => [String(k), w.label])],
      (k) => { now.windows = k; show(); });
    const go = (range) => { now.range = [Math.max(first, range[0]), Math.min(last, range[1])]; show(); };
    pick(controls, "Go to", [["", "the whole range"], ...data.lines.map((f, k) => [String(k), f.name])],
      (k) => go(k === "" ? [first, last] : [data.lines[+k].vacuum - 60, data.lines[+k].vacuum + 60]));
    for (const [name, label] of [["noisy", "with noise"], ["clean", "noise-free"], ["band", "±1σ"], ["lines", "lines"]])
      check(controls, label, now[name], (on) => { now[name] = on; show(); });
    const step = (words, change) => {
      const button = make("button", { type: "button" }, words);
      button.addEventListener("click", () => {
        const [a, b] = now.range, middle = (a + b) / 2, half = (b - a) / 2;
        go(change(middle, half));
      });
      controls.append(button);
    };
    step("Zoom in", (m, h) => [m - h / 2, m + h / 2]);
    step("Zoom out", (m, h) => [m - 2 * h, m + 2 * h]);
    step("Left", (m, h) => [m - 1.5 * h < first ? first : m - 1.5 * h, m - 1.5 * h < first ? first + 2 * h : m + 0.5 * h]);
    step("Right", (m, h) => [m + 1.5 * h > last ? last - 2 * h : m - 0.5 * h, m + 1.5 * h > last ? last : m + 1.5 * h]);
    register(element, () => {
      const s = spectra[now.star], traces = [];
      const add = (name, y, more) => traces.push({ type: "scatter", mode: "lines", x: wave, y, name, hoverinfo: "x+y+name", ...more });
      const noisy = smooth(s.noisy, now.width);
      if (now.noisy) add("with noise", noisy, { line: { color: "@sky", width: 0.8 } });
      if (now.band) {
        add("−1σ", s.flux.map((f, i) => f - s.error[i]), { line: { width: 0 }, hoverinfo: "skip", showlegend: false });
        add("±1σ", s.flux.map((f, i) => f + s.error[i]), { line: { width: 0 }, fill: "tonexty", fillcolor: "@band", hoverinfo: "skip" });
      }
      if (now.clean) add("noise-free", s.flux, { line: { color: "@ink", width: 1.3 } });
      add("mean error", sky, { yaxis: "y2", line: { color: "@orange", width: 0.9 }, fill: "tozeroy", fillcolor: "@band" });
      if (curve) add("sensitivity to log g", curve, { yaxis: "y3", line: { color: "@green", width: 1 } });
      const seen = Array.from(s.flux).sort((a, b) => a - b), at = (q) => seen[Math.floor(q * (seen.length - 1))];
      const spread = Array.from(s.error).sort((a, b) => a - b)[Math.floor(0.6 * s.error.length)] / Math.sqrt(now.width);
      const shapes = [], annotations = [];
      if (now.windows !== "")
        for (const [x0, x1] of data.windows[+now.windows].spans)
          shapes.push({ type: "rect", x0, x1, y0: 0, y1: 1, yref: "paper", fillcolor: "@window", line: { width: 0 }, layer: "below" });
      const closeUp = now.range[1] - now.range[0] < 700 || element.clientWidth > 700;
      if (now.lines)
        data.lines.filter((f) => f.vacuum > now.range[0] && f.vacuum < now.range[1]).forEach((f, k) => {
          shapes.push({ type: "line", x0: f.vacuum, x1: f.vacuum, y0: 0, y1: 1, yref: "paper", line: { color: "@red", width: 0.8, dash: "dot" } });
          if (closeUp)
            annotations.push({ x: f.vacuum, y: 1.01 + 0.035 * (k % 2), yref: "paper", yanchor: "bottom", text: f.name, showarrow: false, font: { size: 11, color: "@red" } });
        });
      return {
        data: traces,
        layout: {
          shapes, annotations, margin: { l: 56, r: curve ? 56 : 14, t: 44, b: 84 }, dragmode: "zoom",
          showlegend: true, legend: { orientation: "h", x: 0, y: -0.14, yanchor: "top" },
          xaxis: { title: { text: "vacuum wavelength, Å" }, range: [...now.range], anchor: "y2", showgrid: false },
          yaxis: { title: { text: "flux / (2 × its median)" }, domain: [0.38, 1], range: [Math.min(0, at(0.01) - spread), at(0.995) + 1.5 * spread] },
          yaxis2: { title: { text: "mean 1σ error, same unit" }, domain: [0, 0.31], type: "log", dtick: 1, exponentformat: "power" },
          ...(curve ? { yaxis3: { title: { text: "sensitivity" }, overlaying: "y2", side: "right", showgrid: false, rangemode: "tozero", nticks: 3, tickmode: "auto" } } : {}),
        },
      };
    });
  };

  // ---- Residual maps ----------------------------------------------------------------------------------------------
  const residuals = (element, data, controls, values) => {
    const WORDS = { mean: "mean of predicted − true, dex", mae: "mean absolute error, dex", n: "test spectra" };
    const now = { model: data.models[0], subset: "full", pair: data.pairs[0].key, what: "mean" };
    const show = () => { if (element.dataset.drawn) draw(element); fill(); };
    const ask = (label, name, options) => pick(controls, label, options, (v) => { now[name] = v; show(); });
    ask("Model", "model", data.models.map((m) => [m, m]));
    ask("Test", "subset", [["full", "full"], ["low_noise", "low-noise"]]);
    ask("Axes", "pair", data.pairs.map((p) => [p.key, `${p.x} and ${p.y}`]));
    ask("Quantity", "what", Object.entries(WORDS));
    const place = () => [data.cells[now.model][now.subset][now.pair], data.pairs.find((p) => p.key === now.pair)];
    const panel = values.querySelector(".scroll");
    const fill = () => {
      if (!values.open) return;
      const [cells, pair] = place();
      const row = (tag, items) => make("tr", {}, ...items.map((t, k) => (tag === "th" || k === 0 ? make("th", { scope: tag === "th" ? "col" : "row" }, t) : make("td", {}, t))));
      const head = make("thead", {}, row("th", [`${pair.y} from / ${pair.x} from`, ...cells.x.slice(0, -1).map(String)]));
      const text = (v) => (v === null ? "–" : now.what === "n" ? String(v) : v.toFixed(3).replace("-", "−"));
      const body = make("tbody", {}, ...cells[now.what].map((r, k) => row("td", [String(cells.y[k]), ...r.map(text)])));
      panel.replaceChildren(make("table", {}, make("caption", {}, `${now.model}: ${WORDS[now.what]}`), head, body));
    };
    values.addEventListener("toggle", fill);
    register(element, () => {
      const [cells, pair] = place();
      const most = Math.max(0.05, ...cells[now.what].flat().filter((v) => v !== null).map(Math.abs));
      const diverging = now.what === "mean";
      return {
        data: [{
          type: "heatmap", x: cells.x, y: cells.y, z: cells[now.what], customdata: cells.n, xgap: 1, ygap: 1,
          text: cells[now.what].map((row, i) => row.map((v, j) => (v === null ? "" : String(cells.n[i][j])))), texttemplate: "%{text}",
          colorscale: diverging ? [[0, "#2166ac"], [0.5, "@panel"], [1, "#b2182b"]] : "Viridis", zmin: diverging ? -most : 0, zmax: most,
          colorbar: { title: { text: WORDS[now.what], side: "right" }, thickness: 14, outlinewidth: 0 },
          hovertemplate: `${pair.x} %{x}<br>${pair.y} %{y}<br>${WORDS[now.what]} %{z:.3f}<br>%{customdata} spectra<extra></extra>`,
        }],
        layout: {
          xaxis: { title: { text: pair.x }, showgrid: false, ...(now.pair.startsWith("teff") ? { autorange: "reversed" } : {}) },
          yaxis: { title: { text: pair.y }, showgrid: false, ...(now.pair.endsWith("logg") ? { autorange: "reversed" } : {}) },
        },
      };
    });
  };

  // ---- Put together -----------------------------------------------------------------------------------------------
  const figures = read("figure-data");
  for (const element of document.querySelectorAll("[data-plot]")) {
    const holder = element.closest("figure"), controls = holder.querySelector("[data-controls]"), key = element.dataset.plot;
    if (key === "viewer") viewer(element, read("viewer-data"), controls);
    else if (key === "residuals") residuals(element, read("residual-data"), controls, holder.querySelector("details.values"));
    else {
      const spec = figures[key];
      if (spec.plot === "switches") switches(element, spec, controls);
      register(element, () => ({ data: structuredClone(spec.data), layout: structuredClone(spec.layout) }));
    }
    if (!controls.childElementCount) controls.remove();
  }
  tint();

  // ---- Numbers say where they come from: under the pointer, and with the switch also to keys, touch and readers --------
  const source = document.getElementById("source"), asking = document.getElementById("sources");
  const told = (data) => `${data.value}\n${data.closest("[data-from]").dataset.from.replaceAll(" ", "\n")}`;
  const numberAt = (event) => event.target.closest && event.target.closest("main data");
  document.addEventListener("pointerover", (event) => {
    const data = numberAt(event);
    if (data && !data.title) data.title = told(data);
  });
  const tell = (event) => {
    const data = root.hasAttribute("data-sources") && numberAt(event);
    if (data) source.textContent = `${data.textContent}: ${told(data)}`;
  };
  document.addEventListener("focusin", tell);
  document.addEventListener("click", tell);
  asking.addEventListener("click", () => {
    const on = root.toggleAttribute("data-sources");
    asking.setAttribute("aria-pressed", String(on));
    source.hidden = !on;
    source.textContent = "Choose a number to see where it comes from.";
    for (const data of document.querySelectorAll("main data")) on ? (data.tabIndex = 0) : data.removeAttribute("tabindex");
  });

  // ---- Face, paper, contents --------------------------------------------------------------------------------------
  const store = { // a page from disk may not be allowed to remember
    get: () => { try { return localStorage.getItem("logg1m-face"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("logg1m-face", value); } catch { /* it is a convenience */ } },
  };
  const button = document.getElementById("face");
  const dress = () => {
    button.textContent = face() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to the ${face() === "dark" ? "light" : "dark"} face`);
    tint();
    redraw(false);
  };
  const remembered = store.get();
  if (remembered) root.dataset.face = remembered;
  dress();
  button.addEventListener("click", () => {
    root.dataset.face = face() === "dark" ? "light" : "dark";
    store.set(root.dataset.face);
    dress();
  });
  system.addEventListener("change", dress);
  document.getElementById("print").addEventListener("click", () => window.print());
  let closed = [];
  window.addEventListener("beforeprint", () => {
    printing = true;
    closed = [...document.querySelectorAll("main .cards details:not([open])")];
    for (const details of closed) details.open = true;
    tint();
    for (const element of plots.keys()) element.style.width = "680px";
    redraw(true);
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    for (const details of closed) details.open = false;
    for (const element of plots.keys()) element.style.width = "";
    tint();
    redraw(false);
  });
  if (matchMedia("(max-width: 900px)").matches) document.querySelector("nav.contents details").open = false;
  const links = new Map([...document.querySelectorAll("nav.contents a")].map((a) => [a.hash.slice(1), a]));
  const spy = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const a of links.values()) a.removeAttribute("aria-current");
        links.get(entry.target.id).setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-15% 0px -75% 0px" },
  );
  for (const id of links.keys()) spy.observe(document.getElementById(id));
})();
