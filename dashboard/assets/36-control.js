// Giving commands: say what will happen, ask why, sign in if needed, then one guarded POST.
(function () {
  "use strict";
  const organism = window.organism, { byId, el, renderers } = organism;
  const SAYS = {
    reduce: ["Reduce", "From now on only orders that shrink positions leave. What is held stays, guarded by its stops.", false],
    halt: ["Halt", "Nothing new is opened until a person resumes. Positions and their protective stops stay.", true],
    flatten: ["Flatten", "Every position is closed at the market now, and nothing new is opened until a person resumes.", true],
    resume: ["Resume", "Trade normally again. Do this once you know why it stopped.", false],
  };
  // Of one instrument or strategy: title, what will happen, whether it is grave, and what a person types instead.
  const OF_ONE = {
    close: (name) => [`Close ${name}`, "The position is closed at the market now. A strategy may open it again, unless entries are barred, too.", true, "position close"],
    bar: (name) => [`No entries in ${name}`, "Nothing is opened there, and what is held does not grow, until a person allows it again. Its protective stop stays.", false, "position bar"],
    allow: (name) => [`Allow entries in ${name}`, "Strategies may open and enlarge positions there again.", false, "position allow"],
    pause: (name) => [`Pause ${name}`, "It has no say until a person resumes it. What it wanted is held no longer; the others decide.", false, "strategy pause"],
    wake: (name) => [`Resume ${name}`, "It has its say again, with the weight it had. Do this once you know why it was paused.", false, "strategy resume"],
    retire: (name) => [`Retire ${name}`, "It never trades again: this cannot be taken back. What it wanted is held no longer.", true, "strategy retire"],
  };
  const ASKS_AGAIN = ["resume", "wake", "allow"]; // more may be traded after these than before: the server wants the password each time
  const SEEN = ["Mark as seen", "The alert stays in the list and no longer asks for attention. Trading is not touched.", false];
  // wanted: what the dialog will send, as {path, body(), done, typed: the same on the command line}
  let dialog = null, wanted = null, csrf = null, signedIn = false, mustSignIn = false;

  organism.signedIn = function (now) {
    if (now === signedIn) return;
    signedIn = now;
    document.documentElement.toggleAttribute("data-signed", now);
    if (!now) csrf = null;
    const node = byId("signed");
    if (!node) return;
    node.replaceChildren();
    if (now) {
      const out = el("a", "", "sign out");
      out.href = "#";
      out.addEventListener("click", async (event) => { event.preventDefault(); await token(); await post("/api/logout", {}); organism.signedIn(false); });
      node.append("signed in · ", out);
    }
  };

  renderers.controls = function (piece) {
    const active = piece.standing === "active";
    const show = { reduce: active, halt: piece.standing !== "halted", flatten: true, resume: !active };
    for (const [name, visible] of Object.entries(show)) { const button = byId(`do-${name}`); if (button) button.hidden = !visible; }
    organism.write("waiting", piece.waiting.join(", "));
  };

  async function post(path, body) {
    const headers = { "Content-Type": "application/json" };
    if (csrf) headers["X-CSRF-Token"] = csrf;
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.error || `refused (${answer.status})`);
    if (said.csrf) csrf = said.csrf;
    return said;
  }
  async function token() {
    const session = await (await fetch("/api/session", { cache: "no-store" })).json();
    csrf = session.csrf;
    return session;
  }

  function field(id, label, type, extra) {
    const input = el("input");
    Object.assign(input, { id, type, ...extra });
    const name = el("label", "", label);
    name.htmlFor = id;
    return el("div", "", name, input);
  }

  function build() {
    const node = el("dialog", "ask");
    node.setAttribute("aria-labelledby", "ask-title");
    const form = el("form");
    const title = el("h2"), say = el("p", "ask-say"), error = el("p", "form-error");
    title.id = "ask-title";
    say.id = "ask-say";
    error.id = "ask-error";
    error.setAttribute("role", "alert");
    const door = field("ask-password", "Password", "password", { maxLength: 256, autocomplete: "current-password" });
    door.id = "ask-door";
    const cancel = el("button", "button", "Cancel"), go = el("button", "button button-main", "");
    cancel.type = "button";
    go.id = "ask-go";
    cancel.addEventListener("click", () => node.close());
    const why = field("ask-note", "Why? It is kept with the command.", "text", { maxLength: 300, autocomplete: "off" });
    why.id = "ask-why";
    form.append(title, say, why, door, error, el("div", "ask-buttons", cancel, go));
    form.addEventListener("submit", (event) => { event.preventDefault(); give(go, error); });
    node.append(form);
    document.body.append(node);
    return node;
  }

  // shown: what the row calls the strategy or the instrument
  function ask(command, target, shown) {
    const again = ASKS_AGAIN.includes(command), said = target ? OF_ONE[command](shown) : SAYS[command];
    const typed = target ? `./run ${said[3]} ${quoted(target)}` : `./run ${command}`;
    return open(said, {
      path: "/api/commands", typed: `${typed} --note "why"`, again,
      done: () => (target ? organism.lookNow() : organism.write("waiting", `${command} was given`)),
      body: () => ({
        command, note: byId("ask-note").value, ...(target ? { target } : {}), ...(again ? { password: byId("ask-password").value } : {}),
      }),
    }, true);
  }
  const quoted = (text) => (/^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

  // An alert is marked at once by whoever is signed in; others sign in first.
  async function see(alert) {
    const order = { path: "/api/alerts/seen", body: () => ({ alert_id: alert }), done: () => organism.lookNow(), typed: `./run alerts ack ${alert}` };
    try {
      if ((await token()).signed_in) { await post(order.path, order.body()); order.done(); return; }
    } catch (error) { /* the dialog says why it cannot be done */ }
    await open(SEEN, order, false);
  }

  async function open([title, says, grave], order, withNote) {
    wanted = order;
    dialog = dialog || build();
    byId("ask-why").hidden = !withNote;
    byId("ask-title").textContent = title;
    byId("ask-say").textContent = says;
    byId("ask-note").value = byId("ask-password").value = "";
    byId("ask-error").textContent = "";
    const go = byId("ask-go");
    go.textContent = withNote ? `${title} now` : title;
    go.classList.toggle("grave", grave);
    go.disabled = false;
    byId("ask-door").hidden = true;
    dialog.showModal();
    try {
      const session = await token();
      const closed = Boolean(session.trouble);
      mustSignIn = !session.signed_in;
      const known = session.signed_in && !order.again; // resuming asks for the password each time
      byId("ask-door").hidden = known || closed;
      byId("ask-password").required = !known && !closed;
      go.disabled = closed;
      if (session.trouble) byId("ask-error").textContent = `Commands cannot be given here: ${session.trouble}. The command line always works: ${order.typed}`;
    } catch (error) {
      byId("ask-error").textContent = `The dashboard does not answer. The command line always works: ${order.typed}`;
    }
  }

  async function give(button, error) {
    button.disabled = true;
    error.textContent = "";
    try {
      if (mustSignIn) { await post("/api/login", { password: byId("ask-password").value }); organism.signedIn(true); mustSignIn = false; }
      if (!wanted.again) { byId("ask-door").hidden = true; byId("ask-password").required = false; }
      await post(wanted.path, wanted.body());
      dialog.close();
      wanted.done();
    } catch (failed) {
      error.textContent = failed.message;
    } finally {
      button.disabled = false;
    }
  }

  function nameOf(button) {
    const row = button.dataset.target && button.closest("tr"), name = row && row.querySelector("strong");
    return name && row.querySelector("[data-command=pause], [data-command=wake]") ? name.textContent : button.dataset.target;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-command]");
    if (button) ask(button.dataset.command, button.dataset.target, nameOf(button));
    const alert = event.target.closest && event.target.closest("[data-alert]");
    if (alert) see(alert.dataset.alert);
  });
})();
