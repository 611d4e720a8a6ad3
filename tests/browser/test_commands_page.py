"""Commands for one strategy and one position, in a real browser: from the button to the journal and back to the page."""

import pytest

from organism.commands import CommandsDb
from tests.browser.test_vitals_page import PASSWORD, SEEN, beating, chromium, opened
from tests.dashboard.living import FakeBody, strategies
from tests.dashboard.reading.lives import live
from tests.dashboard.serving import serving

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
STRATEGY = strategies()[0]["genome_id"]


@pytest.fixture
def body(tmp_path):
    found = FakeBody(tmp_path)
    found.begin(bars=120)
    yield found
    found.close()


def enter(served, page):
    """Set the first password: whoever does is signed in."""
    page.goto(next(word for line in served.lines for word in line.split() if "/setup#" in word))
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(SEEN, timeout=20_000)


def press(page, command, target):
    page.click(f'.act[data-command="{command}"][data-target="{target}"]')
    page.wait_for_selector("dialog[open] #ask-go")


def waiting(state):
    return [(c.command, c.target, c.operator, c.note) for c in CommandsDb(state / "commands.db").waiting()]


def test_a_person_pauses_resumes_closes_bars_and_is_asked_again_only_where_more_may_be_traded(
    chromium, body, tmp_path
):
    with serving(tmp_path) as served, beating(body), opened(chromium, f"{served.url}/trading") as seen:
        page = seen.page
        says = page.locator("#positions .acts-says")
        assert says.inner_text().startswith("Nobody is signed in here")
        press(page, "close", "SOL/USDT")  # nobody set a password yet: nothing can be ordered from here
        page.wait_for_selector("#ask-error:has-text('./run position close SOL/USDT')")
        page.keyboard.press("Escape")
        enter(served, page)
        page.click('.rail [data-go="trading"]')
        page.wait_for_selector('.act[data-command="pause"]')
        assert not says.is_visible()

        press(page, "close", "SOL/USDT")
        assert page.inner_text("#ask-title") == "Close SOL/USDT"
        assert not page.locator("#ask-password").is_visible(), "closing never asks twice"
        page.fill("#ask-note", "it is enough")
        page.click("#ask-go")
        page.wait_for_selector("#positions .waits:has-text('close on its way')")

        press(page, "pause", STRATEGY)
        assert page.inner_text("#ask-title") == "Pause EMA trend"
        page.fill("#ask-note", "odd")
        page.click("#ask-go")
        page.wait_for_selector("#strategies .waits:has-text('pause on its way')")
        seen.until(
            f"document.activeElement.dataset.command === 'pause' && document.activeElement.dataset.target === '{STRATEGY}'"
        )
        given = [("close", "SOL/USDT", "dashboard", "it is enough"), ("pause", STRATEGY, "dashboard", "odd")]
        assert waiting(tmp_path) == given

        body.row("strategies", **strategies()[0], state="paused", forecasts="{}")
        body.put("barred", {"symbols": ["SOL/USDT"], "reason": "no entries in SOL/USDT, told by me"})
        for command, target in (("wake", STRATEGY), ("allow", "SOL/USDT")):
            press(page, command, target)
            page.wait_for_selector("#ask-password:visible")
            page.fill("#ask-password", "not the right one")
            page.click("#ask-go")
            page.wait_for_selector("#ask-error:not(:empty)")
            assert waiting(tmp_path) == given
            page.fill("#ask-password", PASSWORD)
            page.click("#ask-go")
            page.wait_for_selector("dialog:not([open])", state="attached")
            given = [*given, (command, target, "dashboard", "")]
            seen.until("!document.querySelector('dialog[open]')")
            assert waiting(tmp_path) == given
        assert [one for one in seen.complaints if "403" not in one and "401" not in one] == []
        assert seen.strangers == []


def test_a_button_stays_under_the_finger_while_the_figures_of_its_row_change(chromium, body, tmp_path):
    with serving(tmp_path) as served, opened(chromium, f"{served.url}/trading") as seen:
        button = seen.page.locator('.act[data-command="close"][data-target="SOL/USDT"]')
        button.focus()
        seen.page.evaluate(
            "window.was = [document.activeElement, document.querySelector('#positions-rows [data-key=\"SOL/USDT\"] td:nth-child(4)').textContent]"
        )
        body.step()
        body.row("positions", symbol="SOL/USDT", quantity="16.4", average_price="141.9", mark=150.25, unrealised="136.9",
                 exposure=0.24, opened_ns=1, stop_price="133.4")  # fmt: skip
        seen.until(
            "document.querySelector('#positions-rows [data-key=\"SOL/USDT\"] td:nth-child(4)').textContent !== window.was[1]"
        )
        assert seen.page.evaluate(
            "document.activeElement === window.was[0] && document.activeElement.isConnected"
        )
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("dialog[open] #ask-title:has-text('Close SOL/USDT')")


@pytest.mark.timeout(180)
def test_in_the_past_the_buttons_are_off_and_why_is_said(chromium, tmp_path):
    live(tmp_path, 900)
    with serving(tmp_path, guarded=False) as served, opened(chromium, f"{served.url}/why") as seen:
        page = seen.page
        seen.until("document.querySelectorAll('#why-fills-rows tr').length > 1", 30)
        at_ms = page.locator("#why-fills-rows tr").last.locator("time").get_attribute("data-ms")
        page.goto(f"{served.url}/trading?at={at_ms}")
        page.wait_for_selector("html[data-past]", timeout=20_000)
        page.wait_for_selector("#positions .act")
        assert page.locator(".act:enabled").count() == 0
        assert page.locator(".act:disabled").count() > 4
        assert "the past" in page.inner_text("#positions .note:last-child")
        assert page.locator(".act").first.get_attribute("title").startswith("This is the past")
        assert not page.locator("#positions .acts-says").is_visible()
        assert seen.complaints == []
