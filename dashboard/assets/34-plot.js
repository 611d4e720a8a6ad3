// Figures: one template for all, direct labels, one crosshair down the page. The server says what, never how.
(function () {
  "use strict";
  const organism = window.organism, { el, kinds } = organism;
  const drawn = new Map(); // name → {holder, piece}
  const FORMATS = {
    money: { tick: ",.0f", hover: ",.2f" }, percent: { tick: ".1%", hover: ".2%" }, price: { tick: ",~g", hover: ",~g" },
    count: { tick: ",.0f", hover: ",.0f" }, ratio: { tick: ".1f", hover: ".2f" },
  };

  const tokens = () => {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  };
  const colours = { accent: "accent", loss: "act-fill", gain: "gain", soft: "soft", faint: "faint", watch: "watch-fill" };
  const alpha = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");
  const isNarrow = () => window.innerWidth < 720;

  kinds.figure = function (holder, piece, name) {
    if (!holder.firstChild) {
      const host = el("div", "plot"), line = el("i", "crosshair");
      host.setAttribute("role", "img");
      holder.replaceChildren(host, line, el("p", "note"));
    }
    holder.style.setProperty("--height", `${piece.height}px`);
    holder.firstChild.setAttribute("aria-label", piece.says);
    holder.lastChild.textContent = piece.note || "";
    drawn.set(name, { holder, piece });
    draw(name);
  };

  function draw(name) {
    const { holder, piece } = drawn.get(name), host = holder.firstChild;
    if (!window.Plotly || !host.isConnected || !host.offsetWidth) return;
    const token = tokens();
    const first = !host.organismDrawn;
    window.Plotly.react(host, traces(piece, token), layout(piece, token), { displayModeBar: false, responsive: true });
    if (first && host.on) {
      host.organismDrawn = true;
      if (!performance.getEntriesByName("organism:figure").length) performance.mark("organism:figure");
      host.on("plotly_hover", (event) => crosshair(event.points[0].x, piece.axis));
      host.on("plotly_unhover", () => crosshair(null));
    }
  }
  organism.redraw = () => { for (const name of drawn.keys()) draw(name); };

  // The library that draws takes the browser longer than all the rest: the page asks for it once its first sentence stands.
  organism.fetchPlotly = function fetchPlotly() {
    const script = el("script");
    script.src = document.getElementById("plotly").href;
    script.onload = organism.redraw;
    script.onerror = () => { script.remove(); setTimeout(fetchPlotly, 2000); };
    document.head.append(script);
  };

  const axisOf = (nth) => (nth === 0 ? "" : String(nth + 1));

  function traces(piece, token) {
    const found = [];
    piece.panels.forEach((panel, nth) => {
      const format = (FORMATS[panel.style] || FORMATS.ratio).hover;
      for (const series of panel.series) {
        const colour = token(colours[series.colour] || series.colour), says = series.says ? `${series.says} ` : "";
        const base = { x: series.x, y: series.y, type: "scatter", yaxis: `y${axisOf(nth)}`, name: series.label || series.says || "" };
        if (series.symbol) {
          found.push({ ...base, mode: "markers", text: series.texts, hovertemplate: "%{text}<extra></extra>",
            marker: { color: colour, size: series.size || 12, symbol: series.symbol, line: { color: token("paper"), width: series.symbol.endsWith("open") ? 1.5 : 1 } } });
          if (series.symbol.endsWith("open")) found[found.length - 1].marker.line.color = colour;
          continue;
        }
        found.push({ ...base, mode: "lines", connectgaps: false, hovertemplate: `${says}%{y:${format}}<extra></extra>`,
          line: { color: colour, width: series.width || 1.25, dash: series.dash || "solid", shape: series.step || "linear" },
          ...(series.fill ? { fill: "tozeroy", fillcolor: alpha(colour, 0.14) } : {}) });
        if (series.tip) found.push({ ...base, x: [series.x[series.x.length - 1]], y: [series.y[series.y.length - 1]], mode: "markers", marker: { color: colour, size: 7 }, hoverinfo: "skip" });
      }
    });
    return found;
  }

  // Where each plot lies, 0 at the bottom; a little room between them for its title.
  function domains(panels, height) {
    const gap = panels.length > 1 ? Math.min(0.12, 30 / height) : 0;
    const total = panels.reduce((sum, panel) => sum + (panel.share || 1), 0), free = 1 - gap * (panels.length - 1);
    let top = 1;
    return panels.map((panel) => {
      const bottom = top - ((panel.share || 1) / total) * free, found = [Math.max(0, bottom), Math.min(1, top)];
      top = bottom - gap;
      return found;
    });
  }

  function extent(panel) {
    const values = panel.series.flatMap((series) => series.y).filter((value) => Number.isFinite(value));
    if (panel.base) values.push(panel.base[0]);
    if (panel.zero) values.push(0);
    let low = Infinity, high = -Infinity;
    for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
    if (panel.style === "percent" && panel.zero) low = Math.min(low, -0.01);
    const room = (high - low) * 0.12 || Math.abs(high) * 0.002 || 1;
    return panel.zero ? [low < 0 ? low - room : 0, high > 0 ? high + room : 0] : [low - room, high + room];
  }

  // Labels stand right of the lines: as much room as the longest needs. On a phone a reference is named, its axis tells its value.
  const baseSays = (panel) => (isNarrow() ? panel.base[1].split(" ")[0] : panel.base[1]);
  function roomFor(piece) {
    const longest = Math.max(0, ...piece.panels.flatMap((panel) => [panel.base ? baseSays(panel).length : 0, ...panel.series.filter((series) => !series.symbol).map((series) => (series.label || "").length)]));
    return longest ? Math.max(isNarrow() ? 56 : 88, longest * 7 + 16) : 16;
  }

  function layout(piece, token) {
    const narrow = isNarrow(), soft = token("soft"), faint = token("faint"), line = token("line");
    const margin = { l: 56, r: roomFor(piece), t: piece.panels[0].title ? 28 : 12, b: piece.x_title ? 52 : 36 };
    const where = domains(piece.panels, piece.height - margin.t - margin.b);
    const xs = piece.panels.flatMap((panel) => panel.series.flatMap((series) => (series.x.length ? [Math.min(...series.x), Math.max(...series.x)] : [])));
    const from = Math.min(...xs), to = Math.max(...xs), wide = to - from || 1, loose = piece.axis === "time" ? 0 : wide * 0.06;
    const axis = { gridcolor: line, zeroline: false, tickfont: { color: faint, size: 12 }, fixedrange: true, ticks: "", automargin: false, ticklabelstandoff: 6 };
    const found = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, dragmode: false, hovermode: piece.axis === "percent" ? "closest" : "x", margin,
      height: piece.height, autosize: true, separators: ".,", font: { family: token("sans"), size: 12, color: soft },
      hoverlabel: { bgcolor: token("raised"), bordercolor: line, font: { color: token("ink"), family: token("sans"), size: 12 } },
      xaxis: { fixedrange: true, showgrid: piece.axis === "percent", gridcolor: line, zeroline: false, tickfont: { color: faint, size: 12 }, nticks: narrow ? 3 : 8, tickangle: 0,
        anchor: `y${axisOf(piece.panels.length - 1)}`, range: [from - loose, to + loose], showspikes: piece.axis !== "percent", spikemode: "across", spikethickness: 1, spikedash: "dot", spikecolor: faint,
        ...(piece.axis === "time" ? { type: "date", hoverformat: "%-d %b %H:%M", ...(window.innerWidth < 1181 ? { tickformatstops: [{ dtickrange: [60_000, 43_200_000], value: "%H:%M\n%b %-d" }] } : {}) } : {}), ...(piece.axis === "percent" ? { tickformat: ".1%" } : {}),
        ...(piece.x_title ? { title: { text: piece.x_title, font: { color: faint, size: 12 }, standoff: 8 } } : {}) },
      shapes: [], annotations: [],
    };
    piece.panels.forEach((panel, nth) => {
      const short = (where[nth][1] - where[nth][0]) * piece.height < 150;
      found[`yaxis${axisOf(nth)}`] = { ...axis, domain: where[nth], range: extent(panel), tickformat: (FORMATS[panel.style] || FORMATS.ratio).tick, nticks: short ? 3 : 5 };
      found.annotations.push(...notes(panel, nth, where[nth], token));
      if (panel.base) found.shapes.push({ type: "line", xref: "paper", yref: `y${axisOf(nth)}`, x0: 0, x1: 1, y0: panel.base[0], y1: panel.base[0], line: { color: faint, width: 1, dash: "dot" } });
    });
    return found;
  }

  function notes(panel, nth, where, token) {
    const yref = `y${axisOf(nth)}`, found = [];
    const label = (more) => ({ showarrow: false, xanchor: "left", align: "left", font: { size: 12, color: token("soft") }, ...more });
    if (panel.title) found.push(label({ xref: "paper", x: 0, yref: "paper", y: where[1], yanchor: "bottom", text: `<b>${safe(panel.title)}</b>` }));
    const ends = panel.series.filter((series) => series.label && !series.symbol).map((series) => ({ series, y: lastOf(series.y) })).filter((end) => end.y !== null);
    if (panel.base) ends.push({ series: { label: baseSays(panel), colour: "faint", plain: true }, y: panel.base[0] });
    for (const end of apart(ends, panel, where)) {
      found.push(label({ xref: "paper", x: 1, xshift: 4, yref, y: end.y, yshift: end.shift, bgcolor: token("paper"), borderpad: 2, text: end.series.plain ? safe(end.series.label) : `<b>${safe(end.series.label)}</b>`,
        font: { size: 12, color: token(colours[end.series.colour] || "soft") } }));
    }
    return found;
  }
  const safe = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const lastOf = (values) => { for (let at = values.length - 1; at >= 0; at -= 1) if (Number.isFinite(values[at])) return values[at]; return null; };

  // Labels at the ends of lines that would lie on each other are pushed apart, by pixels.
  function apart(ends, panel, where) {
    const [low, high] = extent(panel), scale = ((where[1] - where[0]) * 300) / (high - low || 1);
    ends.sort((a, b) => a.y - b.y);
    let before = -Infinity;
    for (const end of ends) {
      const at = end.y * scale, moved = Math.max(at, before + 17);
      end.shift = moved - at;
      before = moved;
    }
    return ends;
  }

  // The moment under the pointer, marked in every figure over time on this page.
  function crosshair(x, axis) {
    for (const { holder, piece } of drawn.values()) {
      const line = holder.children[1], host = holder.firstChild, full = host._fullLayout;
      const on = x !== null && axis === "time" && piece.axis === "time" && full && host.offsetWidth;
      line.style.display = on ? "block" : "none";
      if (!on) continue;
      const at = full.xaxis.d2p(x) + full.margin.l;
      line.style.display = at >= full.margin.l && at <= full.margin.l + full.xaxis._length ? "block" : "none";
      line.style.transform = `translateX(${at}px)`;
    }
  }

  let waiting = 0;
  const again = () => { clearTimeout(waiting); waiting = setTimeout(organism.redraw, 80); };
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  window.addEventListener("resize", again);
})();
