"""The page of a run of evolution in a real browser: it draws, tells what is pointed at, and fits a phone."""

import numpy as np
import pytest

from genome.costs import Costs
from genome.evolution.plan import Plan
from genome.evolution_report import Setting, story_of, write
from tests.browser.test_backtest_report import ARGUMENTS, CHROMIUM, opened
from tests.genome.evolution.worlds import noise
from tests.genome.test_evolve import Kept

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evolution")
    kept = Kept(folder, Plan(population=24, generations=3, islands=2, migration=2, seed=5))
    path = folder / "evolution.html"
    write(
        path, story_of(kept.run(), kept.store), Setting([noise(700)], Costs(), 10_000.0, "noise.csv", (), 3)
    )
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_chart_is_drawn_and_nothing_runs_off_the_page(chromium, address, width, scheme):
    with opened(chromium, address, width, scheme) as page:
        page.wait_for_selector('html[data-ready="1"]')
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for name in ("sharpe", "hypervolume", "diversity", "speed", "newborn", "equity", "price"):
            box = page.evaluate(
                f"(() => {{ const b = document.querySelector('#{name} path.line').getBoundingClientRect();"
                " return [b.width, b.height]; })()"
            )
            assert box[0] > 0.3 * min(width, 500), name
        widths = page.evaluate(
            "[...document.querySelectorAll('#front .one')].map(e => parseFloat(getComputedStyle(e).strokeWidth))"
        )
        assert np.ptp(widths) > 0.5  # by consistency


def test_a_generation_and_a_point_of_the_front_are_what_the_pointer_is_on(chromium, address):
    with opened(chromium, address) as page:
        for name, least in (("#sharpe rect.column", "Generation 2: best"), ("#front .one.best", "Sharpe")):
            marks = page.locator(name)
            mark = marks.nth(marks.count() // 2)
            mark.scroll_into_view_if_needed()
            found = mark.evaluate(
                "e => { const b = e.getBoundingClientRect();"
                " return document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2).textContent; }"
            )
            assert least in found
