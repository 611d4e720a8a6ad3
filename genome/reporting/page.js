"use strict";
// A crosshair through all time charts, and zoom. Without this script every chart is still whole.
(() => {
  const WIDTH = 50000, HEIGHT = 10000, DAY = 86400;
  const two = n => String(n).padStart(2, "0");
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const plain = (v, digits) => (v < 0 && Number(Math.abs(v).toFixed(digits)) !== 0 ? "−" : "")
    + Math.abs(v).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const WRITTEN = {
    money: v => plain(v, 0),
    percent: v => plain(v * 100, 1) + "\u202f%",
    number: v => plain(v, 2),
    price: v => plain(v, Math.abs(v) >= 1000 ? 1 : Math.abs(v) >= 10 ? 2 : Math.abs(v) >= 0.1 ? 4 : 8),
  };
  const when = s => {
    const d = new Date(s * 1000);
    return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  };
  const made = (kind, parent) => { const e = document.createElement("div"); e.className = kind; parent.append(e); return e; };

  const charts = [...document.querySelectorAll("figure.time")].map(figure => {
    const plot = figure.querySelector(".plot"), svg = plot.querySelector("svg"), xs = figure.querySelector(".xs");
    const data = JSON.parse(figure.querySelector("script").textContent);
    const rules = Object.fromEntries(Object.keys(data.scales).map(k => [k, plot.querySelector(".ys." + k)]));
    return {
      figure, plot, svg, xs, data, rules, kind: figure.dataset.kind, now: figure.querySelector(".now"),
      box: figure.querySelector(".switch input"), cross: made("cross", plot), brush: made("brush", plot),
      still: [xs.innerHTML, Object.fromEntries(Object.entries(rules).map(([k, e]) => [k, e.innerHTML]))],
      entries: (svg.querySelector(".trades") ? [...svg.querySelectorAll(".lin .dot")] : [])
        .flatMap(p => [...p.getAttribute("d").matchAll(/M(-?\d+)/g)].map(m => Number(m[1]))),
    };
  });
  if (!charts.length) return;
  const span = charts[0].data.span;
  let view = span.slice();

  const nearest = (at, s) => {
    let low = 0, high = at.length - 1;
    while (low < high) { const mid = (low + high) >> 1; if (at[mid] < s) low = mid + 1; else high = mid; }
    return low > 0 && s - at[low - 1] < at[low] - s ? low - 1 : low;
  };
  const point = s => charts.forEach(c => {
    const share = (s - view[0]) / (view[1] - view[0]);
    const inside = share >= 0 && share <= 1;
    c.cross.style.display = inside ? "block" : "none";
    if (!inside) return;
    c.cross.style.left = 100 * share + "%";
    const i = nearest(c.data.at, s);
    c.now.textContent = `${when(c.data.at[i])} UTC · ${WRITTEN[c.kind](c.data.value[i])}`;
  });
  const rest = () => charts.forEach(c => { c.cross.style.display = "none"; c.now.textContent = ""; });

  const steps = (low, high, most) => {
    const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map(m => m * power).find(s => s >= rough * 0.999);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(i * step);
    return found;
  };
  const STEPS = [300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY];
  const label = (s, step) => {
    const d = new Date(s * 1000);
    if (step < DAY && s % DAY) return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
    return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}${step >= 91 * DAY ? " " + d.getUTCFullYear() : ""}`;
  };
  const spans = (element, side, pairs) => element.replaceChildren(...pairs.map(([share, text]) => {
    const e = document.createElement("span"); e.style[side] = 100 * share + "%";
    if (side === "top") e.append(Object.assign(document.createElement("b"), { textContent: text }));
    else e.textContent = text;
    return e;
  }));

  const draw = c => {
    const x0 = (view[0] - span[0]) / (span[1] - span[0]) * WIDTH, x1 = (view[1] - span[0]) / (span[1] - span[0]) * WIDTH;
    const shown = c.entries.filter(x => x >= x0 && x <= x1).length;
    c.svg.style.setProperty("--dot", shown > 400 ? "2.5px" : shown > 120 ? "4px" : shown > 30 ? "6px" : "9px");
    if (view[0] === span[0] && view[1] === span[1]) {
      c.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
      c.xs.innerHTML = c.still[0];
      for (const k in c.rules) c.rules[k].innerHTML = c.still[1][k];
      return;
    }
    const log = c.box && c.box.checked, [low, high] = c.data.scales[log ? "log" : "lin"];
    let bottom = Infinity, top = -Infinity;
    c.data.at.forEach((s, i) => {
      if (s >= view[0] && s <= view[1]) { bottom = Math.min(bottom, c.data.low[i]); top = Math.max(top, c.data.high[i]); }
    });
    if (!(top >= bottom)) { bottom = low; top = high; } else if (log) { bottom = Math.log(bottom); top = Math.log(top); }
    const air = Math.max((top - bottom) * 0.08, (high - low) * 1e-4);
    bottom -= air; top += air;
    const place = v => (high - v) / (high - low) * HEIGHT;
    c.svg.setAttribute("viewBox", `${x0} ${place(top)} ${x1 - x0} ${place(bottom) - place(top)}`);
    const values = log ? steps(Math.exp(bottom), Math.exp(top), 5) : steps(bottom, top, 5);
    const unit = c.kind === "percent" ? 100 : 1;
    const digits = [0, 1, 2, 3, 4, 6].find(n => values.every(v => Math.abs(v * unit - Number((v * unit).toFixed(n))) < 1e-9)) ?? 8;
    const written = v => plain(v * unit, digits) + (unit === 100 ? "\u202f%" : "");
    spans(c.rules[log ? "log" : "lin"], "top", values.map(v => [(top - (log ? Math.log(v) : v)) / (top - bottom), written(v)]));
    const length = view[1] - view[0], step = STEPS.find(s => length / s <= 8) || 365 * DAY, stamps = [];
    for (let s = Math.ceil(view[0] / step) * step; s <= view[1]; s += step) stamps.push(s);
    spans(c.xs, "left", stamps.map(s => [(s - view[0]) / length, label(s, step)]));
  };
  const show = (from, until) => { view = [Math.max(from, span[0]), Math.min(until, span[1])]; charts.forEach(draw); };

  charts.forEach(c => {
    let from = null;
    const at = event => {
      const box = c.plot.getBoundingClientRect();
      return view[0] + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (view[1] - view[0]);
    };
    c.plot.addEventListener("pointermove", event => {
      const s = at(event);
      point(s);
      if (from === null) return;
      const [a, b] = [Math.min(from, s), Math.max(from, s)].map(t => 100 * (t - view[0]) / (view[1] - view[0]));
      Object.assign(c.brush.style, { display: "block", left: a + "%", width: b - a + "%" });
    });
    c.plot.addEventListener("pointerdown", event => {
      if (event.pointerType === "mouse" && event.button === 0) { from = at(event); c.plot.setPointerCapture(event.pointerId); }
      point(at(event));
    });
    c.plot.addEventListener("pointerup", event => {
      const until = at(event), began = from;
      from = null; c.brush.style.display = "none";
      if (began === null || Math.abs(until - began) < (view[1] - view[0]) / 100) return;
      show(Math.min(began, until), Math.max(began, until));
    });
    c.plot.addEventListener("pointerleave", rest);
    c.plot.addEventListener("dblclick", () => show(span[0], span[1]));
    if (c.box) c.box.addEventListener("change", () => draw(c));
    draw(c);
  });
  document.documentElement.dataset.ready = "1";
})();
