"""Vitals in a real browser: how soon they are seen, how soon another page is, and how soon what happens in the body is seen."""

import json
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from organism.commands import CommandsDb
from organism.journal.reader import newest, read_rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = (
    "trading", "risk", "evolution", "reports", "market", "why", "alerts", "machine", "settings", "vitals",
)  # fmt: skip
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
LOOK_MS = 100.0  # between two looks from outside; the page itself keeps the times
LONGEST_MS = 20_000.0  # what is not seen by then counts as never seen
TAKEN_S = 20.0  # how long a body may take to carry a command out

# Put in before the page's own scripts, from outside, so that its policy does not apply. Times are milliseconds after
# navigation began, taken once the frame with the change is due to be painted.
WATCH = """() => {
  if (window.top !== window) return;
  const seen = (window.benchSeen = {});
  const text = (id) => (document.getElementById(id) || {}).textContent || "";
  const claims = {
    sentence: () => text("early-lead").length > 0 || (text("vitals-lead").length > 0 && document.documentElement.dataset.seen === "1"),
    health: () => /^[0-9]+$/.test(text("early-score") || text("score")),
    live: () => text("vitals-lead").length > 0 && document.documentElement.dataset.seen === "1",
    charts: () => document.querySelectorAll("#vitals-curve .scatterlayer .trace").length > 0,
  };
  const look = () => {
    for (const [name, holds] of Object.entries(claims)) {
      if (name in seen || !holds()) continue;
      seen[name] = null;
      requestAnimationFrame(() => { seen[name] = performance.now(); });
    }
    if (window.benchWaits && window.benchWaits()) window.benchWaits = null;
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
}"""
ALL_SEEN = "Object.values(window.benchSeen || {}).filter(Boolean).length === 4"
SWITCH = """(name) => new Promise((done) => {
  const root = document.documentElement, began = performance.now();
  window.benchWaits = () => {
    if (root.dataset.shown !== name) return false;
    requestAnimationFrame(() => done(performance.now() - began));
    return true;
  };
  document.querySelector(`[data-go="${name}"]`).click();
})"""
AWAIT = """(note) => { window.benchAt = 0; window.benchWaits = () => {
  if (!document.getElementById("vitals-sentence").textContent.includes(note)) return false;
  requestAnimationFrame(() => { window.benchAt = Date.now(); });
  return true;
}; }"""


def bench(port: int, state: Path, n: int) -> dict[str, Any]:
    """Navigate, switch and strike `n` times each; what is missing is said by name where no browser can be driven."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {
            "skipped": "playwright is not installed: pip install playwright, and chromium from your system"
        }
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return {
            "skipped": "chromium is not installed: install it from your system, on Debian: apt install chromium"
        }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        try:
            return _measured(browser, f"http://127.0.0.1:{port}", state, n)
        finally:
            browser.close()


def _measured(browser: "Browser", url: str, state: Path, n: int) -> dict[str, Any]:
    opened: dict[str, list[float | None]] = {"sentence": [], "health": [], "live": [], "charts": []}
    for _ in range(n):
        seen = navigated(browser, url)
        for name, taken in opened.items():
            taken.append(seen.get(name))
    page = _watched(browser)
    try:
        _open(page, url)
        switched = [_switched(page, PAGES[nth % len(PAGES)]) for nth in range(max(n, len(PAGES)))]
        told, given = struck(page, url, state, n)
    finally:
        page.context.close()
    return {
        "sentence": spread(opened["sentence"]) | {"target": "< 1000 ms"},
        "health_number": spread(opened["health"]) | {"target": "< 1000 ms"},
        "live_page": spread(opened["live"]),  # its own first look, in the place of the sentence it came with
        "charts": spread(opened["charts"]) | {"target": "< 2000 ms"},
        "switch": spread(switched) | {"target": "< 1000 ms"},
        "event_to_page": spread(told) | {"target": "< 1500 ms p95"},
        "command_to_page": spread(given),
    }


def navigated(browser: "Browser", url: str) -> dict[str, float | None]:
    """One visit by a browser that has never been here: milliseconds until each thing was seen, None where it was not."""
    page = _watched(browser)
    try:
        _open(page, url)
        found: dict[str, float | None] = page.evaluate("window.benchSeen")
        return found
    finally:
        page.context.close()


def struck(page: "Page", url: str, state: Path, n: int) -> tuple[list[float | None], list[float | None]]:
    """Reduce, each time for another reason: ms from the journal's row, and from the command, to the reason on the page."""
    db, pause = CommandsDb(state / "commands.db"), threading.Event()
    told: list[float | None] = []
    given: list[float | None] = []
    for nth in range(n):
        _open(page, url)  # anew each time: a page and a body that both look once a second keep their phase
        pause.wait(0.37 * (nth % 5))
        db.wait_acknowledged(db.give("resume", "bench", "again"), TAKEN_S)
        note = f"bench reason {nth:03d}"
        page.evaluate(AWAIT, note)
        before, given_ms = newest(state), time.time_ns() / 1e6
        db.wait_acknowledged(db.give("reduce", "bench", note), TAKEN_S)
        _until(page, lambda: bool(page.evaluate("window.benchAt")))
        at_ms = float(page.evaluate("window.benchAt")) or None
        recorded_ms = _recorded_ms(state, before, note)
        told.append(at_ms - recorded_ms if at_ms and recorded_ms else None)
        given.append(at_ms - given_ms if at_ms else None)
    db.wait_acknowledged(db.give("resume", "bench", "done"), TAKEN_S)
    return told, given


def _recorded_ms(state: Path, after_seq: int, note: str) -> float | None:
    """When the body recorded that it was told so, wall ms; None where it did not."""
    word = note.encode()
    for row in read_rows(state, after_seq):
        if word in row.input or word in row.effects:
            return row.wall_ns / 1e6
    return None


def _watched(browser: "Browser") -> "Page":
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(f"({WATCH})()")
    return context.new_page()


def _open(page: "Page", url: str) -> None:
    """Go there, and wait until all of it is seen, or never will be."""
    page.goto(url, wait_until="commit")
    _until(page, lambda: bool(page.evaluate(ALL_SEEN)))


def _switched(page: "Page", name: str) -> float | None:
    """Milliseconds from the click to the other page's first contents."""
    page.evaluate(
        f"window.benchTook = 0; ({SWITCH})({json.dumps(name)}).then((took) => {{ window.benchTook = took; }})"
    )
    _until(page, lambda: bool(page.evaluate("window.benchTook")))
    return float(page.evaluate("window.benchTook")) or None


def _until(page: "Page", true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not true() and (time.monotonic() - began) * 1e3 < LONGEST_MS:
        page.wait_for_timeout(LOOK_MS)


def spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Count, median, 95th percentile and worst of what was seen, and how often it never was.

    >>> spread([3.0, None, 1.0])
    {'n': 2, 'never': 1, 'p50_ms': 2.0, 'p95_ms': 3.0, 'max_ms': 3.0}
    """
    ordered = sorted(value for value in values if value is not None)
    found: dict[str, Any] = {"n": len(ordered), "never": len(values) - len(ordered)}
    if not ordered:
        return found
    return found | {
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "max_ms": round(ordered[-1], 1),
    }
