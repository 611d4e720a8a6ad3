"""The first page in a real browser: what a person sees, and that it heals by itself."""

import shutil
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.dashboard.living import FakeBody
from tests.dashboard.serving import serving

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SEEN = 'html[data-seen="1"]'
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Opened:
    """A page, and everything it asked for or complained about."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        self.strangers = []
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _asked(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self.strangers.append(request.url)

    def text(self, name):
        return self.page.inner_text(f"#{name}")

    def until(self, claim, seconds=5.0):
        """Poll from outside: the page's own policy forbids evaluating text in it."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(f"Boolean({claim})"):
            assert time.monotonic() < deadline, f"not within {seconds} s: {claim}"
            self.page.wait_for_timeout(50)


@contextmanager
def opened(chromium, url, width=1440, height=900, scheme="light"):
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    try:
        found = Opened(context.new_page())
        found.page.goto(url)
        found.page.wait_for_selector(SEEN, timeout=20_000)
        yield found
    finally:
        context.close()


@contextmanager
def beating(body):
    """Keep the body's word fresh from another thread while the browser looks."""
    ended = threading.Event()

    def beat():
        own = FakeBody(body.path.parent, scene=body.scene)
        own.n = body.n
        while not ended.wait(0.5):
            own.live()
        own.close()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def body(tmp_path):
    found = FakeBody(tmp_path)
    found.begin(bars=120)
    yield found
    found.close()


@pytest.mark.requirement("S0-4.1.8")
def test_the_page_says_the_sentence_draws_the_body_and_complains_of_nothing(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, served.url) as seen:
        assert seen.text("vitals-lead") == "Awake."
        assert "exposed" in seen.text("vitals-text")
        assert seen.text("score") == "99"
        assert seen.page.locator(".organ").count() == 7
        assert seen.page.locator('.organ[data-state="running"]').count() == 7
        assert seen.page.locator("#lately-market-list li").count() == 7
        assert seen.page.locator("#lately-body-list li").count() == 1
        seen.until("document.querySelectorAll('#vitals-curve .scatterlayer .trace').length >= 2", 15)
        assert seen.text("mode-name") == "Paper"
        assert seen.complaints == []
        assert seen.strangers == []


def test_a_change_in_the_view_is_on_the_page_within_two_seconds(chromium, body, tmp_path):
    with serving(tmp_path) as served, opened(chromium, served.url) as seen:
        body.scene = "halted"
        body.live()
        seen.until("document.getElementById('vitals-lead').textContent === 'Halted:'", 2)
        assert "drawdown 15.2" in seen.text("vitals-text")
        assert "./run resume" in seen.text("vitals-text")
        assert seen.page.is_visible("#do-resume")
        assert not seen.page.is_visible("#do-halt")


def test_old_figures_fade_and_the_page_heals_when_the_body_is_back(chromium, body, tmp_path):
    with serving(tmp_path) as served, opened(chromium, served.url) as seen:
        seen.until("document.documentElement.dataset.condition === 'stale'", 8)
        seen.until("Number(getComputedStyle(document.getElementById('health')).opacity) < 0.6", 2)
        assert "ago" in seen.text("fresh")
        assert "No word for" in seen.text("vitals-lead")
        body.live()
        seen.until("document.documentElement.dataset.condition === 'living'", 3)
        assert seen.text("vitals-lead") == "Awake."


def test_the_page_heals_when_the_dashboard_is_back(chromium, body, tmp_path):
    with beating(body), serving(tmp_path) as served, opened(chromium, served.url) as seen:
        served.process.kill()
        served.process.wait()
        seen.until("document.documentElement.dataset.condition === 'lost'", 8)
        assert "lost its dashboard" in seen.text("vitals-lead")
        with serving(tmp_path, port=urlsplit(served.url).port):
            seen.until("document.documentElement.dataset.condition === 'living'", 15)
            seen.until("document.getElementById('vitals-lead').textContent === 'Awake.'", 3)
            assert seen.strangers == []


