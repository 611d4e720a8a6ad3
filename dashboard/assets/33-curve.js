// Equity and drawdown: one template, direct labels, a shared time axis. Points are appended, never resent.
(function () {
  "use strict";
  const organism = window.organism, { byId } = organism;
  const MOST = 2400; // points kept; beyond that the thinned curve is asked for again
  let points = [], tip = null, start = null, drawn = false;

  const tokens = () => {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(name).trim();
  };
  const money = (value) => value.toLocaleString("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const alpha = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");

  organism.drawCurve = function (curve) {
    if (curve.whole) points = curve.points;
    else if (curve.points.length) points = points.concat(curve.points);
    const changed = curve.whole || curve.points.length || JSON.stringify(curve.tip) !== JSON.stringify(tip);
    tip = curve.tip;
    start = curve.start;
    if (changed || !drawn) draw();
    return points.length > MOST;
  };

  function series() {
    const last = points[points.length - 1];
    return tip && (!last || tip[0] > last[0]) ? points.concat([tip]) : points;
  }

  function draw() {
    const host = document.querySelector("#curve .js-plotly-plot");
    const shown = series();
    organism.empty("curve", shown.length < 2);
    if (!host || !window.Plotly || shown.length < 2) { drawn = false; return; }
    const token = tokens(), x = shown.map((point) => point[0]), last = shown[shown.length - 1];
    const equity = shown.map((point) => point[1]), depth = shown.map((point) => -point[2]);
    window.Plotly.react(host, traces(token, x, equity, depth), layout(token, x, equity, depth, last), { displayModeBar: false, responsive: true });
    drawn = true;
  }

  function traces(token, x, equity, depth) {
    const accent = token("--accent"), loss = token("--act-fill");
    return [
      { x, y: equity, type: "scatter", mode: "lines", line: { color: accent, width: 2 }, hovertemplate: "equity %{y:,.2f}<extra></extra>" },
      { x, y: depth, yaxis: "y2", type: "scatter", mode: "lines", fill: "tozeroy", line: { color: loss, width: 1.25 }, fillcolor: alpha(loss, 0.14),
        hovertemplate: "%{y:.2%} from peak<extra></extra>" },
      { x: [x[x.length - 1]], y: [equity[equity.length - 1]], type: "scatter", mode: "markers", marker: { color: accent, size: 7 }, hoverinfo: "skip" },
    ];
  }

  function layout(token, x, equity, depth, last) {
    const soft = token("--soft"), faint = token("--faint"), line = token("--line"), ink = token("--ink");
    const low = Math.min(...equity, start || Infinity), high = Math.max(...equity, start || -Infinity), room = (high - low) * 0.12 || high * 0.002;
    const deepest = Math.min(...depth, -0.01);
    const axis = { gridcolor: line, zeroline: false, tickfont: { color: faint, size: 12 }, fixedrange: true, nticks: 4, ticks: "", automargin: false };
    const narrow = window.innerWidth < 720;
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, dragmode: false, hovermode: "x",
      margin: { l: 0, r: narrow ? 68 : 88, t: 12, b: 40 }, height: 352, autosize: true, separators: ".,",
      font: { family: token("--sans"), size: 12, color: soft },
      hoverlabel: { bgcolor: token("--raised"), bordercolor: line, font: { color: ink, family: token("--sans"), size: 12 } },
      xaxis: { type: "date", fixedrange: true, showgrid: false, zeroline: false, tickfont: { color: faint, size: 12 }, nticks: narrow ? 3 : 6, anchor: "y2",
        showspikes: true, spikemode: "across", spikethickness: 1, spikedash: "dot", spikecolor: faint, range: [x[0], x[x.length - 1]], hoverformat: "%-d %b %H:%M" },
      yaxis: { ...axis, domain: [0.36, 1], range: [low - room, high + room], side: "right", tickformat: ",.0f" },
      yaxis2: { ...axis, domain: [0, 0.26], range: [deepest * 1.25, 0], side: "right", tickformat: ".1%", nticks: 3 },
      shapes: start ? [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: start, y1: start, line: { color: faint, width: 1, dash: "dot" } }] : [],
      annotations: notes(token, last, start),
    };
  }

  function notes(token, last, from) {
    const label = (more) => ({ showarrow: false, xanchor: "left", align: "left", font: { size: 12, color: token("--soft") }, ...more });
    const found = [
      label({ xref: "paper", x: 0, yref: "paper", y: 0.26, yanchor: "bottom", text: "below peak" }),
      label({ xref: "paper", x: 1, xshift: 4, y: last[1], bgcolor: token("--paper"), borderpad: 3, text: `<b>${money(last[1])}</b>`, font: { size: window.innerWidth < 720 ? 12 : 14, color: token("--accent") } }),
    ];
    if (from) found.push(label({ xref: "paper", x: 0, y: from, yanchor: last[1] < from ? "bottom" : "top", text: `start ${money(from)}` }));
    return found;
  }

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  window.addEventListener("resize", () => draw());
})();
