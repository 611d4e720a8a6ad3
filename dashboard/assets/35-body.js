// The living figure: organs where a body has them, each beating with its own heartbeat.
(function () {
  "use strict";
  const organism = window.organism, { byId, renderers } = organism;
  const SVG = "http://www.w3.org/2000/svg";
  // Place, size, role and glyph (drawn in a 24 × 24 box) of each organ.
  const ORGANS = {
    brain: { x: 280, y: 96, r: 42, role: "forecasts", glyph: "M4 14c2-6 4-6 6-1s4 5 6-1 3-4 4-2" },
    nervous: { x: 112, y: 152, r: 32, role: "market data", glyph: "M2 12c4-7 16-7 20 0-4 7-16 7-20 0M12 9a3 3 0 1 0 .1 0" },
    voice: { x: 448, y: 152, r: 30, role: "alerts", glyph: "M4 10v4h4l5 4V6L8 10zM17 9c1.500 2 1.500 4 0 6" },
    immune: { x: 190, y: 302, r: 36, role: "risk", glyph: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z" },
    metabolism: { x: 370, y: 302, r: 36, role: "capital", glyph: "M12 3c5 5 7 8 7 11a7 7 0 0 1-14 0c0-3 2-6 7-11" },
    motor: { x: 280, y: 470, r: 38, role: "execution", glyph: "M4 12h14M13 6l6 6-6 6" },
    reproduction: { x: 452, y: 430, r: 30, role: "evolution", glyph: "M8 3c0 9 8 9 8 18M16 3c0 9-8 9-8 18M9 7h6M9 17h6" },
  };
  const NERVES = [
    ["nervous", "brain"], ["nervous", "metabolism"], ["nervous", "motor"], ["nervous", "immune"], ["brain", "metabolism"],
    ["metabolism", "immune"], ["immune", "metabolism"], ["metabolism", "brain"], ["immune", "motor"], ["motor", "metabolism"],
    ["motor", "immune"], ["immune", "voice"], ["metabolism", "voice"], ["reproduction", "brain"], ["immune", "brain"], ["metabolism", "motor"],
  ];
  let figure = null, shown = null, beat = false, latest = {};

  function make(tag, attributes, parent) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (parent) parent.append(node);
    return node;
  }

  function build(host) {
    const svg = make("svg", { viewBox: "0 0 560 600", role: "group", "aria-label": "The organs of the body" });
    const defs = make("defs", {}, svg);
    silhouette(svg, defs);
    spine(svg);
    const lines = {}, organs = {};
    const nerves = make("g", { "aria-hidden": "true" }, svg);
    for (const [from, to] of NERVES) lines[`${from}>${to}`] = nerve(nerves, from, to);
    outside(svg);
    for (const [name, at] of Object.entries(ORGANS)) organs[name] = organ(svg, defs, name, at);
    host.replaceChildren(svg);
    return { svg, nerves, lines, organs };
  }

  function silhouette(svg, defs) {
    const fade = make("linearGradient", { id: "fade", x1: 0, y1: 0, x2: 0, y2: 1 }, defs);
    make("stop", { offset: ".45", "stop-color": "white" }, fade);
    make("stop", { offset: "1", "stop-color": "black" }, fade);
    const mask = make("mask", { id: "fading", maskUnits: "userSpaceOnUse", x: 0, y: 0, width: 560, height: 600 }, defs);
    make("rect", { width: 560, height: 600, fill: "url(#fade)" }, mask);
    const flesh = make("g", { mask: "url(#fading)", "aria-hidden": "true" }, svg);
    const fill = make("g", { class: "flesh" }, flesh), edge = make("g", { class: "flesh-edge" }, flesh);
    // Neck, shoulders, chest, waist, hips; the right half mirrors the left.
    const side = (m) => {
      const x = (value) => 280 + m * value;
      return `C${x(30)} 190 ${x(34)} 196 ${x(60)} 204C${x(112)} 218 ${x(150)} 226 ${x(164)} 262C${x(174)} 300 ${x(148)} 340 ${x(134)} 380C${x(124)} 412 ${x(138)} 440 ${x(142)} 480C${x(146)} 530 ${x(128)} 560 ${x(118)} 600`;
    };
    make("ellipse", { cx: 280, cy: 96, rx: 70, ry: 82 }, fill);
    make("path", { d: `M250 160${side(-1)}L398 600${reversed()}L310 160Z` }, fill);
    make("path", { d: "M250 171A70 82 0 1 1 310 171" }, edge);
    make("path", { d: `M310 171${side(1)}M250 171${side(-1)}` }, edge);
  }
  function reversed() {
    const x = (value) => 280 + value;
    return `C${x(128)} 560 ${x(146)} 530 ${x(142)} 480C${x(138)} 440 ${x(124)} 412 ${x(134)} 380C${x(148)} 340 ${x(174)} 300 ${x(164)} 262C${x(150)} 226 ${x(112)} 218 ${x(60)} 204C${x(34)} 196 ${x(30)} 190 310 160`;
  }

  function spine(svg) {
    const group = make("g", {}, svg);
    const title = make("title", {}, group);
    title.textContent = "supervisor: restarts what fails";
    for (let nth = 0; nth < 16; nth += 1) {
      const width = 10 + Math.sin((nth / 15) * Math.PI) * 10;
      make("rect", { x: 280 - width / 2, y: 178 + nth * 16, width, height: 6, rx: 3, class: "vertebra", style: `--nth:${nth}` }, group);
    }
  }

  function nerve(parent, from, to) {
    const a = ORGANS[from], b = ORGANS[to];
    const dx = b.x - a.x, dy = b.y - a.y, length = Math.hypot(dx, dy);
    const bend = Math.min(34, length * 0.16);
    const cx = (a.x + b.x) / 2 - (dy / length) * bend, cy = (a.y + b.y) / 2 + (dx / length) * bend;
    // Ends lie on the rings, not at the centres.
    const clip = (p) => { const l = Math.hypot(cx - p.x, cy - p.y); return [p.x + ((cx - p.x) / l) * (p.r + 4), p.y + ((cy - p.y) / l) * (p.r + 4)].map((v) => v.toFixed(1)); };
    const d = `M${clip(a)}Q${cx.toFixed(1)} ${cy.toFixed(1)} ${clip(b)}`;
    const line = make("path", { d, class: "nerve", "stroke-width": 1 }, parent);
    const flow = make("path", { d, class: "flow", "stroke-width": 3 }, parent);
    const title = make("title", {}, line);
    return { line, flow, title, from, to };
  }

  function outside(svg) {
    const stubs = [["M14 152H70", 14, 140, "market"], ["M280 520V572", 292, 568, "venue"], ["M490 152H546", 524, 140, "you"]];
    const group = make("g", { "aria-hidden": "true" }, svg);
    for (const [d, x, y, text] of stubs) {
      make("path", { d, class: "nerve", "stroke-dasharray": "2 5" }, group);
      make("text", { x, y, class: "outside" }, group).textContent = text;
    }
  }

  function organ(svg, defs, name, at) {
    const group = make("g", { class: "organ", tabindex: "0", role: "img", "data-state": "unknown" }, svg);
    group.style.setProperty("--delay", `${(at.y / 600) * 350}ms`);
    make("circle", { cx: at.x, cy: at.y, r: at.r, class: "organ-halo" }, group);
    make("circle", { cx: at.x, cy: at.y, r: at.r, class: "organ-core" }, group);
    const clip = make("clipPath", { id: `in-${name}` }, defs);
    make("circle", { cx: at.x, cy: at.y, r: at.r - 3 }, clip);
    const load = make("rect", { x: at.x - at.r, y: at.y + at.r, width: at.r * 2, height: 0, class: "organ-load", "clip-path": `url(#in-${name})` }, group);
    make("circle", { cx: at.x, cy: at.y, r: at.r, class: "organ-ring" }, group);
    const size = at.r / 15;
    make("path", { d: at.glyph, class: "organ-glyph", transform: `translate(${at.x - 12 * size} ${at.y - 12 * size}) scale(${size})`, "stroke-width": 1, style: `stroke-width:${(2 / size).toFixed(2)}` }, group);
    make("text", { x: at.x, y: at.y + at.r + 20, class: "organ-name" }, group).textContent = name;
    const role = make("text", { x: at.x, y: at.y + at.r + 38, class: "organ-role" }, group);
    role.textContent = at.role;
    for (const event of ["mouseenter", "focus", "click"]) group.addEventListener(event, () => { shown = name; note(); });
    return { group, load, role, at };
  }

  function note() {
    const line = byId("organ-note"), found = latest[shown];
    if (!line || !shown) return;
    if (!found) { line.dataset.organ = ""; line.textContent = `${shown}: not heard of yet`; return; }
    const words = [found.state, `incarnation ${found.incarnation ?? "–"}`, `${found.restarts} restarts`, `${found.depth} waiting`,
      found.oldest && `oldest ${found.oldest}`, `beat ${found.beat}`, `step ${found.step}`, found.busy && `busy for ${found.busy}`, found.error && `last error: ${found.error}`];
    if (line.dataset.organ !== shown) { // the link stays while the organ does, so that the keyboard keeps its place
      line.dataset.organ = shown;
      line.replaceChildren(organism.el("b", "", shown), organism.el("span"), organism.linkTo("machine", `organ:${shown}`, "its journal"));
    }
    line.children[1].textContent = ` · ${words.filter(Boolean).join(" · ")} · `;
  }

  renderers.organs = function (piece) {
    const host = byId("body-figure");
    if (!host) return;
    figure = figure || build(host);
    latest = piece.organs;
    figure.svg.classList.toggle("alive", piece.alive);
    beat = !beat;
    for (const [name, drawn] of Object.entries(figure.organs)) {
      const found = latest[name];
      drawn.group.dataset.state = found ? found.state : "unknown";
      drawn.group.classList.toggle("beat-a", Boolean(found && found.beating && beat));
      drawn.group.classList.toggle("beat-b", Boolean(found && found.beating && !beat));
      const height = found ? Math.max(found.load, 0) * drawn.at.r * 2 : 0;
      drawn.load.setAttribute("height", String(height));
      drawn.load.setAttribute("y", String(drawn.at.y + drawn.at.r - height));
      const notable = found && (found.state !== "running" && found.state !== "unknown" ? found.state : found.restarts ? `restarted ${found.restarts}×` : "");
      drawn.role.textContent = notable || drawn.at.role;
      drawn.role.classList.toggle("note", Boolean(notable));
      drawn.group.setAttribute("aria-label", found
        ? `${name}, ${drawn.at.role}: ${found.state}, incarnation ${found.incarnation}, ${found.restarts} restarts, ${found.depth} messages waiting`
        : `${name}, ${drawn.at.role}: not heard of yet`);
    }
    lines(piece.rates, piece.ages || {});
    note();
  };

  function lines(rates, ages) {
    for (const key of Object.keys(rates)) {
      const [from, to] = key.split(">");
      if (!figure.lines[key] && ORGANS[from] && ORGANS[to] && from !== to) figure.lines[key] = nerve(figure.nerves, from, to);
    }
    for (const [key, drawn] of Object.entries(figure.lines)) {
      const rate = rates[key] || 0, width = 1 + Math.min(4, Math.log10(1 + rate) * 2);
      drawn.line.setAttribute("stroke-width", width.toFixed(1));
      drawn.flow.setAttribute("stroke-width", (width + 2).toFixed(1));
      drawn.flow.classList.toggle("busy", rate > 0);
      drawn.flow.style.setProperty("--pace", `${Math.max(0.7, 3 - Math.log10(1 + rate)).toFixed(1)}s`);
      drawn.title.textContent = `${drawn.from} → ${drawn.to}: ${rate} messages a second${ages[key] ? `; ${ages[key]}` : ""}`;
    }
  }
})();