def test_the_library_that_draws_is_asked_for_again_where_it_did_not_come(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body):
        context = chromium.new_context()
        try:
            asked = []

            def answer(route):
                asked.append(route.request.url)
                if len(asked) <= 2:  # what is fetched beforehand, and the first try
                    route.abort()
                else:
                    route.continue_()

            page = context.new_page()
            page.route("**/plotly.min.js", answer)
            page.goto(served.url)
            page.wait_for_selector("#vitals-curve .scatterlayer .trace", state="attached", timeout=20_000)
            assert len(asked) == 3
        finally:
            context.close()


@pytest.mark.requirement("S0-4.1.12")
@pytest.mark.parametrize("width", [360, 768, 1024])
def test_it_is_usable_on_a_narrow_screen(chromium, body, tmp_path, width):
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, served.url, width=width, height=740) as seen,
    ):
        assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        hidden = seen.page.evaluate(
            "[...document.querySelectorAll('main *')].filter(n => n.getBoundingClientRect().right > innerWidth + 1"
            " && !n.closest('.table, svg, .js-plotly-plot')).map(n => n.id || n.className)"
        )
        assert hidden == []
        box = seen.page.locator("#do-halt").bounding_box()
        assert box["height"] >= 40, "a finger must hit it"


def test_the_dark_is_dark_and_readable(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, served.url, scheme="dark") as seen:
        style = "getComputedStyle(document.body)"
        assert seen.page.evaluate(f"{style}.backgroundColor") == "rgb(15, 21, 25)"
        assert seen.page.evaluate(f"{style}.color") == "rgb(230, 235, 239)"
        assert seen.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(chromium, body, tmp_path, scheme):
    """WCAG: 4.5 to 1 against the page, 3 to 1 for large text."""
    with serving(tmp_path) as served, beating(body), opened(chromium, served.url, scheme=scheme) as seen:
        poor = seen.page.evaluate(CONTRAST)
        assert poor == []


def test_whoever_asked_for_less_motion_gets_none(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body):
        context = chromium.new_context(reduced_motion="reduce")
        page = context.new_page()
        page.goto(served.url)
        page.wait_for_selector(SEEN, timeout=20_000)
        moving = page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length")
        context.close()
        assert moving == 0


def test_an_organ_tells_about_itself_to_the_keyboard(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, served.url) as seen:
        seen.page.locator('.organ[aria-label^="brain"]').focus()
        note = seen.text("organ-note")
        assert note.startswith("brain")
        assert "incarnation 4" in note
        assert "ValueError" in note


