// Tables: any column sorts, numbers are aligned, rows keep their element while their key stays.
(function () {
  "use strict";
  const organism = window.organism, { el, kinds } = organism;
  const SVG = "http://www.w3.org/2000/svg";
  const sorted = {}; // by table: [column, 1 or -1]
  const whole = new Set(); // tables of which a person wants every row

  function cell(value, head, name) {
    const node = el("td");
    if (value.acts) node.append(acts(value));
    if (value.num) node.classList.add("num");
    if (head && head.low) node.classList.add("low");
    if (value.wrap) node.classList.add("wrap");
    if (value.title) node.title = value.title;
    if ("ms" in value) node.append(organism.moment(value.ms, value.ago, value.year));
    if ("spark" in value) node.append(spark(value.spark, value.entry));
    if ("lean" in value) node.append(lean(value.lean, value.says || "forecast"));
    if ("heat" in value) heat(node, value.heat);
    if ("tag" in value && !("v" in value)) node.append(tagged(value));
    if ("share" in value) node.append(share(value));
    else if (value.pair) { const link = organism.linkToPair("reports", value.pair, value.v); link.classList.toggle("code", Boolean(value.code)); node.append(link); }
    else if (value.about) { const link = organism.linkTo(value.page || "why", value.about, value.v); link.classList.toggle("code", Boolean(value.code)); node.append(link); }
    else if ("v" in value) node.append(el(value.code ? "code" : value.strong ? "strong" : "span", "tag" in value ? "" : value.tone || "", value.v));
    if ("tag" in value && "v" in value) node.append(" ", tagged(value));
    if (value.sub) node.append(el("span", "sub", value.sub));
    if (value.since) node.append(el("span", "sub", "since ", organism.moment(value.since)));
    if ("rules" in value) { node.className = "rules"; node.colSpan = value.span; node.append(...rules(value)); }
    return node;
  }

  function tagged(value) {
    const tag = el("span", "tag", value.tag);
    tag.dataset.tone = value.tone;
    return tag;
  }

  // What may be ordered of a row; the dialog of commands hears the buttons.
  function acts(value) {
    const buttons = value.acts.map(([command, word, says]) => {
      const button = el("button", "act", word);
      button.type = "button";
      button.dataset.command = command;
      button.dataset.target = value.target;
      button.disabled = Boolean(value.off);
      button.title = value.off || says;
      button.setAttribute("aria-label", says);
      return button;
    });
    return el("span", "acts", ...buttons, value.waits ? el("span", "sub waits", value.waits) : "");
  }

  // What a strategy does, as text alone: it may have been written by anybody.
  function rules(value) {
    const list = (pairs) => el("dl", "", ...pairs.map(([label, text]) => el("div", "", el("dt", label === "refused" ? label : "", label), el("dd", "", el("code", "", text)))));
    if (!value.more.length) return [list(value.rules)];
    const whole = value.more.some(([label]) => label === value.rules[0][0]);
    const more = el("details", "", el("summary", "", whole ? "all of it" : value.more.map(([label]) => label).join(", ")), list(value.more));
    return [list(value.rules), more];
  }
  organism.rules = rules;

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

  // A value from -1 to 1, left or right of the middle.
  function lean(value, says) {
    const node = el("span", "lean");
    node.setAttribute("role", "img");
    if (value === null) { node.title = `no ${says}`; node.setAttribute("aria-label", node.title); return node; }
    const bar = el("i", value >= 0 ? "gain" : "loss"), width = Math.abs(value) * 50;
    bar.style.left = value >= 0 ? "50%" : `${50 - width}%`;
    bar.style.width = `${Math.max(width, 1)}%`;
    node.title = `${says} ${value > 0 ? "+" : ""}${value.toFixed(2)}`;
    node.setAttribute("aria-label", node.title);
    node.append(bar);
    return node;
  }

  // A value from -1 to 1 as a tint: the number stays, so colour is never alone.
  function heat(node, value) {
    node.classList.add("num", "heat");
    node.append(value === null ? "–" : value.toFixed(2).replace("-", "−"));
    if (value !== null) node.style.setProperty("--heat", `${Math.round(Math.abs(value) * 40)}%`);
    node.dataset.heat = value !== null && value < 0 ? "loss" : "gain";
  }

  function share(value) {
    const track = el("span", "share"), bar = el("i");
    bar.style.width = `${Math.max(value.share * 100, value.share > 0 ? 1.5 : 0)}%`;
    track.dataset.tone = value.tone || "good";
    track.append(bar);
    return el("span", "share-cell", track, el("b", "", value.v));
  }

  const sorts = (value) => (value.s !== undefined ? value.s : value.v);
  function compare(a, b) {
    if (a === b) return 0;
    if (a === null || a === undefined || a === "") return 1; // what is not known comes last either way
    if (b === null || b === undefined || b === "") return -1;
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  }

  // Rows in the order a person chose; a line that belongs to the row above it stays below it.
  function grouped(rows, name) {
    const by = sorted[name], groups = [];
    for (const row of rows) {
      if (row[1].length === 1 && "rules" in row[1][0] && groups.length) groups[groups.length - 1].push(row);
      else groups.push([row]);
    }
    if (!by) return groups;
    const [column, way] = by, unknown = (value) => value === null || value === undefined || value === "";
    groups.sort((a, b) => {
      const x = sorts(a[0][1][column] || {}), y = sorts(b[0][1][column] || {}), found = compare(x, y);
      return unknown(x) || unknown(y) ? found : found * way;
    });
    return groups;
  }

  function heads(table, piece, name) {
    const row = table.tHead.rows[0], by = sorted[name];
    const text = JSON.stringify([piece.heads, by]);
    if (row.organismText === text) return;
    const focused = document.activeElement && row.contains(document.activeElement) ? document.activeElement.dataset.column : null;
    row.organismText = text;
    row.replaceChildren(...piece.heads.map((head, nth) => {
      const node = el("th", `${head.num ? "num" : ""} ${head.low ? "low" : ""} ${head.acts ? "of-acts" : ""}`.trim());
      node.scope = "col";
      if (head.says) node.title = head.says;
      if (!head.t) { node.setAttribute("aria-label", head.says || "bar"); return node; }
      const button = el("button", "sort", head.t);
      button.type = "button";
      button.dataset.column = nth;
      const mine = by && by[0] === nth;
      node.setAttribute("aria-sort", mine ? (by[1] > 0 ? "ascending" : "descending") : "none");
      button.addEventListener("click", () => {
        const first = head.num ? -1 : 1;
        sorted[name] = !mine ? [nth, first] : by[1] === first ? [nth, -first] : undefined; // the third time: as it came
        draw(table.closest("[data-kind]"), table.organismPiece, name);
      });
      node.append(button);
      return node;
    }));
    if (focused !== null) { const again = row.querySelector(`[data-column="${focused}"]`); if (again) again.focus(); }
  }

  // Whoever stood on a button of the old cell stands on its successor: a keyboard never loses its place.
  function swap(was, node) {
    const places = (cell) => [...cell.querySelectorAll("a, button, summary")], stood = places(was).indexOf(document.activeElement);
    was.replaceWith(node);
    const again = stood < 0 ? null : places(node)[stood];
    if (again) again.focus({ preventScroll: true });
  }

  // Rows keep their elements, and so do cells that say the same: what a person is about to press stays under the finger.
  function fill(body, rows, piece, name) {
    const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
    const fresh = rows.map(([key, cells]) => {
      const row = old.get(key) || el("tr", old.size ? "changed" : ""); // only what is new catches the eye
      row.dataset.key = key;
      cells.forEach((value, nth) => {
        const head = piece.heads[nth], text = JSON.stringify([value, head && head.low]), was = row.cells[nth];
        if (was && was.organismText === text) return;
        const node = cell(value, head, name);
        node.organismText = text;
        if (was) swap(was, node); else row.append(node);
      });
      while (row.cells.length > cells.length) row.lastChild.remove();
      return row;
    });
    fresh.forEach((row, nth) => { if (body.rows[nth] !== row) body.insertBefore(row, body.rows[nth] || null); });
    while (body.rows.length > fresh.length) body.lastChild.remove();
  }

  function draw(holder, piece, name) {
    let table = holder.querySelector("table");
    if (!table) {
      const wrap = el("div", `table table-${name}`), title = document.getElementById(`${name}-title`);
      wrap.tabIndex = 0;
      wrap.setAttribute("role", "region");
      wrap.setAttribute("aria-label", title ? title.textContent : name);
      table = el("table", "", el("thead", "", el("tr")), el("tbody"));
      table.tBodies[0].id = `${name}-rows`;
      wrap.append(table);
      const all = el("button", "link", "");
      all.type = "button";
      all.addEventListener("click", () => { if (!whole.delete(name)) whole.add(name); draw(holder, table.organismPiece, name); });
      holder.replaceChildren(wrap, all, el("p", "note acts-says", "Nobody is signed in here: a command asks for the password first."), el("p", "note"));
    }
    table.organismPiece = piece;
    heads(table, piece, name);
    const groups = grouped(piece.rows, name), shown = piece.most && !whole.has(name) ? groups.slice(0, piece.most) : groups, all = holder.children[1];
    all.hidden = !piece.most || groups.length <= piece.most;
    all.textContent = whole.has(name) ? "Show fewer" : `Show all ${groups.length}`;
    fill(table.tBodies[0], shown.flat(), piece, name);
    holder.children[2].hidden = !piece.rows.some(([, cells]) => cells.some((value) => value.acts && !value.off));
    const note = holder.lastChild;
    if (note.textContent !== (piece.note || "")) note.textContent = piece.note || "";
  }
  kinds.table = draw;
})();
