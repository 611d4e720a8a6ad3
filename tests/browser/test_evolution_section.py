"""The page about breeding, in a real browser."""

import pytest

from tests.browser.test_vitals_page import beating, chromium, opened
from tests.dashboard.living import FakeBody
from tests.dashboard.serving import serving

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


@pytest.mark.parametrize("width", [1440, 390])
def test_generation_rate_and_the_best_are_on_the_page_and_what_was_unfolded_stays_open(
    chromium, tmp_path, width
):
    body = FakeBody(tmp_path)
    body.begin(bars=60)
    with (
        serving(tmp_path) as served,
        beating(body),
        opened(chromium, f"{served.url}/evolution", width=width) as seen,
    ):
        section = seen.page.locator("#page-evolution")
        said = section.inner_text()
        assert "Generation 7 of 10 in round 3" in said
        assert "362" in said
        assert "14,210" in said
        assert "Nothing bred is funded" in said
        assert "looks good by luck alone" in said
        section.locator("summary").click()
        seen.page.wait_for_timeout(2_500)  # two looks of the page
        assert "exit short" in section.inner_text()
        assert section.locator("details[open]").count() == 1
        assert not seen.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert seen.complaints == []
    body.close()