def test_a_person_sets_a_password_and_halts(chromium, body, tmp_path):
    from organism.commands import CommandsDb

    with serving(tmp_path) as served, beating(body):
        link = next(word for line in served.lines for word in line.split() if "/setup#" in word)
        context = chromium.new_context()
        page = context.new_page()
        page.goto(link)
        assert "#" not in page.url, "the one-time token must not stay in the address"
        page.fill("#password", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_selector(SEEN, timeout=20_000)
        page.click("#do-halt")
        page.wait_for_selector("#ask-note")
        page.fill("#ask-note", "looks odd to me")
        page.click("#ask-go")
        page.wait_for_selector("#waiting:has-text('halt')", timeout=5000)
        context.close()
        given = CommandsDb(tmp_path / "commands.db").waiting()
        assert [(c.command, c.operator, c.note) for c in given] == [("halt", "dashboard", "looks odd to me")]


@pytest.mark.requirement("S0-4.1.11")
def test_a_person_sees_what_became_of_alerts_and_marks_them_as_seen(chromium, body, tmp_path):
    from organism.alerts import acknowledged
    from organs.voice.sender.alert import Alert
    from organs.voice.sender.courier import Result
    from organs.voice.sender.record import Deliveries

    alert = Alert(id="a2", severity="warning", priority="high", title="", body="", tags=(), wall_ns=1, seq=1)
    record = Deliveries(tmp_path)
    record.accept([(alert, ("mail", "phone"))], "journal", 1, b"")
    record.note(Result(alert, "phone", "failed", 3, "no answer within 15 s"))
    record.close()
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/alerts") as seen:
        page = seen.page
        assert "mail: waiting" in seen.text("alerts")
        assert "phone: failed" in seen.text("alerts")
        assert "on this page only" in seen.text("alerts")
        assert seen.text("alerts-aside") == "3 not seen yet"
        page.click('[data-alert="a2"]')
        page.wait_for_selector(
            "#ask-error:has-text('./run alerts ack a2')", timeout=5000
        )  # nobody set a password
        assert acknowledged(tmp_path, ["a2"]) == set()
        page.keyboard.press("Escape")
        link = next(word for line in served.lines for word in line.split() if "/setup#" in word)
        page.goto(link)
        page.fill("#password", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_selector(SEEN, timeout=20_000)
        page.click('.rail [data-go="alerts"]')
        page.click('[data-alert="a2"]')
        page.wait_for_selector('#alerts [data-key="a2"].seen', timeout=5000)
        assert acknowledged(tmp_path, ["a1", "a2", "a3"]) == {"a2"}
        seen.until("document.getElementById('alerts-aside').textContent === '2 not seen yet'")
        assert page.locator('[data-alert="a2"]').count() == 0
        assert not page.locator("dialog[open]").count()
        # Whoever is not signed in any more signs in first, in the same dialog.
        page.context.clear_cookies()
        page.click('[data-alert="a1"]')
        page.wait_for_selector("#ask-password:visible", timeout=5000)
        assert not page.locator("#ask-note").is_visible()
        page.fill("#ask-password", PASSWORD)
        page.click("#ask-go")
        page.wait_for_selector('#alerts [data-key="a1"].seen', timeout=5000)
        assert seen.strangers == []


CONTRAST = """() => {
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const parse = (text) => { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour.startsWith('rgb') && parse(colour)[3] > 0.9) return parse(colour);
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const poor = [];
  for (const node of document.querySelectorAll('header *, main *')) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    if (!own || node.closest('svg, .js-plotly-plot') || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    if (!style.color.startsWith('rgb')) continue;
    const a = light(parse(style.color)), b = light(behind(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) poor.push(`${node.id || node.className || node.tagName} ${ratio.toFixed(2)}`);
  }
  return [...new Set(poor)];
}"""


EVIL = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


def test_what_strategies_do_is_readable_wrapped_and_unfolds(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body):
        for width in (1440, 900, 360):
            with opened(chromium, f"{served.url}/trading", width=width) as seen:
                rules = seen.page.locator("#strategies-rows td.rules")
                assert rules.count() == 4
                first = rules.nth(0)
                assert "ema(12) crosses_above ema(26) and rsi(14) < 70" in first.inner_text()
                assert "lowest(low, 20)" not in first.inner_text()
                first.locator("summary").click()
                assert "lowest(low, 20) * 0.98" in first.inner_text()
                assert "stop=0.05" in first.inner_text()
                long = rules.nth(3).locator("dd").first
                assert long.bounding_box()["height"] >= 2 * 20
                assert seen.page.evaluate("document.documentElement.scrollWidth") == width
                body.live()
                seen.page.wait_for_timeout(1_500)
                assert first.locator("details").evaluate("node => node.open")
                assert seen.complaints == []


def test_a_strategy_that_says_html_is_shown_as_text_and_refused(chromium, body, tmp_path):
    body.row("strategies", genome_id=f"evil{EVIL}", family=EVIL, weight=0.9, state="funded",
             parameters="{}", text=f"family: x\nentry long: {EVIL}")  # fmt: skip
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, f"{served.url}/trading", width=360) as seen,
    ):
        rules = seen.page.locator("#strategies-rows td.rules").first
        assert rules.locator("dt").inner_text() == "refused"
        assert "entry long" in rules.locator("dd").inner_text()
        assert "<img src=x" in seen.page.locator("#strategies-rows tr").first.inner_text()
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
        assert seen.page.locator("#strategies img, #strategies script").count() == 0
        assert seen.page.title() == "Trading · paper · organism"
        assert seen.complaints == []
