"""The page of `data check` in a real browser: it draws in its colours, asks nobody for anything, and fits a phone."""

import pytest

from organism.cli.data.check import Measured
from organism.cli.data.quality_page import write
from organism.lake.names import series
from organism.lake.quality import Around, inspect
from tests.browser.test_backtest_report import chromium, opened
from tests.lake.spoiled import HOUR, scaled, walk, without

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


@pytest.mark.parametrize("width", [1280, 380])
def test_the_page_draws_what_is_missing_and_what_is_wrong_in_colour(chromium, tmp_path, width):
    candles = without(scaled(walk(3_000, HOUR), 700, 1.7), *range(1_000, 1_400))
    name = series("binance", "<b>X</b>/USDT", "1h")
    path = tmp_path / "quality.html"
    write(path, [Measured(name, "", inspect(candles, HOUR, Around("binance", name.symbol)))])
    with opened(chromium, path.as_uri(), width=width) as seen:
        page = getattr(seen, "page", seen)
        page.wait_for_selector(".q svg rect")
        fills = page.eval_on_selector_all(".q svg rect", "all => all.map(one => getComputedStyle(one).fill)")
        assert "rgb(214, 69, 69)" in fills  # missing
        assert "rgb(192, 38, 211)" in fills  # an outlier
        assert page.locator("text=<b>X</b>/USDT").count() >= 1
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
