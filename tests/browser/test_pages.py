"""All ten pages in a real browser: every width, light and dark, and how one goes between them."""

import csv
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.pages.names import NAMED
from tests.browser.test_vitals_page import beating, chromium, opened
from tests.dashboard.living import FakeBody
from tests.dashboard.reading.lives import live
from tests.dashboard.serving import serving

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
OUTPUT = Path(__file__).parent / "output"
BESIDE = """() => [...document.querySelectorAll('header *, main *, nav *')].filter((node) => {
  const box = node.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !node.closest('.table, svg, .js-plotly-plot, .tree, pre, .skip');
}).map((node) => node.id || node.className || node.tagName)"""


@pytest.fixture
def body(tmp_path):
    found = FakeBody(tmp_path)
    found.begin(bars=600)
    yield found
    found.close()


def go(seen, name):
    """As a person goes: by the rail, or by the sheet behind "More"."""
    link = seen.page.locator(f'.rail [data-go="{name}"]')
    if not link.is_visible():
        seen.page.click("#more")
    link.click()
    seen.until(f"document.documentElement.dataset.shown === '{name}'", 5)


def drawn(seen, name):
    """Wait until every figure of the page that has something to show is drawn."""
    seen.until(
        f"[...document.querySelectorAll('#page-{name} .holder-figure:not([hidden])')]"
        ".every((holder) => holder.querySelector('.scatterlayer .trace'))",
        20,
    )


