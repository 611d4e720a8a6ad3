"""Commands end to end: a person presses a button, a living body obeys, the journal keeps it, and the page shows it."""

import pytest

from organism.effects import Publish
from organism.journal.rows import decode_effects, decode_envelope
from organism.messages import ClosePositions, OperatorCommanded, StrategyPaused, TradingStateChanged
from organism.trading import TradingState
from tests.body.house import BUSY, House
from tests.body.waiting import until
from tests.browser.test_commands_page import enter, press
from tests.browser.test_vitals_page import chromium, opened
from tests.dashboard.serving import serving

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


def told(house):
    """What people commanded, and what organs said because of it, in the order of the journal."""
    commanded, said = [], []
    for row in house.rows():
        if row.input and isinstance(message := decode_envelope(row.input).message, OperatorCommanded):
            found = (message.command, message.target, message.operator, message.note)
            commanded += [] if found in commanded else [found]  # several organs hear each
        said += [one.message for one in decode_effects(row.effects) if isinstance(one, Publish)]
    return commanded, said


@pytest.mark.timeout(240)
def test_a_strategy_is_paused_and_a_position_closed_from_the_page(chromium, tmp_path):
    house = House(tmp_path / "state", *BUSY, "market.warmup_bars=300", speed="300")
    house.start()  # with so much of the past that it trades from the first bar on
    try:
        house.wait_trading(1, deadline_s=90.0)
        with serving(house.state) as served, opened(chromium, f"{served.url}/trading") as seen:
            page = seen.page
            enter(served, page)
            page.click('.rail [data-go="trading"]')
            symbol = "ETH/USDT"
            page.wait_for_selector(f'.act[data-command="close"][data-target="{symbol}"]', timeout=60_000)
            press(page, "bar", symbol)
            page.click("#ask-go")
            page.wait_for_selector(f'.act[data-command="allow"][data-target="{symbol}"]', timeout=30_000)
            press(page, "close", symbol)
            page.fill("#ask-note", "enough")
            page.click("#ask-go")
            page.wait_for_selector(
                f"#positions-rows tr[data-key='{symbol}'] .sub:has-text('nothing held')", timeout=60_000
            )
            strategy = page.get_attribute('.act[data-command="pause"]', "data-target")
            press(page, "pause", strategy)
            page.fill("#ask-note", "it looks odd")
            page.click("#ask-go")
            row = f'#strategies-rows tr[data-key="{strategy}"]'
            page.wait_for_selector(f"{row} .tag:has-text('paused')", timeout=30_000)
            assert page.locator(f'{row} [data-command="wake"]').count() == 1
            until(lambda: len(told(house)[0]) == 3, "three commands in the journal")
            commanded, said = told(house)
            assert commanded == [
                ("bar", symbol, "dashboard", ""),
                ("close", symbol, "dashboard", "enough"),
                ("pause", strategy, "dashboard", "it looks odd"),
            ]
            assert [one.genome_id for one in said if isinstance(one, StrategyPaused)] == [strategy]
            assert [
                one.symbols for one in said if isinstance(one, ClosePositions) and "enough" in one.reason
            ] == [(symbol,)]
            assert seen.complaints == []
            assert seen.strangers == []
    finally:
        house.end()


@pytest.mark.timeout(240)
def test_a_person_signs_in_and_halts_and_the_body_is_halted(chromium, tmp_path):
    house = House(tmp_path / "state", *BUSY, "market.warmup_bars=300", speed="300")
    house.start()
    try:
        house.wait_trading(1, deadline_s=90.0)
        with serving(house.state) as served, opened(chromium, served.url) as seen:
            page = seen.page
            enter(served, page)
            page.click("#do-halt")
            page.fill("#ask-note", "looks odd to me")
            page.click("#ask-go")
            page.wait_for_selector("#vitals-lead:has-text('Halted:')", timeout=30_000)
            assert "looks odd to me" in seen.text("vitals-text")
            until(lambda: house.status()["mode"] == "HALTED", "a halted body")
            commanded, said = told(house)
            assert commanded == [("halt", "", "dashboard", "looks odd to me")]
            (changed,) = [one for one in said if isinstance(one, TradingStateChanged)]
            assert (changed.before.state, changed.after.state) == (TradingState.ACTIVE, TradingState.HALTED)
            assert seen.complaints == []
            assert seen.strangers == []
    finally:
        house.end()
