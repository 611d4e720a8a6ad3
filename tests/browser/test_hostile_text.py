"""G6: what a market, a genome, an error or a log line says is text, in the living page and in the report of a backtest."""

import dataclasses
import json
import re

import pytest

from genome.reporting import write
from tests.browser.test_backtest_report import ARGUMENTS, CHROMIUM
from tests.browser.test_backtest_report import opened as opened_report
from tests.browser.test_vitals_page import opened
from tests.dashboard.living import FakeBody
from tests.dashboard.serving import serving
from tests.genome.test_report import told

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
PAYLOADS = {
    "script": "<script>window.owned=1</script>",
    "image": "<img src=x onerror=window.owned=1>",
    "attribute": "\"><svg onload=window.owned=1> ' onmouseover=window.owned=1 x='",
    "closing": "</script></style></title></textarea><script>window.owned=1</script>",
    "json": "</script><!--<script>window.owned=1//",
    "template": "${window.owned=1}{{window.owned=1}}`+(window.owned=1)+`",
    "link": "javascript:window.owned=1",
    "unicode": "\u2028window.owned=1\u202e\u0000<iframe srcdoc='<script>parent.owned=1</script>'>",
}
TEXTUAL = {"script", "image", "attribute", "closing"}  # whose every letter is seen, so that it must be found
MARK = "evil:"
NEVER = "iframe, object, embed, img[onerror], svg[onload], [onmouseover], a[href^='javascript']"


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def spoilt(body, evil):
    """Say it wherever the view keeps words that came from elsewhere."""
    text = f"{MARK}{evil}"
    for table, columns in {
        "positions": ("symbol",), "trades": ("symbol", "purpose"), "fills": ("symbol",), "orders": ("symbol", "reason"),
        "marks": ("symbol",), "alerts": ("title", "body"), "organs": ("last_error",), "restarts": ("why",),
        "feeds": ("name", "detail"), "strategies": ("family", "text"), "denials": ("reason",),
    }.items():  # fmt: skip
        found = body.db.execute(f"SELECT * FROM {table}")  # noqa: S608 - our names
        row = dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))
        body.row(table, **row | dict.fromkeys(columns, text))
    for key, names in {
        "standing": ("reason",), "reconciled": ("detail",), "body": ("feed", "venue", "version"),
    }.items():  # fmt: skip
        kept = json.loads(body.db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()[0])
        body.put(key, kept | dict.fromkeys(names, text))
    body.put(
        "reconciled",
        {"clean": False, "unexplained": [text], "unknown": [text], "foreign": [text], "wall_ns": 1},
    )
    body.put(
        "health",
        {"health": 40.0, "wall_ns": 1, "parts": [{"name": text, "weight": 10, "points": 1, "detail": text}]},
    )


def test_the_living_page_shows_it_and_obeys_none_of_it(chromium, tmp_path):
    body = FakeBody(tmp_path, scene="halted")
    body.begin(bars=80)
    try:
        with serving(tmp_path) as served, opened(chromium, f"{served.url}/trading") as seen:
            seen.until("document.querySelectorAll('#trades-rows tr').length >= 9", 10)
            for kind, evil in PAYLOADS.items():
                body.live()
                spoilt(body, f"{kind} {evil}")
                mark, shown = f"{MARK}{kind} ", ""
                for name in ("vitals", "trading", "risk", "market", "why", "alerts", "machine"):
                    seen.page.click(f'.rail [data-go="{name}"]')
                    seen.until(f"document.documentElement.innerText.split({mark!r}).length > 1", 15)
                    shown += seen.page.evaluate("document.documentElement.innerText")
                    for row in seen.page.locator(f"#page-{name} :is([title], summary)").all()[:6]:
                        row.dispatch_event("mouseover")
                    assert seen.page.locator(NEVER).count() == 0, (kind, name)
                    assert seen.page.title().endswith(" · paper · organism")
                assert shown.count(mark) > 20, kind
                assert kind not in TEXTUAL or evil in shown, kind
                assert seen.page.evaluate("typeof window.owned") == "undefined", kind
                assert seen.complaints == []
                assert seen.strangers == []
    finally:
        body.close()


@pytest.mark.parametrize("kind", PAYLOADS)
def test_the_report_of_a_backtest_shows_it_and_obeys_none_of_it(chromium, tmp_path, kind):
    text = f"{MARK}{PAYLOADS[kind]}"
    one = told(n=24 * 20)
    trades = tuple(trade._replace(reason=text) for trade in one.result.trades)
    evil = dataclasses.replace(
        one, strategy=text, params=((text, text),), conditions=(("entry_long", text),), source=text, warnings=(text,),
        market=dataclasses.replace(one.market, symbol=text), result=one.result._replace(trades=trades),
    )  # fmt: skip
    path = tmp_path / "report.html"
    write(path, evil)
    with opened_report(chromium, path.as_uri()) as page:
        page.wait_for_selector('html[data-ready="1"]')
        shown = page.evaluate("document.documentElement.innerText")
        assert shown.count(MARK) >= 6
        if kind in TEXTUAL:
            assert PAYLOADS[kind] in shown
        box = page.locator("#equity .plot").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
        assert page.evaluate("typeof window.owned") == "undefined"
        assert page.locator(NEVER).count() == 0
        assert page.title().startswith(MARK[:4])
    assert len(re.findall("<script", path.read_text())) == len(re.findall("<script", _clean(tmp_path, one)))


def _clean(folder, one):
    path = folder / "clean.html"
    write(path, one)
    return path.read_text()
