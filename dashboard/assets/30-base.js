// Small tools that every other script uses: making elements, writing text, telling time.
(function () {
  "use strict";
  const organism = (window.organism = window.organism || {});
  organism.renderers = {}; // by the name of a piece
  organism.kinds = {}; // by its shape: (holder, piece, name)
  organism.skewMs = 0; // the server's clock minus this one

  const byId = (organism.byId = (id) => document.getElementById(id));

  // Make an element: el("td", "num", "text", child, …).
  organism.el = function el(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    for (const child of children) if (child !== null && child !== undefined && child !== "") node.append(child);
    return node;
  };
  organism.write = function write(id, text) {
    const node = byId(id);
    if (node && node.textContent !== text) node.textContent = text;
    return node;
  };
  organism.mark = function mark(id, name, value) {
    const node = byId(id);
    if (node && node.getAttribute(name) !== value) node.setAttribute(name, value);
  };

  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const full = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  organism.fullTime = (ms) => full.format(ms);
  organism.utc = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ") + " UTC";

  // A moment in the viewer's zone, with UTC on hover; `ago` says instead how long ago on the wall clock.
  organism.moment = function moment(ms, ago, year) {
    const node = document.createElement("time");
    if (!ms) { node.textContent = "–"; return node; }
    node.dateTime = new Date(ms).toISOString();
    node.title = organism.utc(ms);
    node.dataset.ms = ms;
    if (ago) node.dataset.ago = "1";
    node.textContent = ago ? since(ms) : (year ? full : day).format(ms);
    return node;
  };
  function since(ms) {
    const s = Math.max(0, (Date.now() + organism.skewMs - ms) / 1000);
    if (s < 5) return "just now";
    if (s < 60) return `${Math.floor(s)} s ago`;
    if (s < 3600) return `${Math.floor(s / 60)} min ago`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
    return day.format(ms);
  }
  organism.refreshAges = function () {
    for (const node of document.querySelectorAll("time[data-ago]")) {
      const text = since(Number(node.dataset.ms));
      if (node.textContent !== text) node.textContent = text;
    }
  };

  // Text whose `backquoted` parts are commands to type.
  organism.spoken = function spoken(id, text) {
    const node = byId(id);
    if (!node || node.dataset.said === text) return;
    node.dataset.said = text;
    node.replaceChildren(...text.split("`").map((part, nth) => (nth % 2 ? organism.el("code", "", part) : part)));
  };

  // Put a piece in its place: filled, empty, or told why it could not be made.
  organism.show = function show(name, piece) {
    const holder = byId(name), says = byId(`${name}-empty`), block = holder && holder.closest("[data-block]");
    if (!holder || !block) return;
    const wrong = piece && piece.error, empty = !piece || wrong || Object.keys(piece).length === 0;
    block.dataset.filled = "1";
    holder.hidden = Boolean(empty);
    if (says) {
      if (!says.dataset.empty) says.dataset.empty = says.textContent;
      says.hidden = !empty;
      says.classList.toggle("wrong", Boolean(wrong));
      says.textContent = wrong || says.dataset.empty;
    }
    const aside = byId(`${name}-aside`), csv = byId(`${name}-csv`);
    if (aside && piece && piece.aside !== undefined) aside.textContent = piece.aside;
    if (csv) csv.hidden = Boolean(empty);
    if (!empty) organism.kinds[holder.dataset.kind](holder, piece, name);
  };

  // Bring a parent's children in line with [key, content] pairs: what stays the same is not touched.
  organism.keyed = function keyed(parent, rows, build) {
    const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
    const fresh = rows.map(([key, content]) => {
      const text = JSON.stringify(content), kept = old.get(key);
      if (kept && kept.organismText === text) return kept;
      const node = build(content, key);
      node.dataset.key = key;
      node.organismText = text;
      if (old.size && !kept) node.classList.add("changed"); // only what is new catches the eye
      return node;
    });
    fresh.forEach((node, nth) => { if (parent.children[nth] !== node) parent.insertBefore(node, parent.children[nth] || null); });
    while (parent.children.length > fresh.length) parent.lastChild.remove();
  };
})();
