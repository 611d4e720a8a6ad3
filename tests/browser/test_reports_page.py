"""The page of reports in a real browser: chosen by link, compared, sorted, kept in the address, and whatever is hostile stays text."""

import csv
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.shelf import MOST_BRED
from tests.browser.test_hostile_text import NEVER, PAYLOADS
from tests.browser.test_pages import BESIDE, OUTPUT, drawn, go, grave
from tests.browser.test_vitals_page import beating, chromium, opened
from tests.dashboard import shelved
from tests.dashboard.living import FakeBody
from tests.dashboard.serving import serving
from tests.dashboard.test_shelf import changed, path_of

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


@pytest.fixture
def body(tmp_path):
    found = FakeBody(tmp_path)
    found.begin(bars=60)
    yield found
    found.close()


@pytest.fixture
def stored(tmp_path, body):
    """Ids of a backtest, another one, a run of evolution, another one; and two files that cannot be shown."""
    found = [shelved.backtest(tmp_path, mean=0.004, n=200), shelved.backtest(tmp_path, nth=1, mean=-0.002, seed=3, n=240),
             shelved.evolution(tmp_path, genomes=MOST_BRED), shelved.evolution(tmp_path, nth=1)]  # fmt: skip
    cut = shelved.backtest(tmp_path, nth=2)
    path_of(tmp_path, cut).write_text("{")
    (tmp_path / "reports" / "notes.txt").write_text("mine")
    return found


def show(seen, pair):
    """Go there as a link does, and wait for the answer."""

    def is_it(answer):
        asked = parse_qs(urlsplit(answer.url).query)
        return "/api/page/reports" in answer.url and [*asked.get("a", []), *asked.get("b", [])] == list(pair)

    with seen.page.expect_response(is_it, timeout=10_000) as answered:
        seen.page.evaluate("(pair) => window.organism.go('reports', '', pair)", list(pair))
    answered.value.finished()
    seen.page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
    )
    drawn(seen, "reports")


def at(seen, pair):
    """Wait until the page shows what is asked for."""
    seen.until("document.documentElement.dataset.shown === 'reports'", 10)
    seen.until(
        f"document.querySelectorAll('#reports-chosen:not([hidden]) a').length === {[0, 1, 4][len(pair)]}", 10
    )
    drawn(seen, "reports")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_one_and_two_fit_are_accessible_and_complain_of_nothing(
    chromium, body, stored, tmp_path, width, scheme
):
    OUTPUT.mkdir(exist_ok=True)
    first, second, bred, _ = stored
    views = {
        "list": (), "two": (first, second), "evolution": (bred,), "refused": ("../../etc/passwd",),
    }  # fmt: skip
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, f"{served.url}/reports", width=width, scheme=scheme) as seen,
    ):
        for name, pair in views.items():
            show(seen, pair)
            assert not seen.page.locator("#page-reports .skeleton:visible").count()
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert seen.page.evaluate(BESIDE) == [], name
            assert grave(seen) == [], name
            seen.page.screenshot(path=OUTPUT / f"reports-{name}-{width}-{scheme}.png", full_page=True)
        assert seen.text("reports-lead") == "That cannot be opened."
        assert seen.complaints == []
        assert seen.strangers == []


def test_two_are_chosen_by_link_kept_in_the_address_and_closed_again(chromium, body, stored, tmp_path):
    first, second, *_ = stored
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, f"{served.url}/reports?range=6h") as seen,
    ):
        page = seen.page
        at(seen, ())
        page.evaluate("window.stays = 1")
        page.locator(f'#reports-list-rows [data-key="{first}"] a').first.click()
        at(seen, (first,))
        assert parse_qs(urlsplit(page.url).query) == {"range": ["6h"], "a": [first]}
        assert page.evaluate("window.scrollY") == 0
        page.locator(f'#reports-list-rows [data-key="{second}"] a', has_text="compare").click()
        at(seen, (first, second))
        assert parse_qs(urlsplit(page.url).query) == {"range": ["6h"], "a": [first], "b": [second]}
        assert seen.text("reports-lead") == "A has the higher Sharpe ratio."
        assert page.locator("#reports-curve .scatterlayer .trace").count() == 4
        assert not page.locator("#reports-key").is_visible()
        page.get_by_role("link", name="Change places").click()
        seen.until(
            "document.getElementById('reports-lead').textContent === 'B has the higher Sharpe ratio.'", 5
        )
        page.go_back()
        seen.until(
            "document.getElementById('reports-lead').textContent === 'A has the higher Sharpe ratio.'", 5
        )
        page.reload()
        at(seen, (first, second))
        page.get_by_role("link", name="Close A").click()
        at(seen, (second,))
        go(seen, "evolution")
        assert "a=" not in page.url
        go(seen, "reports")
        at(seen, ())
        assert not page.locator("#reports-curve").is_visible()
        assert seen.complaints == []