def grave(seen):
    """What axe calls serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(seen.page, options={"resultTypes": ["violations"]})
    return [
        (one["id"], one["help"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found.response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.requirement("S2-12.2")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_every_page_fits_is_accessible_and_complains_of_nothing(chromium, body, tmp_path, width, scheme):
    OUTPUT.mkdir(exist_ok=True)
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, served.url, width=width, scheme=scheme) as seen,
    ):
        for page in NAMED:
            go(seen, page.name)
            drawn(seen, page.name)
            assert seen.text(f"{page.name}-lead") not in {"", "Looking …"}
            assert not seen.page.locator(f"#page-{page.name} .skeleton:visible").count(), (
                "every piece arrived"
            )
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, page.name
            assert seen.page.evaluate(BESIDE) == [], page.name
            assert grave(seen) == [], page.name
            seen.page.screenshot(path=OUTPUT / f"{page.name}-{width}-{scheme}.png", full_page=True)
        assert seen.complaints == []
        assert seen.strangers == []


def test_the_pages_share_time_and_instruments_and_keep_them_in_the_address(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, served.url) as seen:
        page = seen.page
        page.evaluate("window.stays = 1")
        page.click('#page-vitals [data-span="6h"]')
        go(seen, "trading")
        seen.until("document.querySelectorAll('#page-trading .symbols button').length === 3")
        page.click('#page-trading [data-symbol="SOL/USDT"]')
        seen.until("document.querySelectorAll('#positions-rows tr').length === 1", 5)
        assert page.title() == "Trading · paper · organism"
        assert urlsplit(page.url).path == "/trading"
        assert parse_qs(urlsplit(page.url).query) == {"range": ["6h"], "symbols": ["SOL/USDT"]}
        go(seen, "market")
        seen.until("document.querySelectorAll('#market-prices-rows tr').length === 1", 5)
        assert page.get_attribute('#page-market [data-span="6h"]', "aria-pressed") == "true"
        page.go_back()
        seen.until("document.documentElement.dataset.shown === 'trading'", 5)
        assert page.evaluate("window.stays") == 1, "no page was loaded anew"
        page.reload()
        page.wait_for_selector('html[data-shown="trading"]', timeout=20_000)
        seen.until("document.querySelectorAll('#positions-rows tr').length === 1", 5)
        assert page.get_attribute('#page-trading [data-symbol="SOL/USDT"]', "aria-pressed") == "true"
        assert seen.complaints == []


def test_a_switch_of_pages_takes_less_than_a_second(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, served.url) as seen:
        for page in (*NAMED[1:], NAMED[0]):
            seen.page.click(f'.rail [data-go="{page.name}"]')
            seen.until(f"document.documentElement.dataset.shown === '{page.name}'", 1.0)


def test_a_table_sorts_by_any_column_and_says_so(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/trading") as seen:
        seen.until("document.querySelectorAll('#trades-rows tr').length === 9", 5)
        head = seen.page.locator("#trades th", has_text="Result")
        number = "(text) => Number(text.replace(/[^0-9.−]/g, '').replace('−', '-'))"
        column = f"[...document.querySelectorAll('#trades-rows tr td:last-child')].map((cell) => ({number})(cell.textContent))"
        for order, backwards in (("descending", True), ("ascending", False)):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == order
            found = seen.page.evaluate(column)
            assert found == sorted(found, reverse=backwards)
        body.live()
        seen.page.wait_for_timeout(1_500)
        assert head.get_attribute("aria-sort") == "ascending", "it stays as it was chosen"
        head.locator("button").focus()
        seen.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "none"


def test_a_table_leaves_as_csv(chromium, body, tmp_path):
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, f"{served.url}/trading?symbols=BTC/USDT") as seen,
    ):
        seen.until("document.querySelectorAll('#trades-rows tr').length === 3", 5)
        with seen.page.expect_download() as download:
            seen.page.click("#trades-csv")
        assert download.value.suggested_filename == "trades.csv"
        rows = list(csv.reader(Path(download.value.path()).read_text().splitlines()))
        assert len(rows) == 4
        assert {row[1] for row in rows[1:]} == {"BTC/USDT"}


def test_a_long_table_shows_its_beginning_until_all_is_wanted(chromium, body, tmp_path):
    for nth in range(9, 40):
        body._trade(nth)
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/trading") as seen:
        seen.until("document.querySelectorAll('#trades-rows tr').length === 12", 5)
        seen.page.get_by_role("button", name="Show all 40").click()
        assert seen.page.locator("#trades-rows tr").count() == 40


def test_on_a_phone_every_page_is_two_touches_away(chromium, body, tmp_path):
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, served.url, width=360, height=740) as seen,
    ):
        more = seen.page.locator("#more")
        assert not seen.page.locator('.rail [data-go="machine"]').is_visible()
        more.click()
        assert more.get_attribute("aria-expanded") == "true"
        for page in NAMED:
            box = seen.page.locator(f'.rail [data-go="{page.name}"]').bounding_box()
            assert box["height"] >= 44, "a finger must hit it"
            assert box["y"] + box["height"] <= 740
        seen.page.keyboard.press("Escape")
        assert more.get_attribute("aria-expanded") == "false"
        go(seen, "machine")
        assert seen.page.locator("#page-machine").is_visible()
        assert not seen.page.locator('.rail [data-go="settings"]').is_visible()


def test_where_no_body_ever_lived_every_page_says_so_and_what_to_type(chromium, tmp_path):
    with serving(tmp_path, guarded=False) as served, opened(chromium, served.url) as seen:
        for page in (
            one for one in NAMED if one.name not in {"reports", "settings"}
        ):  # these two need no body
            go(seen, page.name)
            seen.until(f"document.getElementById('{page.name}-lead').textContent === 'Not started yet.'", 5)
            assert "./run start" in seen.text(f"{page.name}-need")
            assert not seen.page.locator(f"#page-{page.name} .skeleton:visible").count()
        assert seen.complaints == []


@pytest.mark.requirement("S2-13.1")
def test_a_warning_that_nobody_saw_is_counted_on_every_page(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/risk") as seen:
        assert seen.text("unseen-count") == "1"
        go(seen, "alerts")
        assert seen.text("alerts-lead") == "1 warning not seen yet."


@pytest.mark.timeout(180)
def test_a_past_moment_is_tinted_walked_through_and_takes_no_command(chromium, tmp_path):
    live(tmp_path, 900)
    with serving(tmp_path, guarded=False) as served, opened(chromium, f"{served.url}/why") as seen:
        page = seen.page
        seen.until("document.querySelectorAll('#why-fills-rows tr').length > 1", 30)
        page.locator("#why-fills-rows tr").last.locator("a").click()
        seen.until("document.querySelectorAll('#why-chain li').length > 4", 5)
        assert page.locator("#why-chain li").first.inner_text().startswith("The bar")
        assert "about=" in page.url
        at_ms = page.locator("#why-fills-rows tr").last.locator("time").get_attribute("data-ms")
        page.goto(f"{served.url}/?at={at_ms}")
        page.wait_for_selector("html[data-past]", timeout=20_000)
        assert page.locator("#past").is_visible()
        assert not page.locator("#do-halt").is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(250, 250, 247)"
        go(seen, "trading")
        seen.until("document.querySelectorAll('#positions-rows tr').length >= 1", 5)
        assert f"at={at_ms}" in page.url
        page.click('#past [data-back="-3600000"]')
        seen.until(f"location.search.includes('at={int(at_ms) - 3_600_000}')")
        page.click('#past [data-back="now"]')
        seen.until("!document.documentElement.hasAttribute('data-past')", 5)
        assert "at=" not in page.url
        page.click('#page-trading [data-back="ask"]')
        page.locator("#page-trading .back input").fill("2024-01-03T10:00")
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-past]", timeout=5_000)
        assert seen.complaints == []
