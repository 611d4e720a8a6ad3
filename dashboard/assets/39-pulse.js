// The page's pulse: twice a second it asks what changed on the page that is shown, and puts the finished pieces in place.
(function () {
  "use strict";
  const organism = window.organism, { byId, el, renderers } = organism;
  const root = document.documentElement;
  let have = {}; // digests of what is on the page, by piece
  let inFlight = null, heardAt = 0, begun = false, shownFor = "";

  function sentence(page, piece) {
    organism.write(`${page}-lead`, piece.lead);
    organism.spoken(`${page}-text`, piece.text);
    organism.spoken(`${page}-need`, piece.need);
    organism.mark(`${page}-sentence`, "data-tone", piece.tone);
  }

  renderers.frame = function (piece) {
    const modeWas = root.dataset.mode;
    root.dataset.mode = piece.mode;
    root.dataset.condition = piece.condition;
    const live = piece.mode === "live";
    organism.write("mode-name", live ? "LIVE" : "Paper");
    organism.write("mode-more", live ? " · real money" : " · no real money");
    organism.write("market", piece.market);
    const clock = byId("market-clock");
    if (clock) {
      clock.textContent = piece.market_ms ? organism.fullTime(piece.market_ms) : "";
      clock.title = piece.market_ms ? `market time, ${organism.utc(piece.market_ms)}` : "";
    }
    if (!piece.at_ms) organism.marketMs = piece.market_ms || 0;
    root.toggleAttribute("data-past", Boolean(piece.at_ms));
    const past = byId("past");
    if (past) past.hidden = !piece.at_ms;
    if (piece.at_ms) { organism.write("past-at", organism.fullTime(piece.at_ms)); byId("past-at").title = organism.utc(piece.at_ms); }
    const standing = byId("standing");
    if (standing) { standing.hidden = !piece.standing; standing.textContent = piece.standing; }
    const words = { never: "no body yet", starting: "starting", unreadable: "unreadable" };
    organism.write("fresh", piece.at_ms ? "the past" : words[piece.condition] || piece.age);
    organism.write("about", piece.about);
    const badge = byId("unseen-count");
    if (badge) { badge.hidden = !piece.unseen; badge.textContent = piece.unseen ? String(piece.unseen) : ""; badge.setAttribute("aria-label", `${piece.unseen} warnings not seen yet`); }
    organism.symbols(piece.symbols);
    if (modeWas !== piece.mode) organism.redraw();
    organism.title();
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
      const item = el("li", "", part.name + " ", el("b", "", piece.known ? part.label : "–"), piece.known && part.lost >= 1 && part.detail ? ` ${part.detail}` : "");
      item.dataset.tone = piece.known ? part.tone : "unknown";
      return item;
    }));
  };
  function cell(kind, width, tone, title) {
    const node = el("i", kind);
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

  function put(page, name, piece) {
    if (name === `${page}-sentence`) sentence(page, piece);
    else if (renderers[name]) renderers[name](piece);
    else organism.show(name, piece);
  }

  function lost() {
    if (Date.now() - heardAt < 3000) return;
    const page = organism.asked.page;
    root.dataset.condition = "lost";
    if (have[`${page}-sentence`] !== "lost") {
      have[`${page}-sentence`] = have.frame = "lost";
      sentence(page, {
        lead: "This page lost its dashboard.", tone: "unknown",
        text: "What you see is old. The organism itself may be well: it does not need this page.",
        need: "The page comes back by itself; `./run status` tells more.",
      });
    }
    organism.write("fresh", heardAt ? `lost ${Math.round((Date.now() - heardAt) / 1000)} s ago` : "not connected");
  }

  organism.key = () => `${organism.asked.page}?${organism.query(false)}`;

  async function look(now) {
    if (!byId("page")) return;
    if (!begun) { begun = true; organism.begin(); }
    if (inFlight) { if (!now) return; inFlight.abort(); }
    const page = organism.asked.page, key = organism.key();
    if (key !== shownFor) have = {}; // what is on the page is another question's answer
    shownFor = key;
    const mine = (inFlight = new AbortController()), timer = setTimeout(() => mine.abort(), 2500);
    try {
      const known = Object.entries(have).map(([name, mark]) => `${name}:${mark}`).join(","), given = organism.query(false);
      const answer = await fetch(`/api/page/${page}?${given ? `${given}&` : ""}have=${known}`, { signal: mine.signal, cache: "no-store" });
      if (answer.status === 401) { location.assign("/login"); return; }
      if (!answer.ok) throw Object.assign(new Error(String(answer.status)), { answered: answer.status });
      const found = await answer.json();
      if (key !== organism.key()) return; // asked for something else meanwhile
      heardAt = Date.now();
      organism.skewMs = found.now_ms - heardAt;
      organism.signedIn(found.signed_in);
      organism.write(`${page}-trouble`, "");
      for (const [name, [mark, piece]] of Object.entries(found.pieces)) {
        put(page, name, piece);
        have[name] = mark;
      }
      organism.refreshAges();
      if (!root.dataset.seen) {
        root.dataset.seen = "1";
        performance.mark("organism:sentence");
        // The sentence is painted before the library that draws takes the browser for itself.
        requestAnimationFrame(() => setTimeout(organism.fetchPlotly, 0));
      }
      root.dataset.shown = page;
    } catch (error) {
      if (error.answered) organism.write(`${page}-trouble`, `The dashboard could not make this page (${error.answered}). It is tried again each second; its log in state/log says why.`);
      else if (inFlight === mine) lost();
    } finally {
      clearTimeout(timer);
      const early = byId("early"); // what the server said of the first moment: the page has now looked for itself
      if (early) early.remove();
      if (inFlight === mine) inFlight = null;
    }
  }

  organism.lookNow = (now) => look(Boolean(now));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.organism = {
    look() {
      look();
      return window.dash_clientside.no_update;
    },
  };
})();
