// Tables and lists. Rows keep their element while their key stays, so that only what changed is touched.
(function () {
  "use strict";
  const organism = window.organism, { el, byId, renderers } = organism;
  const SVG = "http://www.w3.org/2000/svg";

  function cell(value) {
    const node = el("td");
    if (typeof value === "string") { node.textContent = value; return node; }
    if (value.num) node.classList.add("num");
    if (value.title) node.title = value.title;
    if ("ms" in value) node.append(organism.moment(value.ms));
    if ("spark" in value) node.append(spark(value.spark, value.entry));
    if ("bar" in value) node.append(lean(value.bar));
    if ("tag" in value) { const tag = el("span", "tag", value.tag); tag.dataset.tone = value.tone; node.append(tag); }
    if ("v" in value) node.append(el(value.strong ? "strong" : "span", value.tone || "", value.v));
    if (value.sub) node.append(el("span", "sub", value.sub));
    if ("rules" in value) { node.className = "rules"; node.colSpan = value.span; node.append(...rules(value)); }
    return node;
  }

  // What a strategy does, as text alone: it may have been written by anybody.
  function rules(value) {
    const list = (pairs) => el("dl", "", ...pairs.map(([label, text]) => el("div", "", el("dt", label === "refused" ? label : "", label), el("dd", "", el("code", "", text)))));
    if (!value.more.length) return [list(value.rules)];
    const whole = value.more.some(([label]) => label === value.rules[0][0]);
    const more = el("details", "", el("summary", "", whole ? "all of it" : value.more.map(([label]) => label).join(", ")), list(value.more));
    return [list(value.rules), more];
  }

  function spark(points, entry) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "spark");
    svg.setAttribute("viewBox", "0 0 100 28");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    if (points.length < 2) return svg;
    const y = (value) => (26 - value * 0.24).toFixed(1);
    if (entry !== null && entry !== undefined) svg.append(path(`M0 ${y(entry)}H100`, "entry"));
    svg.append(path("M" + points.map((value, nth) => `${((nth / (points.length - 1)) * 100).toFixed(1)} ${y(value)}`).join("L"), ""));
    return svg;
  }
  function path(d, className) {
    const node = document.createElementNS(SVG, "path");
    node.setAttribute("d", d);
    if (className) node.setAttribute("class", className);
    return node;
  }

  function lean(value) {
    const node = el("span", "lean");
    if (value === null) { node.title = "no forecast"; return node; }
    const bar = el("i", value >= 0 ? "gain" : "loss"), width = Math.abs(value) * 50;
    bar.style.left = value >= 0 ? "50%" : `${50 - width}%`;
    bar.style.width = `${Math.max(width, 1)}%`;
    node.title = `forecast ${value > 0 ? "+" : ""}${value.toFixed(2)}`;
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", node.title);
    node.append(bar);
    return node;
  }

  // Bring a parent's children in line with [key, content] pairs.
  function keyed(parent, rows, build) {
    const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
    const fresh = rows.map(([key, content]) => {
      const text = JSON.stringify(content), kept = old.get(key);
      if (kept && kept.organismText === text) return kept;
      const node = build(content);
      node.dataset.key = key;
      node.organismText = text;
      if (old.size && !kept) node.classList.add("changed"); // only what is new catches the eye
      return node;
    });
    fresh.forEach((node, nth) => { if (parent.children[nth] !== node) parent.insertBefore(node, parent.children[nth] || null); });
    while (parent.children.length > fresh.length) parent.lastChild.remove();
  }

  function table(name, rows) {
    const body = byId(`${name}-rows`);
    if (!body) return;
    organism.empty(name, rows.length === 0);
    keyed(body, rows, (cells) => el("tr", "", ...cells.map(cell)));
    const heads = byId(`${name}-heads`), first = rows[0];
    if (first && heads && heads.firstChild) {
      [...heads.firstChild.children].forEach((head, nth) => head.classList.toggle("num", Boolean(first[1][nth] && first[1][nth].num)));
    }
  }
  for (const name of ["positions", "trades", "orders"]) renderers[name] = (rows) => table(name, rows);

  renderers.strategies = function (piece) {
    const heads = byId("strategies-heads");
    if (heads) {
      const row = el("tr", "", ...["Strategy", ...piece.heads].map((text) => { const head = el("th", "", text); head.scope = "col"; return head; }));
      heads.replaceChildren(row);
    }
    table("strategies", piece.rows);
  };

  // What became of an alert: which channels it reached, and whether a person has seen it.
  function fate(item) {
    const line = el("p", "fate");
    for (const sent of item.sent) {
      const tag = el("span", "tag", sent.tag);
      tag.dataset.tone = sent.tone;
      if (sent.title) tag.title = sent.title;
      line.append(tag);
    }
    if (!item.sent.length) line.append(el("span", "tag", "on this page only"));
    if (item.seen) {
      line.append(el("span", "seen-mark", "seen"));
      return line;
    }
    const button = el("button", "link", "Mark as seen");
    button.type = "button";
    button.dataset.alert = item.id;
    button.setAttribute("aria-label", `Mark as seen: ${item.title}`);
    line.append(button);
    return line;
  }

  function event(wall) {
    return (item) => {
      const node = el("li", "event", el("b", "", item.title), organism.moment(item.ms, wall));
      if (item.body) node.append(el("p", "", item.body));
      if (item.id) node.append(fate(item));
      node.classList.toggle("seen", Boolean(item.seen));
      node.dataset.tone = item.tone;
      if (item.severity) node.setAttribute("aria-label", `${item.severity}: ${item.title}`);
      return node;
    };
  }
  function events(name, rows, wall) {
    const list = byId(name);
    if (!list) return;
    organism.empty(name, rows.length === 0);
    keyed(list, rows, event(wall));
  }
  renderers.alerts = (rows) => {
    const unseen = rows.filter(([, item]) => !item.seen).length;
    organism.write("unseen", rows.length ? (unseen ? `${unseen} not seen yet` : "all seen") : "");
    events("alerts", rows, true);
  };
  renderers.lately = (piece) => { events("lately-market", piece.market, false); events("lately-body", piece.body, true); };

  renderers.feeds = function (rows) {
    const list = byId("feeds");
    if (!list) return;
    organism.empty("feeds", rows.length === 0);
    list.replaceChildren(...rows.map(([, feed]) => {
      const node = el("li", "", el("b", "", feed.name), el("span", "", feed.state),
        el("p", "", [feed.bars, feed.doubts, feed.last, feed.detail].filter(Boolean).join(" · ")));
      node.dataset.tone = feed.tone;
      return node;
    }));
  };

  renderers.evolution = function (piece) {
    organism.write("bred-say", piece.say);
    organism.mark("bred-say", "data-tone", piece.tone);
    organism.write("bred-share", piece.share);
    organism.write("bred-name", piece.name);
    const list = byId("bred-figures"), box = byId("bred");
    if (!list || !box) return;
    const cells = (found) => found.map(([name, value, says]) => el("div", "", el("dt", "", name), el("dd", "value", value), el("dd", "says", says)));
    list.hidden = piece.cells.length === 0;
    list.replaceChildren(...cells(piece.cells));
    organism.empty("bred", !piece.best);
    const text = JSON.stringify(piece.best);
    if (!piece.best || box.organismText === text) return;
    box.organismText = text; // left alone while it is the same: what a person unfolded stays open
    box.replaceChildren(el("dl", "machine", ...cells(piece.best.cells)), el("div", "rules", ...rules(piece.best)), el("p", "bred-note", piece.best.luck));
  };

  renderers.brakes = function (piece) {
    const box = byId("brakes");
    if (!box) return;
    organism.empty("brakes", piece.rows.length === 0);
    organism.write("rate", !piece.rows.length ? "" : piece.unhurt ? "full size" : `sizes at ${piece.rate}`);
    keyed(box, piece.rows.map((row) => [row.name, row]), (row) => {
      const track = el("div", "track"), fill = el("i");
      fill.style.width = `${row.used * 100}%`;
      track.append(fill);
      for (const [at, says] of row.marks) { const mark = el("s"); mark.style.left = `${at * 100}%`; mark.title = says; track.append(mark); }
      const node = el("div", "", el("div", "brake-line", el("span", "", row.name), el("span", "", el("b", "", row.label), ` ${row.limit}`)), track);
      node.lastChild.dataset.tone = row.tone;
      node.setAttribute("role", "meter");
      node.setAttribute("aria-label", `${row.name}: ${row.label}, ${row.limit}`);
      node.setAttribute("aria-valuenow", String(Math.round(row.used * 100)));
      node.setAttribute("aria-valuemin", "0");
      node.setAttribute("aria-valuemax", "100");
      return node;
    });
  };
})();
