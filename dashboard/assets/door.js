// Sign in, or choose the first password. The one-time token rides in the fragment: no server log sees it.
(function () {
  "use strict";
  const form = document.getElementById("door"), error = document.getElementById("door-error");
  const token = location.hash.slice(1);
  const isSetup = form.dataset.kind === "setup";
  if (isSetup && token) history.replaceState(null, "", location.pathname);
  if (isSetup && !token) error.textContent = "This page needs the link that the dashboard printed when it started.";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    const password = form.elements.password.value;
    if (isSetup && password !== form.elements.again.value) { error.textContent = "The two passwords differ."; return; }
    const answer = await fetch(isSetup ? "/api/setup" : "/api/login", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify(isSetup ? { token, password } : { password }),
    }).catch(() => null);
    if (answer && answer.ok) { location.assign("/"); return; }
    const said = answer ? await answer.json().catch(() => ({})) : {};
    error.textContent = said.error || "The dashboard does not answer.";
  });
})();
