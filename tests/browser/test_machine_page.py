"""From a line of the log, or an event of the journal, to the page Why: in a real browser, over a journal that was lived."""

import json

import pytest

from organism.effects import Publish
from organism.journal.reader import read_rows
from organism.journal.rows import decode_effects
from organism.messages import ExposureTargeted
from tests.browser.test_vitals_page import chromium, opened
from tests.dashboard.reading.lives import live
from tests.dashboard.serving import serving

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


@pytest.mark.requirement("S3-1.1.10")
@pytest.mark.timeout(180)
def test_the_correlation_of_a_log_line_leads_to_why_and_so_does_every_event(chromium, tmp_path):
    live(tmp_path, 900)
    cause = next(
        row.input_id
        for row in read_rows(tmp_path)
        if any(
            isinstance(one, Publish) and isinstance(one.message, ExposureTargeted)
            for one in decode_effects(row.effects)
        )
    )
    line = {
        "timestamp": "2026-01-31T12:00:00.000Z", "level": "warning", "process": "body", "organ": "brain", "incarnation": 1,
        "correlation": cause, "envelope": cause, "logger": "x", "event": "looked twice", "pid": 1, "thread": "t",
    }  # fmt: skip
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "body.jsonl").write_text(json.dumps(line, separators=(",", ":")) + "\n")
    with serving(tmp_path, guarded=False) as served, opened(chromium, f"{served.url}/machine") as seen:
        page = seen.page
        seen.until("document.querySelectorAll('#machine-events-rows tr').length > 1", 30)
        page.get_by_role("link", name=cause, exact=True).click()
        page.wait_for_selector("#why-chain li", timeout=5_000)
        assert page.url.split("?")[0].endswith("/why")
        steps = page.locator("#why-chain li b")
        assert steps.first.inner_text() == "Bars arrived"
        assert page.locator("#why-chain li b", has_text="the event asked about").count() == 1
        assert page.locator("#why-chain li b", has_text="Exposure targeted").count() == 1
        page.go_back()
        page.wait_for_selector("#machine-log-rows tr")
        page.locator("#machine-events-rows a", has_text="why?").first.click()
        page.wait_for_selector("#why-chain li", timeout=5_000)
        page.goto(f"{served.url}/why?about=vitals:1:77")
        page.wait_for_selector("#why-chain-empty:has-text('Nothing is known of this')", timeout=20_000)
        assert seen.complaints == []
        assert seen.strangers == []
