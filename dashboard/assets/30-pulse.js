// The page's pulse: once a second it asks what changed and puts the finished pieces in their places.
(function () {
  "use strict";
  const organism = (window.organism = window.organism || {});
  const renderers = (organism.renderers = {});
  const have = {};
  let curveSince = "";
  let inFlight = false;
  let heardAt = 0;
  let clockSkewMs = 0;

  const byId = (id) => document.getElementById(id);
  organism.byId = byId;

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

  const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const clockFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const utc = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ") + " UTC";
  // A moment in the viewer's zone, with UTC on hover; `ago` adds how long ago on the wall clock.
  organism.moment = function moment(ms, ago) {
    const node = document.createElement("time");
    if (!ms) return node;
    node.dateTime = new Date(ms).toISOString();
    node.title = utc(ms);
    node.dataset.ms = ms;
    if (ago) node.dataset.ago = "1";
    node.textContent = ago ? since(ms) : dayFormat.format(ms);
    return node;
  };
  function since(ms) {
    const s = Math.max(0, (Date.now() + clockSkewMs - ms) / 1000);
    if (s < 5) return "just now";
    if (s < 60) return `${Math.floor(s)} s ago`;
    if (s < 3600) return `${Math.floor(s / 60)} min ago`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
    return dayFormat.format(ms);
  }
  function refreshAges() {
    for (const node of document.querySelectorAll("time[data-ago]")) {
      const text = since(Number(node.dataset.ms));
      if (node.textContent !== text) node.textContent = text;
    }
  }

  // Text whose `backquoted` parts are commands to type.
  function spoken(id, text) {
    const node = byId(id);
    if (!node || node.dataset.said === text) return;
    node.dataset.said = text;
    node.replaceChildren(...text.split("`").map((part, nth) => (nth % 2 ? organism.el("code", "", part) : part)));
  }

  renderers.sentence = function (piece) {
    organism.write("lead", piece.lead);
    spoken("text", piece.text);
    spoken("need", piece.need);
    organism.mark("sentence", "data-tone", piece.tone);
  };

  renderers.frame = function (piece) {
    const root = document.documentElement;
    root.dataset.mode = piece.mode;
    root.dataset.condition = piece.condition;
    const live = piece.mode === "live";
    organism.write("mode-name", live ? "LIVE" : "Paper");
    organism.write("mode-more", live ? " · real money" : " · no real money");
    organism.write("market", piece.market);
    const clock = byId("market-clock");
    if (clock) {
      clock.textContent = piece.market_ms ? clockFormat.format(piece.market_ms) : "";
      clock.title = piece.market_ms ? `market time, ${utc(piece.market_ms)}` : "";
    }
    const words = { never: "no body yet", starting: "starting", unreadable: "unreadable" };
    organism.write("fresh", words[piece.condition] || piece.age);
    organism.write("about", piece.about);
  };

  renderers.health = function (piece) {
    organism.write("score", piece.score);
    organism.mark("health", "data-tone", piece.tone);
    const stack = byId("stack"), parts = byId("parts");
    if (!stack || !parts) return;
    const label = piece.parts.map((part) => `${part.name} ${part.label}`).join(", ");
    stack.setAttribute("aria-label", piece.known ? `Health ${piece.score} of 100: ${label}` : "Health is not known");
    // What is left, then what each part costs: a drop shows whose it is.
    const cells = piece.known ? [cell("kept", piece.share * 100, piece.tone, "")] : [cell("", 100, "unknown", "")];
    for (const part of piece.known ? piece.parts : []) {
      if (part.lost >= 0.5) cells.push(cell("lost", part.lost, part.tone, `${part.name} ${part.label} · ${part.detail}`));
    }
    stack.replaceChildren(...cells);
    parts.replaceChildren(...piece.parts.map((part) => {
      const item = organism.el("li", "", part.name + " ", organism.el("b", "", piece.known ? part.label : "–"), piece.known && part.lost >= 1 && part.detail ? ` ${part.detail}` : "");
      item.dataset.tone = piece.known ? part.tone : "unknown";
      return item;
    }));
  };
  function cell(kind, width, tone, title) {
    const node = organism.el("i", kind);
    node.style.flex = `${Math.max(width, 0.5)} 1 0`;
    node.dataset.tone = tone;
    if (title) node.title = title;
    return node;
  }

  renderers.figures = function (piece) {
    for (const [name, [value, tone, sub]] of Object.entries(piece)) {
      const node = organism.write(`key-${name}`, value);
      if (node) node.className = `key ${tone}`;
      organism.write(`key-${name}-sub`, sub);
    }
  };

  renderers.machine = function (piece) {
    const list = byId("machine");
    if (!list) return;
    organism.empty("machine", piece.cells.length === 0);
    list.replaceChildren(...piece.cells.map(([name, value, says]) =>
      organism.el("div", "", organism.el("dt", "", name), organism.el("dd", "value", value), organism.el("dd", "says", says))));
  };

  organism.empty = function (name, isEmpty) {
    const says = byId(`${name}-empty`), what = byId(name);
    if (says) says.hidden = !isEmpty;
    if (what && name !== "curve") what.hidden = isEmpty;
  };

  function lost() {
    if (Date.now() - heardAt < 3000) return;
    document.documentElement.dataset.condition = "lost";
    if (have.sentence !== "lost") {
      have.sentence = have.frame = "lost";
      renderers.sentence({
        lead: "This page lost its dashboard.", tone: "unknown",
        text: "What you see is old. The organism itself may be well: it does not need this page.",
        need: "The page comes back by itself; `./run status` tells more.",
      });
    }
    organism.write("fresh", heardAt ? `lost ${Math.round((Date.now() - heardAt) / 1000)} s ago` : "not connected");
  }

  async function look() {
    if (inFlight) return;
    inFlight = true;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), 2500);
    try {
      const known = Object.entries(have).map(([name, mark]) => `${name}:${mark}`).join(",");
      const answer = await fetch(`/api/pulse?since=${curveSince}&have=${known}`, { signal: patience.signal, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const pulse = await answer.json();
      heardAt = Date.now();
      clockSkewMs = pulse.now_ms - heardAt;
      organism.signedIn(pulse.signed_in);
      for (const [name, [mark, piece]] of Object.entries(pulse.pieces)) {
        if (renderers[name]) renderers[name](piece);
        have[name] = mark;
      }
      curveSince = pulse.curve.since || "";
      if (organism.drawCurve(pulse.curve)) curveSince = ""; // too long: ask for the thinned one
      refreshAges();
      document.documentElement.dataset.seen = "1";
    } catch (error) {
      lost();
    } finally {
      clearTimeout(timer);
      inFlight = false;
    }
  }

  organism.lookNow = look;
  document.addEventListener("visibilitychange", () => { if (!document.hidden && byId("lead")) look(); });
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.organism = {
    look() {
      look();
      return window.dash_clientside.no_update;
    },
    graph(n, later) {
      return n === 1 ? later : window.dash_clientside.no_update;
    },
  };
})();