def test_strategies_sort_and_leave_as_csv(chromium, body, stored, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/reports") as seen:
        at(seen, ())
        seen.page.locator("#reports-strategies th button", has_text="Sharpe").click()
        column = (
            "[...document.querySelectorAll('#reports-strategies-rows tr')].map((row) => row.cells[3].textContent)"
            ".filter((text) => text !== '–').map((text) => Number(text.replace('−', '-')))"
        )
        found = seen.page.evaluate(column)
        assert len(found) > 5
        assert found == sorted(found, reverse=True)
        with seen.page.expect_download() as download:
            seen.page.click("#reports-strategies-csv")
        lines = list(csv.reader(Path(download.value.path()).read_text().splitlines()))
        assert len(lines) == 1 + 4 + 2 + MOST_BRED + 3


def test_where_nothing_is_stored_the_page_says_what_to_type(chromium, body, tmp_path):
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/reports") as seen:
        seen.until("document.documentElement.dataset.shown === 'reports'", 10)
        assert seen.text("reports-lead") == "No reports yet."
        assert seen.page.locator("#reports-need code").first.inner_text() == "./run backtest ema_crossover"
        assert "leave a report here" in seen.text("reports-list-empty")
        assert seen.page.locator("#page-reports .block:visible").count() == 2
        assert grave(seen) == []
        OUTPUT.mkdir(exist_ok=True)
        seen.page.screenshot(path=OUTPUT / "reports-empty-1440-light.png", full_page=True)


def test_reports_are_there_while_the_body_is_down_and_do_not_fade(chromium, stored, tmp_path):
    with serving(tmp_path) as served, opened(chromium, f"{served.url}/reports?a={stored[0]}") as seen:
        seen.until("document.documentElement.dataset.condition === 'stale'", 10)
        at(seen, stored[:1])
        assert (
            seen.page.evaluate("getComputedStyle(document.getElementById('reports-figures')).opacity") == "1"
        )


@pytest.mark.timeout(240)
def test_whatever_a_report_says_is_text(chromium, body, tmp_path):
    asked = []
    for nth, evil in enumerate(one.replace("\x00", "") for one in PAYLOADS.values()):
        told = {
            "title": evil,
            "warnings": [evil],
            "figures": {evil: 1.0, "sharpe": 1.0},
            "asked": {evil: {evil: evil}},
        }
        name, bred = shelved.backtest(tmp_path, nth=nth, **told), shelved.evolution(tmp_path, nth=nth)
        genome = {
            "id": evil[:160],
            "says": [[evil, evil], ["genes", f"{evil}=1"]],
            "objectives": {"sharpe": 1.0, evil: 2.0},
        }
        changed(tmp_path, bred, title=evil, genomes=[genome])
        (tmp_path / "reports" / f"{evil.replace('/', '')[:60]}.txt").write_text("x")
        asked += [
            (evil, pair) for pair in ((name,), (name, bred), (bred, f"{bred}:{evil[:160]}"), (evil, name))
        ]
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/reports") as seen:
        for evil, pair in asked:
            show(seen, pair)
            assert not seen.page.evaluate("Boolean(window.owned)")
            assert seen.page.locator(f"#page-reports :is({NEVER})").count() == 0
            assert evil.split()[0][:12] in seen.page.inner_text("#page-reports")
        assert seen.complaints == []
        assert seen.strangers == []
