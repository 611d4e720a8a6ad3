"""The body is killed while somebody looks: the page says so in time, keeps what was last known, and heals by itself."""

import os
import signal

import pytest

from tests.body.house import BUSY, House
from tests.body.waiting import until
from tests.browser.test_vitals_page import chromium, opened
from tests.dashboard.serving import serving

__all__ = ["chromium"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
SAID_S = 3.0


@pytest.mark.timeout(240)
def test_a_killed_body_is_said_to_be_down_and_the_page_heals(chromium, tmp_path):
    house = House(tmp_path / "state", *BUSY, "market.warmup_bars=300", speed="300")
    house.start()
    try:
        house.wait_trading(1, deadline_s=90.0)
        with serving(house.state) as served, opened(chromium, served.url) as seen:
            seen.until("document.documentElement.dataset.condition === 'living'", 15)
            house.guardian.send_signal(signal.SIGSTOP)  # or it would be back before anybody has looked
            try:
                killed = house.body_pid
                os.kill(killed, signal.SIGKILL)
                seen.until("document.documentElement.dataset.condition === 'down'", SAID_S)
                assert seen.text("vitals-lead") == "The body is down:"
                assert "last heard" in seen.text("vitals-text")
                found = house.status()
                assert found["mode"] == "DOWN"
                assert seen.text("key-equity") == f"{found['equity']:,.2f}", (
                    "what was last known stays in sight"
                )
            finally:
                house.guardian.send_signal(signal.SIGCONT)
            seen.until("document.documentElement.dataset.condition === 'living'", 30)
            until(lambda: house.body_pid not in {None, killed}, "another body")
            assert seen.text("vitals-lead") != "The body is down:"
            assert seen.strangers == []
    finally:
        house.end()
