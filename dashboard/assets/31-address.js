// The address: which page, which time, which instruments. Going from page to page needs no reload.
(function () {
  "use strict";
  const organism = window.organism, { byId, el } = organism;
  const root = document.documentElement;
  const SPANS = ["1h", "6h", "1d", "1w", "all"], DEFAULT = "all";
  const asked = (organism.asked = { page: "vitals", span: DEFAULT, symbols: [], about: "", pair: [], at: 0 });
  let known = [];

  const pathOf = (page) => (page === "vitals" ? "/" : `/${page}`);

  function read() {
    const given = new URLSearchParams(location.search), name = location.pathname.replace(/^\/+|\/+$/g, "") || "vitals";
    asked.page = byId(`page-${name}`) ? name : "vitals";
    asked.span = SPANS.includes(given.get("range")) ? given.get("range") : DEFAULT;
    asked.symbols = (given.get("symbols") || "").split(",").filter(Boolean);
    asked.about = given.get("about") || "";
    asked.pair = ["a", "b"].map((name) => given.get(name) || "").filter(Boolean);
    asked.at = /^[1-9][0-9]{0,12}$/.test(given.get("at") || "") ? Number(given.get("at")) : 0;
  }

  // At most two things side by side.
  const paired = (pair) => pair.slice(0, 2).map((one, nth) => `${"ab"[nth]}=${encodeURIComponent(one)}`);

  // What is asked, as the query of an address; the shared part alone where another page is meant.
  const query = (organism.query = function query(shared) {
    const parts = [];
    if (asked.span !== DEFAULT) parts.push(`range=${asked.span}`);
    if (asked.symbols.length) parts.push(`symbols=${asked.symbols.map(encodeURIComponent).join(",")}`);
    if (asked.at) parts.push(`at=${asked.at}`);
    if (!shared) parts.push(...paired(asked.pair));
    if (!shared && asked.about) parts.push(`about=${encodeURIComponent(asked.about)}`);
    return parts.join("&");
  });
  const address = (page, shared) => { const text = query(shared); return pathOf(page) + (text ? `?${text}` : ""); };

  function show() {
    root.dataset.page = asked.page;
    for (const link of document.querySelectorAll("[data-go]")) {
      if (link.dataset.go === asked.page) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      link.setAttribute("href", address(link.dataset.go, true));
    }
    for (const button of document.querySelectorAll("[data-span]")) button.setAttribute("aria-pressed", String(button.dataset.span === asked.span));
    for (const link of document.querySelectorAll("a.csv")) link.setAttribute("href", `/api/csv/${link.id.replace(/-csv$/, "")}?${query(false)}`);
    symbols(known);
    more(false);
    title();
  }

  function title() {
    const link = document.querySelector(`.rail [data-go="${asked.page}"] span:nth-child(2)`);
    const live = root.dataset.mode === "live";
    document.title = `${link ? link.textContent : "Vitals"} · ${live ? "LIVE, real money" : "paper"} · organism`;
  }
  organism.title = title;

  function go(page, about, pair) {
    const same = page === asked.page;
    asked.page = page;
    asked.about = about || "";
    asked.pair = pair || [];
    history.pushState(null, "", address(page, false));
    changed();
    if (!same || pair) { window.scrollTo(0, 0); const main = byId("page"); if (main) main.focus({ preventScroll: true }); }
  }
  organism.go = go;

  function changed() {
    show();
    organism.lookNow(true);
  }

  // The instruments that can be chosen; pressing one shows it alone or with those already pressed, none pressed shows all.
  function symbols(names) {
    known = names;
    const text = JSON.stringify([names, asked.symbols]);
    for (const box of document.querySelectorAll(".symbols")) {
      if (box.organismText === text) continue;
      box.organismText = text;
      const focused = box.contains(document.activeElement) ? document.activeElement.dataset.symbol : null;
      box.replaceChildren(...names.slice(0, 24).map(choice));
      if (focused) { const again = [...box.children].find((node) => node.dataset.symbol === focused); if (again) again.focus(); }
    }
  }
  function choice(name) {
    const button = el("button", "span", name.split("/")[0]);
    button.type = "button";
    button.title = name;
    button.dataset.symbol = name;
    button.setAttribute("aria-pressed", String(asked.symbols.includes(name)));
    return button;
  }
  organism.symbols = (names) => { if (names.length) symbols(names); };

  function more(open) {
    const rail = byId("rail"), button = byId("more");
    if (!rail || !button) return;
    rail.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest && event.target.closest(selector);
    const link = at("[data-go]"), about = at("[data-about]"), pair = at("[data-pair]"), span = at("[data-span]"), symbol = at("[data-symbol]");
    if ((link || about || pair) && (event.metaKey || event.ctrlKey || event.shiftKey || event.button)) return;
    if (link) { event.preventDefault(); go(link.dataset.go, ""); return; }
    if (about) { event.preventDefault(); go(about.dataset.page || asked.page, about.dataset.about); return; }
    if (pair) { event.preventDefault(); go(pair.dataset.page, "", JSON.parse(pair.dataset.pair)); return; }
    const past = at("[data-back]");
    if (past) { back(past); return; }
    if (span) asked.span = span.dataset.span;
    else if (symbol) {
      const name = symbol.dataset.symbol;
      asked.symbols = asked.symbols.includes(name) ? asked.symbols.filter((one) => one !== name) : [...asked.symbols, name].sort();
    } else {
      const button = at("#more");
      more(button ? !byId("rail").classList.contains("open") : false);
      return;
    }
    history.replaceState(null, "", address(asked.page, false));
    changed();
  });
  // A past moment: asked for once, then walked through in steps.
  function back(button) {
    const how = button.dataset.back, newest = organism.marketMs || Date.now();
    if (how === "ask") { ask(button.parentNode); return; }
    const to = how === "now" ? 0 : (asked.at || newest) + Number(how);
    past(to && to < newest ? to : 0);
  }
  function past(ms) {
    asked.at = ms;
    history.pushState(null, "", address(asked.page, false));
    changed();
  }
  function ask(box) {
    const old = box.querySelector("input");
    if (old) { old.focus(); return; }
    const input = el("input"), local = new Date((asked.at || organism.marketMs || Date.now()) - new Date().getTimezoneOffset() * 60000);
    input.type = "datetime-local";
    input.value = local.toISOString().slice(0, 16);
    input.setAttribute("aria-label", "Moment of the market, in your time zone");
    const go = el("button", "span", "Show");
    go.type = "button";
    const leave = () => { input.remove(); go.remove(); };
    const show = () => { const ms = Date.parse(input.value); if (Number.isFinite(ms) && ms > 0) { leave(); past(ms); } };
    go.addEventListener("click", show);
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") show(); if (event.key === "Escape") { leave(); box.querySelector("button").focus(); } });
    box.append(input, go);
    input.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && byId("rail") && byId("rail").classList.contains("open")) { more(false); byId("more").focus(); }
  });
  window.addEventListener("popstate", () => { read(); changed(); });

  // Where a link to another page or another thing leads, for cells that carry one.
  organism.linkTo = function (page, about, text) {
    const link = el("a", "why", text);
    const given = query(true);
    link.href = `${pathOf(page)}?${given ? `${given}&` : ""}about=${encodeURIComponent(about)}`;
    link.dataset.about = about;
    link.dataset.page = page;
    return link;
  };
  organism.linkToPair = function (page, pair, text) {
    const link = el("a", "why", text), parts = [query(true), ...paired(pair)].filter(Boolean);
    link.href = `${pathOf(page)}${parts.length ? `?${parts.join("&")}` : ""}`;
    link.dataset.pair = JSON.stringify(pair);
    link.dataset.page = page;
    return link;
  };
  organism.begin = () => { read(); show(); };
})();
