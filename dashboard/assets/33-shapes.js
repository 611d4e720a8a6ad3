// The other shapes: facts, events, meters, status strips, chains, trees and genomes.
(function () {
  "use strict";
  const organism = window.organism, { el, kinds, keyed } = organism;

  kinds.facts = function (holder, piece) {
    holder.classList.add("facts");
    let list = holder.firstChild;
    if (!list || list.tagName !== "DL") { list = el("dl", "machine"); holder.replaceChildren(list); }
    keyed(list, piece.cells.map((cell) => [cell[0], cell]), fact);
  };
  function fact([name, value, says, tone, ms]) {
    const shown = el("dd", `value ${tone || ""}`.trim(), ms ? organism.moment(ms) : value);
    return el("div", "", el("dt", "", name), shown, el("dd", "says", says));
  }

  kinds.events = function (holder, piece, name) {
    let list = holder.firstChild;
    if (!list) { list = el("ol", "events"); list.id = `${name}-list`; holder.replaceChildren(list); }
    keyed(list, piece.rows, (item) => event(item, piece.wall));
  };
  function event(item, wall) {
    const node = el("li", "event", el("b", "", item.title), organism.moment(item.ms, wall));
    if (item.body) node.append(el("p", "", item.body));
    if (item.trace) node.append(el("details", "trace", el("summary", "", "traceback"), el("pre", "", item.trace)));
    if (item.id) node.append(fate(item));
    node.classList.toggle("seen", Boolean(item.seen));
    node.dataset.tone = item.tone;
    if (item.severity) node.prepend(el("span", "unseen-text", `${item.severity}: `));
    return node;
  }
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

  kinds.meters = function (holder, piece) {
    let box = holder.firstChild;
    if (!box) { box = el("div", "brakes"); holder.replaceChildren(box); }
    keyed(box, piece.rows.map((row) => [row.name, row]), meter);
  };
  function meter(row) {
    const track = el("div", "track"), fill = el("i");
    fill.style.width = `${row.used * 100}%`;
    track.append(fill);
    track.dataset.tone = row.tone;
    for (const [at, says] of row.marks) { const mark = el("s"); mark.style.left = `${at * 100}%`; mark.title = says; track.append(mark); }
    const node = el("div", "", el("div", "brake-line", el("span", "", row.name), el("span", "", el("b", "", row.label), ` ${row.limit}`)), track);
    node.setAttribute("role", "meter");
    node.setAttribute("aria-label", `${row.name}: ${row.label}, ${row.limit}`);
    node.setAttribute("aria-valuenow", String(Math.round(row.used * 100)));
    node.setAttribute("aria-valuemin", "0");
    node.setAttribute("aria-valuemax", "100");
    return node;
  }

  kinds.strip = function (holder, piece) {
    let list = holder.firstChild;
    if (!list) { list = el("ul", "feeds"); holder.replaceChildren(list); }
    keyed(list, piece.items.map((item) => [item.name, item]), (item) => {
      const node = el("li", "", el("b", "", item.name), el("span", "", item.state), item.detail ? el("p", "", item.detail) : "");
      node.dataset.tone = item.tone;
      return node;
    });
  };

  // Ways to narrow what is below: each group has one that holds.
  kinds.chips = function (holder, piece, name) {
    const text = JSON.stringify(piece);
    if (holder.organismText === text) return;
    holder.organismText = text;
    const page = name.split("-")[0], focused = holder.contains(document.activeElement) ? document.activeElement.textContent : null;
    holder.replaceChildren(...piece.groups.map(([title, chips]) => {
      const group = el("div", "chips", ...chips.map((chip) => {
        const link = chip.pair ? organism.linkToPair(page, chip.pair, chip.label) : organism.linkTo(page, chip.about, chip.label);
        link.className = "span";
        if (chip.on) link.setAttribute("aria-current", "true");
        return link;
      }));
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", title);
      return group;
    }));
    if (focused) { const again = [...holder.querySelectorAll("a")].find((link) => link.textContent === focused); if (again) again.focus(); }
  };

  kinds.chain = function (holder, piece) {
    let list = holder.firstChild;
    if (!list) { list = el("ol", "chain"); holder.replaceChildren(list); }
    keyed(list, piece.steps.map((step, nth) => [String(nth), step]), (step) => {
      const node = el("li", "", el("div", "chain-head", el("b", "", step.title), step.ms ? organism.moment(step.ms) : ""));
      if (step.body) node.append(el("p", "", step.body));
      if (step.fields.length) node.append(el("dl", "fields", ...step.fields.map(([name, value]) => el("div", "", el("dt", "", name), el("dd", "", value)))));
      if (step.about) node.append(organism.linkTo("why", step.about, "its whole chain"));
      node.dataset.tone = step.tone;
      return node;
    });
  };

  // Who descends from whom: one line each, as deep as it is far away.
  kinds.tree = function (holder, piece, name) {
    let list = holder.firstChild;
    if (!list) { list = el("ol", "tree"); holder.replaceChildren(list); }
    keyed(list, piece.nodes.map((node) => [node.name, node]), (one) => {
      const node = el("li", "", organism.linkTo(name.split("-")[0], one.about, one.name), el("span", "", one.says));
      node.style.setProperty("--depth", Math.min(one.depth, 12));
      node.dataset.tone = one.tone;
      node.firstChild.setAttribute("aria-label", `${one.name}, ${one.depth} generations back, ${one.says}`);
      return node;
    });
  };

  kinds.genome = function (holder, piece) {
    const text = JSON.stringify(piece);
    if (holder.organismText === text) return; // left alone while it is the same: what a person unfolded stays open
    holder.organismText = text;
    holder.classList.add("bred");
    const cells = piece.cells.map(([name, value, says]) => el("div", "", el("dt", "", name), el("dd", "value", value), el("dd", "says", says)));
    holder.replaceChildren(el("dl", "machine", ...cells), el("div", "rules", ...organism.rules(piece)), el("p", "note", piece.luck));
  };
})();
